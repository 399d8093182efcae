-- What a user's numbers size is refused beyond its setting, before it is allocated.
CREATE TABLE pictures (id int PRIMARY KEY, label text, image bytea, e embedding(4));
INSERT INTO pictures SELECT i, 'c' || i % 3, decode(repeat('7f', 300000), 'hex'), random_embedding(4, i) FROM generate_series(1, 20) i;
SELECT similarity.create_gallery('pictures', 'pictures', embedding => 'e', label => 'label', image => 'image', image_shape => '{100,1000,3}');
SET maintenance_work_mem = '1MB';

-- Pictures: a page, a strip
DO $$
BEGIN
	PERFORM similarity.neighbors_html('pictures', 'SELECT e, label FROM pictures, generate_series(1, 50)', 20);
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE INFO '%', regexp_replace(SQLERRM, '[0-9]+ kB', 'some kB');	-- what libpng makes of them
END $$;
SELECT length(similarity.neighbors_html('pictures', 'SELECT e, label FROM pictures LIMIT 1', 1)) BETWEEN 4000 AND 40000 AS one;
SELECT similarity.show_neighbors('pictures', random_embedding(4, 1), 100000, columns => 400);
SELECT count(*) > 2 AS some FROM similarity.show_neighbors('pictures', random_embedding(4, 1), 2, columns => 400);

-- Labels, matches and what is computed of them
SELECT label FROM similarity.match_neighbors((SELECT array_agg(ARRAY[i || repeat('x', 100000)]) FROM generate_series(1, 20) i), NULL);
SELECT * FROM similarity.confusion_matrix('pictures', 'SELECT e, label FROM pictures, generate_series(1, 3000)', NULL);
SELECT * FROM similarity.calibrate('pictures', 'SELECT random_embedding(4, i), ''c1'' FROM generate_series(1, 5000) i', k => 20);
SELECT * FROM similarity.calibrate('pictures', 'SELECT e, label FROM pictures', (SELECT jsonb_object_agg(i, 0.5) FROM generate_series(1, 1001) i));
SELECT * FROM similarity.evaluate_retrieval('pictures', 'SELECT e, i FROM pictures, generate_series(1, 2000) i', array_fill('recall@1'::text, '{100}'));
SELECT * FROM similarity.evaluate_retrieval('pictures', 'SELECT e, label FROM pictures', array_fill('recall@1'::text, '{1001}'));

-- Arrays, of which nulls take no room
SELECT * FROM similarity.retrieval_metrics(array_fill('a'::text, '{1000}'), array_fill(NULL::text, '{1000,1000}'), NULL, NULL, '{recall@1}');
SELECT * FROM similarity.classification_counts(array_fill('a'::text, '{100000}'), array_fill('a'::text, '{100000}'), array_fill(0.5::float8, '{100000}'), '{1}');
SELECT * FROM similarity.classification_metrics(array_fill(1::bigint, '{30000}'), array_fill(1::bigint, '{30000}'), array_fill(1::bigint, '{30000}'), array_fill(1::bigint, '{30000}'));
SELECT * FROM similarity.knn('pictures', 'e', array_fill(NULL::embedding, '{1000001}'));
SELECT array_fill(0::real, '{60000000,1}')::embedding[];
RESET maintenance_work_mem;

-- A loss within the memory of a training
SET similarity.training_memory = '10MB';
SELECT * FROM similarity.loss('triplet', array_fill(1, '{3000}'), array_fill('[1,2]'::embedding, '{3000}'));
RESET similarity.training_memory;

-- A forward pass and its weights within similarity.cache_memory
-- What a statement is refused with, whatever the version's id
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; detail text; hint text; context text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', regexp_replace(message, 'version \d+ need \d+', 'version N need M'), detail, hint,
		substring(context FROM '^(?:rows|column) [^\n]*'));
END $$;
SELECT FROM similarity.create_model('heavy', '{16}', '[{"dense": {"units": 20000}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('heavy', 'SELECT array_fill(i::real, ''{16}''), i % 2 FROM generate_series(1, 20) i', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
CREATE TABLE items (id int PRIMARY KEY, label text, x real[], e embedding(4));
SELECT similarity.create_gallery('items', 'items', embedding => 'e', label => 'label', model => 'heavy');
SELECT similarity.attach('items', 'x');
SET similarity.cache_memory = '1MB';
\set x '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'
SELECT refused($r$SELECT embed('heavy', '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::real[])$r$);
SELECT refused($r$SELECT embed_batch('heavy', '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::real[]) OVER ()$r$);
SELECT refused($r$SELECT * FROM similarity.lookup('items', '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::real[])$r$);
SELECT refused($r$INSERT INTO items VALUES (1, 'a', '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}')$r$);
SELECT refused($r$SELECT * FROM similarity.evaluate_retrieval('items', $$SELECT '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::real[], 'a'$$, '{recall@1}')$r$);
RESET similarity.cache_memory;
INSERT INTO items VALUES (1, 'a', :'x');
SELECT dims(embed('heavy', :'x'::real[]));
SET similarity.cache_memory = '1MB';
-- also of a network that is there already
SELECT refused($r$SELECT embed('heavy', '{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::real[])$r$);
RESET similarity.cache_memory;

-- The curve of a calibration, whatever the number of distances, in what is there by default
SET maintenance_work_mem = '64MB';
CREATE TABLE shapes AS SELECT i AS id, i % 5 AS label, random_embedding(4, i) AS e FROM generate_series(1, 10) i;
SELECT similarity.create_gallery('shapes', 'shapes', 'e', 'label', 'id');
SET client_min_messages = error;
SELECT name FROM similarity.calibrate('shapes', 'SELECT random_embedding(4, 1000 + i), i % 5 FROM generate_series(1, 85000) i', k => 5);
RESET client_min_messages;
SELECT count(*), count(DISTINCT distance) FROM similarity.calibration_curve WHERE gallery = 'shapes';
RESET maintenance_work_mem;

SELECT similarity.drop_gallery('shapes'), similarity.drop_gallery('pictures'), similarity.drop_gallery('items'), similarity.drop_model('heavy');
DROP TABLE pictures, items, shapes;
DROP FUNCTION refused;
