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

    def test_label_of_effort(self):
        """The label of the index's own effort stands where the curve is not: at the top it is where recall is 1."""
        self.rows("CREATE TABLE wide AS SELECT i AS id, i % 3 AS kind, random_embedding(16, i)::embedding(16) AS e FROM generate_series(1, 2000) i")
        self.rows("CREATE INDEX wide_e ON wide USING similarity_hnsw (e embedding_l2_ops) WITH (m = 8)")
        self.rows("SELECT similarity.create_gallery('wide', 'wide', 'e', 'kind', distance => 'euclidean')")
        for effort in (10, 40, 320):
            self.rows(f"ALTER INDEX wide_e SET (ef_search = {effort})")
            self.open("SELECT similarity.report_html('wide', 'index')")
            self.assertFalse(self.script("""
                const card = document.querySelector('#index .card');
                const {x, y, width, height} = card.querySelector('.mark text').getBBox();
                const line = card.querySelector('[data-series] path');
                return Array.from({length: line.getTotalLength()}, (none, i) => line.getPointAtLength(i))
                    .some(p => p.x >= x && p.x <= x + width && p.y >= y && p.y <= y + height)"""), f'ef_search {effort}')

    def test_facts(self):
        self.open("SELECT similarity.report_html('glyphs', 'index')")
        facts = {row.find_elements('css selector', 'td')[0].text: row.find_elements('css selector', 'td')[1].text for row in self.all('#index tbody tr')}
        rows, nodes, pages = self.rows("SELECT rows, nodes, pages FROM similarity.index_info('glyphs_e_idx')")[0]
        self.assertEqual([self.numbers(facts[name])[0] for name in ('rows', 'nodes', 'pages')], [rows, nodes, pages])

    def test_history(self):
        """A build, vacuums and measurements, as SQL tells them."""
        self.rows("CREATE TABLE aged AS SELECT * FROM glyphs")
        self.rows("CREATE INDEX aged_e ON aged USING similarity_hnsw (e embedding_l2_ops)")
        self.rows("SELECT similarity.create_gallery('aged', 'aged', 'e', 'kind', distance => 'euclidean')")
        self.rows("SELECT similarity.index_recall('aged_e', 50, 10, 40)")
        self.rows("DELETE FROM aged WHERE id % 3 = 0")
        self.rows("VACUUM aged")
        self.rows("INSERT INTO aged SELECT id + 1000, kind, e FROM glyphs")
        self.rows("SELECT similarity.index_recall('aged_e', 50, 10, 20)")
        self.rows("VACUUM aged")
        self.open("SELECT similarity.report_html('aged', 'index')")
        facts = {row.find_elements('css selector', 'td')[0].text: row.find_elements('css selector', 'td')[1].text for row in self.all('#index tbody tr')}
        self.assertEqual([self.numbers(facts[name])[0] for name in ('rows then', 'rows inserted since', 'rows removed since', 'vacuums since')],
                         [300, 300, 100, 2])
        self.click('#index details summary')
        events = [row.find_elements('css selector', 'td')[0].text for row in self.all('#index details tbody tr')]
        self.assertEqual(events, ['vacuum', 'recall@10, ef_search 20', 'vacuum', 'recall@10, ef_search 40', 'build'])
        titles = [title.text for title in self.all('#index .card h3')]
        self.assertEqual(titles[3:], ['Size since the build', 'What a search read since the build', 'Recall measured since the build'])
        self.assertEqual(len(self.all('#index .card:nth-child(6) [data-series] path')), 3)
        self.script('arguments[0].focus()', self.all('#index svg.chart')[3])
        self.press('HOME')
        self.assertIn('build', self.text('.tip'))
        self.assertIn(self.value("SELECT round(min(bytes) / 1048576.0, 4)::float FROM similarity.index_history('aged_e')"), self.numbers(self.text('.tip')))
        self.shoot('index-history')

    def test_looks(self):
        self.open("SELECT similarity.report_html('glyphs', 'index')")
        self.shoot('index')
