"""The grid of items and their neighbors."""

import browser
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

    def test_cut_point(self):
        """Neighbors beyond the cut point are those that SQL finds there, and say so in shape, sign and words."""
        self.rows("CREATE TABLE cut AS SELECT * FROM glyphs WHERE kind IS NOT NULL")
        self.rows("ALTER TABLE cut ADD PRIMARY KEY (id)")
        self.rows("SELECT similarity.create_gallery('cut', 'cut', 'e', 'kind', distance => 'euclidean', image => 'image', image_shape => '{8,8,3}')")
        self.rows("SELECT count(*) FROM similarity.calibrate('cut', 'SELECT e + ''[0.001,0]'', kind FROM cut WHERE id % 3 = 0', drop_closest => true)")
        distance = self.value("SELECT distance FROM similarity.cutpoints WHERE gallery = 'cut' AND name = 'optimal'")
        query = "SELECT e + ARRAY[id / 1000.0, 0]::embedding, kind, image FROM cut WHERE id > 150"
        self.open("SELECT similarity.report_html('cut', 'neighbors', %s, '{\"items\": 100, \"k\": 4}')", query)
        found = self.rows(f"""SELECT count(*) FILTER (WHERE d > %s), count(*) FILTER (WHERE d > %s AND n = 1), count(DISTINCT id) FROM (SELECT q.id, n, d
            FROM (SELECT id, e + ARRAY[id / 1000.0, 0]::embedding AS q FROM cut WHERE id > 150 LIMIT 100) q,
            LATERAL (SELECT row_number() OVER (ORDER BY e <-> q.q) AS n, e <-> q.q AS d FROM cut ORDER BY 2 LIMIT 4) l) x""", distance, distance)[0]
        self.assertGreater(found[0], 0)
        self.assertGreater(found[2], found[1])
        beyond = self.all('.row figure.beyond')
        self.assertEqual(len(beyond), found[0])
        for figure in beyond[:5]:
            self.assertTrue(figure.find_element('css selector', 'b').text.startswith('? '))
            self.assertIn('beyond the cut point', figure.text)
            self.assertEqual(self.script("return getComputedStyle(arguments[0], '::before').borderTopStyle", figure), 'dotted')
        self.assertIn(f'{distance:.4f}', self.text('#neighbors .key'))
        head = dict(zip([e.text for e in self.all('dt')], [e.text for e in self.all('dd')]))
        self.assertEqual(self.numbers(head['nearest is beyond the cut point']), [found[1], found[2]])
        self.click('button', 'nearest is beyond the cut point')
        self.assertEqual(len(self.shown('.row')), found[1])
        self.open("SELECT similarity.report_html('cut', 'neighbors', %s, '{\"items\": 8, \"k\": 4}')", query.replace('1000.0', '20000.0'))
        self.shoot('neighbors-cut')
        self.open("SELECT similarity.neighbors_html('cut', %s, 4)", query + ' LIMIT 100')
        self.assertEqual(len(self.all('figure.beyond')), found[0])

    def test_policy(self):
        """Nothing runs that is not ours, whatever got into a page: neither a script nor a handler, nor a style sheet."""
        evil = '<script>window.broken = 1</script><img src="data:," onerror="window.broken = 2"><style>h1 {color: red}</style><p id="evil" onclick="window.broken = 3">x</p>'
        self.open("SELECT replace(similarity.report_html('glyphs', 'neighbors'), '</h1>', '</h1>' || %s)", evil)
        self.click('#evil')
        self.assertIsNone(self.script('return window.broken || null'))
        self.assertNotIn('255, 0, 0', self.one('h1').value_of_css_property('color'))
        refused = [m['message'] for m in browser.driver.get_log('browser') if 'Content Security Policy' in m['message']]
        self.assertEqual(len(refused), 4)
        self.assertEqual(len(self.shown('.row')), 50)
        self.click('button', 'nearest is wrong')

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
            SELECT similarity.create_gallery('large', 'large', 'e', 'kind', image => 'image', image_shape => '{56,56,3}');
            CREATE TABLE noise (id int PRIMARY KEY, kind text, e embedding(4), image bytea);
            ALTER TABLE noise ALTER image SET STORAGE EXTERNAL;
            INSERT INTO noise SELECT i, 'c' || i % 10, random_embedding(4, i),
                substr(n.noise, i * 7, 256 * 256) FROM generate_series(1, 1000) i,
                (SELECT decode(string_agg(md5(j::text), ''), 'hex') AS noise FROM generate_series(1, 5000) j) n;
            SELECT similarity.create_gallery('noise', 'noise', 'e', 'kind', image => 'image', image_shape => '{256,256,1}');""")

    def test_thousand_rows(self):
        """A page of 1,000 rows stays below 20 MB, and says what it left out."""
        size = self.open("SELECT similarity.report_html('large', 'neighbors', options => '{\"items\": 1000}')")
        self.assertLess(size, 20 * 1024 * 1024)
        self.assertEqual(len(self.all('.row')), 1000)
        left_out = len(self.all('.none'))
        self.assertEqual(left_out, 0)
        self.assertIn('200 items not shown', self.text('#neighbors'))

    def test_photographs(self):
        """So do 1,000 rows of noise of 256 x 256 pixels, of which hardly a picture can be compressed."""
        size = self.open("SELECT similarity.report_html('noise', 'neighbors', options => '{\"items\": 1000}')")
        self.assertLess(size, 20 * 1024 * 1024)
        left_out = len(self.all('.none'))
        self.assertGreater(left_out, 0)
        self.assertIn(f'{left_out:,} pictures left out', self.text('#neighbors'))
        self.assertEqual(self.script('return document.querySelector("figure img").naturalWidth'), 128)


class Nothing(PageTest):
    def test_sections_say_so(self):
        """Without labels, pictures, index or rows a page is sentences, not errors."""
        for gallery in ('bare', 'empty'):
            self.open('SELECT similarity.report(%s)', gallery)
            for section in self.all('section.part'):
                self.assertGreater(len(section.text.splitlines()), 1, gallery)
            self.shoot('report-' + gallery)
