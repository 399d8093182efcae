// Histograms of distances, and what each cut point gives: lines that are dragged, or moved by keys, are read off.
page.section('distances', (root, data, part) => {
	const {element, chart, number, percent, count} = page;
	const axis = {label: 'distance', unit: data.distance};

	// ---- histograms ----

	// The share of its own kind, so that few pairs of one label are seen beside many of different ones
	function bars(bins, name, color, which) {
		const total = bins.total[which === 'same' ? 0 : 1];
		const width = bins.edges[1] - bins.edges[0];
		return {name: `${name} (${count(total)})`, color, kind: 'bars', width,
			points: bins[which].map((n, i) => [(bins.edges[i] + bins.edges[i + 1]) / 2, total === 0 ? 0 : n / total])};
	}
	function histogram(place, title, bins, same, different, marks) {
		const at = x => bins.edges.findIndex((edge, i) => edge <= x && x < bins.edges[i + 1]);
		return chart(place, {title, x: Object.assign({min: bins.edges[0], max: bins.edges[bins.edges.length - 1]}, axis),
			y: {label: 'share of the kind', min: 0, format: percent}, series: [bars(bins, same, 0, 'same'), bars(bins, different, 1, 'different')], marks,
			tip: x => {
				const i = at(x);
				return i < 0 ? [] : [`from ${number(bins.edges[i])} to ${number(bins.edges[i + 1])}: ${count(bins.same[i])} and ${count(bins.different[i])}`];
			}});
	}
	const fixed = (data.cutpoints || []).filter(c => c.distance !== null).map(c => ({x: c.distance, label: c.name}));
	const pairs = part('pairs');
	if (pairs !== null)
		histogram(pairs, 'Pairs of rows', data.pairs, 'same label', 'different labels', fixed);

	// ---- cut points ----

	const place = part('curves');
	if (place === null)
		return;
	const curve = data.curve;
	const last = curve.distance.length - 1;

	// The last point of the curve whose distance is not beyond x: what a cut point there gives; -1: nothing
	function point_at(x) {
		let low = -1, high = last;
		while (low < high) {
			const middle = Math.ceil((low + high) / 2);
			if (curve.distance[middle] <= x)
				low = middle;
			else
				high = middle - 1;
		}
		return low;
	}
	function nearest_point(x) {
		const i = Math.max(point_at(x), 0);
		return i < last && curve.distance[i + 1] - x < x - curve.distance[i] ? i + 1 : i;
	}
	const best = curve.f1.reduce((b, f1, i) => f1 > curve.f1[b] ? i : b, 0);
	const cutpoints = fixed.length > 0 ? fixed.map(c => ({name: c.label, at: nearest_point(c.x), first: nearest_point(c.x)})) :
		[{name: 'best f1', at: best, first: best}];

	const METRICS = ['precision', 'recall', 'f1', 'fpr'];
	const body = element('tbody');
	function values(i) {
		return [number(curve.distance[i], 6), ...METRICS.map(m => number(curve[m][i])), count(curve.tp[i]), count(curve.fp[i]), count(curve.tn[i]), count(curve.fn[i])];
	}
	function read_off() {
		body.replaceChildren(...cutpoints.map(c => element('tr', null, element('th', {scope: 'row'}, page.label(c.name), c.at === c.first ? null : ' (moved)'),
			...values(c.at).map(text => element('td', {class: 'number'}, text)))));
	}
	const marks = cutpoints.map(c => ({
		x: curve.distance[c.at],
		label: c.name,
		drag: x => {
			c.at = nearest_point(x);
			read_off();
			return curve.distance[c.at];
		},
		step: n => {
			c.at = Math.min(Math.max(c.at + n, 0), last);
			read_off();
			return curve.distance[c.at];
		},
		reset: () => {
			c.at = c.first;
			read_off();
			return curve.distance[c.at];
		}
	}));
	const edges = data.matches.edges;
	const drawn = chart(place, {
		title: 'What each cut point gives', height: 320,
		x: Object.assign({min: Math.min(edges[0], curve.distance[0]), max: Math.max(edges[edges.length - 1], curve.distance[last])}, axis),
		y: {label: 'metric', min: 0, max: 1},
		series: METRICS.map((m, i) => ({name: m, color: [0, 2, 3, 1][i], kind: 'steps', points: curve[m].map((y, j) => [curve.distance[j], y])})), marks,
		tip: x => {
			const i = point_at(x);
			return i < 0 ? [] : [`accepts ${count(curve.tp[i] + curve.fp[i])} of ${count(curve.tp[i] + curve.fp[i] + curve.tn[i] + curve.fn[i])} rows, ${count(curve.fp[i])} of them wrongly`];
		}
	});
	place.append(element('div', {class: 'tools'},
		element('button', {type: 'button', id: 'distances-reset', onclick: () => {
			marks.forEach(m => m.x = m.reset());
			drawn.redraw();
		}}, 'Put cut points back'),
		element('span', {class: 'quiet'}, 'Drag a line, or move it by arrow keys, Page Up and Page Down; Escape puts it back.')));
	read_off();
	place.append(element('div', {class: 'scroll', 'aria-live': 'polite'}, element('table', {id: 'distances-read'},
		element('thead', null, element('tr', null, ...['cut point', 'distance', ...METRICS, 'right, accepted', 'wrong, accepted', 'wrong, refused', 'right, refused']
			.map(text => element('th', {scope: 'col'}, text)))), body)));
	place.append(element('div', {class: 'gap'}));
	histogram(place, 'Matches', data.matches, 'right match', 'wrong match', fixed);
});
