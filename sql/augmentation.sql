-- Training pictures that are changed at random.
SET similarity.threads = 1;
CREATE TABLE item AS
SELECT i AS id, i % 4 AS label, decode(repeat(md5((i % 4)::text) || md5(i::text), 6), 'hex') AS image
FROM generate_series(1, 100) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('small', input => '{8,8,3}', layers => '[
	{"rescaling": {"scale": 0.004}}, {"conv2d": {"filters": 4, "kernel_size": 3}}, {"flatten": {}},
	{"metric_embedding": {"units": 4}}]');
SELECT count(*) > 0 AS created FROM similarity.create_model('flat', input => '{192}', layers => '[
	{"metric_embedding": {"units": 4}}]');

-- The fingerprint of the weights that a training ends with
CREATE FUNCTION trained(augmentation jsonb, threads int DEFAULT 1, source text DEFAULT 'SELECT image, label FROM item ORDER BY id',
	more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('similarity.threads', threads::text, true);
	EXECUTE format('CALL similarity.train(''small'', %L, seed => 1, epochs => 1, steps_per_epoch => 4, verbose => false,
		augmentation => %L %s)', source, augmentation, more);
	RETURN (SELECT fingerprint FROM similarity.model_versions WHERE model = 'small' ORDER BY version DESC LIMIT 1);
END $$;

-- ---- what is drawn ----

-- The same twice; without, with another, and with another seed not
CREATE TEMP TABLE run AS
SELECT name, trained(augmentation) AS once, trained(augmentation) AS again
FROM (VALUES ('none', NULL::jsonb), ('simclr', '"simclr"'), ('object', '{"simclr": {}}'), ('list', '["simclr"]'),
	('weak', '{"simclr": {"strength": 0}}'), ('byol', '"byol"'), ('barlow', '["barlow"]'), ('randaugment', '{"randaugment": {"n": 1}}'),
	('mixup', '["mixup", {"rotate": {"max_degrees": 30}}]'),
	('nothing', '{"horizontal_flip": {"probability": 0}}')) r (name, augmentation);
SELECT name FROM run WHERE once <> again;
SELECT string_agg(name, ', ' ORDER BY name COLLATE "C") AS same FROM run GROUP BY once ORDER BY 1;

-- Threads take pictures in turn; who takes which makes no difference.
SELECT trained('["mixup", "randaugment"]', threads) IS NOT NULL AS trained FROM generate_series(1, 2) threads;
SELECT count(DISTINCT round(loss::numeric, 4)) AS losses FROM similarity.training_log
WHERE run IN (SELECT run FROM similarity.training_runs ORDER BY run DESC LIMIT 2);

-- Pictures as numbers: their least and greatest are black and white.
CREATE FUNCTION numbers(image bytea, scale real, shift real) RETURNS real[] LANGUAGE sql AS $$
	SELECT array_agg(get_byte(image, i) * scale + shift ORDER BY i) FROM generate_series(0, 191) i $$;
SELECT trained('{"solarize": {"probability": 1}}', 1, 'SELECT numbers(image, 1, 0), label FROM item ORDER BY id')
	<> trained(NULL, 1, 'SELECT numbers(image, 1, 0), label FROM item ORDER BY id') AS changed;
SELECT count(*) FROM (SELECT trained('"simclr"', 1, 'SELECT array_fill(1::real, ARRAY[8, 8, 3]), id % 2 FROM item ORDER BY id')) t;

-- Features of frozen layers are kept only while pictures stay as they are.
SELECT trained(augmentation, 1, 'SELECT image, label FROM item ORDER BY id LIMIT 20', ', trainable => ''{"conv2d": false}''') IS NOT NULL AS trained
FROM (VALUES (NULL::jsonb), ('"rotate"')) a (augmentation);
SELECT metrics -> 'cached_features' AS cached_features FROM similarity.model_versions WHERE model = 'small' ORDER BY version DESC LIMIT 2;

-- Validation sees rows as they are, and the run says what was asked for.
CALL similarity.train('small', 'SELECT image, label FROM item', seed => 1, epochs => 1, steps_per_epoch => 2, verbose => false,
	augmentation => '["vertical_flip", {"cutout": {"size": 0.25, "fill": 0}}]', validation => 'SELECT image, id FROM item');
SELECT options -> 'augmentation' AS augmentation FROM similarity.training_runs ORDER BY run DESC LIMIT 1;
-- Views of losses of pairs, of unlabeled rows
SELECT trained('"simclr"', 1, 'SELECT image FROM item', ', loss => ''simclr'', sampler => ''single_shot''') IS NOT NULL AS trained;

-- ---- errors ----

CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'did not fail';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;
CREATE FUNCTION train_fails(augmentation text, model text DEFAULT 'small', more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT fails(format('CALL similarity.train(%L, ''SELECT image, label FROM item'', augmentation => %L %s)', model, augmentation, more)) $$;
\pset format unaligned
\pset tuples_only on
SELECT train_fails('"crop"');
SELECT train_fails('{"rotate": {"degrees": 3}}');
SELECT train_fails('["horizontal_flip", {"rotate": {"max_degrees": 300}}]');
SELECT train_fails('{"rotate": {"view": 3}}');
SELECT train_fails('{"random_resized_crop": {"min_area": 0.9, "max_area": 0.2}}');
SELECT train_fails('{"rotate": {}, "cutout": {}}');
SELECT train_fails('[["rotate"]]');
SELECT train_fails('{}');
SELECT train_fails('[]');
SELECT train_fails('1');
SELECT train_fails('null');
SELECT train_fails('[null]');
SELECT train_fails('{"rotate": 3}');
SELECT train_fails('["byol", "byol", "byol", "byol", "byol"]');
SELECT train_fails((SELECT jsonb_agg('rotate'::text) FROM generate_series(1, 33))::text);
SELECT train_fails('["rotate", "mixup"]');
SELECT train_fails('"mixup"', 'small', ', sampler => ''single_shot''');
SELECT train_fails('"rotate"', 'flat');
\pset format aligned
\pset tuples_only off

-- ---- a picture to look at ----

-- What there is
SELECT augmentation, parameter, type, "default", accepted FROM similarity.augmentations()
WHERE augmentation IN ('horizontal_flip', 'rotate', 'simclr', 'byol') ORDER BY augmentation COLLATE "C", parameter COLLATE "C" NULLS FIRST;
SELECT count(DISTINCT augmentation) AS names, bool_and(description <> '') AS described FROM similarity.augmentations();

-- As the model takes it
CREATE TABLE tile AS SELECT '\x010203040506070809101112131415161718'::bytea AS pixels;
SELECT count(*) > 0 AS created FROM similarity.create_model('tile', input => '{2,3,3}', layers => '[{"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT i.* FROM tile, similarity.augment(pixels, '{"horizontal_flip": {"probability": 0}}', model => 'tile') f, similarity.image_info(f) i;
-- What was written is read: flipped back, the file is that of the pixels.
SELECT similarity.augment(f, '{"horizontal_flip": {"probability": 1}}') = similarity.augment(pixels, '{"horizontal_flip": {"probability": 0}}', shape => '{2,3,3}') AS same,
	f = similarity.augment(pixels, '{"horizontal_flip": {"probability": 0}}', shape => '{2,3,3}') AS flipped_same
FROM tile, similarity.augment(pixels, '{"horizontal_flip": {"probability": 1}}', model => 'tile') f;
-- The seed is all that is drawn from, and the view.
SELECT count(DISTINCT similarity.augment(pixels, '["simclr"]', seed, shape => '{2,3,3}')) > 10 AS many,
	count(DISTINCT similarity.augment(pixels, '"simclr"', 3, shape => '{2,3,3}')) AS one,
	count(DISTINCT similarity.augment(pixels, '{"solarize": {"probability": 1, "threshold": 0, "view": 2}}', 3, view, shape => '{2,3,3}')) AS views,
	count(DISTINCT similarity.augment(pixels, '"mixup"', seed, shape => '{2,3,3}')) AS alone
FROM tile, generate_series(1, 20) seed, generate_series(1, 2) view;
-- Sizes: the file's own, the model's, a shape; gray stays gray.
SELECT f.name, i.width, i.height, i.channels FROM tile, LATERAL (VALUES
	('own', similarity.augment(similarity.augment(pixels, '"rotate"', shape => '{3,6}'), '"rotate"')),
	('model', similarity.augment(similarity.augment(pixels, '"rotate"', shape => '{3,6}'), '"rotate"', model => 'tile')),
	('shape', similarity.augment(similarity.augment(pixels, '"rotate"', shape => '{3,6}'), '"rotate"', shape => '{20,10,3}'))) f (name, file),
	similarity.image_info(f.file) i;
SELECT similarity.augment(NULL, '"rotate"') IS NULL AS null;

\pset format unaligned
\pset tuples_only on
CREATE FUNCTION augment_fails(arguments text) RETURNS text LANGUAGE sql AS $$
	SELECT fails('SELECT similarity.augment(' || arguments || ')') $$;
SELECT augment_fails($$ '\x0102', '"rotate"' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{3,3}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{2}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{1,1,2}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{1,-2}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{1,NULL}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', shape => '{}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', model => 'tile' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', model => 'flat' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', model => 'nowhere' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', model => 'tile', shape => '{1,2}' $$);
SELECT augment_fails($$ '\x0102', '"rotate"', view => 3, shape => '{1,2}' $$);
SELECT augment_fails($$ '\x0102', NULL, shape => '{1,2}' $$);
SELECT augment_fails($$ '\x0102', '"crop"', shape => '{1,2}' $$);
SELECT augment_fails($$ '\x89504e470d0a1a0a', '"rotate"' $$);
SELECT augment_fails($$ (SELECT similarity.augment(pixels, '"rotate"', shape => '{3,6}') FROM tile), '"rotate"', shape => '{60000,60000,3}' $$);
CREATE ROLE regress_onlooker;
GRANT EXECUTE ON FUNCTION fails, augment_fails TO regress_onlooker;
SET ROLE regress_onlooker;
SELECT augment_fails($$ '\x0102', '"rotate"', model => 'tile' $$);
RESET ROLE;
\pset format aligned
\pset tuples_only off

SELECT similarity.drop_model('small'), similarity.drop_model('flat'), similarity.drop_model('tile');
DROP TABLE item, run, tile;
DROP FUNCTION trained, numbers, fails, train_fails, augment_fails;
DROP ROLE regress_onlooker;
