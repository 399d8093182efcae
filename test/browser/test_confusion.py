"""The matrix of labels, and the pairs of its cells."""

from browser import PageTest


class Confusion(PageTest):
    PAGE = "SELECT similarity.report_html('glyphs', 'confusion')"

    def counts(self):
        """{(label, nearest label): items} as the page has it."""
        return {(a, b): n for a, b, n in self.script("""
            const heads = [...document.querySelectorAll('.matrix thead th')].map(h => h.textContent);
            return [...document.querySelectorAll('.matrix tbody tr')].flatMap(row => {
                const label = row.querySelector('th').textContent;
                return [...row.querySelectorAll('td[data-cell]')].map((cell, j) => [label, heads[j], Number(cell.textContent)]).filter(c => c[2] > 0);
            })""")}

    def test_numbers(self):
        """The cells are those of confusion_matrix()."""
        self.open(self.PAGE)
        page = self.counts()
        sql = self.rows("""SELECT * FROM similarity.confusion_matrix('glyphs',
            'SELECT e, kind FROM glyphs_sample WHERE kind IS NOT NULL', cutpoint => NULL, drop_closest => true)""")
        self.assertEqual(sorted(page.values()), sorted(n for a, b, n in sql))
        self.assertEqual(page['bar', 'bar'], [n for a, b, n in sql if a == b == 'bar'][0])
        self.assertEqual(page.get(('bar', 'box'), 0), sum(n for a, b, n in sql if (a, b) == ('bar', 'box')))
        self.assertIn('(no label)', {b for a, b in page})

    def test_pairs(self):
        """A click shows pairs of the cell, whose distances are those of SQL."""
        self.open(self.PAGE)
        cell = [c for c in self.all('td.other') if c.text][0]
        self.script('arguments[0].click()', cell)
        n, shown = self.numbers(self.text('#confusion-pairs h3').split(':')[-1])
        self.assertEqual(n, float(cell.text))
        pairs = self.all('#confusion-pairs .pair')
        self.assertEqual(len(pairs), shown)
        self.assertGreater(len(pairs), 0)
        for pair in pairs:
            key = int(pair.find_element('css selector', '.query small').text)
            distance, other = pair.find_element('css selector', '.wrong small').text.split(' \u00b7 ')
            self.assertAlmostEqual(float(distance), self.value('SELECT a.e <-> b.e FROM glyphs a, glyphs b WHERE a.id = %s AND b.id = %s', key, int(other)), delta=1e-4)
        self.click('#confusion-pairs button')
        self.assertEqual(self.all('#confusion-pairs .pair'), [])

    def test_keyboard(self):
        self.open(self.PAGE)
        self.press('TAB')
        first = self.script('return document.activeElement.dataset.cell')
        self.press('ARROW_DOWN', 'ARROW_RIGHT')
        self.assertNotEqual(self.script('return document.activeElement.dataset.cell'), first)
        self.assertEqual(self.script('return document.activeElement.className'), 'same')
        self.press('ENTER')
        self.assertEqual(len(self.all('td.open')), 1)
        self.press('ESCAPE')
        self.assertEqual(self.all('td.open'), [])

    def test_labels(self):
        self.open(self.PAGE)
        self.assertIsNone(self.script('return window.broken || null'))
        heads = [e.get_attribute('textContent') for e in self.all('.matrix tbody th')]
        self.assertIn('</script><script>window.broken = 1</script>', heads)
        self.assertEqual(sorted(heads), sorted(self.script("return JSON.parse(document.querySelector('script[data-name=labels]').textContent)")))

    def test_looks(self):
        self.open(self.PAGE)
        self.script("document.querySelector('td.other[style]').click()")
        self.shoot('confusion')


class Many(PageTest):
    @classmethod
    def prepare(cls):
        cls.rows("""
            CREATE TABLE many (id int PRIMARY KEY, kind int, e embedding(3));
            INSERT INTO many SELECT i, i % 90, ARRAY[i % 90, i % 7, (i % 11) * 1.5]::embedding FROM generate_series(1, 900) i;
            SELECT similarity.create_gallery('many', 'many', 'e', 'kind', distance => 'euclidean');""")

    def test_left_out(self):
        """Of many labels those with the most errors are shown, in the order of numbers."""
        self.open("SELECT similarity.report_html('many', 'confusion')")
        heads = [int(e.text) for e in self.all('.matrix tbody th')]
        self.assertEqual(len(heads), 40)
        self.assertEqual(heads, sorted(heads))
        self.assertIn('40 of 90 labels are shown', self.text('#confusion'))
        self.shoot('confusion-many')
