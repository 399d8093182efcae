// Metrics over k, and one of them label by label.
page.section('retrieval', (root, data, part) => {
	if (!data.k)
		return;
	const axis = {label: 'share', min: 0, max: 1};
	page.chart(part('by-k'), {
		title: 'By number of neighbors',
		x: {label: 'k', unit: 'nearest rows', log: true, format: x => page.number(x)},
		y: axis,
		series: data.metrics.map(metric => ({name: metric.name, kind: 'line', points: data.k.map((k, i) => [k, metric.values[i]])}))
	});
	part('by-k').append(page.element('p', {class: 'note'}, data.metrics.map(metric => `${metric.name}: ${metric.meaning}`).join('; ') + '.'));

	if (data.classes.length < 2)
		return;
	const place = part('by-label');
	const choice = page.element('select', {'aria-label': 'Metric', onchange: draw});
	data.metrics.forEach((metric, m) => data.k.forEach((k, i) =>
		choice.append(page.element('option', {value: m * data.k.length + i}, metric.name.replace('@k', '@' + k)))));
	const holder = page.element('div');
	place.append(page.element('div', {class: 'tools'}, choice), holder);

	// the worst, as many as can be told apart
	function draw() {
		const i = Number(choice.value);
		const most = 60;
		const shown = data.classes.map(c => [c[0], c[1], c[2][i]]).sort((a, b) => a[2] - b[2]).slice(0, most);
		holder.replaceChildren();
		page.chart(holder, {
			title: data.classes.length > most ? `By label: the ${most} worst of ${page.count(data.classes.length)}` : 'By label, the worst first',
			x: {label: 'label', names: shown.map(c => c[0])},
			y: axis,
			series: [{name: choice.selectedOptions[0].textContent, kind: 'bars', width: .8, points: shown.map((c, n) => [n, c[2]])}],
			tip: n => [`${page.number(shown[n][2])} of ${page.count(shown[n][1])} items`]
		});
	}
	draw();
});
