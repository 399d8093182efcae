-- embed(), lookup() and match() as clients call them: arrays of any type,
-- literals and parameters whose type nobody tells, domains, numbers as bigint.
SET client_min_messages = warning;
CREATE DOMAIN pixels AS bytea;
CREATE DOMAIN numbers AS real[];
CREATE DOMAIN vector_2 AS embedding(2);
CREATE TABLE tile AS
SELECT i AS id, i % 4 AS label, (SELECT string_agg(set_byte('\x00', 0, CASE WHEN p / 3 = i % 4
		THEN 200 + (i * 7 + p * 13) % 50 ELSE (i * 11 + p * 5) % 40 END), '' ORDER BY p)
	FROM generate_series(0, 11) p)::pixels AS image
FROM generate_series(1, 60) i;
SELECT count(*) FROM similarity.create_model('tiles', '{4,3,1}', '[{"rescaling": {"scale": 0.00392156862745098}},
  {"flatten": {}}, {"dense": {"units": 8, "activation": "relu"}}, {"metric_embedding": {"units": 2}}]');
CALL similarity.train('tiles', 'SELECT image, label FROM tile', epochs => 1, steps_per_epoch => 100, seed => 1, verbose => false);
SELECT version AS v FROM similarity.model_versions WHERE model = 'tiles' \gset
CREATE TABLE shelf (id bigint PRIMARY KEY, label integer, e vector_2);
INSERT INTO shelf SELECT id, label, embed('tiles', image) FROM tile WHERE id > 20;
SELECT similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'label', model => 'tiles');
SELECT count(*) FROM similarity.calibrate('shelf', 'SELECT image, label FROM tile WHERE id <= 20');
-- One item in all of its forms
SELECT encode(image, 'hex') AS hex, image AS bytes, array_agg(get_byte(image, p) ORDER BY p) AS plain, embed('tiles', image)::text AS e
FROM tile, generate_series(0, 11) p WHERE id = 27 GROUP BY image \gset
SELECT '{' || string_agg(format('{%s,%s,%s}', x[3 * r + 1], x[3 * r + 2], x[3 * r + 3]), ',') || '}' AS rows
FROM (SELECT :'plain'::text[] AS x) s, generate_series(0, 3) r \gset

-- Arrays of every type of numbers
SELECT embed('tiles', :'plain'::real[]) = :'e' AS real, embed('tiles', :'plain'::double precision[]) = :'e' AS double,
	embed('tiles', :'plain'::integer[]) = :'e' AS integer, embed('tiles', :'plain'::smallint[]) = :'e' AS smallint,
	embed('tiles', :'plain'::bigint[]) = :'e' AS bigint, embed('tiles', :'plain'::numeric[]) = :'e' AS numeric,
	embed('tiles', :'plain'::numbers) = :'e' AS domain, embed('tiles', :'plain'::real[]::embedding) = :'e' AS embedding;
SELECT count(*), bool_and(a <-> :'e' < 1e-5) AS same
FROM (SELECT embed_batch('tiles', x) OVER () AS a FROM (SELECT :'plain'::double precision[] AS x FROM generate_series(1, 20)) s) t;
SELECT count(*), bool_and(a <-> :'e' < 1e-5) AS same
FROM (SELECT embed_batch(:v::bigint, x) OVER () AS a FROM (SELECT :'plain'::numeric[] AS x FROM generate_series(1, 20)) s) t;
SELECT l.rank, l.label FROM similarity.lookup('shelf', :'plain'::double precision[], 1) l;
SELECT l.rank, l.label FROM similarity.lookup('shelf', :'plain'::integer[], 1) l;
SELECT m.label, m.accepted FROM similarity.match('shelf', :'plain'::numeric[]) m;
SELECT count(*) > 0 AS drawn FROM similarity.show_neighbors('shelf', :'plain'::double precision[], 2);
-- ... and in queries, also as domains
SELECT count(*) FROM similarity.lookup_all('shelf', format('SELECT %L::double precision[], 1', :'plain'), 2);
SELECT count(*) FROM similarity.lookup_all('shelf', format('SELECT %L::bigint[], 1', :'plain'), 2);
SELECT count(*) FROM similarity.lookup_all('shelf', format('SELECT %L::numbers, 1', :'plain'), 2);
SELECT count(*) FROM similarity.match_all('shelf', 'SELECT e, id FROM shelf');
CALL similarity.train('tiles', 'SELECT ARRAY(SELECT get_byte(image, p) FROM generate_series(0, 11) p)::numeric[], label FROM tile',
	epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT * FROM similarity.lookup_all('shelf', 'SELECT ''{1}''::text[], 1', 2);

-- Text, and literals and parameters without a type: told by how they begin
SELECT embed('tiles', :'plain') = :'e' AS array, embed('tiles', '\x' || :'hex') = :'e' AS bytes,
	embed('tiles', replace(replace(:'plain', '{', '['), '}', ']')) = :'e' AS embedding,
	embed(:v, :'rows') = :'e' AS rows, embed('tiles', (' ' || :'plain')::varchar) = :'e' AS varchar;
SELECT l.rank, l.label FROM similarity.lookup('shelf', :'e', 1) l;
SELECT l.rank, l.label FROM similarity.lookup('shelf', :'plain', 1) l;
SELECT l.rank, l.label FROM similarity.lookup(gallery => 'shelf', input => '\x' || :'hex', k => 1) l;
SELECT m.label, m.accepted FROM similarity.match('shelf', :'e') m;
SELECT embed('tiles', 'GIF89a');
SELECT * FROM similarity.lookup('shelf', '');
SELECT * FROM similarity.match('shelf', '{1,two}');
SELECT embed('tiles', '[1,2]');
PREPARE by_text AS SELECT embed('tiles', $1);
PREPARE by_version AS SELECT embed($1, $2);
PREPARE looked_up AS SELECT * FROM similarity.lookup('shelf', $1, $2);
PREPARE matched AS SELECT * FROM similarity.match($1, $2);
PREPARE image AS SELECT embed_image($1, $2);
PREPARE image_looked_up AS SELECT l.rank, l.label FROM similarity.lookup_image($1, $2, $3) l;
PREPARE image_matched AS SELECT m.label, m.accepted FROM similarity.match_image($1, $2) m;
PREPARE neighbors AS SELECT * FROM similarity.knn('shelf', 'e', $1, $2);
SELECT name, parameter_types FROM pg_prepared_statements ORDER BY name;
EXECUTE image_looked_up('shelf', :'bytes', 1);
SELECT embed_image('tiles', decode(:'hex', 'hex')) = :'e' AS same;
EXECUTE image_matched('shelf', NULL);
DEALLOCATE ALL;

-- k and versions as clients send them, beyond what there can be as well
SELECT count(*) FROM similarity.lookup('shelf', :'e', 3::bigint);
SELECT count(*) FROM similarity.lookup('shelf', :'e', 3::smallint);
SELECT count(*) FROM similarity.lookup('shelf', :'e', 10000000000);
SELECT count(*) FROM similarity.lookup_all('shelf', 'SELECT e, id FROM shelf LIMIT 2', 3::bigint);
SELECT count(*) FROM similarity.match('shelf', :'e', k => 1::bigint);
SELECT count(*) FROM similarity.knn('shelf', 'e', ARRAY[:'e'::embedding], 3::bigint);
SELECT count(*) FROM similarity.knn('shelf', 'e', '{{1,2},{3,4}}'::double precision[]::embedding[], 3::smallint);
SELECT count(*) FROM similarity.knn('shelf', 'e', ARRAY[:'e'::embedding], 10000000000);
SELECT embed(:v::bigint, :'plain') = :'e' AS bigint, embed(:v::smallint, :'plain') = :'e' AS smallint;
SELECT embed(10000000000, :'plain');
SELECT embed(0, :'plain');
SELECT similarity.deploy('tiles', :v::bigint);
SELECT similarity.deploy('tiles', 10000000000);
SELECT octet_length(similarity.export_model('tiles', :v::bigint)) > 0 AS exported;

-- An array of several dimensions must have the model's shape, but for those of 1
SELECT embed('tiles', :'rows'::real[]) = :'e' AS rows, embed('tiles', array_fill(1::real, '{4,3,1}')) = embed('tiles', array_fill(1::real, '{12}')) AS full_shape,
	embed('tiles', array_fill(1::real, '{1,4,3}')) = embed('tiles', array_fill(1::real, '{12}')) AS batch_of_one;
SELECT embed('tiles', array_fill(1::real, '{3,4}'));
SELECT embed(:v, array_fill(1, '{1,3,4}'));
SELECT embed('tiles', array_fill(1::real, '{2,6}'));
SELECT embed('tiles', array_fill(1::real, '{4,4}'));
SELECT embed_batch('tiles', array_fill(1::real, '{6,2}')) OVER ();
CALL similarity.train('tiles', 'SELECT array_fill(id::real, ''{3,4}''), label FROM tile', epochs => 1, steps_per_epoch => 1);

-- "None of these" is told apart from a row without label
UPDATE shelf SET label = NULL;
SELECT m.label, m.accepted, m.evidence FROM similarity.match('shelf', :'e') m;
SELECT m.label, m.accepted FROM similarity.match('shelf', (- :'e'::embedding(2, :v))) m;
SELECT accepted, count(label), count(*) > 0 AS some FROM similarity.match_all('shelf', 'SELECT image, id FROM tile') GROUP BY 1 ORDER BY 1;

-- Look-ups with a filter, as the README writes them, are served by the index.  A
-- sub-select of the value is as well, but a function in FROM is a join.
CREATE INDEX shelf_e ON shelf USING similarity_hnsw (e embedding_cosine_ops);
SET enable_seqscan = off;
PREPARE filtered AS SELECT id, label, e <=> embed_image('tiles', $1) AS distance FROM shelf WHERE label IN (1, 3) ORDER BY distance LIMIT 5;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE filtered(:'bytes');
EXPLAIN (COSTS OFF) SELECT id, e <=> q AS distance FROM shelf, (SELECT embed('tiles', '\x00') AS q) s WHERE label IN (1, 3) ORDER BY e <=> q LIMIT 5;
RESET plan_cache_mode;
RESET enable_seqscan;
DEALLOCATE filtered;

-- Columns of domains, attached: what the trigger writes is what the domain asks for
CREATE DOMAIN unit_2 AS embedding(2, half) CHECK (l2_norm(VALUE) > 0.9);
CREATE TABLE inbox (id bigint PRIMARY KEY, label integer, image pixels, e unit_2);
SELECT similarity.create_gallery('inbox', 'inbox', embedding => 'e', label => 'label', model => 'tiles');
SELECT similarity.attach('inbox', 'image');
INSERT INTO inbox SELECT id, label, image FROM tile;
SELECT count(e), bool_and(e = embed('tiles', image)::embedding(2, half)) AS half FROM inbox;
SELECT l.rank, l.label FROM similarity.lookup('inbox', :'bytes', 1) l;
ALTER DOMAIN unit_2 ADD CONSTRAINT never CHECK (l2_norm(VALUE) > 2) NOT VALID;
INSERT INTO inbox SELECT id + 100, label, image FROM tile;
SELECT similarity.drop_gallery('inbox');
DROP TABLE tile, shelf, inbox;
DROP DOMAIN pixels, numbers, vector_2, unit_2;
SELECT similarity.drop_model('tiles');
