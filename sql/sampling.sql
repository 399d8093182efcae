-- Batches: how they are drawn, and functions that show them.
CREATE TABLE item AS
SELECT i AS id, 'class ' || i % 10 AS label, decode(lpad(to_hex(i), 8, '0'), 'hex') AS image FROM generate_series(0, 999) i;

-- Ten classes at most, two rows of each, which differ; the input is that of the row.
SELECT count(*) AS rows, count(DISTINCT label) AS classes, count(DISTINCT "row") AS distinct_rows,
	bool_and(label = 'class ' || ("row" - 1) % 10) AS labels_agree, min("position"), max("position"), max(batch) AS batches,
	bool_and(input::bytea = (SELECT image FROM item WHERE id = "row" - 1)) AS inputs_agree
FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', seed => 1);
SELECT batch, count(DISTINCT label) AS classes, count(*) AS rows
FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', classes_per_batch => 3, examples_per_class => 4, batches => 3, seed => 1)
GROUP BY 1 ORDER BY 1;
-- A seed gives the same batches, another one others.
SELECT a.rows = b.rows AS same, a.rows = c.rows AS other
FROM (SELECT array_agg("row" ORDER BY batch, "position") AS rows FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', seed => 7, batches => 5)) a,
	(SELECT array_agg("row" ORDER BY batch, "position") AS rows FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', seed => 7, batches => 5)) b,
	(SELECT array_agg("row" ORDER BY batch, "position") AS rows FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', seed => 8, batches => 5)) c;
-- Some classes, and the first rows of each
SELECT DISTINCT label, input FROM similarity.sample_batch('SELECT ARRAY[id, id / 10.0]::float8[], label FROM item ORDER BY id',
	known_classes => '{class 3,class 5}', max_examples_per_class => 2, examples_per_class => 2, seed => 1) ORDER BY 1, 2;
-- Classes with too few rows: one warning; their rows come repeatedly.
SELECT count(*) AS rows, count(DISTINCT "row") AS distinct_rows
FROM similarity.sample_batch('SELECT image, label FROM item WHERE id < 23 ORDER BY id', examples_per_class => 3, seed => 1);
SELECT count(*) AS rows, count(DISTINCT "row") AS distinct_rows
FROM similarity.sample_batch('SELECT image, label FROM item WHERE id < 11 AND id <> 5 ORDER BY id', examples_per_class => 2, seed => 1);
-- Classes of a batch come from some categories: negatives of the same kind.
SELECT batch, count(DISTINCT kind) AS kinds, count(DISTINCT label) AS classes, count(*) AS rows
FROM similarity.sample_batch('SELECT image, label, id % 10 / 4 FROM item ORDER BY id', classes_per_batch => 4, categories_per_batch => 2,
		batches => 3, seed => 1) b, LATERAL (SELECT right(label, 1)::int / 4 AS kind) k
GROUP BY 1 ORDER BY 1;
SELECT bool_and(classes = 2) AS halves
FROM (SELECT count(DISTINCT label) AS classes
	FROM similarity.sample_batch('SELECT image, label, id % 10 / 5 FROM item', classes_per_batch => 4, categories_per_batch => 2, batches => 50) b
	GROUP BY batch, right(label, 1)::int / 5) c;
-- Categories are those of the classes that take part.
SELECT DISTINCT label FROM similarity.sample_batch('SELECT image, label, id % 10 / 5 FROM item', known_classes => '{class 3,class 4,class 9}',
	classes_per_batch => 2, categories_per_batch => 2, batches => 20, seed => 1) ORDER BY 1;
SELECT similarity.batch_class_ratio('SELECT image, label, id % 10 / 5 FROM item', classes_per_batch => 4, examples_per_class => 3,
	categories_per_batch => 1, num_batches => 3) AS three;

-- Every row its own class: one column will do.
SELECT count(*) AS rows, bool_and(label IS NULL) AS unlabeled, bool_and(c = 2 * c / 2 AND c >= 2) AS in_pairs
FROM (SELECT "row", label, count(*) OVER (PARTITION BY "row") AS c
	FROM similarity.sample_batch('SELECT image FROM item', classes_per_batch => 32, sampler => 'single_shot', seed => 3)) s;
SELECT input FROM similarity.sample_batch('SELECT ARRAY[[1,2],[3,4]] UNION ALL SELECT ARRAY[[1,2],[3,4]]', classes_per_batch => 2, sampler => 'single_shot') LIMIT 1;

-- Rows for each class of a batch
SELECT similarity.batch_class_ratio('SELECT image, label FROM item') AS two,
	similarity.batch_class_ratio('SELECT image, label FROM item', classes_per_batch => 4, examples_per_class => 5, num_batches => 3) AS five,
	similarity.batch_class_ratio('SELECT image FROM item', classes_per_batch => 400, sampler => 'single_shot', seed => 1) BETWEEN 2 AND 3 AS repeated;

-- A training draws the same batches: here one, of all rows.
SELECT count(*) > 0 AS created FROM similarity.create_model('all', input => '{4}', layers => '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('all', 'SELECT image, label FROM item ORDER BY id', max_examples_per_class => 2, epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
CALL similarity.train('all', 'SELECT image, label FROM item WHERE id < 20 ORDER BY id', epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
SELECT count(DISTINCT fingerprint) AS weights, min((metrics->>'rows')::int), max((metrics->>'rows')::int) FROM similarity.model_versions;
CALL similarity.train('all', 'SELECT image FROM item ORDER BY id', loss => 'simclr', sampler => 'single_shot', classes_per_batch => 8,
	epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
SELECT options->>'sampler' AS sampler, version IS NOT NULL AS trained FROM similarity.training_runs ORDER BY run DESC LIMIT 1;

CALL similarity.train('all', 'SELECT image, label, id % 10 / 5 FROM item ORDER BY id', classes_per_batch => 4, categories_per_batch => 2,
	epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
SELECT options->'categories_per_batch' AS categories, version IS NOT NULL AS trained FROM similarity.training_runs ORDER BY run DESC LIMIT 1;

-- Schedules: the learning rate of an epoch's last step
SELECT schedule, parameter, "default" FROM similarity.schedules();
DO $$
DECLARE
	s text;
BEGIN
	FOREACH s IN ARRAY ARRAY['{"constant": {}}', '{"cosine": {}}', '{"cosine": {"alpha": 0.5, "decay_steps": 5}}',
			'{"warmup_cosine": {"warmup_steps": 5}}', '{"warmup_cosine": {"warmup_steps": 4, "alpha": 0.1, "total_steps": 14}}'] LOOP
		CALL similarity.train('all', 'SELECT image, label FROM item', schedule => s::jsonb, optimizer_params => '{"learning_rate": 0.01}',
			epochs => 4, steps_per_epoch => 5, verbose => false);
	END LOOP;
END
$$;
SELECT r.options->'schedule' AS schedule, array_agg(round(l.learning_rate::numeric, 6) ORDER BY l.epoch) AS rates
FROM similarity.training_runs r JOIN similarity.training_log l USING (run)
WHERE jsonb_typeof(r.options->'schedule') = 'object' GROUP BY r.run, 1 ORDER BY r.run;

-- Errors
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;
CREATE FUNCTION sample_fails(arguments text) RETURNS text LANGUAGE sql
	RETURN fails('SELECT * FROM similarity.sample_batch(' || arguments || ')');
SELECT sample_fails('NULL');
SELECT sample_fails($$'SELECT 1'$$);
SELECT sample_fails($$'SELECT image, label, id FROM item'$$);
SELECT sample_fails($$'DELETE FROM item RETURNING image, label'$$);
SELECT sample_fails($$'SELECT image, label FROM item', classes_per_batch => 11$$);
SELECT sample_fails($$'SELECT image, label FROM item', classes_per_batch => 1$$);
SELECT sample_fails($$'SELECT image, label FROM item', examples_per_class => 1$$);
SELECT sample_fails($$'SELECT image, label FROM item', classes_per_batch => 1000000, examples_per_class => 1000000$$);
SELECT sample_fails($$'SELECT image, label FROM item', max_examples_per_class => 0$$);
SELECT sample_fails($$'SELECT image, label FROM item', sampler => 'two_shot'$$);
SELECT sample_fails($$'SELECT image, label FROM item', sampler => 'single_shot', max_examples_per_class => 3$$);
SELECT sample_fails($$'SELECT image, label FROM item', categories_per_batch => 1$$);
SELECT sample_fails($$'SELECT image, label, 1 FROM item', categories_per_batch => 0$$);
SELECT sample_fails($$'SELECT image, label, 1 FROM item', categories_per_batch => 2$$);
SELECT sample_fails($$'SELECT image, label, id % 10 / 4 FROM item', classes_per_batch => 2, categories_per_batch => 3$$);
SELECT sample_fails($$'SELECT image, label, nullif(id, 12) % 10 / 4 FROM item ORDER BY id', categories_per_batch => 2$$);
SELECT sample_fails($$'SELECT image, label, id / 500 FROM item ORDER BY id', categories_per_batch => 2$$);
SELECT sample_fails($$'SELECT image, label, 1 FROM item', sampler => 'single_shot', categories_per_batch => 1$$);
SELECT sample_fails($$'SELECT image, label FROM item', batches => 0$$);
SELECT sample_fails($$'SELECT CASE WHEN id = 7 THEN image || image ELSE image END, label FROM item ORDER BY id'$$);
SELECT sample_fails($$'SELECT CASE WHEN id = 7 THEN ARRAY[[1,2]] ELSE ARRAY[[1],[2]] END, label FROM item ORDER BY id'$$);
SELECT sample_fails($$'SELECT ''{}''::real[], label FROM item ORDER BY id'$$);
SELECT sample_fails($$'SELECT CASE WHEN id = 7 THEN ''{1,Infinity}'' ELSE ''{1,2}''::float8[] END, label FROM item ORDER BY id'$$);
SELECT fails($$SELECT similarity.batch_class_ratio('SELECT image, label FROM item', num_batches => 0)$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', loss => 'arcface', sampler => 'single_shot')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', schedule => '"cosine"')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', schedule => '{"linear": {}}')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', schedule => '{"cosine": {"beta": 1}}')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', schedule => '{"cosine": 1}')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', schedule => '{"warmup_cosine": {}}')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 10, schedule => '{"warmup_cosine": {"warmup_steps": 10}}')$$);
SELECT fails($$CALL similarity.train('all', 'SELECT image, label FROM item', optimizer_params => '{"clipnorm": 1, "clipvalue": 1}')$$);

SELECT similarity.drop_model('all');
DROP TABLE item;
DROP FUNCTION sample_fails, fails;
