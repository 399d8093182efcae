// How good the indexes are: recall and effort over ef_search, neighbors of nodes, and how that went with time.
page.section('index', (root, data, part) => {
	const place = part('charts');
	if (place === null)
		return;
	const {element, chart, count} = page;
	const indexes = data.indexes;
	const side = element('div', {class: 'side'});
	const ef_axis = {label: 'ef_search', log: true, format: count};
	const several = indexes.length > 1;

	function curves(what) {
		return indexes.map((index, i) => ({name: index.name, color: i, kind: 'line', points: index.curve.ef.map((ef, j) => [ef, index.curve[what][j]])}));
	}
	place.append(side);
	chart(side, {title: `Recall of ${indexes[0].sampled} rows`, x: ef_axis, y: {label: 'recall@10'}, series: curves('recall'),
		marks: indexes.map(index => ({x: index.own_ef, label: several ? `${index.name}: ${index.own_ef}` : `ef_search ${index.own_ef}`}))});
	chart(side, {title: 'What a search reads', x: ef_axis, y: {label: 'nodes', log: true}, series: curves('expansions')});
	indexes.forEach((index, i) => chart(side, {
		title: several ? `Neighbors of a node: ${index.name}` : 'Neighbors of a node',
		x: {label: 'neighbors', min: -.5, max: 2 * index.info.m[0] + .5, format: x => Number.isInteger(x) ? count(x) : ''},
		y: {label: 'nodes', min: 0},
		series: [{name: 'nodes', color: i, kind: 'bars', points: index.degrees.neighbors.map((n, j) => [n, index.degrees.nodes[j]])}]
	}));

	// ---- history: of indexes with more than one event ----

	const longest = Math.max(...indexes.map(index => Math.max(0, ...index.history.days)));
	const [unit, units_a_day] = longest < 1 / 720 ? ['seconds', 86400] : longest < 1 / 12 ? ['minutes', 1440] : longest < 3 ? ['hours', 24] : ['days', 1];
	const time_axis = {label: 'time since the build', unit, min: 0};

	function over_time(title, y, value) {
		const series = indexes.map((index, i) => ({
			name: index.name, color: i, kind: 'line',
			points: index.history.days.map((days, j) => [days * units_a_day, value(index.history, j)]).filter(p => Number.isFinite(p[1]))
		})).filter(s => s.points.length > 1);
		if (series.length > 0)
			chart(side, {title, x: time_axis, y, series, tip: x => what_happened(x)});
	}
	// Events at a time, in words
	function what_happened(x) {
		const lines = [];
		indexes.forEach(({history, name}) => history.days.forEach((days, j) => {
			if (days * units_a_day === x)
				lines.push(`${several ? name + ': ' : ''}${history.event[j]}, ${history.ended[j]}`);
		}));
		return lines;
	}
	over_time('Size since the build', {label: 'size', unit: 'MB', min: 0}, (history, j) => history.bytes[j] / 1048576);
	over_time('What a search read since the build', {label: 'nodes', min: 0},
		(history, j) => history.event[j] === 'recall' || history.expansions[j] === null ? NaN : history.expansions[j]);
	over_time('Recall measured since the build', {label: 'recall', max: 1}, (history, j) => history.recall[j] === null ? NaN : history.recall[j]);
});
