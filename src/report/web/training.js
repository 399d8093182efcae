// The curves of trainings: all of a model beside each other, and one of them in detail.
page.section('training', (root, data, part) => {
	const place = part('curves');
	if (place === null)
		return;
	const {runs, epochs, validation, steps} = data;
	const {element, chart} = page;

	// Rows of a table of columns that belong to a training, as objects
	function rows_of(table, run) {
		const names = Object.keys(table);
		const rows = [];
		table.run.forEach((r, i) => {
			if (r === run)
				rows.push(names.reduce((row, name) => Object.assign(row, {[name]: table[name][i]}), {}));
		});
		return rows;
	}
	function name_of(i) {
		const version = runs.version[i];
		return version === null ? `training ${runs.run[i]}${runs.state[i] === null ? '' : ' (' + runs.state[i] + ')'}` : `version ${version}`;
	}
	const epoch_axis = {label: 'epoch', format: x => Number.isInteger(x) ? page.count(x) : ''};
	const step_axis = {label: 'step'};

	function line(name, color, rows, x, y) {
		return {name, color, kind: 'line', points: rows.filter(row => row[y] !== null).map(row => [row[x], row[y]])};
	}
	// Only what has points, and no chart without any
	function draw(parent, title, x, y, series, marks) {
		const some = series.filter(s => s.points.length > 0);
		if (some.length > 0)
			chart(parent, {title, x, y, series: some, marks});
	}

	// ---- verdicts: where each begins ----

	function verdict_marks(log) {
		const marks = [];
		log.forEach((row, i) => {
			if (row.verdict !== null && (i === 0 || log[i - 1].verdict !== row.verdict))
				marks.push({x: row.epoch, label: row.verdict.includes('collapsed') ? '\u2717 collapsed' : '\u26a0 at the margin'});
		});
		return marks;
	}
	function verdict_notes(log) {
		return [...new Set(log.filter(row => row.verdict !== null).map(row => row.verdict))].map(verdict => {
			const where = log.filter(row => row.verdict === verdict).map(row => row.epoch);
			return element('p', {class: 'note wrong'}, element('b', null, `\u2717 Epoch${where.length > 1 ? 's' : ''} ${where.join(', ')}: `), page.label(verdict));
		});
	}

	// ---- one training ----

	const GROUPS = [['', 'all rows'], ['_known_classes', 'known classes'], ['_unknown_classes', 'unknown classes']];

	function draw_validation(parent, run) {
		const found = rows_of(validation, run);
		const of = metric => found.filter(row => row.metric === metric);
		const same = of('recall@1').every((row, i) => of('binary_accuracy')[i] !== undefined && of('binary_accuracy')[i].value === row.value);
		(same ? ['recall@1'] : ['recall@1', 'binary_accuracy']).forEach(metric =>
			draw(parent, 'Validation', epoch_axis, {label: same ? 'recall@1 = binary accuracy' : metric.replace('_', ' ')},
				GROUPS.map(([suffix, name], i) => line(name, i, of(metric + suffix), 'epoch', 'value'))));
	}
	function draw_run(parent, i) {
		const run = runs.run[i];
		const log = rows_of(epochs, run);
		const stepwise = rows_of(steps, run);
		const marks = verdict_marks(log);
		const side = element('div', {class: 'side'});

		parent.replaceChildren(...verdict_notes(log));
		if (runs.message[i] !== null)
			parent.append(element('p', {class: 'note'}, `It ${runs.state[i] === 'cancelled' ? 'was cancelled' : 'failed'}: `, page.label(runs.message[i])));
		parent.append(side);
		draw(side, 'Loss of epochs', epoch_axis, {label: 'loss'}, [line('mean of the epoch', 0, log, 'epoch', 'loss')], marks);
		draw_validation(side, run);
		draw(side, 'Distances of anchors', epoch_axis, {label: 'distance'}, [
			line('hardest positive, mean', 0, log, 'epoch', 'avg_positive'), line('hardest positive, greatest', 5, log, 'epoch', 'max_positive'),
			line('nearest negative, mean', 1, log, 'epoch', 'avg_negative'), line('nearest negative, least', 4, log, 'epoch', 'min_negative')], marks);
		if (stepwise.length > 1)
			draw(side, 'Loss of steps', step_axis, {label: 'loss'}, [line('loss', 0, stepwise, 'step', 'loss')]);
		const paced = stepwise.length > 1 ? [stepwise, step_axis, 'step'] : [log, epoch_axis, 'epoch'];
		draw(side, 'Learning rate', paced[1], {label: 'learning rate'}, [line('learning rate', 2, paced[0], paced[2], 'learning_rate')]);
		draw(side, 'Gradient', paced[1], {label: 'norm before clipping'}, [line('norm', 3, paced[0], paced[2], 'gradient_norm')]);
		draw(side, 'Speed', epoch_axis, {label: 'rows per second'}, [line('rows per second', 6, log, 'epoch', 'images_per_second')]);
	}

	// ---- all of them ----

	const last = runs.run.length - 1;
	if (last > 0) {
		const side = element('div', {class: 'side', id: 'training-all'});
		place.append(side);
		draw(side, 'Loss of all trainings', epoch_axis, {label: 'loss'}, runs.run.map((run, i) => line(name_of(i), i, rows_of(epochs, run), 'epoch', 'loss')));
		draw(side, 'Validation of all trainings', epoch_axis, {label: 'recall@1'},
			runs.run.map((run, i) => line(name_of(i), i, rows_of(validation, run).filter(row => row.metric === 'recall@1'), 'epoch', 'value')));
	}
	// first the training that the gallery is of
	const first = data.version === null || !runs.version.includes(data.version) ? last : runs.version.indexOf(data.version);
	const detail = element('div', {id: 'training-one'});
	if (last > 0) {
		const choice = element('select', {id: 'training-choice', onchange: () => draw_run(detail, Number(choice.value))},
			...runs.run.map((run, i) => element('option', {value: i, selected: i === first}, name_of(i))));
		place.append(element('div', {class: 'tools'}, element('label', {for: 'training-choice'}, 'One training in detail:'), choice));
	}
	place.append(detail);
	draw_run(detail, first);
	const known = validation.metric.includes('recall@1');
	if (!known)
		place.append(element('p', {class: 'note'}, 'Trainings had no validation, or it is not for you to see.'));
	if (steps.run.length === 0)
		place.append(element('p', {class: 'note'}, 'No steps were logged.'));
});
