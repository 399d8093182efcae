-- A user's query of (input, label): what it may be, which inputs it gives and
-- what its labels are is the same wherever one is taken.
SET similarity.threads = 2;
SET client_min_messages = error;
CREATE TABLE item AS
SELECT i AS id, (ARRAY['hat', 'shoe', 'bag'])[1 + i % 3] AS kind, ARRAY[i, i % 3, i % 7, 1] AS x
FROM generate_series(1, 60) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('m', input => '{4}', layers =>
	'[{"rescaling": {"scale": 0.1}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('m', 'SELECT x, kind FROM item', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
CREATE TABLE shelf AS SELECT id, kind, x, embed('m', x)::embedding(4) AS e FROM item;
ALTER TABLE shelf ADD PRIMARY KEY (id);
SELECT similarity.create_gallery('shelf', 'shelf', 'e', 'kind', model => 'm');
SELECT name FROM similarity.calibrate('shelf', 'SELECT x, kind FROM item');

-- Bad queries: the errors of all who read one, and how many say so
CREATE FUNCTION errors(query text) RETURNS TABLE (readers bigint, state text, message text, hint text) LANGUAGE plpgsql AS $$
DECLARE
	reader text;
	states text[];
	messages text[];
	hints text[];
	hint text;
BEGIN
	FOREACH reader IN ARRAY ARRAY[
		'SELECT * FROM similarity.sample_batch(%L)',
		'CALL similarity.train(''m'', %L)',
		'CALL similarity.train(''m'', ''SELECT x, kind FROM item'', validation => %L)',
		'SELECT * FROM similarity.calibrate(''shelf'', %L)',
		'SELECT * FROM similarity.evaluate_retrieval(''shelf'', %L)',
		'SELECT * FROM similarity.confusion_matrix(''shelf'', %L)']
	LOOP
		BEGIN
			EXECUTE format(reader, query);
			states := states || NULL;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
			states := states || SQLSTATE;
			messages := messages || regexp_replace(SQLERRM, '(source|validation) query', 'query');
			hints := hints || hint;
		END;
	END LOOP;
	RETURN QUERY SELECT count(*), e.* FROM unnest(states, messages, hints) e GROUP BY 2, 3, 4;
END
$$;
SELECT * FROM errors('DELETE FROM item RETURNING x, kind');
SELECT * FROM errors('WITH d AS (DELETE FROM item RETURNING *) SELECT x, kind FROM d');
SELECT * FROM errors('SELECT x, kind FROM item FOR UPDATE');
SELECT * FROM errors('SELECT x, kind INTO copy FROM item');
SELECT * FROM errors('EXPLAIN SELECT x, kind FROM item');
SELECT * FROM errors('SELECT x, kind FROM item; SELECT 1');
SELECT * FROM errors('');
SELECT * FROM errors('SELECT x FROM item');
SELECT * FROM errors('SELECT x, kind, id FROM item');
SELECT * FROM errors('SELECT kind, x FROM item');
SELECT * FROM errors('SELECT x, kind FROM item WHERE false');
SELECT * FROM errors('SELECT CASE WHEN id <> 7 THEN x END, kind FROM item ORDER BY id');
SELECT * FROM errors('SELECT x, CASE WHEN id <> 7 THEN kind END FROM item ORDER BY id');
SELECT count(*) FROM item;
-- Errors of the query, and of its rows, tell where.
\set SHOW_CONTEXT always
SELECT * FROM similarity.sample_batch('SELECT x, 1 / (id - 7) FROM item ORDER BY id');
SELECT * FROM similarity.evaluate_retrieval('shelf', 'SELECT x, 1 / (id - 7) FROM item ORDER BY id');
SELECT * FROM similarity.sample_batch('SELECT x, CASE id WHEN 7 THEN NULL ELSE kind END FROM item ORDER BY id');
SELECT * FROM similarity.evaluate_retrieval('shelf', 'SELECT x, CASE id WHEN 7 THEN NULL ELSE kind END FROM item ORDER BY id');
\set SHOW_CONTEXT errors

-- Types of inputs
CREATE DOMAIN numbers AS integer[];
CREATE DOMAIN more_numbers AS numbers;
CREATE FUNCTION works(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END
$$;
SELECT type,
	works(format('CALL similarity.train(''m'', ''SELECT x::%s, kind FROM item'', epochs => 1, steps_per_epoch => 1, verbose => false)', type)) AS train,
	works(format('SELECT * FROM similarity.calibrate(''shelf'', ''SELECT x::%s, kind FROM item'')', type)) AS calibrate,
	works(format('SELECT * FROM similarity.lookup_all(''shelf'', ''SELECT x::%s, id FROM item'')', type)) AS lookup_all,
	works(format('SELECT similarity.lookup(''shelf'', x::%s) FROM item', type)) AS lookup,
	works(format('ALTER TABLE shelf ALTER x TYPE %s USING x::%1$s', type))
		AND works('SELECT similarity.attach(''shelf'', ''x'')')
		AND works('INSERT INTO shelf (id, kind, x) VALUES (0, ''hat'', ''{1,2,3,4}'')')
		AND works('DELETE FROM shelf WHERE id = 0')
		AND works('SELECT similarity.detach(''shelf'')') AS attach
FROM unnest(ARRAY['smallint[]', 'integer[]', 'bigint[]', 'real[]', 'double precision[]', 'numeric[]',
	'numbers', 'more_numbers', 'text[]']) type;

-- Types of labels: blanks that char(n) adds are none of theirs.
CREATE DOMAIN padded AS char(6);
CREATE DOMAIN padded_too AS padded;
SELECT type,
	(SELECT array_agg(DISTINCT '<' || label || '>') FROM similarity.sample_batch(
		format('SELECT x, kind::%s FROM item', type), known_classes => '{hat,bag}')) AS sampled,
	(SELECT value FROM similarity.evaluate_retrieval('shelf', format('SELECT x, kind::%s FROM item', type), '{recall@1}')) AS recall
FROM unnest(ARRAY['text', 'char(6)', 'padded', 'padded_too']) type;
-- Those of a training and of its validation
CALL similarity.train('m', 'SELECT x, kind::padded FROM item', known_classes => '{hat,bag}',
	validation => 'SELECT x, kind::char(9) FROM item', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT metrics->'validation'->'rows_known_classes' AS known, metrics->'validation'->'rows_unknown_classes' AS unknown
FROM similarity.model_versions WHERE model = 'm' ORDER BY version DESC LIMIT 1;
-- Those of a gallery, and its keys
CREATE TABLE cabinet AS SELECT kind::padded, id::char(6), e FROM shelf;
ALTER TABLE cabinet ADD PRIMARY KEY (id);
SELECT similarity.create_gallery('cabinet', 'cabinet', 'e', 'kind', model => 'm');
SELECT value FROM similarity.evaluate_retrieval('cabinet', 'SELECT x, kind FROM item', '{recall@1}');
SELECT '<' || n.label || '>' AS label, '<' || n.key || '>' AS key, c.kind = n.label AS joined
FROM similarity.lookup('cabinet', (SELECT e FROM shelf WHERE id = 7), 1) n JOIN cabinet c ON c.id::text = n.key;
SELECT count(*) FROM similarity.lookup_all('cabinet', 'SELECT e, id FROM cabinet', 1) n JOIN cabinet c ON c.id::text = n.query_key AND c.id::text = n.key;

SELECT similarity.drop_gallery('shelf'), similarity.drop_gallery('cabinet'), similarity.drop_model('m');
DROP TABLE item, shelf, cabinet;
DROP FUNCTION errors, works;
DROP DOMAIN more_numbers, numbers, padded_too, padded;
