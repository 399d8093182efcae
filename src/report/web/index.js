// How good the indexes are: recall and effort over ef_search, neighbors of nodes.
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
});
