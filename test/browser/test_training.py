"""Curves of trainings."""

import sketches
from browser import PageTest


class Training(PageTest):
    prepare = classmethod(sketches.prepare)

    def chart(self, title):
        for card in self.all('#training .card'):
            if card.find_elements('css selector', 'h3') and card.find_element('css selector', 'h3').text == title:
                return card
        self.fail('no chart ' + title)

    def test_hover(self):
        """Pointing at an epoch reads off what the log says of it."""
        self.open("SELECT similarity.report_html('drawer', 'training')")
        chart = self.chart('Loss of epochs').find_element('css selector', 'svg.chart')
        self.hover(chart, x=chart.size['width'] // 2 - 16)
        loss = self.value("SELECT round(loss::numeric, 4) FROM similarity.training_log ORDER BY run DESC, epoch DESC LIMIT 1")
        self.assertIn('epoch 5', self.text('.tip'))
        self.assertIn(str(loss), self.text('.tip'))

    def test_keyboard(self):
        self.open("SELECT similarity.report_html('drawer', 'training')")
        chart = self.chart('Validation').find_element('css selector', 'svg.chart')
        self.script('arguments[0].focus()', chart)
        self.press('HOME')
        tip = self.text('.tip')
        for group in ('', '_known_classes', '_unknown_classes'):
            value = self.value("SELECT round((validation->>%s)::numeric, 4) FROM similarity.training_log ORDER BY run DESC, epoch LIMIT 1", 'recall@1' + group)
            self.assertIn(float(value), self.numbers(tip))
        self.press('ESCAPE')
        self.assertEqual(self.shown('.tip'), [])

    def test_choose(self):
        """The gallery's version comes first; another is chosen, with its verdict as text."""
        self.open("SELECT similarity.report_html('drawer', 'training')")
        self.assertEqual(len(self.chart('Loss of epochs').find_elements('css selector', '[data-series] path')), 6)
        self.assertEqual(self.all('#training-one .wrong'), [])
        self.script("const s = document.getElementById('training-choice'); s.value = 0; s.dispatchEvent(new Event('change'))")
        self.assertEqual(len(self.chart('Loss of epochs').find_elements('css selector', '[data-series] path')), 4)
        self.assertEqual(self.text('#training-one .wrong'), '\u2717 Epochs 2, 3: all embeddings are nearly the same: the model has <b>collapsed</b>')
        self.assertIn('collapsed', self.chart('Loss of epochs').find_element('css selector', '.mark').text)

    def test_legend(self):
        self.open("SELECT similarity.report_html('sketch', 'training')")
        chart = self.chart('Validation')
        self.assertEqual(len(chart.find_elements('css selector', '[data-series]')), 3)
        chart.find_element('css selector', '.legend button').click()
        self.assertEqual(len(chart.find_elements('css selector', '[data-series]')), 2)

    def test_looks(self):
        self.open("SELECT similarity.report_html('drawer', 'training')")
        self.shoot('training')
