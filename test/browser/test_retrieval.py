"""Metrics of retrieval by k and by label."""

from browser import PageTest


class Retrieval(PageTest):
    PAGE = "SELECT similarity.report_html('glyphs', 'retrieval')"

    def test_numbers(self):
        """Table, head and curve are evaluate_retrieval()'s."""
        self.open(self.PAGE)
        sql = dict(self.rows("""SELECT metric, value FROM similarity.evaluate_retrieval('glyphs',
            'SELECT e, kind FROM glyphs_sample WHERE kind IS NOT NULL',
            '{recall@1,recall@5,precision@1,precision@10,map@10,map@50}', drop_closest => true)"""))
        metrics = self.script("return JSON.parse(document.querySelector('script[data-name=metrics]').textContent)")
        ks = self.script("return JSON.parse(document.querySelector('script[data-name=k]').textContent)")
        page = {m['name'].replace('@k', f'@{k}'): v for m in metrics for k, v in zip(ks, m['values'])}
        for name, value in sql.items():
            self.assertAlmostEqual(page[name], value, delta=1e-6, msg=name)
        head = dict(zip([e.text for e in self.all('dt')], [e.text for e in self.all('dd')]))
        for name in ('recall@1', 'precision@10', 'map@10'):
            self.assertEqual(head[name], f'{sql[name]:.4f}')
        self.click('summary')
        row = [e.text for e in self.all('#retrieval details:first-of-type tbody tr')][0]
        self.assertEqual(row.split()[:3], ['1', f'{sql["recall@1"]:.4f}', f'{sql["precision@1"]:.4f}'])

    def test_classes(self):
        self.open(self.PAGE)
        classes = self.script("return JSON.parse(document.querySelector('script[data-name=classes]').textContent)")
        sql = {label: (value, n) for label, value, n in self.rows("""SELECT label, value, queries FROM similarity.evaluate_retrieval('glyphs',
            'SELECT e, kind FROM glyphs_sample WHERE kind IS NOT NULL', '{recall@1}', drop_closest => true, per_class => true) WHERE label IS NOT NULL""")}
        self.assertEqual(len(classes), len(sql))
        for label, queries, values in classes:
            if label in sql:
                self.assertAlmostEqual(values[0], sql[label][0], delta=1e-4)
                self.assertEqual(queries, sql[label][1])
        self.assertEqual([c[2][0] for c in classes], sorted(c[2][0] for c in classes))
        bars = self.all('#retrieval-by-label rect[stroke]')
        self.assertGreaterEqual(len(bars), len(classes))

    def test_reads_off(self):
        """Pointing, and arrow keys, tell the values at a k; a legend takes a line away."""
        self.open(self.PAGE)
        chart = self.one('#retrieval-by-k svg.chart')
        self.hover(chart)
        self.assertIn('recall@k', self.text('.tip'))
        self.script('arguments[0].focus()', chart)
        self.press('HOME')
        self.assertTrue(self.text('.tip').startswith('k 1'), self.text('.tip'))
        self.press('ARROW_RIGHT')
        self.assertTrue(self.text('.tip').startswith('k 2'), self.text('.tip'))
        self.press('ESCAPE')
        self.assertFalse(self.one('.tip').is_displayed())
        self.click('#retrieval-by-k .legend button')
        self.assertEqual(len(self.all('#retrieval-by-k g[data-series]')), 2)

    def test_choice(self):
        self.open(self.PAGE)
        before = self.one('#retrieval-by-label svg.chart').get_attribute('innerHTML')
        self.script("const s = document.querySelector('#retrieval-by-label select'); s.selectedIndex = s.length - 1; s.dispatchEvent(new Event('change'))")
        self.assertNotEqual(self.one('#retrieval-by-label svg.chart').get_attribute('innerHTML'), before)

    def test_looks(self):
        self.open(self.PAGE)
        self.shoot('retrieval')
