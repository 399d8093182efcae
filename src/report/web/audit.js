// Suspected rows: filter by label, what is suggested, and how sure; arrow keys go from row to row.
page.section('audit', (root, data) => {
	const rows = [...root.querySelectorAll('.row')];
	if (rows.length === 0)
		return;
	const facts = data.rows.map(row => ({label: row[0], suggested: row[1], sure: row[2]}));
	const said = page.element('span', {class: 'quiet', 'aria-live': 'polite'});

	// A choice of what rows have; the first is all of them. Values are positions, texts are users'.
	function choice(name, of) {
		const values = [...new Set(facts.map(of))].sort();
		const select = page.element('select', {'aria-label': name, onchange: apply},
			page.element('option', {value: ''}, `${name}: all`),
			...values.map((value, i) => page.element('option', {value: i}, `${value} (${page.count(facts.filter(f => of(f) === value).length)})`)));
		return {select, fits: fact => select.value === '' || of(fact) === values[Number(select.value)]};
	}
	const label = choice('label', fact => fact.label);
	const suggested = choice('suggested', fact => fact.suggested);
	const least = page.element('input', {type: 'range', min: 50, max: 100, value: 50, 'aria-label': 'At least so sure, in percent', oninput: apply});
	const sure = page.element('output', null);

	function shown() {
		return rows.filter(row => !row.classList.contains('hidden'));
	}
	function apply() {
		rows.forEach((row, i) => row.classList.toggle('hidden', !(label.fits(facts[i]) && suggested.fits(facts[i]) && 100 * facts[i].sure >= Number(least.value))));
		sure.textContent = `at least ${least.value}\u00a0% sure`;
		said.textContent = `${page.count(shown().length)} of ${page.count(rows.length)} rows`;
	}
	rows.forEach((row, i) => {
		row.tabIndex = 0;
		row.setAttribute('aria-label', `labeled ${facts[i].label}, suggested ${facts[i].suggested}, ${page.percent(facts[i].sure)} sure`);
		row.addEventListener('keydown', event => {
			const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
			const others = shown();
			const next = step === undefined ? undefined : others[others.indexOf(row) + step];
			if (next !== undefined) {
				event.preventDefault();
				next.focus();
			}
		});
	});
	root.querySelector('.grid').before(page.element('div', {class: 'tools'}, label.select, suggested.select, page.element('label', null, least, ' ', sure), said));
	apply();
});
