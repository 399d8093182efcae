"""Rows whose labels their neighbors contradict."""

from browser import PageTest


class Audit(PageTest):
    @classmethod
    def prepare(cls):
        cls.rows("""
            CREATE TABLE shelf (id int PRIMARY KEY, truth text, kind text, e embedding(2), image bytea);
            INSERT INTO shelf SELECT id, t, CASE WHEN id % 12 = 0 THEN (ARRAY['bar', 'cup'])[1 + (id % 5 > 1)::int] ELSE t END,
                ARRAY[10 * (id % 5) + (hashint4(id) & 1023) / 500.0, (hashint4(-id) & 1023) / 500.0]::embedding, image
            FROM (SELECT *, (ARRAY['cup', 'box', '</script><script>window.broken = 1</script>', E'\\u202Egpj.exe \\u05d0', E'a\\001b"&''\\\\'])[1 + id % 5] AS t
                FROM glyphs WHERE image IS NOT NULL) g;
            INSERT INTO shelf SELECT 1000 + id, truth, 'bar', e, image FROM shelf WHERE id = 1;
            SELECT similarity.create_gallery('shelf', 'shelf', 'e', 'kind', distance => 'euclidean', image => 'image', image_shape => '{8,8,3}');""")

    def suspects(self):
        return self.rows("SELECT key, label, suggested_label, sure FROM similarity.audit('shelf', duplicate_distance => -1)")

    def test_numbers(self):
        """The page shows what SQL says, surest first, each with its neighbors."""
        self.open("SELECT similarity.report_html('shelf', 'audit', options => '{\"items\": 1000, \"k\": 4}')")
        suspects = self.suspects()
        head = dict(zip([e.text for e in self.all('dt')], [e.text for e in self.all('dd')]))
        self.assertGreater(len(suspects), 5)
        self.assertEqual(self.numbers(head['suspected']), [len(suspects)])
        self.assertEqual(self.numbers(head['rows judged']), [self.value('SELECT count(*) FROM shelf')])
        self.assertEqual(len(self.all('.row')), len(suspects))
        notes = [e.text for e in self.all('figure.query small')]
        for note, (key, _, _, sure) in zip(notes, suspects):
            self.assertTrue(note.startswith(f'{100 * sure:.1f} % sure it is '), note)
            self.assertTrue(note.endswith(f'key {key}'), note)
        self.assertEqual(len(self.all('figure:not(.query)')), 4 * len(suspects))
        self.assertIsNone(self.script('return window.broken || null'))

    def test_filter(self):
        self.open("SELECT similarity.report_html('shelf', 'audit', options => '{\"items\": 1000}')")
        suspects = self.suspects()
        bars = len([s for s in suspects if s[1] == 'bar'])
        self.assertGreater(bars, 0)
        self.one('select[aria-label=label]').send_keys('bar')
        self.assertEqual(len(self.shown('.row')), bars)
        self.assertEqual(self.numbers(self.text('.tools span')), [bars, len(suspects)])

    def test_keyboard(self):
        """Arrows go from row to row."""
        self.open("SELECT similarity.report_html('shelf', 'audit')")
        self.script("document.querySelector('.row').focus()")
        self.press('ARROW_DOWN')
        self.assertEqual(self.script("return [...document.querySelectorAll('.row')].indexOf(document.activeElement)"), 1)
        self.press('ARROW_UP')
        self.assertEqual(self.script("return [...document.querySelectorAll('.row')].indexOf(document.activeElement)"), 0)

    def test_duplicates(self):
        """The pair with different labels comes first."""
        self.open("SELECT similarity.report_html('shelf', 'audit')")
        self.one('summary').click()
        cells = [e.text for e in self.all('details td')][:5]
        self.assertEqual({cells[0], cells[2]}, {'1', '1001'})
        self.assertEqual(self.numbers(cells[4]), [0])

    def test_left_out(self):
        self.open("SELECT similarity.report_html('shelf', 'audit', options => '{\"items\": 2}')")
        self.assertEqual(len(self.all('.row')), 2)
        self.assertIn(f'The other {len(self.suspects()) - 2} suspected rows are not shown', self.text('#audit'))

    def test_looks(self):
        self.open("SELECT similarity.report_html('shelf', 'audit', options => '{\"items\": 6, \"k\": 8}')")
        self.shoot('audit')
