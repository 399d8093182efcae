-- A database in an encoding that holds neither blocks nor ticks.
SELECT current_database() AS regression \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS similarity_latin1;
CREATE DATABASE similarity_latin1 TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C';
\connect similarity_latin1
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
CREATE EXTENSION similarity;
-- names, labels and text beyond ASCII, in a model, a gallery and its table
CREATE TABLE "Wäsche" (id int PRIMARY KEY, "größe" text, image bytea, e embedding(4));
INSERT INTO "Wäsche" (id, "größe", image) VALUES (1, 'groß', '\x00ff00ff'), (2, 'übergroß', '\xff00ff00'), (3, 'mäßig', '\xffff0000');
SELECT layer, output FROM similarity.create_model('Schätzer', '{2,2,1}', '[{"flatten": {"name": "glätten"}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('Schätzer', 'SELECT image, "größe" FROM "Wäsche", generate_series(1, 2)', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
UPDATE "Wäsche" SET e = embed('Schätzer', image);
SELECT similarity.create_gallery('Schränke', '"Wäsche"', 'e', 'größe', model => 'Schätzer', image => 'image', image_shape => '{2,2}');
SELECT label, key, item FROM similarity.lookup('Schränke', '\x00ff00ff'::bytea, 1);
SELECT count(*) FROM similarity.calibrate('Schränke', 'SELECT image, "größe" FROM "Wäsche"');
SELECT label, evidence FROM similarity.match('Schränke', '\xff00ff00'::bytea);
SELECT * FROM similarity.confusion_matrix('Schränke', 'SELECT image, "größe" FROM "Wäsche"') ORDER BY label;
SELECT gallery, relation, model FROM similarity.galleries;
-- a file of the model is UTF-8, as others expect it
SELECT convert_from(substring(f FROM 9 FOR get_byte(f, 0) + 256 * get_byte(f, 1)), 'UTF8') LIKE '%glätten%' AS utf8
FROM similarity.export_model('Schätzer') f;
SELECT similarity.import_model('Nachschätzer', similarity.export_model('Schätzer')) > 0 AS imported;
SELECT layer FROM similarity.model_summary('Nachschätzer');
-- pictures are drawn in ASCII, the page is the same in every encoding
\pset format unaligned
SELECT similarity.show_image('\x00ff00ff', '{2,2}');
SELECT similarity.show_neighbors('Schränke', '\x00ff00ff'::bytea, k => 2, label => 'groß');
SELECT similarity.show_image('\x00ff00ff', '{2,2}', style => 'truecolor');
SELECT regexp_matches(similarity.neighbors_html('Schränke', 'SELECT image, "größe" FROM "Wäsche" ORDER BY id', k => 1, title => 'Größen'), '<b>(.*?)</b>', 'g');
\pset format aligned
-- an error names what it is about
SELECT similarity.match('Kästen', '[1,2,3,4]'::embedding);
\connect :regression
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
DROP DATABASE similarity_latin1;
-- a file whose names are not UTF-8 is refused here, and no name of it stored
SELECT similarity.import_model('broken', '\x48000000000000007b226de4df6967223a207b226474797065223a2022463332222c20227368617065223a205b315d2c2022646174615f6f666673657473223a205b302c20345d7d7d202020202020200000803f',
	'{1}', '[{"metric_embedding": {"units": 1, "use_bias": false}}]');
-- the same style for whoever asks for it
\pset format unaligned
SELECT similarity.show_image('\x00ff80ff', '{2,2}', style => 'ascii');
