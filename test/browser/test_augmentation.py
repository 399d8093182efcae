"""Pictures under the augmentation of a training."""

import sketches
from browser import PageTest


class Augmentation(PageTest):
    prepare = classmethod(sketches.prepare)

    def test_sheet(self):
        """A picture and seven views a row, every one of them decoded."""
        self.open("SELECT similarity.report_html('drawer', 'augmentation', options => '{\"items\": 4}')")
        self.assertEqual(len(self.all('#augmentation .row')), 4)
        self.assertEqual(self.script('return [...document.querySelectorAll("#augmentation img")].filter(i => i.naturalWidth === 4 && i.naturalHeight === 4).length'), 4 * 8)
        self.assertIn('["translate", "rotate"]', self.text('#augmentation .note'))

    def test_looks(self):
        self.open("SELECT similarity.report_html('glyphs', 'augmentation', options => '{\"augmentation\": [\"rotate\", {\"color_jitter\": {}}, \"cutout\"], \"items\": 5}')")
        self.assertEqual(len(self.all('#augmentation img')), 5 * 8)
        self.shoot('augmentation')
