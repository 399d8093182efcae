// A cell of the matrix shows its pairs: click it, or go there by arrow keys and press Enter.
page.section('confusion', (root, data) => {
	const matrix = root.querySelector('.matrix');
	if (matrix === null)
		return;
	const place = document.getElementById('confusion-pairs');
	const columns = data.labels.length + 1;
	const cells = [...matrix.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll('td[data-cell]')]);
	const name = i => i < data.labels.length ? data.labels[i] : null;
	let active = null;

	function at(cell) {
		return cell.dataset.cell.split(',').map(Number);
	}
	function count(cell) {
		return Number(cell.textContent.replace(/,/g, '')) || 0;
	}
	function focus(cell) {
		if (active !== null)
			active.tabIndex = -1;
		active = cell;
		active.tabIndex = 0;
	}
	function close() {
		place.replaceChildren();
		matrix.querySelectorAll('.open').forEach(c => c.classList.remove('open'));
	}
	function open(cell) {
		const [i, j] = at(cell);
		const pairs = data.pairs.filter(pair => pair[0] === i * columns + j);
		close();
		if (count(cell) === 0)
			return;
		cell.classList.add('open');
		const mark = i === j ? 'right' : 'wrong';
		place.append(page.element('div', {class: 'card'},
			page.element('h3', {class: 'first'}, page.label(name(i)), ' next to ', page.label(name(j)), `: ${page.count(count(cell))} items, ${page.count(pairs.length)} shown `,
				page.element('button', {type: 'button', onclick: () => {
					close();
					cell.focus();
				}}, 'close')),
			page.element('div', {class: 'pictures'}, ...pairs.map(pair => page.element('div', {class: 'pair'},
				page.figure({picture: pair[3], label: name(i), note: pair[2], mark: 'query'}),
				page.figure({picture: pair[5], label: name(j), note: `${pair[1] === null ? '\u2013' : pair[1].toFixed(4)}${pair[4] === null ? '' : ' \u00b7 ' + pair[4]}`, mark}))))));
	}

	cells.forEach((row, y) => row.forEach((cell, x) => {
		const [i, j] = at(cell);
		cell.tabIndex = -1;
		cell.setAttribute('aria-label', `${name(i)}, nearest ${name(j) === null ? 'without label' : name(j)}: ${page.count(count(cell))}`);
		cell.addEventListener('click', () => {
			focus(cell);
			open(cell);
		});
		cell.addEventListener('pointerenter', event => {
			const box = cell.getBoundingClientRect();
			page.show_tip(window.scrollX + box.right, window.scrollY + box.top, page.element('div', null, page.label(name(i)), ' \u2192 ', page.label(name(j))), page.element('b', null, page.count(count(cell))));
		});
		cell.addEventListener('pointerleave', page.hide_tip);
		cell.addEventListener('keydown', event => {
			const [dx, dy] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] || [0, 0];
			if (event.key === 'Enter' || event.key === ' ') {
				event.preventDefault();
				open(cell);
			}
			else if (event.key === 'Escape')
				close();
			else if (dx !== 0 || dy !== 0) {
				event.preventDefault();
				const next = cells[Math.min(Math.max(y + dy, 0), cells.length - 1)][Math.min(Math.max(x + dx, 0), row.length - 1)];
				focus(next);
				next.focus();
			}
		});
	}));
	if (cells.length > 0)
		focus(cells[0][0]);
	matrix.parentNode.before(page.element('p', {class: 'note'}, 'Click a cell, or press Enter in it, to see its pairs.'));
});
