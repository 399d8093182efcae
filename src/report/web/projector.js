// Points in the plane: pan, zoom, point at, search, filter; the nearest as lines.
page.section('projector', (root, data, part) => {
	if (!data.points)
		return;
	const points = data.points, n = points.n, k = points.k;
	const NONE = 65535;
	const label_of = page.unpack(points.label, Uint16Array);
	const nearest = page.unpack(points.nearest, Uint16Array);
	const distances = page.unpack(points.distance, Float32Array);
	const places = {umap: page.unpack(points.places.umap, Uint16Array), pca: page.unpack(points.places.pca, Uint16Array)};
	const METHODS = {umap: 'neighbor embedding', pca: 'principal components'};

	// ---- classes: labels in their order, rows without label last ----

	const order = points.labels.map((text, i) => i).sort((a, b) => points.labels[a].localeCompare(points.labels[b], 'en', {numeric: true}));
	const classes = order.map(i => ({text: points.labels[i], count: 0, hidden: false}));
	const class_of_label = new Map(order.map((label, i) => [label, i]));
	classes.push({text: null, count: 0, hidden: false});
	const class_of = Uint16Array.from(label_of, label => label === NONE ? classes.length - 1 : class_of_label.get(label));
	class_of.forEach(c => classes[c].count++);

	// 0: no label or no neighbor, 1: the nearest has the same label, 2: it has another
	const verdict = Uint8Array.from(label_of, (label, i) => {
		const other = nearest[i * k];
		return label === NONE || other === NONE ? 0 : label_of[other] === label ? 1 : 2;
	});
	const VERDICTS = [{text: 'no label', color: 'var(--c7)', shape: 6}, {text: 'nearest has its label', color: 'var(--c1)', shape: 0}, {text: 'nearest has another label', color: 'var(--c2)', shape: 4}];

	// ---- state ----

	let method = 'umap', by = 'label', hovered = -1, selected = -1, found = null;
	let scale = 1, shift_x = 0, shift_y = 0;		// CSS pixels per unit, and where unit 0 stands
	let width = 0, height = 0, ratio = 1, dirty = false;
	let bits = null, pixels = null, sprites = [];
	const hidden = new Uint8Array(n);
	const hidden_verdict = [false, false, false];
	const xs = new Float32Array(n), ys = new Float32Array(n);		// of the method: 0 .. 1, y upwards

	const name_of = i => points.keys === null ? `point ${page.count(i + 1)}` : points.keys[i] === null ? '(no key)' : points.keys[i];
	const text_of = i => classes[class_of[i]].text;
	const radius = () => (n > 20000 ? 1.6 : n > 4000 ? 2.2 : n > 1000 ? 2.8 : 4) * Math.min(Math.max(Math.sqrt(scale / fit_scale()), 1), 3);

	// ---- elements ----

	const back = page.element('canvas', {'aria-hidden': 'true'});
	const front = page.element('canvas', {tabindex: 0, role: 'img',
		'aria-label': `${page.count(n)} points. Arrow keys pan, plus and minus zoom, 0 shows all, Enter chooses the point in the middle, Shift and an arrow key the next one there, Escape none.`});
	const ground_pen = back.getContext('2d', {alpha: false, willReadFrequently: true});
	const stage = page.element('div', {class: 'plane'}, back, front);
	const legend = page.element('div', {class: 'legend'});
	const search = page.element('input', {type: 'search', placeholder: 'key or label', 'aria-label': 'Search by key or label', oninput: run_search});
	const results = page.element('div', {class: 'results'});
	const said = page.element('span', {class: 'quiet', 'aria-live': 'polite'});
	const details = page.element('div', {class: 'chosen', 'aria-live': 'polite'});
	const choice = (names, current, change) => {
		const buttons = Object.keys(names).map(name => page.element('button', {type: 'button', 'aria-pressed': String(name === current), onclick: () => {
			buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(Object.keys(names)[i] === name)));
			change(name);
		}}, names[name]));
		return page.element('span', {class: 'choice', role: 'group'}, ...buttons);
	};
	const button = (text, title, act) => page.element('button', {type: 'button', title, 'aria-label': title, onclick: act}, text);
	part('map').append(
		page.element('div', {class: 'tools'},
			choice(METHODS, method, name => {
				method = name;
				set_places();
				show_all();
			}),
			choice({label: 'by label', verdict: 'by correctness'}, by, name => {
				by = name;
				make_sprites();
				make_legend();
				redraw();
			}),
			page.element('span', {class: 'choice'}, button('+', 'Zoom in', () => zoom(1.5)), button('\u2212', 'Zoom out', () => zoom(1 / 1.5)), button('all', 'Show all points', show_all)),
			search, said),
		results, legend, page.element('div', {class: 'beside'}, stage, details),
		page.element('p', {class: 'note'}, 'Drag to pan; the wheel zooms once the picture has been clicked, or with Ctrl; two fingers do both. Click a point for its nearest. In the legend, a click hides a class, a double click shows it alone.'));

	// ---- where points stand ----

	function set_places() {
		const from = places[method];
		for (let i = 0; i < n; i++) {
			xs[i] = from[2 * i] / 65535;
			ys[i] = 1 - from[2 * i + 1] / 65535;
		}
	}
	function extent() {
		let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
		for (let i = 0; i < n; i++) {
			x0 = Math.min(x0, xs[i]);
			x1 = Math.max(x1, xs[i]);
			y0 = Math.min(y0, ys[i]);
			y1 = Math.max(y1, ys[i]);
		}
		return [x0, x1, y0, y1];
	}
	function fit_scale() {
		const [x0, x1, y0, y1] = box;
		return Math.min((width - 24) / Math.max(x1 - x0, 1e-3), (height - 24) / Math.max(y1 - y0, 1e-3));
	}
	let box = [0, 1, 0, 1];
	function show_all() {
		box = extent();
		scale = fit_scale();
		shift_x = width / 2 - scale * (box[0] + box[1]) / 2;
		shift_y = height / 2 - scale * (box[2] + box[3]) / 2;
		redraw();
	}
	function zoom(factor, x, y) {
		const to = Math.min(Math.max(scale * factor, fit_scale() / 4), fit_scale() * 400);
		x = x === undefined ? width / 2 : x;
		y = y === undefined ? height / 2 : y;
		shift_x = x - (x - shift_x) * to / scale;
		shift_y = y - (y - shift_y) * to / scale;
		scale = to;
		redraw();
	}
	function pan(dx, dy) {
		shift_x += dx;
		shift_y += dy;
		redraw();
	}
	const px = i => shift_x + scale * xs[i];
	const py = i => shift_y + scale * ys[i];

	// ---- drawing: each class has a sprite, whose pixels are put where its points are ----

	// The ninth class has the first one's hue again, darker, and the shape of the second.
	function style_of(c) {
		if (by === 'verdict')
			return VERDICTS[c];
		if (classes[c].text === null)
			return {color: 'var(--c7)', shape: 6};
		const cycle = Math.floor(c / 8);
		return {color: cycle === 0 ? page.color(c) : `color-mix(in srgb, ${page.color(c)} 55%, var(${cycle % 2 ? '--text' : '--ground'}))`, shape: (c + cycle) % 8};
	}
	const probe = page.element('span', {class: 'unseen', 'aria-hidden': 'true'});
	root.append(probe);
	function resolved(color) {
		probe.style.color = 'var(--text)';
		probe.style.color = color;
		return getComputedStyle(probe).color;
	}
	function make_sprites() {
		sprites = (by === 'verdict' ? VERDICTS : classes).map((unused, c) => make_sprite(style_of(c).shape, resolved(style_of(c).color)));
	}
	function make_sprite(shape, color) {
		const r = radius() * ratio, side = 2 * Math.ceil(1.4 * r + 1) + 1;
		const canvas = document.createElement('canvas');
		canvas.width = canvas.height = side;
		const pen = canvas.getContext('2d', {willReadFrequently: true});
		const path = new Path2D(page.shape(shape, r));
		pen.translate(side / 2, side / 2);
		pen.fillStyle = pen.strokeStyle = color;
		pen.lineWidth = Math.max(r / 2, 1);
		if (shape === 4 || shape === 5)
			pen.stroke(path);
		else
			pen.fill(path);
		// rows of the sprite as runs of what is not clear: offset, color, opacity
		const image = pen.getImageData(0, 0, side, side).data;
		const at = [], value = [], alpha = [];
		for (let i = 0; i < side * side; i++) {
			if (image[4 * i + 3] < 16)
				continue;
			at.push(i % side - (side >> 1), Math.floor(i / side) - (side >> 1));
			value.push((255 << 24 | image[4 * i + 2] << 16 | image[4 * i + 1] << 8 | image[4 * i]) >>> 0);
			alpha.push(image[4 * i + 3]);
		}
		return {half: side >> 1, at: Int16Array.from(at), value: Uint32Array.from(value), alpha: Uint8Array.from(alpha), for_width: 0, offset: null};
	}
	function offsets_of(sprite, w) {
		if (sprite.for_width !== w) {
			sprite.for_width = w;
			sprite.offset = Int32Array.from(sprite.value, (v, i) => sprite.at[2 * i] + w * sprite.at[2 * i + 1]);
		}
		return sprite.offset;
	}
	function blend(below, above, a) {
		const b = 255 - a;
		return (255 << 24 |
			((below >> 16 & 255) * b + (above >> 16 & 255) * a) / 255 << 16 |
			((below >> 8 & 255) * b + (above >> 8 & 255) * a) / 255 << 8 |
			((below & 255) * b + (above & 255) * a) / 255) >>> 0;
	}
	function put(start, sprite, offset, faint) {
		const value = sprite.value, alpha = sprite.alpha;
		for (let i = 0; i < offset.length; i++) {
			const to = start + offset[i];
			if (alpha[i] > 240 && !faint)
				pixels[to] = value[i];
			else
				pixels[to] = blend(pixels[to], value[i], faint ? alpha[i] >> 3 : alpha[i]);
		}
	}
	// All that are not hidden; while there is a search, pass 0 those that it did not find, faintly
	function put_points(pass) {
		const w = back.width, h = back.height;
		const kind = by === 'verdict' ? verdict : class_of, offsets = sprites.map(sprite => offsets_of(sprite, w));
		const dx = shift_x * ratio + .5, dy = shift_y * ratio + .5, size = scale * ratio;
		for (let i = 0; i < n; i++) {
			if (hidden[i] || found !== null && found[i] !== pass)
				continue;
			const x = Math.floor(dx + size * xs[i]), y = Math.floor(dy + size * ys[i]);
			const sprite = sprites[kind[i]], half = sprite.half;
			if (x >= half && y >= half && x < w - half && y < h - half)
				put(y * w + x, sprite, offsets[kind[i]], pass === 0);
		}
	}
	let ground = 0, sprite_radius = 0;
	function draw_points() {
		if (Math.abs(radius() * ratio - sprite_radius) > .3) {
			sprite_radius = radius() * ratio;
			make_sprites();
		}
		pixels.fill(ground);
		// those that were searched for are drawn last, above the others
		if (found !== null)
			put_points(0);
		put_points(1);
		ground_pen.putImageData(bits, 0, 0);
	}
	function draw_front() {
		const pen = front.getContext('2d');
		const text = getComputedStyle(root).color;
		pen.setTransform(ratio, 0, 0, ratio, 0, 0);
		pen.clearRect(0, 0, width, height);
		if (selected >= 0) {
			for (let j = 0; j < k; j++) {
				const other = nearest[selected * k + j];
				if (other === NONE)
					break;
				pen.strokeStyle = text;
				pen.lineWidth = 1.5;
				pen.setLineDash(label_of[other] === label_of[selected] ? [] : [5, 4]);
				pen.beginPath();
				pen.moveTo(px(selected), py(selected));
				pen.lineTo(px(other), py(other));
				pen.stroke();
				ring(pen, other, 1.5);
			}
			ring(pen, selected, 3);
		}
		if (hovered >= 0 && hovered !== selected)
			ring(pen, hovered, 2);
	}
	function ring(pen, i, line) {
		pen.setLineDash([]);
		pen.lineWidth = line;
		pen.strokeStyle = getComputedStyle(root).color;
		pen.beginPath();
		pen.arc(px(i), py(i), radius() + 4, 0, 2 * Math.PI);
		pen.stroke();
	}
	function draw() {
		dirty = false;
		draw_points();
		draw_front();
	}
	function redraw() {
		if (!dirty && bits !== null) {
			dirty = true;
			requestAnimationFrame(draw);
		}
	}
	function resize() {
		if (stage.clientWidth === 0)
			return;
		const before = width;
		const middle = [(width / 2 - shift_x) / scale, (height / 2 - shift_y) / scale];
		width = stage.clientWidth;
		height = Math.round(Math.min(Math.max(width * .7, 320), 640));
		ratio = Math.min(window.devicePixelRatio || 1, 2);
		[back, front].forEach(canvas => {
			canvas.width = Math.round(width * ratio);
			canvas.height = Math.round(height * ratio);
			canvas.style.height = height + 'px';
		});
		bits = ground_pen.createImageData(back.width, back.height);
		pixels = new Uint32Array(bits.data.buffer);
		sprite_radius = 0;
		set_ground();
		if (before === 0) {
			show_all();
			return;
		}
		scale *= width / before;
		shift_x = width / 2 - middle[0] * scale;
		shift_y = height / 2 - middle[1] * scale;
		redraw();
	}
	function set_ground() {
		const parts = getComputedStyle(stage).backgroundColor.match(/\d+/g).map(Number);
		ground = (255 << 24 | parts[2] << 16 | parts[1] << 8 | parts[0]) >>> 0;
		sprite_radius = 0;
	}

	// ---- choosing points ----

	function point_at(x, y, reach) {
		let best = -1, least = reach * reach;
		for (let i = 0; i < n; i++) {
			const dx = px(i) - x, dy = py(i) - y;
			const square = dx * dx + dy * dy;
			if (square < least && !hidden[i] && (found === null || found[i] === 1)) {
				least = square;
				best = i;
			}
		}
		return best;
	}
	// The nearest within a quarter of the plane, seen from the chosen one
	function point_beside(dx, dy) {
		let best = -1, least = Infinity;
		for (let i = 0; i < n; i++) {
			const x = px(i) - px(selected), y = py(i) - py(selected);
			const along = x * dx + y * dy, across = Math.abs(x * dy) + Math.abs(y * dx);
			if (i !== selected && along > 0 && across <= along && x * x + y * y < least && !hidden[i]) {
				least = x * x + y * y;
				best = i;
			}
		}
		return best;
	}
	function picture_of(i) {
		const picture = points.pictures && points.pictures[i];
		return picture ? page.picture(picture) : null;
	}
	function mark_of(c) {
		const style = style_of(c);
		const line = style.shape === 4 || style.shape === 5;
		return page.svg('svg', {width: 14, height: 14, 'aria-hidden': 'true', color: style.color}, page.svg('path', {d: page.shape(style.shape, 4), transform: 'translate(7 7)',
			fill: line ? 'none' : 'currentColor', stroke: 'currentColor', 'stroke-width': 1.5}));
	}
	function nearest_text(i) {
		return nearest[i * k] === NONE ? 'no nearest' : `nearest at ${page.number(distances[i * k])}`;
	}
	function hover(i, event) {
		if (i !== hovered) {
			hovered = i;
			draw_front();
			front.style.cursor = i < 0 ? 'grab' : 'pointer';
		}
		if (i < 0)
			page.hide_tip();
		else
			page.show_tip(event.pageX, event.pageY, page.element('div', null, picture_of(i), page.element('span', null,
				page.element('b', null, mark_of(by === 'verdict' ? verdict[i] : class_of[i]), ' ', page.label(text_of(i))), page.element('br'), page.element('bdi', null, name_of(i)), page.element('br'), nearest_text(i))));
	}
	function choose(i, center) {
		selected = i;
		if (i >= 0 && center) {
			shift_x += width / 2 - px(i);
			shift_y += height / 2 - py(i);
		}
		show_chosen();
		redraw();
	}
	function show_chosen() {
		if (selected < 0) {
			details.replaceChildren();
			return;
		}
		const sign = {0: '', 1: '\u2713 ', 2: '\u2717 '};
		const rows = [];
		for (let j = 0; j < k; j++) {
			const other = nearest[selected * k + j];
			if (other === NONE)
				break;
			const same = label_of[selected] === NONE ? '' : sign[label_of[other] === label_of[selected] ? 1 : 2];
			rows.push(page.element('tr', null, page.element('td', null, picture_of(other)), page.element('td', null, same, page.label(text_of(other))),
				page.element('td', null, page.element('button', {type: 'button', onclick: () => choose(other, true)}, page.element('bdi', null, name_of(other)))),
				page.element('td', {class: 'number'}, page.number(distances[selected * k + j]))));
		}
		details.replaceChildren(page.element('div', {class: 'card'},
			page.element('div', {class: 'head'}, picture_of(selected), page.element('div', null, page.element('b', null, page.label(text_of(selected))), page.element('br'), page.element('bdi', null, name_of(selected))),
				page.element('button', {type: 'button', 'aria-label': 'Choose no point', onclick: () => choose(-1)}, '\u00d7')),
			rows.length === 0 ? 'It has no nearest.' : page.element('div', {class: 'scroll'}, page.element('table', null, page.element('thead', null, page.element('tr', null, page.element('th', null, ''), page.element('th', null, 'label'),
				page.element('th', null, points.keys === null ? 'point' : 'key'), page.element('th', null, points.metric))), page.element('tbody', null, ...rows)))));
	}

	// ---- search and legend ----

	function run_search() {
		const wanted = search.value.trim().toLowerCase();
		let count = 0;
		found = wanted === '' ? null : new Uint8Array(n);
		const first = [];
		const labels = classes.map(c => c.text !== null && c.text.toLowerCase().includes(wanted));
		for (let i = 0; i < n && found !== null; i++) {
			const key = points.keys === null || points.keys[i] === null ? '' : points.keys[i].toLowerCase();
			if (!labels[class_of[i]] && !key.includes(wanted))
				continue;
			found[i] = 1;
			count++;
			if (key === wanted)
				first.unshift(i);
			else if (first.length < 8)
				first.push(i);
		}
		said.textContent = found === null ? '' : `${page.count(count)} of ${page.count(n)} points`;
		results.replaceChildren(...(found === null ? [] : first.slice(0, 8).map(i => page.element('button', {type: 'button', onclick: () => choose(i, true)}, page.label(text_of(i)), ' ', page.element('bdi', {class: 'quiet'}, name_of(i))))));
		redraw();
	}
	function make_legend() {
		const shown = by === 'verdict' ? VERDICTS.map((v, i) => ({text: v.text, plain: true, count: verdict.reduce((sum, x) => sum + (x === i), 0), i})) : classes.map((c, i) => ({text: c.text, count: c.count, i}));
		const off = i => by === 'verdict' ? hidden_verdict[i] : classes[i].hidden;
		const set = (i, value) => by === 'verdict' ? hidden_verdict[i] = value : classes[i].hidden = value;
		const list = shown.filter(c => c.count > 0);
		const update = () => {
			nodes.forEach((node, j) => node.setAttribute('aria-pressed', String(!off(list[j].i))));
			for (let i = 0; i < n; i++)
				hidden[i] = classes[class_of[i]].hidden || hidden_verdict[verdict[i]];
			hovered = hovered >= 0 && hidden[hovered] ? -1 : hovered;
			redraw();
		};
		const nodes = list.map(c => {
			return page.element('button', {type: 'button', onclick: event => {
				if (event.detail < 2) {
					set(c.i, !off(c.i));
				} else {
					const alone = list.every(other => other === c || off(other.i));
					list.forEach(other => set(other.i, !alone && other !== c));
				}
				update();
			}}, mark_of(c.i),
				c.plain ? c.text : page.label(c.text), page.element('span', {class: 'quiet'}, page.count(c.count)));
		});
		legend.classList.toggle('many', list.length > 40);
		legend.replaceChildren(...nodes);
		update();
	}

	// ---- pointers, wheel, keys ----

	const down = new Map();
	let moved = 0;
	const spot = event => {
		const box = front.getBoundingClientRect();
		return [event.clientX - box.left, event.clientY - box.top];
	};
	front.addEventListener('pointerdown', event => {
		down.set(event.pointerId, spot(event));
		moved = down.size > 1 ? Infinity : 0;
		front.setPointerCapture(event.pointerId);
	});
	front.addEventListener('pointermove', event => {
		const [x, y] = spot(event);
		const before = down.get(event.pointerId);
		if (before === undefined) {
			hover(point_at(x, y, radius() + 8), event);
			return;
		}
		moved += Math.hypot(x - before[0], y - before[1]);
		if (down.size === 1 && moved > 3) {
			page.hide_tip();
			pan(x - before[0], y - before[1]);
		} else if (down.size === 2) {
			const other = [...down].find(([id]) => id !== event.pointerId)[1];
			const gap = Math.hypot(before[0] - other[0], before[1] - other[1]);
			pan((x - before[0]) / 2, (y - before[1]) / 2);
			zoom(Math.hypot(x - other[0], y - other[1]) / Math.max(gap, 1), (x + other[0]) / 2, (y + other[1]) / 2);
		}
		if (down.size > 1 || moved > 3)
			down.set(event.pointerId, [x, y]);
	});
	const up = event => {
		if (down.delete(event.pointerId) && event.type === 'pointerup' && moved <= 3)
			choose(point_at(...spot(event), radius() + 8));
	};
	front.addEventListener('pointerup', up);
	front.addEventListener('pointercancel', up);
	front.addEventListener('pointerleave', () => {
		if (hovered >= 0)
			hover(-1);
	});
	const alone = document.querySelectorAll('section.part').length === 1;
	front.addEventListener('wheel', event => {
		if (!alone && !event.ctrlKey && document.activeElement !== front)
			return;
		event.preventDefault();
		const lines = event.deltaMode === 1 ? 30 : 1;
		zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? .01 : .002)), ...spot(event));
	}, {passive: false});
	front.addEventListener('keydown', event => {
		const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
		if (event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (way && event.shiftKey) {
			const next = selected < 0 ? point_at(width / 2, height / 2, Infinity) : point_beside(...way);
			if (next >= 0)
				choose(next, px(next) < 0 || px(next) > width || py(next) < 0 || py(next) > height);
		} else if (way)
			pan(-50 * way[0], -50 * way[1]);
		else if (event.key === '+' || event.key === '=')
			zoom(1.25);
		else if (event.key === '-')
			zoom(1 / 1.25);
		else if (event.key === '0')
			show_all();
		else if (event.key === 'Enter')
			choose(point_at(width / 2, height / 2, Infinity));
		else if (event.key === 'Escape')
			choose(-1);
		else
			return;
		event.preventDefault();
	});

	window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
		set_ground();
		redraw();
	});
	set_places();
	make_legend();
	resize();
	new ResizeObserver(() => {
		if (Math.abs(stage.clientWidth - width) > 1)
			resize();
	}).observe(stage);
});
