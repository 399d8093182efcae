// Filter the items: all, those whose nearest is wrong, those of a label.
page.section('neighbors', root => {
	const rows = [...root.querySelectorAll('.row')];
	if (rows.length === 0)
		return;
	const label_of = row => row.querySelector('.query bdi').textContent;
	const kinds = {
		'all': () => true,
		'nearest is wrong': row => row.querySelector('figure.query + figure.wrong') !== null,
		'some are wrong': row => row.querySelector('.wrong') !== null,
		'nearest is beyond the cut point': row => row.querySelector('figure.query + figure.beyond') !== null
	};
	const said = page.element('span', {class: 'quiet', 'aria-live': 'polite'});
	const search = page.element('input', {type: 'search', placeholder: 'label', 'aria-label': 'Show items of this label', oninput: apply});
	let kind = 'all';

	const has = selector => root.querySelector(selector) !== null;
	const offered = Object.keys(kinds).filter(name => name.includes('beyond') ? has('.row .beyond') : has('.row .right, .row .wrong') || name === 'all');
	const buttons = offered.map(name => page.element('button', {type: 'button', 'aria-pressed': String(name === kind), onclick: () => {
		kind = name;
		buttons.forEach(b => b.setAttribute('aria-pressed', String(b.textContent === kind)));
		apply();
	}}, name));

	function apply() {
		let shown = 0;
		rows.forEach(row => {
			const fits = kinds[kind](row) && label_of(row).toLowerCase().includes(search.value.toLowerCase());
			row.classList.toggle('hidden', !fits);
			shown += fits;
		});
		said.textContent = `${page.count(shown)} of ${page.count(rows.length)} items`;
	}
	root.querySelector('.grid').before(page.element('div', {class: 'tools'}, ...(buttons.length > 1 ? buttons : []), search, said));
	apply();
});
