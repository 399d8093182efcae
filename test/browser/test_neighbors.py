"""The grid of items and their neighbors."""

from browser import PageTest


class Neighbors(PageTest):
    def test_filter(self):
        self.open("SELECT similarity.report_html('glyphs', 'neighbors', options => '{\"items\": 60}')")
        wrong = len(self.all('figure.query + figure.wrong'))
        self.assertEqual(len(self.shown('.row')), 60)
        self.assertGreater(wrong, 0)
        self.click('button', 'nearest is wrong')
        self.assertEqual(len(self.shown('.row')), wrong)
        self.assertEqual(self.numbers(self.text('.tools span')), [wrong, 60])
        self.click('button', 'all')
        self.one('.tools input').send_keys('bar')
        shown = self.shown('.row')
        self.assertGreater(len(shown), 0)
        self.assertTrue(all('bar' in row.find_element('css selector', '.query').text for row in shown))

    def test_keyboard(self):
        self.open("SELECT similarity.report_html('glyphs', 'neighbors')")
        self.press('TAB', 'TAB', 'ENTER')
        self.assertEqual(self.text('button[aria-pressed=true]'), 'nearest is wrong')

    def test_numbers(self):
        """The head counts what SQL counts, and bars are as long as distances."""
        self.open("SELECT similarity.report_html('glyphs', 'neighbors', options => '{\"items\": 60, \"k\": 3}')")
        right = self.value("""
            SELECT count(*) FILTER (WHERE n.kind = s.kind) FROM (SELECT * FROM glyphs_sample LIMIT 60) s,
            LATERAL (SELECT kind FROM glyphs g WHERE g.id <> s.id ORDER BY g.e <-> s.e LIMIT 1) n""")
        head = dict(zip([e.text for e in self.all('dt')], [e.text for e in self.all('dd')]))
        self.assertEqual(self.numbers(head['nearest is right']), [right, len(self.all('.query b')) - len(self.all('.query b', '(no label)'))])
        lengths = self.script("""return [...document.querySelectorAll('.bar')].map(bar =>
            [bar.firstChild.getBoundingClientRect().width / bar.getBoundingClientRect().width, Number(bar.style.getPropertyValue('--d'))])""")
        self.assertEqual(len(lengths), 180)
        farthest = max(d for w, d in lengths)
        for width, distance in lengths:
            self.assertAlmostEqual(width, distance / farthest, delta=.02)

    def test_labels(self):
        """A label is text, whatever it holds."""
        self.open("SELECT similarity.report('glyphs')")
        self.assertIsNone(self.script('return window.broken || null'))
        texts = {e.text for e in self.all('.query b')}
        self.assertIn('</script><script>window.broken = 1</script>', texts)
        self.assertIn('gpj.exe \u05d0\u05d1', texts)
        self.assertIn('a b "&\'\\', texts)
        self.assertIn('(no label)', texts)

    def test_without_script(self):
        """Pictures, labels and distances are there without any script."""
        self.open("SELECT regexp_replace(similarity.report_html('glyphs', 'neighbors'), '<script>.*</script>', '')")
        self.assertEqual(len(self.shown('.row')), 50)
        self.assertGreater(self.script('return document.querySelector("figure.query img").naturalWidth'), 0)

    def test_looks(self):
        self.open("SELECT similarity.report_html('glyphs', 'neighbors', options => '{\"items\": 8, \"k\": 8}')")
        self.shoot('neighbors')


class Limits(PageTest):
    @classmethod
    def prepare(cls):
        cls.rows("""
            CREATE TABLE large (id int PRIMARY KEY, kind text, e embedding(4), image bytea);
            INSERT INTO large SELECT i, 'c' || i % 10, random_embedding(4, i), decode(repeat(lpad(to_hex(i % 256), 2, '0'), 56 * 56 * 3), 'hex') FROM generate_series(1, 1200) i;
            SELECT similarity.create_gallery('large', 'large', 'e', 'kind', image => 'image', image_shape => '{56,56,3}');""")

    def test_thousand_rows(self):
        """A page of 1,000 rows stays below 20 MB, and says what it left out."""
        size = self.open("SELECT similarity.report_html('large', 'neighbors', options => '{\"items\": 1000}')")
        self.assertLess(size, 20 * 1024 * 1024)
        self.assertEqual(len(self.all('.row')), 1000)
        left_out = len(self.all('.none'))
        self.assertGreater(left_out, 0)
        self.assertIn(f'{left_out:,} pictures left out', self.text('#neighbors'))
        self.assertIn('200 items not shown', self.text('#neighbors'))


class Nothing(PageTest):
    def test_sections_say_so(self):
        """Without labels, pictures, index or rows a page is sentences, not errors."""
        for gallery in ('bare', 'empty'):
            self.open('SELECT similarity.report(%s)', gallery)
            for section in self.all('section.part'):
                self.assertGreater(len(section.text.splitlines()), 1, gallery)
            self.shoot('report-' + gallery)
