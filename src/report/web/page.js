// Helpers of every section's script.  Users' texts only ever become text nodes.
'use strict';
const page = (() => {
	const SVG = 'http://www.w3.org/2000/svg';

	// ---- elements: page.element('p', {class: 'note'}, 'text', other, ...) ----

	function fill(node, attributes, children) {
		Object.keys(attributes || {}).forEach(name => {
			const value = attributes[name];
			if (name.startsWith('on'))
				node.addEventListener(name.slice(2), value);
			else if (value !== null && value !== undefined && value !== false)
				node.setAttribute(name, value === true ? '' : value);
		});
		node.append(...children.filter(child => child !== null && child !== undefined));
		return node;
	}
	function element(tag, attributes, ...children) {
		return fill(document.createElement(tag), attributes, children);
	}
	function svg(tag, attributes, ...children) {
		return fill(document.createElementNS(SVG, tag), attributes, children);
	}

	// A user's text, which turns nothing around it; null is a row without label.
	function label(text) {
		return text === null || text === undefined ? element('i', null, '(no label)') : element('bdi', null, text);
	}

	// ---- numbers ----

	function count(n) {
		return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
	}
	function number(x, digits) {
		if (x === null || x === undefined || !Number.isFinite(x))
			return '\u2013';
		if (Number.isInteger(x))
			return (x < 0 ? '\u2212' : '') + count(Math.abs(x));
		const size = Math.abs(x);
		const text = size < 1e-4 || size >= 1e9 ? size.toExponential(2) : size >= 1000 ? size.toFixed(1) : size.toFixed(digits === undefined ? 4 : digits);
		return (x < 0 ? '\u2212' : '') + text;
	}
	function percent(share) {
		return Number.isFinite(share) ? (100 * share).toFixed(1) + '\u00a0%' : '\u2013';
	}

	// ---- series: color, dash and shape say the same ----

	const DASHES = ['', '7 4', '2 3', '9 3 2 3', '12 4', '4 2', '1 3', '6 2 1 2 1 2'];
	const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross', 'plus', 'down', 'star'];

	function color(i) {
		return 'var(--c' + (1 + i % 8) + ')';
	}
	function shape_path(name, r) {
		const points = {
			square: [[-r, -r], [r, -r], [r, r], [-r, r]],
			triangle: [[0, -1.2 * r], [1.1 * r, .9 * r], [-1.1 * r, .9 * r]],
			down: [[0, 1.2 * r], [1.1 * r, -.9 * r], [-1.1 * r, -.9 * r]],
			diamond: [[0, -1.3 * r], [1.3 * r, 0], [0, 1.3 * r], [-1.3 * r, 0]],
			star: [...Array(10).keys()].map(i => [Math.sin(i * Math.PI / 5) * r * (i % 2 ? .5 : 1.3), -Math.cos(i * Math.PI / 5) * r * (i % 2 ? .5 : 1.3)])
		}[name];
		if (points)
			return 'M' + points.map(p => p.map(v => v.toFixed(2)).join(' ')).join('L') + 'Z';
		if (name === 'cross')
			return `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`;
		if (name === 'plus')
			return `M0 ${-1.3 * r}V${1.3 * r}M${-1.3 * r} 0H${1.3 * r}`;
		return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
	}
	// A mark of the i-th series
	function mark(i, x, y, r) {
		return svg('path', {d: shape_path(SHAPES[i % 8], r || 3.5), transform: `translate(${x} ${y})`, fill: i % 8 === 4 || i % 8 === 5 ? 'none' : color(i), stroke: color(i), 'stroke-width': 1.5});
	}

	function shape(i, r) {
		return shape_path(SHAPES[i % 8], r);
	}

	// Numbers of report_json_uint16s() and the like, as a typed array
	function unpack(text, type) {
		const bytes = atob(text);
		const buffer = new Uint8Array(bytes.length);
		for (let i = 0; i < bytes.length; i++)
			buffer[i] = bytes.charCodeAt(i);
		return new type(buffer.buffer);
	}

	// ---- the tip: one for the page, beside what is pointed at ----

	let tip = null;
	function show_tip(x, y, ...children) {
		if (tip === null) {
			tip = element('div', {class: 'tip', role: 'status'});
			document.body.append(tip);
		}
		tip.replaceChildren(...children);
		tip.hidden = false;
		const left = x + 14 + tip.offsetWidth > window.scrollX + document.documentElement.clientWidth ? x - 14 - tip.offsetWidth : x + 14;
		tip.style.left = Math.max(left, window.scrollX + 4) + 'px';
		tip.style.top = Math.max(y - tip.offsetHeight - 8, window.scrollY + 4) + 'px';
	}
	function hide_tip() {
		if (tip !== null)
			tip.hidden = true;
	}
	document.addEventListener('keydown', event => {
		if (event.key === 'Escape')
			hide_tip();
	});

	// ---- axes ----

	// About n round numbers from a to b
	function ticks(a, b, n) {
		const step0 = (b - a) / Math.max(n, 1);
		if (!(step0 > 0))
			return [a];
		const power = Math.pow(10, Math.floor(Math.log10(step0)));
		const step = power * [1, 2, 5, 10].find(m => m * power >= step0 * .999);
		const list = [];
		for (let i = Math.ceil(a / step - 1e-9); i * step <= b + step * 1e-9; i++)
			list.push(Number((i * step).toPrecision(12)));
		return list;
	}
	function log_ticks(a, b) {
		const list = [];
		for (let e = Math.floor(Math.log10(a)); e <= Math.ceil(Math.log10(b)); e++)
			[1, 2, 5].forEach(m => list.push(m * Math.pow(10, e)));
		const some = list.filter(x => x >= a * .999 && x <= b * 1.001);
		return some.length > 2 ? some : ticks(a, b, 4);
	}
	function tick_text(x, axis) {
		if (axis.format)
			return axis.format(x);
		return Number.isInteger(x) ? number(x) : (x < 0 ? '\u2212' : '') + String(Number(Math.abs(x).toPrecision(6)));
	}
	function extent(axis, values) {
		const finite = values.filter(Number.isFinite);
		let low = axis.min !== undefined ? axis.min : finite.reduce((a, b) => Math.min(a, b), Infinity);
		let high = axis.max !== undefined ? axis.max : finite.reduce((a, b) => Math.max(a, b), -Infinity);
		if (!(low <= high))
			[low, high] = axis.log ? [1, 10] : [0, 1];
		if (low === high)
			[low, high] = axis.log ? [low / 2, high * 2] : [low - .5, high + .5];
		return [low, high];
	}
	function scale(axis, low, high, from, to) {
		const f = axis.log ? Math.log : x => x;
		return x => from + (f(x) - f(low)) / (f(high) - f(low)) * (to - from);
	}

	// ---- charts ----

	// chart(parent, {
	//	title:		what a screen reader says, and a heading
	//	x, y:		{label: 'distance', unit: 'cosine', min, max, log, format(x), names: [...] of x = 0, 1, ...}
	//	series:		[{name, kind: 'line' | 'points' | 'bars' | 'steps', points: [[x, y], ...], color: 0..7, width of bars in x}]
	//	marks:		[{x, label, drag(x), step(n), reset()}]	vertical lines, which can be dragged or moved by arrow keys if there is drag;
	//				each returns where the line goes then: drag near x, step n places on, reset on Escape
	//	height:		240
	//	tip(x):		further lines of the tip at x, an array of texts
	// }) returns {redraw(), node}.  Pointing, or the arrow keys, read off the values at an x.
	function chart(parent, options) {
		const hidden = new Set();
		const node = element('div', {class: 'card'});
		const legend = element('div', {class: 'legend'});
		const holder = element('div');
		const said = element('div', {class: 'unseen', 'aria-live': 'polite'});
		let at = -1, width = 0;

		if (options.title)
			node.append(element('h3', {class: 'first'}, options.title));
		if (options.series.length > 1)
			node.append(legend);
		node.append(holder, said);
		parent.append(node);

		function index_of(series, i) {
			return series.color !== undefined ? series.color : i;
		}
		options.series.forEach((series, i) => {
			const c = index_of(series, i);
			const sample = svg('svg', {width: 26, height: 12, 'aria-hidden': 'true'});
			if (series.kind === 'bars')
				sample.append(svg('rect', {x: 6, y: 1, width: 14, height: 10, fill: color(c), 'fill-opacity': .65, stroke: color(c)}));
			else
				sample.append(svg('line', {x1: 0, x2: 26, y1: 6, y2: 6, stroke: color(c), 'stroke-width': 2, 'stroke-dasharray': DASHES[c % 8]}), mark(c, 13, 6, 3));
			legend.append(element('button', {type: 'button', 'aria-pressed': 'true', onclick: event => {
				const off = !hidden.has(i);
				off ? hidden.add(i) : hidden.delete(i);
				event.currentTarget.setAttribute('aria-pressed', String(!off));
				draw();
			}}, sample, label(series.name)));
		});

		function draw() {
			width = Math.max(holder.clientWidth || 640, 240);
			const shown = options.series.filter((s, i) => !hidden.has(i));
			const bars = shown.some(s => s.kind === 'bars');
			const half = s => (s.width || 1) / 2;
			const xs_all = [].concat(...shown.map(s => s.points.map(p => p[0])));
			const [x0, x1] = extent(options.x, options.x.log ? xs_all.filter(v => v > 0) : bars ? [].concat(...shown.map(s => [].concat(...s.points.map(p => s.kind === 'bars' ? [p[0] - half(s), p[0] + half(s)] : [p[0]])))) : xs_all);
			const ys_all = [].concat(...shown.map(s => s.points.map(p => p[1])));
			const [y0, y1] = extent(options.y, options.y.log ? ys_all.filter(v => v > 0) : bars ? ys_all.concat([0]) : ys_all);
			const height = options.height || 240;
			const yticks = options.y.log ? log_ticks(y0, y1) : ticks(y0, y1, 5);
			const left = 18 + Math.max(...yticks.map(t => tick_text(t, options.y).length), 1) * 6.6 + 8;
			const top = 10, bottom = 40, right = 14;
			const sx = scale(options.x, x0, x1, left, width - right);
			const sy = scale(options.y, y0, y1, height - bottom, top);
			const unit = axis => axis.unit ? `${axis.label} (${axis.unit})` : axis.label;
			const root = svg('svg', {class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', tabindex: 0,
				'aria-label': `${options.title || ''}: ${unit(options.y)} over ${unit(options.x)}. Arrow keys read off values.`});

			yticks.forEach(t => root.append(svg('g', {class: 'tick'}, svg('line', {class: 'grid', x1: left, x2: width - right, y1: sy(t), y2: sy(t)}),
				svg('text', {x: left - 6, y: sy(t) + 4, 'text-anchor': 'end'}, tick_text(t, options.y)))));
			const names = options.x.names;
			let last = -Infinity;
			// names are cut to the room that each has
			const room = names ? Math.max(Math.floor((sx(1) - sx(0)) / 6.4), 6) : 0;
			(names ? names.map((n, i) => i) : options.x.log ? log_ticks(x0, x1) : ticks(x0, x1, Math.max(width / 90, 2))).forEach(t => {
				const text = names ? [...names[t]].length > room ? [...names[t]].slice(0, room - 1).join('') + '\u2026' : names[t] : tick_text(t, options.x);
				const wide = text.length * 6.2;
				if (t < x0 || t > x1 || sx(t) - wide / 2 < last)
					return;
				last = sx(t) + wide / 2 + 6;
				root.append(svg('g', {class: 'tick'}, svg('line', {class: 'axis', x1: sx(t), x2: sx(t), y1: height - bottom, y2: height - bottom + 4}),
					svg('text', {x: sx(t), y: height - bottom + 16, 'text-anchor': 'middle'}, text)));
			});
			root.append(svg('line', {class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}),
				svg('text', {x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle'}, unit(options.x)),
				svg('text', {x: 0, y: 0, transform: `translate(11 ${(top + height - bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle'}, unit(options.y)));

			options.series.forEach((series, i) => {
				if (hidden.has(i))
					return;
				const c = index_of(series, i);
				const points = series.points.filter(p => Number.isFinite(p[0]) && Number.isFinite(p[1]) && !(options.y.log && p[1] <= 0) && !(options.x.log && p[0] <= 0));
				const group = svg('g', {'data-series': series.name});
				if (series.kind === 'bars')
					points.forEach(p => group.append(svg('rect', {x: sx(p[0] - half(series)), y: Math.min(sy(p[1]), sy(Math.max(y0, 0))), width: Math.max(sx(p[0] + half(series)) - sx(p[0] - half(series)) - .5, .5),
						height: Math.abs(sy(Math.max(y0, 0)) - sy(p[1])), fill: color(c), 'fill-opacity': .55, stroke: color(c), 'stroke-width': .75, 'stroke-dasharray': DASHES[c % 8]})));
				else if (series.kind !== 'points' && points.length > 0) {
					let d = '';
					points.forEach((p, j) => d += j === 0 ? `M${sx(p[0])} ${sy(p[1])}` : series.kind === 'steps' ? `H${sx(p[0])}V${sy(p[1])}` : `L${sx(p[0])} ${sy(p[1])}`);
					group.append(svg('path', {d, fill: 'none', stroke: color(c), 'stroke-width': 2, 'stroke-dasharray': DASHES[c % 8], 'stroke-linejoin': 'round'}));
				}
				if (series.kind === 'points' || (series.kind !== 'bars' && points.length <= 40))
					points.forEach(p => group.append(mark(c, sx(p[0]), sy(p[1]), series.kind === 'points' ? 2.5 : 3)));
				root.append(group);
			});

			// is a line of the chart somewhere within a rectangle?
			const crossed = (from, to, high, low) => shown.some(s => s.kind !== 'bars' && s.points.some((p, j) => {
				const q = s.points[j + 1] || p;
				const [ax, bx] = [sx(p[0]), sx(q[0])];
				const at = x => bx === ax ? sy(p[1]) : sy(p[1]) + (sy(q[1]) - sy(p[1])) * (Math.min(Math.max(x, ax), bx) - ax) / (bx - ax);
				return bx >= from && ax <= to && Math.min(at(from), at(to)) <= low && Math.max(at(from), at(to)) >= high;
			}));
			(options.marks || []).forEach((m, i) => {
				if (!(m.x >= x0 && m.x <= x1))
					return;
				// its label stands beside the line at the top, or at the bottom if only there nothing is under it
				const before = sx(m.x) > width * .7;
				const long = m.label.length * 6.4;
				const from = before ? sx(m.x) - 5 - long : sx(m.x) + 5;
				const places = [top + 10 + 13 * i, height - bottom - 6 - 13 * i];
				const place = places.find(y => !crossed(from, from + long, y - 12, y + 5)) || places[0];
				const line = svg('g', m.drag ? {class: 'mark movable', tabindex: 0, role: 'slider', 'aria-label': m.label, 'aria-valuenow': m.x, 'aria-valuemin': x0, 'aria-valuemax': x1} : {class: 'mark'},
					svg('line', {x1: sx(m.x), x2: sx(m.x), y1: top, y2: height - bottom, stroke: 'var(--text)', 'stroke-width': 1.5, 'stroke-dasharray': '5 3'}),
					svg('rect', {x: sx(m.x) - 6, y: top, width: 12, height: height - bottom - top, fill: 'transparent'}),
					svg('text', {x: sx(m.x) + (before ? -5 : 5), y: place, 'text-anchor': before ? 'end' : 'start'}, m.label));
				if (m.drag) {
					const put = x => {
						m.x = Math.min(Math.max(x, x0), x1);
						draw();
					};
					const move = x => {
						const to = m.drag(Math.min(Math.max(x, x0), x1));
						put(to === undefined ? x : to);
					};
					const invert = px => x0 + (px - left) / (width - right - left) * (x1 - x0);
					line.addEventListener('pointerdown', event => {
						event.preventDefault();
						const follow = e => move(invert((e.clientX - holder.getBoundingClientRect().left) * width / holder.clientWidth));
						const end = () => {
							document.removeEventListener('pointermove', follow);
							document.removeEventListener('pointerup', end);
						};
						document.addEventListener('pointermove', follow);
						document.addEventListener('pointerup', end);
					});
					line.addEventListener('keydown', event => {
						const step = {ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity}[event.key];
						const back = event.key === 'Escape' && m.reset !== undefined;
						if (step === undefined && !back)
							return;
						event.preventDefault();
						event.stopPropagation();
						if (back)
							put(m.reset());
						else if (m.step)
							put(m.step(step));
						else
							move(m.x + step * .01 * (x1 - x0));
						const again = holder.querySelectorAll('.mark');
						if (again[i])
							again[i].focus();
					});
				}
				root.append(line);
			});

			// reading off: the distinct x of what is shown, in order
			const xs = [...new Set(xs_all)].filter(Number.isFinite).sort((a, b) => a - b);
			const cross = svg('line', {class: 'cross', y1: top, y2: height - bottom, visibility: 'hidden'});
			root.append(cross);
			const read = i => {
				if (xs.length === 0)
					return;
				at = Math.min(Math.max(i, 0), xs.length - 1);
				const x = xs[at];
				const lines = [];
				options.series.forEach((series, j) => {
					const p = hidden.has(j) ? undefined : series.points.find(q => q[0] === x);
					if (p)
						lines.push([j, series.name, options.y.format ? options.y.format(p[1]) : number(p[1])]);
				});
				const head = `${options.x.label} ${names ? names[x] : options.x.format ? options.x.format(x) : number(x)}`;
				const more = options.tip ? options.tip(x) : [];
				cross.setAttribute('x1', sx(x));
				cross.setAttribute('x2', sx(x));
				cross.setAttribute('visibility', 'visible');
				const box = root.getBoundingClientRect();
				show_tip(window.scrollX + box.left + sx(x) * box.width / width, window.scrollY + box.top + 40,
					element('b', null, head), ...lines.map(l => element('div', null, svg('svg', {width: 12, height: 12}, mark(index_of(options.series[l[0]], l[0]), 6, 6, 3)), label(l[1]), element('span', null, l[2]))),
					...more.map(t => element('div', null, t)));
				said.textContent = head + ': ' + lines.map(l => `${l[1]} ${l[2]}`).concat(more).join(', ');
			};
			const leave = () => {
				cross.setAttribute('visibility', 'hidden');
				hide_tip();
			};
			root.addEventListener('pointermove', event => {
				const box = root.getBoundingClientRect();
				const px = (event.clientX - box.left) * width / box.width;
				let best = 0;
				xs.forEach((x, i) => {
					if (Math.abs(sx(x) - px) < Math.abs(sx(xs[best]) - px))
						best = i;
				});
				read(best);
			});
			root.addEventListener('pointerleave', leave);
			root.addEventListener('blur', leave);
			root.addEventListener('keydown', event => {
				const step = {ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity}[event.key];
				if (event.key === 'Escape')
					leave();
				if (step === undefined)
					return;
				event.preventDefault();
				read(at < 0 && step === 1 ? 0 : at + step);
			});
			holder.replaceChildren(root);
		}
		draw();
		// in the next frame: a figure that draws may give the page a scroll bar, which resizes it again
		new ResizeObserver(() => requestAnimationFrame(() => {
			if (Math.abs((holder.clientWidth || width) - width) > 1)
				draw();
		})).observe(holder);
		return {node, redraw: draw};
	}

	// ---- pictures ----

	// A picture by its data: URI; the pixels of a small one are seen as such (COARSE_SIDE of show/picture.c)
	function picture(source, alt) {
		return element('img', {alt: alt || '', src: source, onload: event => {
			const {naturalWidth, naturalHeight} = event.target;
			event.target.classList.toggle('coarse', Math.max(naturalWidth, naturalHeight) < 64);
		}});
	}

	// An item as a figure: {picture: data URI or null, missing, label, note, mark: 'right' | 'wrong' | 'query' | ''}
	function figure(item) {
		const sign = {right: '\u2713 ', wrong: '\u2717 '}[item.mark] || '';
		const text = item.label === null || item.label === undefined ? '' : item.label;
		return element('figure', {class: item.mark || 'unmarked'},
			item.picture ? picture(item.picture, text) :
				element('span', {class: 'none'}, item.missing || 'no picture'),
			element('figcaption', null, element('b', null, sign, label(item.label)), item.note ? element('small', null, item.note) : null));
	}

	// ---- sections ----

	// section('confusion', (root, data, part) => ...): root is the section's element, data.NAME what
	// report_data_begin(..., NAME) wrote, part('NAME') the element of report_append_figure().
	function section(id, draw) {
		const root = document.getElementById(id);
		if (root === null)
			return;
		const data = {};
		document.querySelectorAll(`script[type="application/json"][data-section="${id}"]`).forEach(block => {
			data[block.dataset.name] = JSON.parse(block.textContent);
		});
		const part = name => {
			const place = document.getElementById(`${id}-${name}`);
			if (place !== null)
				place.querySelectorAll('noscript').forEach(node => node.remove());
			return place;
		};
		draw(root, data, part);
	}

	return {element, svg, label, count, number, percent, color, mark, shape, unpack, ticks, show_tip, hide_tip, chart, picture, figure, section};
})();
