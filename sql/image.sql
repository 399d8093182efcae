-- JPEG and PNG files as inputs of models whose input is a picture.  The files were
-- made by libjpeg-turbo and libpng.  The models' embeddings are their inputs, so that
-- what becomes of a picture is seen.
SET similarity.threads = 1;

-- png: red, green, blue, white over black, gray, yellow, cyan.  gray: 0, 64 over 128,
-- 255.  alpha: red, and red that is not seen, over blue that is half seen, and nothing.
-- deep: 16 bits, 65535, 32768 over 255, 0.  palette: red, green over blue, 9.  The JPEG
-- files are 16 x 8, the left half red and the right one blue, or 200 and 50; turned is
-- seen with the right half below.
CREATE TABLE picture (name text PRIMARY KEY, file bytea);
INSERT INTO picture VALUES
	('png', '\x89504e470d0a1a0a0000000d4948445200000004000000020802000000f0caea340000001949444154089905c101010000008220a6f7dc400855b0ada80385a00b77a70e00da0000000049454e44ae426082'),
	('interlaced', '\x89504e470d0a1a0a0000000d494844520000000400000002080200000187cddaa20000001a49444154089905c10101000008c3206cfee613043a49b0ada80779c20a792946f41f0000000049454e44ae426082'),
	('gray', '\x89504e470d0a1a0a0000000d494844520000000200000002080000000057dd52f80000000e4944415408996360706068f80f00030501c0b9735bbf0000000049454e44ae426082'),
	('alpha', '\x89504e470d0a1a0a0000000d494844520000000200000002080600000072b60d240000001649444154089905c101010000008220a6f7dc4014d0e03460047d3ffacb8e0000000049454e44ae426082'),
	('deep', '\x89504e470d0a1a0a0000000d4948445200000002000000021000000000074d8ebb0000001249444154089963f8ffbf818181e13f0303001776037ebd97e9590000000049454e44ae426082'),
	('palette', '\x89504e470d0a1a0a0000000d49484452000000020000000202030000000fd8e5b70000000c504c5445ff000000ff000000ff0909095c717e860000000c494441540899631060d8000000e400c172b5c5e10000000049454e44ae426082'),
	('jpeg', '\xffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00430103040405040509050509140d0b0d1414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414ffc00011080008001003011100021101031101ffc4001500010100000000000000000000000000000708ffc40014100100000000000000000000000000000000ffc4001501010100000000000000000000000000000907ffc40014110100000000000000000000000000000000ffda000c03010002110311003f009d10c2a60238c1d1ffd9'),
	('turned', '\xffd8ffe000104a46494600010100000100010000ffe1002e45786966000049492a0008000000020000010400000000000000000012010300010000000600000000000000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00430103040405040509050509140d0b0d1414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414ffc00011080008001003011100021101031101ffc4001500010100000000000000000000000000000708ffc40014100100000000000000000000000000000000ffc4001501010100000000000000000000000000000907ffc40014110100000000000000000000000000000000ffda000c03010002110311003f009d10c2a60238c1d1ffd9'),
	('progressive', '\xffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00430103040405040509050509140d0b0d1414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414ffc20011080008001003011100021101031101ffc4001500010100000000000000000000000000000607ffc4001501010100000000000000000000000000000806ffda000c030100021003100000019cc2aa40b8c75fffc40014100100000000000000000000000000000010ffda00080101000105023fffc40014110100000000000000000000000000000010ffda0008010301013f013fffc40014110100000000000000000000000000000010ffda0008010201013f013fffc40014100100000000000000000000000000000010ffda0008010100063f023fffc40014100100000000000000000000000000000010ffda0008010100013f213fffda000c03010002000300000010ebffc40014110100000000000000000000000000000010ffda0008010301013f103fffc40014110100000000000000000000000000000010ffda0008010201013f103fffc40014100100000000000000000000000000000010ffda0008010100013f103fffd9'),
	('cmyk', '\xffd8ffee000e41646f626500640000000000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc000140800080010044311004d11005911004b1100ffc40016000101010000000000000000000000000009000affc40014100100000000000000000000000000000000ffda000e0443004d0059004b00003f0054c550aa2a6caba6aa13ffd9'),
	('gray_jpeg', '\xffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080008001001011100ffc4001500010100000000000000000000000000000809ffc40014100100000000000000000000000000000000ffda0008010100003f0060237bffd9'),
	-- 30,000 x 30,000 in color, interlaced, as the header says; there is no more of it
	('huge', '\x89504e470d0a1a0a0000000d49484452000075300000753008020000019e425f7b0000000b49444154789c6360800100000a00017f80745e');

-- ---- what a file is ----

SELECT name, i.* FROM picture, similarity.image_info(file) i ORDER BY name COLLATE "C";
SELECT similarity.image_info(NULL) IS NULL AS null;
SELECT similarity.image_info('');
SELECT similarity.image_info('GIF89a, 1 x 1');
SELECT similarity.image_info(substr(file, 1, 20)) FROM picture WHERE name = 'png';
SELECT similarity.image_info(substr(file, 1, 100)) FROM picture WHERE name = 'jpeg';

-- all of it is read: of which file is what wrong?
SELECT name, similarity.image_error(file) FROM picture WHERE similarity.image_error(file) IS NOT NULL;
SELECT name, similarity.image_error(substr(file, 1, octet_length(file) - 4)) FROM picture WHERE name IN ('png', 'jpeg', 'progressive') ORDER BY name COLLATE "C";
SELECT similarity.image_error('GIF89a, 1 x 1'), similarity.image_error(overlay(file PLACING '\x0000' FROM 60)), similarity.image_error(NULL) FROM picture WHERE name = 'png';

-- ---- models that embed a picture as it is ----

-- A file of weights: the identity, of one dense layer
CREATE FUNCTION image_identity(n int) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(lpad(to_hex(length(h)), 2, '0') || '00000000000000', 'hex') || convert_to(h, 'UTF8') || w
	FROM format('{"dense/kernel":{"dtype":"F32","shape":[%1$s,%1$s],"data_offsets":[0,%2$s]}}', n, 4 * n * n) h,
		(SELECT string_agg(CASE WHEN i % (n + 1) = 0 THEN '\x0000803f' ELSE '\x00000000' END::bytea, '' ORDER BY i)
			FROM generate_series(0, n * n - 1) i) s (w)
$$;
CREATE FUNCTION seeing(name text, input int[], image jsonb DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	SELECT similarity.import_model(name, image_identity(n), input,
		jsonb_build_array('{"flatten": {}}'::jsonb, jsonb_build_object('dense', jsonb_build_object('units', n, 'use_bias', false))),
		image => image)
	FROM (SELECT input[1] * coalesce(input[2], 1) * coalesce(input[3], 1)) s (n)
$$;
SELECT seeing('color', '{2,4,3}'), seeing('small', '{2,2,3}'), seeing('gray', '{2,2,1}'), seeing('flat', '{2,2}'), seeing('row', '{12}');

-- pixel by pixel; transparent is white unless the model says otherwise
SELECT embed('color', file) FROM picture WHERE name = 'png';
SELECT embed('color', file) = (SELECT embed('color', file) FROM picture WHERE name = 'png') AS same FROM picture WHERE name = 'interlaced';
SELECT embed('small', file) FROM picture WHERE name = 'alpha';
SELECT name, embed('gray', file), embed('flat', file) FROM picture WHERE name IN ('gray', 'deep') ORDER BY name;
-- gray becomes color and color gray
SELECT embed('small', file) FROM picture WHERE name = 'gray';
SELECT embed('gray', file) FROM picture WHERE name = 'palette';
-- resized: all of it, with every pixel counted
SELECT embed('small', file) FROM picture WHERE name = 'png';
-- JPEG, within a few steps
SELECT name, (SELECT array_agg(round((x + 5) / 51) * 51) FROM unnest(embed('small', file)::real[]) x) AS pixels
FROM picture WHERE name IN ('jpeg', 'turned', 'progressive', 'cmyk', 'gray_jpeg') ORDER BY name COLLATE "C";

-- what the model says
SELECT seeing('crop', '{2,2,3}', '{"resize": "crop_to_aspect_ratio"}'), seeing('pad', '{4,4,3}', '{"resize": "pad_to_aspect_ratio", "background": [1, 2, 3]}'),
	seeing('center', '{1,2,3}', '{"resize": "center_crop"}'), seeing('nearest', '{1,2,3}', '{"interpolation": "nearest"}'),
	seeing('sharp', '{1,1,3}', '{"antialias": false}'), seeing('black', '{2,2,3}', '{"background": 0}');
SELECT embed('crop', file) FROM picture WHERE name = 'png';
SELECT embed('pad', file) FROM picture WHERE name = 'png';
SELECT embed('center', file) FROM picture WHERE name = 'png';
SELECT embed('nearest', file) FROM picture WHERE name = 'png';
SELECT embed('sharp', file) FROM picture WHERE name = 'png';
SELECT embed('black', file) FROM picture WHERE name = 'alpha';

-- Bytes of the model's size are pixels, also if they begin as a file does; but a file
-- of that size by chance is a file.
SELECT embed('gray', '\x00010203'::bytea), embed('gray', '\xffd8ffe0'::bytea), embed('gray', '{1.5,2,3,4}'::real[]);
SELECT seeing('chance', '{1,82,1}');
SELECT octet_length(file), (embed('chance', file)::real[])[1:3] FROM picture WHERE name = 'png';
SELECT (embed('chance', overlay(file PLACING '\xff' FROM 14))::real[])[1:8] FROM picture WHERE name = 'png';

-- ---- every door ----

SELECT deployed_version AS small FROM similarity.models WHERE model = 'small' \gset
CREATE TABLE shown AS SELECT name, file, embed('small', file) AS e FROM picture WHERE name <> 'huge';
SELECT bool_and(e = embed(:small, file)) AS version, bool_and(e = embed_image('small', file)) AS image, bool_and(e = embed('small', file::text)) AS text FROM shown;
SELECT bool_and(e = b) AS batch FROM (SELECT e, embed_batch('small', file) OVER () AS b FROM shown) s;
SELECT bool_and(e = b) AS batch FROM (SELECT e, embed_batch(:small, file) OVER () AS b FROM shown) s;
CREATE TABLE shelf (name text PRIMARY KEY, label text, file bytea, e embedding(12));
SELECT similarity.create_gallery('shelf', 'shelf', 'e', 'label', model => 'small', distance => 'l2');
SELECT similarity.attach('shelf', 'file');
INSERT INTO shelf (name, label, file) SELECT name, left(name, 1), file FROM shown;
SELECT bool_and(s.e = h.e) AS attached FROM shelf s JOIN shown h USING (name);
SELECT key, distance FROM similarity.lookup('shelf', (SELECT file FROM picture WHERE name = 'gray'), 1);
SELECT key, distance FROM similarity.lookup_image('shelf', (SELECT file FROM picture WHERE name = 'gray'), 1);
SELECT count(*) FILTER (WHERE rank = 1 AND distance = 0) AS found FROM similarity.lookup_all('shelf', 'SELECT file, name FROM shown', 1);
SET client_min_messages = error;
SELECT count(*) FROM similarity.calibrate('shelf', 'SELECT file, left(name, 1) FROM shown', drop_closest => false);
SELECT label, distance FROM similarity.match('shelf', (SELECT file FROM picture WHERE name = 'deep'));
SELECT metric, value > 0 AS some FROM similarity.evaluate_retrieval('shelf', 'SELECT file, left(name, 1) FROM shown', '{recall@1}');
-- another version for all of its rows, and back
CALL similarity.train('small', 'SELECT file, label FROM shelf ORDER BY name', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, examples_per_class => 2, seed => 1, verbose => false);
SELECT max(version) AS other FROM similarity.model_versions WHERE model = 'small' \gset
CALL similarity.reembed('small', :other);
SELECT max(e <-> embed('small', file)) < 0.01 AS near, bool_and(embedding_model(e) = :other) AS version FROM shelf;
CALL similarity.reembed('small', :small);
SELECT bool_and(s.e = h.e) AS back FROM shelf s JOIN shown h USING (name);
RESET client_min_messages;
-- a file that cannot be read is told by where its row is, past rows without embeddings
ALTER TABLE shelf DISABLE TRIGGER ALL;
INSERT INTO shelf SELECT 'a', 'none', file, NULL FROM shelf WHERE name = 'deep' UNION ALL SELECT 'torn', 'torn', substr(file, 1, 60), e FROM shelf WHERE name = 'deep';
ALTER TABLE shelf ENABLE TRIGGER ALL;
CALL similarity.reembed('small', :other);
DELETE FROM shelf WHERE name IN ('a', 'torn') RETURNING name, ctid;
SELECT similarity.reembed_cancel('small');

-- ---- seen: a file by itself, and on a page as it is ----

\pset format unaligned
-- in its own shape, upright; a gallery's shape is that of the model's input
SELECT name, line, shown FROM picture, LATERAL similarity.show_image(file, style => 'ascii') WITH ORDINALITY s (shown, line)
WHERE name IN ('gray_jpeg', 'turned', 'alpha', 'palette') ORDER BY name COLLATE "C", 2;
SELECT similarity.show_image(file, '{2,2}') FROM picture WHERE name = 'deep';
SELECT count(*) FROM similarity.show_image(NULL);
SELECT similarity.show_image('\x00ff00ff');
SELECT similarity.show_image(substr(file, 1, 200)) FROM picture WHERE name = 'jpeg';
SET maintenance_work_mem = '2MB';
SELECT similarity.show_image(file) FROM picture WHERE name = 'huge';
-- one that is pixels beside files, one that is damaged, one that is too large
SELECT similarity.create_gallery('seen', 'shelf', 'e', 'label', model => 'small', distance => 'l2', image => 'file');
UPDATE shelf SET file = decode(repeat('7f', 12), 'hex') WHERE name = 'palette';
UPDATE shelf SET e = embed('small', set_byte('\x00ff00ff00ff00ff00ff00ff', 0, n::int)), label = NULL FROM unnest(ARRAY['png', 'deep', 'alpha', 'gray']) WITH ORDINALITY u (u, n) WHERE name = u;
ALTER TABLE shelf DISABLE TRIGGER ALL;
UPDATE shelf SET file = substr(file, 1, 60), label = 'short' WHERE name = 'deep';
UPDATE shelf SET file = (SELECT file FROM picture WHERE name = 'huge'), label = 'huge' WHERE name = 'gray';
ALTER TABLE shelf ENABLE TRIGGER ALL;
SELECT similarity.show_neighbors('seen', file, 1, label => 't', style => 'ascii') FROM picture WHERE name = 'turned';
SELECT similarity.show_neighbors('seen', '\x00ff00ff00ff00ff00ff00ff'::bytea, 4, style => 'ascii', columns => 80);
SELECT similarity.neighbors_html('seen', 'SELECT file, name FROM picture WHERE name IN (''turned'', ''gray'') ORDER BY name COLLATE "C"', k => 12) AS page \gset
-- the files of the page: each is one of those that were stored, whole, or made of pixels
SELECT count(*) AS files, count(p.name) AS stored, count(*) FILTER (WHERE p.name = 'turned') AS turned,
	count(*) FILTER (WHERE p.name IS NULL AND (similarity.image_info(decode(f[2], 'base64'))).format = 'PNG') AS pixels
FROM regexp_matches(:'page', '<img class="coarse" alt="[^"]*" src="data:image/([a-z]*);base64,([^"]*)"', 'g') m (f)
	LEFT JOIN picture p ON p.file = decode(f[2], 'base64') AND lower((similarity.image_info(p.file)).format) = f[1];
SELECT f[1] AS missing, count(*) FROM regexp_matches(:'page', 'class="none">([^<]*)<', 'g') m (f) GROUP BY 1 ORDER BY 1;
-- a large file is a smaller picture on the page: here one with 200 kB behind its end
CREATE TABLE large AS SELECT file || decode(repeat('00', 200000), 'hex') AS file FROM picture WHERE name = 'gray_jpeg';
SELECT length(page) < 20000 AS small, page ~ 'src="data:image/jpeg;base64,' AS jpeg
FROM similarity.neighbors_html('seen', 'SELECT file, NULL::text FROM large', k => 1) page;
-- and so are many pixels: of noise as JPEG, of few colors as PNG, neither of them coarse
CREATE TABLE wide AS SELECT i AS id, 'wide' AS label, ARRAY[i, 1]::embedding AS e,
	decode(CASE WHEN i = 1 THEN repeat('ff8000', 300 * 200) ELSE string_agg(left(md5(j::text), 30), '' ORDER BY j) END, 'hex') AS pixels
FROM generate_series(1, 2) i, generate_series(1, 300 * 200 / 5) j GROUP BY i;
SELECT similarity.create_gallery('wide', 'wide', 'e', 'label', key => 'id', distance => 'l2', image => 'pixels', image_shape => '{200,300,3}');
SELECT format, width, height, octet_length(file) < 16000 AS small
FROM regexp_matches(similarity.report_html('wide', 'neighbors', options => '{"items": 2}'), '<img alt="wide" src="data:image/[a-z]*;base64,([^"]*)"', 'g') m (f),
	decode(f[1], 'base64') AS file, similarity.image_info(file);
-- a picture and its views are coarse by one rule
ALTER TABLE wide ADD below bytea, ADD above bytea;
UPDATE wide SET below = substr(pixels, 1, 60 * 60 * 3), above = substr(pixels, 1, 80 * 80 * 3);
SELECT similarity.create_gallery('below', 'wide', 'e', 'label', key => 'id', distance => 'l2', image => 'below', image_shape => '{60,60,3}'),
	similarity.create_gallery('above', 'wide', 'e', 'label', key => 'id', distance => 'l2', image => 'above', image_shape => '{80,80,3}');
SELECT g, count(*) AS pictures, count(m[1]) AS coarse
FROM unnest('{below,above}'::text[]) g, regexp_matches(similarity.report_html(g, 'augmentation', options => '{"items": 2, "augmentation": "horizontal_flip"}'), '<img( class="coarse")? alt=', 'g') m
GROUP BY g ORDER BY g;
SELECT similarity.drop_gallery(g) FROM unnest('{wide,below,above}'::text[]) g;
DROP TABLE wide;
RESET maintenance_work_mem;
\pset format aligned
SELECT similarity.drop_gallery('seen');

-- ---- training: files and the pixels they stand for give the same weights ----

CREATE TABLE item AS SELECT i AS id, name, left(name, 1) AS label, file, (SELECT decode(string_agg(lpad(to_hex(x::int), 2, '0'), '' ORDER BY n), 'hex')
	FROM unnest(embed('small', file)::real[]) WITH ORDINALITY u (x, n)) AS pixels
FROM shown, generate_series(1, 3) i;
SELECT count(*) FROM similarity.create_model('learner', '{2,2,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]');
CREATE FUNCTION weights_of(source text) RETURNS TABLE (fingerprint bigint, validation text) LANGUAGE plpgsql AS $$
BEGIN
	CALL similarity.train('learner', source, epochs => 1, steps_per_epoch => 5, classes_per_batch => 3, seed => 1, verbose => false, validation => source);
	RETURN QUERY SELECT v.fingerprint, (SELECT l.validation::text FROM similarity.training_log l WHERE model = 'learner' ORDER BY run DESC LIMIT 1)
		FROM similarity.model_versions v WHERE model = 'learner' ORDER BY version DESC LIMIT 1;
END $$;
SELECT (SELECT f FROM weights_of('SELECT file, label FROM item ORDER BY name, id') f) = (SELECT f FROM weights_of('SELECT pixels, label FROM item ORDER BY name, id') f) AS same;
-- files among pixels keep their place, beyond what is decoded together
SELECT (SELECT f FROM weights_of('SELECT CASE WHEN n % 7 = 3 THEN pixels ELSE file END, label FROM item, generate_series(1, 20) n ORDER BY name, id, n') f)
	= (SELECT f FROM weights_of('SELECT pixels, label FROM item, generate_series(1, 20) n ORDER BY name, id, n') f) AS same;
-- also on several threads
SET similarity.threads = 3;
SELECT bool_and(e = b) AS batch, count(*) FROM (SELECT e, embed_batch('small', i.file) OVER () AS b FROM item i JOIN shown USING (name), generate_series(1, 20) n) s;
SELECT count(*) FILTER (WHERE rank = 1 AND distance = 0) AS found FROM similarity.lookup_all('shelf', 'SELECT file, name FROM shown, generate_series(1, 20)', 1);
SELECT (SELECT f FROM weights_of('SELECT file, label FROM item, generate_series(1, 20) n ORDER BY name, id, n') f)
	= (SELECT f FROM weights_of('SELECT pixels, label FROM item, generate_series(1, 20) n ORDER BY name, id, n') f) AS same;
-- what would be drawn, as it is stored
SELECT bool_and(s.input::bytea = i.file AND s.label = i.label) AS same, count(*), count(DISTINCT s.input) > 3 AS several
FROM similarity.sample_batch('SELECT file, label FROM item ORDER BY name, id', seed => 1, examples_per_class => 2, batches => 10) s
	JOIN (SELECT *, row_number() OVER (ORDER BY name, id) AS "row" FROM item) i USING ("row");

-- ---- what is wrong names the row ----

UPDATE item SET file = substr(file, 1, octet_length(file) - 10) WHERE name = 'png' AND id = 2;
CALL similarity.train('learner', 'SELECT file, label FROM item ORDER BY name COLLATE "C", id', epochs => 1, verbose => false);
CALL similarity.train('learner', 'SELECT pixels, label FROM item', epochs => 1, verbose => false, validation => 'SELECT file, label FROM item ORDER BY name COLLATE "C", id');
SELECT count(*) FROM similarity.lookup_all('shelf', 'SELECT file, name FROM item ORDER BY name COLLATE "C", id', 1);
SELECT count(e) FROM (SELECT embed_batch('small', CASE WHEN id > 1 THEN file END) OVER (ORDER BY name COLLATE "C", id, n) AS e FROM item, generate_series(1, 20) n) s;
CALL similarity.train('learner', 'SELECT file, label FROM item, generate_series(1, 20) n ORDER BY name COLLATE "C", id, n', epochs => 1, verbose => false);
SET similarity.threads = 1;
SELECT embed('small', substr(file, 1, 200)) FROM picture WHERE name = 'jpeg';
SELECT embed('small', overlay(file PLACING '\x0000' FROM 60)) FROM picture WHERE name = 'png';
INSERT INTO shelf (name, file) VALUES ('bad', '\x89504e470d0a1a0a');
-- what is no file, and who takes none
SELECT embed('small', '\x0001'::bytea);
SELECT embed('small', 'GIF89a, 1 x 1'::bytea);
SELECT embed('row', file) FROM picture WHERE name = 'png';
-- no more memory than a session may keep, as the header says
SELECT embed('small', file) FROM picture WHERE name = 'huge';

-- ---- the model keeps it ----

SELECT similarity.copy_model('pad', 'pad copy');
SELECT similarity.import_model('pad again', similarity.export_model('pad')) > 0 AS imported;
SELECT similarity.import_model('pad other', similarity.export_model('pad'), image => '{"background": 7}') > 0 AS imported;
SELECT model, image FROM similarity.models WHERE model LIKE 'pad%' OR model = 'small' ORDER BY 1;
SELECT count(DISTINCT embed(model, file)) AS one FROM similarity.models, picture WHERE model IN ('pad', 'pad copy', 'pad again') AND name = 'png';
SELECT layer, type, output FROM similarity.model_summary('pad');
SELECT layer, type FROM similarity.model_summary('small');
SELECT layer, type FROM similarity.create_model('x', '{5,5}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{"resize": "center_crop", "interpolation": "nearest"}');

SELECT similarity.create_model('y', '{4}', '[{"metric_embedding": {"units": 4}}]', '{}');
SELECT similarity.create_model('y', '{5,5,2}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{}');
SELECT similarity.create_model('y', '{5,5,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '[]');
SELECT similarity.create_model('y', '{5,5,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{"size": 3}');
SELECT similarity.create_model('y', '{5,5,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{"resize": "squeeze"}');
SELECT similarity.create_model('y', '{5,5,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{"background": [1, 2]}');
SELECT similarity.create_model('y', '{5,5,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]', '{"background": 256}');
SELECT similarity.create_model('y', NULL, '[{"metric_embedding": {"units": 4}}]');
SELECT count(*) FROM similarity.models WHERE model = 'y';

SELECT similarity.drop_gallery('shelf');
SELECT count(similarity.drop_model(model)::text) FROM similarity.models WHERE owner = current_user AND image IS NOT NULL OR model IN ('color', 'small', 'gray', 'flat', 'row', 'chance', 'learner');
DROP TABLE picture, shown, shelf, item;
DROP FUNCTION image_identity, seeing, weights_of;
