"""Points in the plane: what is drawn, found, chosen and said."""

import base64
import json
import struct

from browser import PageTest

OPEN = "SELECT similarity.report_html('glyphs', 'projector')"


class Projector(PageTest):
    def settle(self):
        self.script('return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')

    def dots(self):
        """Pixels of the picture that are not its ground."""
        self.settle()
        return self.script("""
            const back = document.querySelector('.plane canvas');
            const pixels = new Uint32Array(back.getContext('2d').getImageData(0, 0, back.width, back.height).data.buffer);
            return pixels.reduce((sum, p) => sum + (p !== pixels[0]), 0)""")

    def plane(self):
        return self.one('.plane canvas + canvas')

    def facts(self):
        return dict(zip([e.text for e in self.all('#projector dt')], [e.text for e in self.all('#projector dd')]))

    def search(self, text):
        field = self.one('input[type=search]')
        field.clear()
        field.send_keys(text)

    def choose(self, key):
        """By the search, as a reader would; it then stands in the middle."""
        self.search(key)
        self.click('.results button')
        self.search(' ')
        self.settle()

    def test_numbers(self):
        """Nearest, distances and counts are those of SQL."""
        self.open(OPEN)
        # several may be nearest
        surely, maybe, labeled = self.rows("""
            SELECT count(*) FILTER (WHERE n.every), count(*) FILTER (WHERE n.some), count(*) FROM glyphs g,
            LATERAL (SELECT bool_and(kind IS NOT DISTINCT FROM g.kind) AS every, bool_or(kind IS NOT DISTINCT FROM g.kind) AS some FROM (
                SELECT kind, rank() OVER (ORDER BY o.e <-> g.e) FROM glyphs o WHERE o.id <> g.id) r WHERE rank = 1) n WHERE g.kind IS NOT NULL""")[0]
        right, of = self.numbers(self.facts()['nearest point is right'])
        self.assertTrue(surely <= right <= maybe < surely + 20, (surely, right, maybe))
        self.assertEqual(of, labeled)
        self.assertEqual(self.numbers(self.facts()['points']), [300])
        self.choose('17')
        self.assertEqual(self.all('.chosen .head bdi')[-1].text, '17')
        shown = [float(e.text) for e in self.all('.chosen td.number')]
        expected = [row[0] for row in self.rows('SELECT o.e <-> g.e FROM glyphs o, glyphs g WHERE g.id = 17 AND o.id <> 17 ORDER BY 1 LIMIT 5')]
        self.assertEqual(len(shown), 5)
        for a, b in zip(shown, expected):
            self.assertAlmostEqual(a, b, delta=6e-5)

    def test_places(self):
        """Points stand where similarity.projection() puts them, on one scale."""
        self.open(OPEN)
        points = json.loads(self.script("return document.querySelector('[data-name=points]').textContent"))
        for method in ('umap', 'pca'):
            numbers = struct.unpack('<600H', base64.b64decode(points['places'][method]))
            places = {key: (x, y) for key, x, y in self.rows('SELECT key, x, y FROM similarity.projection(%s, %s)', 'glyphs', method)}
            low = [min(p[i] for p in places.values()) for i in (0, 1)]
            extent = max(max(p[i] for p in places.values()) - low[i] for i in (0, 1))
            wrong = sum(abs(numbers[2 * i + axis] / 65535 - (places[key][axis] - low[axis]) / extent) > 1e-4
                        for i, key in enumerate(points['keys']) for axis in (0, 1))
            self.assertEqual(wrong, 0, method)

    def test_legend(self):
        self.open(OPEN)
        before = self.dots()
        self.assertGreater(before, 500)
        self.assertEqual([e.text for e in self.all('.legend button .quiet')], ['50'] * 6)
        self.click('.legend button')
        self.assertLess(self.dots(), before * .95)
        self.click('.legend button')
        self.assertEqual(self.dots(), before)
        self.click('button', 'by correctness')
        right, labeled = self.numbers(self.facts()['nearest point is right'])
        shown = [self.numbers(e.text)[0] for e in self.all('.legend button .quiet')]
        self.assertEqual(shown, [300 - labeled, right, labeled - right])

    def test_pan_and_zoom(self):
        self.open(OPEN)
        everything = self.dots()
        for _ in range(6):
            self.click('button', '+')
        self.assertNotEqual(self.dots(), everything)
        self.click('button', 'all')
        self.assertEqual(self.dots(), everything)
        self.drag(self.plane(), 400, 250)
        self.assertLess(self.dots(), everything * .8)
        self.press('0')
        self.assertEqual(self.dots(), everything)
        self.press('+', '+', 'ARROW_LEFT')
        self.assertNotEqual(self.dots(), everything)

    def test_wheel_and_pinch(self):
        self.open(OPEN)
        before = self.dots()
        self.script("""
            const front = document.querySelector('.plane canvas + canvas'), box = front.getBoundingClientRect();
            front.dispatchEvent(new WheelEvent('wheel', {deltaY: -700, clientX: box.left + 20, clientY: box.top + 20, bubbles: true, cancelable: true}))""")
        self.assertNotEqual(self.dots(), before)
        self.press('TAB')
        self.click('button', 'all')
        self.assertEqual(self.dots(), before)
        self.script("""
            const front = document.querySelector('.plane canvas + canvas'), box = front.getBoundingClientRect();
            front.setPointerCapture = () => {};
            const send = (type, id, x) => front.dispatchEvent(new PointerEvent(type, {pointerId: id, pointerType: 'touch', clientX: box.left + x, clientY: box.top + 200, bubbles: true}));
            send('pointerdown', 7, 200);
            send('pointerdown', 8, 300);
            for (let x = 310; x <= 500; x += 10)
                send('pointermove', 8, x);
            send('pointerup', 8, 500);
            send('pointerup', 7, 200);""")
        self.assertNotEqual(self.dots(), before)

    def test_keyboard(self):
        """A point is chosen, the next one, and none, without a mouse."""
        self.open(OPEN)
        self.script('document.querySelector(".plane canvas + canvas").focus()')
        self.press('ENTER')
        first = self.text('.chosen .head')
        moves = 0
        for key in ('ArrowRight', 'ArrowLeft'):
            self.script("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], shiftKey: true, bubbles: true}))", key)
            moves += self.text('.chosen .head') != first
        self.assertGreater(moves, 0)
        self.press('ESCAPE')
        self.assertEqual(self.all('.chosen .head'), [])

    def test_hover_and_click(self):
        """Pointing shows picture, label, key and distance; a click the nearest."""
        self.open(OPEN)
        self.choose('17')
        self.click('.chosen .head button')
        self.settle()
        self.hover(self.plane())
        tip = self.text('.tip')
        distance = self.value('SELECT min(o.e <-> g.e) FROM glyphs o, glyphs g WHERE g.id = 17 AND o.id <> 17')
        self.assertIn('17', tip.splitlines())
        self.assertAlmostEqual(self.numbers(tip.split('nearest at')[1])[0], distance, delta=6e-5)
        self.assertGreater(self.script('return document.querySelector(".tip img").naturalWidth'), 0)
        self.plane().click()
        self.assertEqual(self.all('.chosen .head bdi')[-1].text, '17')

    def test_search(self):
        self.open(OPEN)
        for text, count in (('bar', 50), ('window.broken', 50), ('299', 1), ('nobody has this', 0)):
            self.search(text)
            self.assertEqual(self.numbers(self.text('#projector .tools [aria-live]')), [count, 300])
        self.assertIsNone(self.script('return window.broken || null'))

    def test_looks(self):
        self.open(OPEN)
        self.choose('17')
        self.click('button', 'all')
        self.shoot('projector')


class Many(PageTest):
    @classmethod
    def prepare(cls):
        cls.rows("""
            CREATE TABLE crowd (id int PRIMARY KEY, kind text, e embedding(8));
            INSERT INTO crowd SELECT i, 'c' || i % 20, random_embedding(8, i % 20) + random_embedding(8, 1000 + i) FROM generate_series(1, 10000) i;
            SELECT similarity.create_gallery('crowd', 'crowd', 'e', 'kind', distance => 'euclidean');""")

    def test_ten_thousand_points(self):
        """They stay below 3 MB."""
        size = self.open("SELECT similarity.report_html('crowd', 'projector', options => '{\"rows\": 10000}')")
        self.assertLess(size, 3 * 1024 * 1024)
        self.assertEqual(len(self.all('.legend button')), 20)
        # the entry comes a moment after the paint
        paint = self.script("""
            const painted = () => performance.getEntriesByName('first-paint');
            return new Promise(done => {
                const look = () => painted().length ? done(painted()[0].startTime) : setTimeout(look, 20);
                look();
            });""")
        print(f'# {size} bytes, first paint after {paint:.0f} ms', flush=True)
        print(f'# {self.frames():.1f} frames a second while panning', flush=True)
        self.shoot('projector-10000')

    def frames(self):
        """Frames a second while 10,000 points are dragged about, 240 of them."""
        return self.script("""
            const canvas = document.querySelectorAll('.plane canvas')[1];
            canvas.scrollIntoView({block: 'center'});
            canvas.setPointerCapture = () => {};
            const box = canvas.getBoundingClientRect();
            let x = box.left + box.width / 2, y = box.top + box.height / 2;
            const fire = type => canvas.dispatchEvent(new PointerEvent(type, {pointerId: 1, clientX: x, clientY: y, bubbles: true}));
            return new Promise(done => {
                const times = [];
                const step = time => {
                    times.push(time);
                    x += 4 * Math.cos(times.length / 20);
                    y += 4 * Math.sin(times.length / 20);
                    fire('pointermove');
                    if (times.length <= 240)
                        requestAnimationFrame(step);
                    else {
                        fire('pointerup');
                        done(240000 / (times[240] - times[0]));
                    }
                };
                fire('pointerdown');
                requestAnimationFrame(step);
            });""")
