"""Histograms of distances, and cut points that are moved."""

from browser import PageTest


class Distances(PageTest):
    @classmethod
    def prepare(cls):
        """Three kinds whose edges overlap, and labels that try to be more."""
        cls.rows("""SET client_min_messages = error;
            CREATE TABLE spread (id int PRIMARY KEY, kind text, e embedding(2));
            INSERT INTO spread SELECT i, (ARRAY['<b>', E'\\u202Ea\\001', 'c'])[1 + i % 3], ARRAY[i % 3 + .7 * sin(i * 12.9898), .7 * cos(i * 78.233)]::embedding FROM generate_series(1, 240) i;
            SELECT similarity.create_gallery('spread', 'spread', 'e', 'kind', distance => 'euclidean');
            SELECT similarity.calibrate('spread', 'SELECT e, kind FROM spread', '{"half": 0.5}', drop_closest => true)""")

    def read(self):
        """The table of what cut points give: {name: [distance, precision, ...]}"""
        return {row.find_element('css selector', 'th').text: [self.numbers(cell.text)[0] for cell in row.find_elements('css selector', 'td')]
                for row in self.all('#distances-read tbody tr')}

    def marks(self):
        return self.all('#distances-curves .mark[role=slider]')

    def at(self, distance):
        return [float(v) for v in self.rows("""
            SELECT "precision", recall, f1, fpr FROM similarity.calibration_curve WHERE gallery = 'spread' ORDER BY abs(distance - %s) LIMIT 1""", distance)[0]]

    def assertGives(self, row, distance):
        """A row of the table holds four digits of what calibrate() found at a distance."""
        for shown, found in zip(row[1:5], self.at(distance)):
            self.assertAlmostEqual(shown, found, delta=.000051)

    def test_cutpoints(self):
        """They stand where calibrate() put them, and give what it found."""
        self.open("SELECT similarity.report_html('spread', 'distances')")
        cutpoints = self.rows("SELECT name, distance FROM similarity.cutpoints WHERE gallery = 'spread' ORDER BY distance")
        self.assertEqual(list(self.read()), [name for name, distance in cutpoints])
        for name, distance in cutpoints:
            self.assertAlmostEqual(self.read()[name][0], distance, delta=1e-6)
            self.assertGives(self.read()[name], distance)

    def test_drag(self):
        """A line that is dragged stops at a distance that occurs, where the numbers are the curve's."""
        self.open("SELECT similarity.report_html('spread', 'distances')")
        before = self.read()
        name = list(before)[0]
        self.drag(self.marks()[0].find_element('css selector', 'rect'), 150)
        after = self.read()
        self.assertIn(name + ' (moved)', after)
        moved = after[name + ' (moved)']
        self.assertGreater(moved[0], before[name][0])
        self.assertGives(moved, moved[0])
        self.click('#distances-reset')
        self.assertEqual(self.read(), before)

    def test_keys(self):
        """One distance on with an arrow, back again with Escape, to the ends with Home and End."""
        self.open("SELECT similarity.report_html('spread', 'distances')")
        before = self.read()
        name = list(before)[0]
        distances = [row[0] for row in self.rows("SELECT distance FROM similarity.calibration_curve WHERE gallery = 'spread' ORDER BY 1")]
        self.script('arguments[0].focus()', self.marks()[0])
        self.press('ARROW_RIGHT')
        self.assertAlmostEqual(self.read()[name + ' (moved)'][0], min(d for d in distances if d > before[name][0] + 1e-6), delta=1e-6)
        self.press('END')
        self.assertAlmostEqual(self.read()[name + ' (moved)'][0], distances[-1], delta=1e-6)
        self.press('ESCAPE')
        self.assertEqual(self.read(), before)

    def test_histogram(self):
        """Bars hold all pairs, and pointing at one reads off how many."""
        self.open("SELECT similarity.report_html('spread', 'distances')")
        same, different = self.rows("""SELECT count(*) FILTER (WHERE a.kind = b.kind), count(*) FILTER (WHERE a.kind <> b.kind) FROM spread a, spread b WHERE a.id < b.id""")[0]
        self.assertEqual([self.numbers(button.text)[0] for button in self.all('#distances-pairs .legend button')], [same, different])
        chart = self.one('#distances-pairs svg.chart')
        self.hover(chart)
        self.assertRegex(self.text('.tip'), r'from [\d.]+ to [\d.]+: [\d,]+ and [\d,]+')

    def test_not_calibrated(self):
        """Without a calibration there is a line to move nevertheless."""
        self.open("SELECT similarity.report_html('bare', 'distances')")
        self.assertEqual(self.all('.figure'), [])
        self.rows("UPDATE bare SET kind = (e::float8[])[1]::int % 2")
        self.open("SELECT similarity.report_html('bare', 'distances')")
        self.rows("UPDATE bare SET kind = NULL")
        self.assertEqual(list(self.read()), ['best f1'])
        self.assertEqual(len(self.marks()), 1)

    def test_looks(self):
        self.open("SELECT similarity.report_html('spread', 'distances')")
        self.shoot('distances')
