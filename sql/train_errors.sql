-- What training refuses: an SQLSTATE, a message, and nothing changed.
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	context text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
		'CONTEXT: ' || substring(context, '^row \d+ of the source query'));
END
$$;
-- One CALL with its source query and further arguments
CREATE FUNCTION train_fails(source text, arguments text DEFAULT '', model text DEFAULT 'small') RETURNS text LANGUAGE sql
	RETURN fails(format('CALL similarity.train(%L, %L, epochs => 1, steps_per_epoch => 50, verbose => false%s)',
		model, source, ', ' || nullif(arguments, '')));

CREATE TABLE item AS
SELECT i AS id, i % 4 AS label, set_byte('\x00000000', i % 4, 200) AS image FROM generate_series(1, 5000) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('small', input => '{2,2,1}', layers =>
	'[{"rescaling": {"scale": 0.004}}, {"flatten": {}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('small', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false);
\pset format unaligned
\pset tuples_only on

-- model
SELECT train_fails('SELECT image, label FROM item', model => 'none');
SELECT fails('CALL similarity.train(NULL, ''SELECT 1'')');
SELECT fails('CALL similarity.train(''small'', NULL)');

-- query
SELECT train_fails('');
SELECT train_fails('SELEC image, label FROM item');
SELECT train_fails('SELECT image, labels FROM item');
SELECT train_fails('SELECT image, label FROM items');
SELECT train_fails('SELECT image, label FROM item WHERE id = $1');
SELECT train_fails('SELECT image, label FROM item; SELECT 1');
SELECT train_fails('INSERT INTO item VALUES (1) RETURNING image, label');
SELECT train_fails('WITH d AS (DELETE FROM item RETURNING *) SELECT image, label FROM d');
SELECT train_fails('SELECT image, label INTO copy FROM item');
SELECT train_fails('EXPLAIN SELECT image, label FROM item');
SELECT train_fails('COPY item TO STDOUT');
SELECT train_fails('COMMIT');
SELECT train_fails('SELECT image, 1 / (id - 4000) FROM item');

-- columns
SELECT train_fails('SELECT image FROM item');
SELECT train_fails('SELECT FROM item');
SELECT train_fails('SELECT image, label, id AS "the id" FROM item');
SELECT train_fails('SELECT label, image FROM item');
SELECT train_fails('SELECT label::text AS "Input", image FROM item');

-- rows
SELECT train_fails('SELECT image, label FROM item WHERE false');
SELECT train_fails('SELECT image, label FROM item WHERE label = 1');
SELECT train_fails('SELECT CASE WHEN id <> 4711 THEN image END, label FROM item ORDER BY id');
SELECT train_fails('SELECT image, CASE WHEN id <> 4711 THEN label END FROM item ORDER BY id');
SELECT train_fails('SELECT CASE WHEN id = 4711 THEN image || image ELSE image END, label FROM item ORDER BY id');
SELECT train_fails('SELECT CASE WHEN id = 4711 THEN ''{1,2,3}'' ELSE ''{1,2,3,4}''::real[] END, label FROM item ORDER BY id');
SELECT train_fails('SELECT CASE WHEN id = 4711 THEN ''{1,2,3,NULL}'' ELSE ''{1,2,3,4}''::real[] END, label FROM item ORDER BY id');
SELECT train_fails('SELECT CASE WHEN id = 4711 THEN ''{1,2,3,NaN}'' ELSE ''{1,2,3,4}''::real[] END, label FROM item ORDER BY id');
SELECT train_fails('SELECT ''[1,2,3]''::embedding, label FROM item ORDER BY id');

-- batches
SELECT train_fails('SELECT image, label FROM item', 'classes_per_batch => 5');
SELECT train_fails('SELECT image, label FROM item', 'classes_per_batch => 1');
SELECT train_fails('SELECT image, label FROM item', 'examples_per_class => 1');
SELECT train_fails('SELECT image, label FROM item', 'examples_per_class => NULL');
SELECT train_fails('SELECT image, label FROM item', 'classes_per_batch => 4, examples_per_class => 1000000');
SELECT fails('CALL similarity.train(''small'', ''SELECT image, label FROM item'', epochs => 0)');
SELECT fails('CALL similarity.train(''small'', ''SELECT image, label FROM item'', steps_per_epoch => -1)');

-- known classes
SELECT train_fails('SELECT image, label FROM item', 'known_classes => ''{1}''');
SELECT train_fails('SELECT image, label FROM item', 'known_classes => ''{1,2,shoe}''');
SELECT train_fails('SELECT image, label FROM item', 'known_classes => ''{hat,shoe}''');
SELECT train_fails('SELECT image, label FROM item', 'known_classes => ''{1,NULL}''');
SELECT train_fails('SELECT image, label FROM item', 'known_classes => ''{}''');

-- losses and optimizers
SELECT train_fails('SELECT image, label FROM item', 'loss => ''hinge''');
SELECT train_fails('SELECT image, label FROM item', 'loss => NULL');
SELECT train_fails('SELECT image, label FROM item', 'loss_params => ''{"alfa": 2}''');
SELECT train_fails('SELECT image, label FROM item', 'loss_params => ''{"alpha": "two"}''');
SELECT train_fails('SELECT image, label FROM item', 'loss_params => ''[1]''');
SELECT train_fails('SELECT image, label FROM item', 'optimizer => ''newton''');
SELECT train_fails('SELECT image, label FROM item', 'optimizer_params => ''{"learning_rate": -1}''');
SELECT train_fails('SELECT image, label FROM item', 'optimizer_params => ''{"rate": 1}''');

-- divergence names the step
SELECT count(*) > 0 AS created FROM similarity.create_model('plain', input => '{4}', layers => '[{"rescaling": {"scale": 1000}}, {"metric_embedding": {"units": 4}}]');
CREATE TABLE huge AS
SELECT i AS id, i % 4 AS label, array_fill(CASE WHEN i = 47 THEN 3e38 ELSE i END::real, ARRAY[4]) AS input
FROM generate_series(1, 100) i;
SELECT train_fails('SELECT input, label FROM huge ORDER BY id', 'seed => 1', 'plain');

-- memory
SET similarity.training_memory = '1MB';
SELECT regexp_replace(train_fails('SELECT image, label FROM item, generate_series(1, 60)'), '[\d.]+ MB|\d+ rows|row \d+', '#', 'g');
SELECT regexp_replace(train_fails('SELECT image, label FROM item', 'classes_per_batch => 4, examples_per_class => 2000'),
	'[\d.]+ MB|\d+ rows|row \d+', '#', 'g');
RESET similarity.training_memory;

-- privileges
CREATE ROLE regress_stranger;
GRANT SELECT ON item TO regress_stranger;
GRANT EXECUTE ON FUNCTION fails, train_fails TO regress_stranger;
SET ROLE regress_stranger;
SELECT train_fails('SELECT image, label FROM item');
RESET ROLE;
SELECT similarity.grant_usage('small', 'regress_stranger');
SET ROLE regress_stranger;
SELECT train_fails('SELECT image, label FROM item');
RESET ROLE;

-- Errors outside of a transaction block: the user's error with its context.
CALL similarity.train('small', 'SELECT image, nothing FROM item');
CALL similarity.train('small', 'SELECT image, 1 / (id - 4000) FROM item');
CALL similarity.train('plain', 'SELECT input, label FROM huge ORDER BY id', epochs => 3, steps_per_epoch => 20, seed => 1, verbose => false);

-- Nothing changed: one version, and of the failures the last alone got as far as a run.
SELECT model, count(*) FROM similarity.model_versions GROUP BY 1;
SELECT model, state, version IS NOT NULL AS has_version, message FROM similarity.training_runs ORDER BY run;
SELECT model, epoch FROM similarity.training_log WHERE model = 'plain' ORDER BY epoch;
SELECT count(*), count(DISTINCT image) FROM item;
CALL similarity.train('small', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false);
SELECT similarity.drop_model('small'), similarity.drop_model('plain');
DROP TABLE item, huge;
DROP FUNCTION train_fails, fails;
DROP ROLE regress_stranger;
