-- Training data: kinds of inputs, and more of it than memory.
SET similarity.threads = 2;
CREATE TABLE item AS
SELECT i AS id, i % 5 AS label, decode(repeat(md5((i % 5)::text), 13) || repeat(md5(i::text), 12), 'hex') AS image
FROM generate_series(1, 4000) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('m', input => '{400}',
	layers => '[{"rescaling": {"scale": 0.004}}, {"metric_embedding": {"units": 8}}]');
CREATE FUNCTION trained(source text, arguments text DEFAULT '') RETURNS TABLE (weights bigint, rows int, spilled boolean) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CALL similarity.train(%L, %L, epochs => 1, steps_per_epoch => 40, seed => 5, verbose => false%s)', 'm', source, arguments);
	RETURN QUERY SELECT fingerprint, (metrics->>'rows')::int, (metrics->>'spilled_rows')::int > 0
		FROM similarity.model_versions WHERE model = 'm' ORDER BY version DESC LIMIT 1;
END
$$;

-- The same numbers in another type give the same weights.
CREATE TABLE number AS
SELECT id, label, (SELECT array_agg(get_byte(image, j) ORDER BY j) FROM generate_series(0, 399) j) AS x FROM item WHERE id <= 100;
CREATE TABLE result AS SELECT 'bytea' AS kind, t.* FROM trained('SELECT image, label FROM item WHERE id <= 100 ORDER BY id') t;
INSERT INTO result SELECT 'integer[]', t.* FROM trained('SELECT x, label FROM number ORDER BY id') t;
INSERT INTO result SELECT 'real[]', t.* FROM trained('SELECT x::real[], label FROM number ORDER BY id') t;
INSERT INTO result SELECT 'double precision[]', t.* FROM trained('SELECT x::float8[], label FROM number ORDER BY id') t;
INSERT INTO result SELECT 'embedding', t.* FROM trained('SELECT x::embedding, label FROM number ORDER BY id') t;
INSERT INTO result SELECT 'embedding(400, half)', t.* FROM trained('SELECT x::embedding(400, half), label FROM number ORDER BY id') t;
SELECT kind, weights = (SELECT weights FROM result WHERE kind = 'bytea') AS equal, rows, spilled FROM result;

-- More rows than memory: a temporary file, the same weights, and no file left.
TRUNCATE result;
INSERT INTO result SELECT 'memory', t.* FROM trained('SELECT image, label FROM item ORDER BY id') t;
SET similarity.training_memory = '1MB';
INSERT INTO result SELECT 'file', t.* FROM trained('SELECT image, label FROM item ORDER BY id') t;
CALL similarity.train('m', 'SELECT image, label FROM item ORDER BY id', epochs => 2, steps_per_epoch => 20, seed => 5, verbose => false);
INSERT INTO result SELECT 'over commits', fingerprint, (metrics->>'rows')::int, (metrics->>'spilled_rows')::int > 0
FROM similarity.model_versions WHERE model = 'm' ORDER BY version DESC LIMIT 1;
SELECT kind, count(*) OVER (PARTITION BY weights) AS equal, rows, spilled FROM result ORDER BY rows, kind;
CALL similarity.train('m', 'SELECT image, label / (4000 - id) FROM item ORDER BY id', epochs => 1, verbose => false);
SELECT count(*) AS files FROM pg_ls_tmpdir();
-- The limit of temporary files holds.
SET temp_file_limit = '64kB';
\set VERBOSITY sqlstate
CALL similarity.train('m', 'SELECT image, label FROM item ORDER BY id', epochs => 1, verbose => false);
\set VERBOSITY default
\set SHOW_CONTEXT never
RESET temp_file_limit;
SELECT count(*) AS files FROM pg_ls_tmpdir();
-- Batches to look at come from there as well.
SELECT bool_and(s.input::bytea = i.image) AS equal, max("row") > 3000 AS from_file
FROM similarity.sample_batch('SELECT image, label FROM item ORDER BY id', batches => 20) s JOIN item i ON i.id = s."row";
RESET similarity.training_memory;

SELECT similarity.drop_model('m');
DROP TABLE item, number, result;
DROP FUNCTION trained;
