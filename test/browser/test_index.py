"""How good the indexes of a gallery are."""

from browser import PageTest


class Index(PageTest):
    def test_numbers(self):
        """Recall and neighbors are those that SQL tells."""
        self.open("SELECT similarity.report_html('glyphs', 'index')")
        points = self.all('#index .card:nth-child(1) [data-series] path')
        self.assertGreater(len(points), 3)
        chart = self.one('#index svg.chart')
        self.script('arguments[0].focus()', chart)
        self.press('HOME')
        recall = self.value("SELECT round(recall::numeric, 4) FROM similarity.index_recall('glyphs_e_idx', 200, 10, 10, 42)")
        self.assertIn('ef_search 10', self.text('.tip'))
        self.assertIn(float(recall), self.numbers(self.text('.tip')))
        bars = self.all('#index .card:nth-child(3) rect[fill-opacity]')
        self.assertEqual(len(bars), self.value("SELECT count(*) FROM similarity.index_degrees('glyphs_e_idx')"))

    def test_facts(self):
        self.open("SELECT similarity.report_html('glyphs', 'index')")
        facts = {row.find_elements('css selector', 'td')[0].text: row.find_elements('css selector', 'td')[1].text for row in self.all('#index tbody tr')}
        rows, nodes, pages = self.rows("SELECT rows, nodes, pages FROM similarity.index_info('glyphs_e_idx')")[0]
        self.assertEqual([self.numbers(facts[name])[0] for name in ('rows', 'nodes', 'pages')], [rows, nodes, pages])

    def test_looks(self):
        self.open("SELECT similarity.report_html('glyphs', 'index')")
        self.shoot('index')
