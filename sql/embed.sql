-- embed(), embed_batch() and deployment on a tiny model whose classes are easy
SET client_min_messages = warning;
CREATE TABLE tiles AS
SELECT i AS id, i % 4 AS label, (SELECT string_agg(set_byte('\x00', 0, CASE WHEN p / 4 = i % 4
		THEN 200 + (i * 7 + p * 13) % 50 ELSE (i * 11 + p * 5) % 40 END), '' ORDER BY p)
	FROM generate_series(0, 15) p) AS image
FROM generate_series(1, 700) i;
SELECT count(*) FROM similarity.create_model('tiles', '{4,4,1}', '[
  {"rescaling": {"scale": 0.00392156862745098}}, {"flatten": {}},
  {"dense": {"units": 8, "activation": "relu"}}, {"metric_embedding": {"units": 3}}]');
CALL similarity.train('tiles', 'SELECT image, label FROM tiles', epochs => 1, steps_per_epoch => 100, seed => 1, verbose => false);
SELECT version AS v1 FROM similarity.model_versions WHERE model = 'tiles' \gset

-- The value: dimensions, tag, length 1; same by name and by version
SELECT dims(e), embedding_model(e) = :v1 AS tagged, abs(l2_norm(e) - 1) < 1e-6 AS unit, e = embed(:v1, image) AS same
FROM (SELECT image, embed('tiles', image) AS e FROM tiles WHERE id = 1) t;

-- The same numbers as bytea, real[] of any shape and embedding
SELECT embed('tiles', decode(repeat('64', 16), 'hex')) = embed('tiles', array_fill(100::real, '{4,4,1}')) AS array_3d,
	embed('tiles', array_fill(100::real, '{16}')) = embed('tiles', array_fill(100, '{16}')) AS integers,
	embed(:v1, array_fill(100::real, '{16}')) = embed(:v1, array_fill(100::real, '{16}')::embedding) AS embedding;

-- NULL in, NULL out
SELECT embed('tiles', NULL::bytea) IS NULL, embed(NULL::text, '\x00'::bytea) IS NULL, embed(NULL::integer, '\x00'::bytea) IS NULL;

-- It has learned: the nearest other tile is of the same class
SELECT avg((SELECT (q.label = p.label)::integer FROM tiles q WHERE q.id <> p.id
	ORDER BY embed('tiles', q.image) <=> embed('tiles', p.image), q.id LIMIT 1)) > 0.95 AS learned
FROM tiles p WHERE p.id <= 40;

-- Batches give what single rows give, in whatever number and order
SELECT count(*), max(a <-> b) < 1e-5 AS same, bool_and(embedding_model(a) = :v1) AS tagged
FROM (SELECT embed_batch('tiles', image) OVER () AS a, embed('tiles', image) AS b FROM tiles) t;
SELECT count(*), max(a <-> b) < 1e-5 AS same
FROM (SELECT embed_batch(:v1, image) OVER (PARTITION BY label ORDER BY id DESC) AS a, embed('tiles', image) AS b FROM tiles) t;
SELECT count(*), max(a <-> b) < 1e-5 AS same
FROM (SELECT embed_batch('tiles', x) OVER () AS a, embed('tiles', x) AS b
	FROM tiles, LATERAL (SELECT array_agg(get_byte(image, p)::real ORDER BY p) AS x FROM generate_series(0, 15) p) r) t;
SELECT count(*), max(a <-> b) < 1e-5 AS same
FROM (SELECT embed_batch(:v1, x::embedding) OVER () AS a, embed('tiles', x) AS b
	FROM tiles, LATERAL (SELECT array_agg(get_byte(image, p)::real ORDER BY p) AS x FROM generate_series(0, 15) p) r
	WHERE id < 20) t;
SELECT count(*) FROM (SELECT embed_batch('tiles', image) OVER () FROM tiles LIMIT 3) t;
SELECT count(*) FROM (SELECT embed_batch('tiles', image) OVER () FROM tiles WHERE id < 0) t;
-- with one thread, and with a cache too small for any but one network
SET similarity.threads = 1;
SET similarity.cache_memory = '1MB';
SELECT max(a <-> b) < 1e-5 AS same
FROM (SELECT embed_batch('tiles', image) OVER () AS a, embed('tiles', image) AS b FROM tiles) t;
RESET similarity.threads;
RESET similarity.cache_memory;
-- rows that are NULL, as input or as model
SELECT id, a IS NULL AS is_null, (a <-> embed('tiles', image)) < 1e-5 AS same
FROM (SELECT id, image, embed_batch(model, input) OVER (ORDER BY id) AS a
	FROM (SELECT id, image, CASE WHEN id IN (1, 4) THEN NULL ELSE 'tiles' END AS model,
		CASE WHEN id IN (3, 4) THEN NULL ELSE image END AS input FROM tiles WHERE id <= 5) t) u ORDER BY id;
SELECT embed_batch('tiles', image) FROM tiles;

-- Inputs that do not fit
SELECT embed('tiles', '\x0102'::bytea);
SELECT embed('tiles', '{1,2}'::real[]);
SELECT embed('tiles', '{}'::real[]);
SELECT embed('tiles', '[1,2]'::embedding);
SELECT embed('tiles', array_fill(NULL::real, '{16}'));
SELECT embed('tiles', array_fill('NaN'::real, '{4,4}'));
SELECT count(a) FROM (SELECT embed_batch('tiles', CASE WHEN id = 600 THEN '\x00' ELSE image END) OVER () AS a FROM tiles) t;

-- Versions: the second is deployed, the first stays and never changes
CREATE TABLE first AS SELECT id, embed(:v1, image) AS e FROM tiles WHERE id <= 20;
CALL similarity.train('tiles', 'SELECT image, label FROM tiles', epochs => 1, steps_per_epoch => 50, seed => 2, verbose => false);
SELECT version AS v2 FROM similarity.model_versions WHERE model = 'tiles' AND deployed \gset
SELECT :v2 > :v1 AS newer, embedding_model(embed('tiles', image)) = :v2 AS deployed FROM tiles WHERE id = 1;
SELECT count(*), bool_and(e = embed(:v1, image)) AS unchanged FROM first JOIN tiles USING (id);
SELECT similarity.deploy('tiles', :v1);
SELECT embedding_model(embed('tiles', image)) = :v1 AS deployed FROM tiles WHERE id = 1;
-- one query of both, which change places in the cache
SET similarity.cache_memory = '1MB';
SELECT count(*) FROM tiles WHERE embedding_model(embed(:v1, image)) = :v1 AND embedding_model(embed(:v2, image)) = :v2;
SELECT count(*), bool_and(embedding_model(a) = v) FROM (SELECT v, embed_batch(v, image) OVER () AS a
	FROM tiles, (VALUES (:v1), (:v2)) m(v)) t;
RESET similarity.cache_memory;
-- deployment follows the snapshot of each statement, and the transaction
BEGIN;
SELECT similarity.deploy('tiles', :v2);
SELECT embedding_model(embed('tiles', image)) = :v2 AS deployed FROM tiles WHERE id = 1;
ROLLBACK;
SELECT embedding_model(embed('tiles', image)) = :v1 AS deployed FROM tiles WHERE id = 1;
SELECT count(*) FROM similarity.create_model('tiles2', '{16}', '[{"metric_embedding": {"units": 3}}]');

-- An expression index on an immutable version
CREATE INDEX tiles_e ON tiles ((embed(:v1, image)));
INSERT INTO tiles SELECT 1000, 0, image FROM tiles WHERE id = 4;
SET enable_seqscan = off;
SELECT id FROM tiles WHERE embed(:v1, image) = (SELECT embed(:v1, image) FROM tiles WHERE id = 4) ORDER BY id;
RESET enable_seqscan;
DROP INDEX tiles_e;

-- In parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT count(*), sum((embed('tiles', image) <-> embed(:v1, image) = 0)::integer) FROM tiles;
RESET ALL;
SET client_min_messages = warning;

-- A version that was rolled back, in this backend's cache as it may be, is gone
BEGIN;
CALL similarity.train('tiles2', 'SELECT (SELECT array_agg(get_byte(image, p)::real) FROM generate_series(0, 15) p), label FROM tiles',
	epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT embedding_model(embed('tiles2', array_fill(1::real, '{16}'))) AS v3 \gset
SELECT :v3 > :v2 AS newer;
ROLLBACK;
SELECT embed('tiles2', array_fill(1::real, '{16}'));
CREATE FUNCTION message_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || regexp_replace(sqlerrm, 'version \d+', 'version V');
END $$;
SELECT message_of(format('SELECT embed(%s, array_fill(1::real, ''{16}''))', :v3));
SELECT message_of(format('SELECT similarity.deploy(''tiles2'', %s)', :v1));

-- Stored weights are checked when they are loaded: only a superuser can damage them
CREATE FUNCTION damage(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	v integer := (SELECT deployed_version FROM similarity.models WHERE model = 'tiles');
BEGIN
	ALTER TABLE _similarity.model_weights DROP CONSTRAINT model_weights_data_check, DROP CONSTRAINT model_weights_shape_check;
	-- another fingerprint: not the network that the cache may hold
	UPDATE _similarity.model_version SET fingerprint = fingerprint + 1 WHERE id = v;
	EXECUTE replace(change, '%v', v::text);
	EXECUTE 'SELECT embed(''tiles'', array_fill(1::real, ''{16}''))';
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', sqlstate, regexp_replace(sqlerrm, 'version \d+', 'version V'), nullif(result, ''));
END $$;
SELECT damage('SELECT');
SELECT damage($$UPDATE _similarity.model_weights SET data = set_byte(data, 5, 99) WHERE version = %v AND tensor = 'dense/kernel'$$);
SELECT damage($$UPDATE _similarity.model_weights SET data = substr(data, 1, 8) WHERE version = %v AND tensor = 'dense/bias'$$);
SELECT damage($$UPDATE _similarity.model_weights SET data = data || '\x00' WHERE version = %v AND tensor = 'dense/bias'$$);
SELECT damage($$UPDATE _similarity.model_weights SET shape = '{8,16}' WHERE version = %v AND tensor = 'dense/kernel'$$);
SELECT damage($$UPDATE _similarity.model_weights SET shape = '{{16},{8}}' WHERE version = %v AND tensor = 'dense/kernel'$$);
SELECT damage($$DELETE FROM _similarity.model_weights WHERE version = %v AND tensor = 'metric_embedding/bias'$$);
SELECT damage($$UPDATE _similarity.model SET dims = 4 WHERE name = 'tiles'$$);
SELECT damage($$UPDATE _similarity.model SET layers = '[{"dense": {"units": 8}}]' WHERE name = 'tiles'$$);
SELECT damage($$UPDATE _similarity.model SET layers = jsonb_set(layers, '{2,dense,units}', '9') WHERE name = 'tiles'$$);
-- all of that was rolled back
SELECT embed('tiles', image) = embed(:v1, image) AS sound FROM tiles WHERE id = 1;

-- A gallery keeps its version deployed and its model alive
CREATE TABLE shelf AS SELECT id, label, embed(:v1, image) AS e FROM tiles;
SELECT count(similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'label', key => 'id', model => 'tiles'));
SELECT message_of(format('SELECT similarity.deploy(''tiles'', %s)', :v2));
SELECT similarity.deploy('tiles', :v1);
SELECT similarity.drop_model('tiles');
SELECT count(similarity.drop_gallery('shelf'));
SELECT similarity.deploy('tiles', :v2);

-- Dropping the model takes the versions
SELECT similarity.drop_model('tiles');
SELECT message_of(format('SELECT embed(%s, ''\x00''::bytea)', :v1));
SELECT message_of('SELECT embed(''tiles'', ''\x00''::bytea)');
SELECT similarity.drop_model('tiles2');
SELECT count(*) FROM _similarity.model_weights WHERE version IN (:v1, :v2, :v3);
DROP FUNCTION message_of(text), damage(text);
DROP TABLE tiles, first, shelf;
