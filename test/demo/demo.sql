-- From raw images to "none of these", statement by statement.
--
-- Run by test/demo/run in a fresh database of the private cluster, with the
-- top of the source tree as working directory and the psql variable "style"
-- (of the pictures shown here) set.
\set ON_ERROR_STOP on
\pset footer off
CREATE TABLE demo_step (begun timestamptz NOT NULL, title text);

\set step 'Install the extension'
\i test/demo/step.sql
CREATE EXTENSION similarity;

\set step 'Load the 70,000 images of Fashion-MNIST'
\i test/demo/step.sql
CREATE TABLE items (id bigint PRIMARY KEY, split text, label int, image bytea);
\echo '\\copy items FROM PROGRAM \'test/data/fashion-mnist\''
\set ECHO none
\copy items FROM PROGRAM 'test/data/fashion-mnist'
\set ECHO queries
VACUUM ANALYZE items;
SELECT split, count(*), count(DISTINCT label) AS classes FROM items GROUP BY split ORDER BY split;

\set step 'Define a model: Keras'' layers, one JSON object each'
\i test/demo/step.sql
SELECT * FROM similarity.create_model('fashion', input => '{28,28,1}', layers => '[
  {"rescaling": {"scale": 0.00392156862745098}},
  {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
  {"flatten": {}},
  {"dense": {"units": 64, "activation": "relu"}},
  {"metric_embedding": {"units": 64}}]');

\set step 'Train it on any query that returns (input, label)'
\i test/demo/step.sql
CALL similarity.train('fashion', 'SELECT image, label FROM items WHERE split = ''train''',
                      loss => 'multi_similarity', optimizer => 'adam', epochs => 5,
                      classes_per_batch => 10, examples_per_class => 2, steps_per_epoch => 1000, seed => 42);

\set step 'Embed 58,000 images into an ordinary column'
\i test/demo/step.sql
CREATE TABLE gallery (id bigint PRIMARY KEY, label int, image bytea, e embedding(64));
INSERT INTO gallery SELECT id, label, image, embed_batch('fashion', image) OVER () FROM items WHERE split = 'train';

\set step 'Index it'
\i test/demo/step.sql
CREATE INDEX gallery_e ON gallery USING similarity_hnsw (e embedding_cosine_ops);
VACUUM ANALYZE gallery;

\set step 'Look up: ORDER BY distance LIMIT 5, served by the index'
\i test/demo/step.sql
-- the first test image is an ankle boot, class 9
EXPLAIN (COSTS OFF)
  SELECT id, label FROM gallery ORDER BY e <=> embed('fashion', (SELECT image FROM items WHERE id = 60001)) LIMIT 5;
SELECT id, label FROM gallery ORDER BY e <=> embed('fashion', (SELECT image FROM items WHERE id = 60001)) LIMIT 5;

\set step 'Register the table as a gallery: neighbors as pictures'
\i test/demo/step.sql
SELECT similarity.create_gallery('wardrobe', 'gallery', embedding => 'e', label => 'label', key => 'id',
                                 model => 'fashion', image => 'image');
\pset format unaligned
\pset tuples_only on
SELECT similarity.show_neighbors('wardrobe', (SELECT image FROM items WHERE id = 60001), 5, label => '9', columns => 112, style => :'style');
\pset tuples_only off
\pset format aligned
SELECT rank, label, distance, key, item FROM similarity.lookup('wardrobe', (SELECT image FROM items WHERE id = 60001), 3);

\set step 'Calibrate: how far is too far?'
\i test/demo/step.sql
SELECT name, distance, precision, recall, f1
FROM similarity.calibrate('wardrobe', 'SELECT image, label FROM items WHERE split = ''calibrate''');
SELECT * FROM similarity.match('wardrobe', (SELECT image FROM items WHERE id = 60001));

\set step 'How good is it? 10,000 test images'
\i test/demo/step.sql
SELECT * FROM similarity.evaluate_retrieval('wardrobe', 'SELECT image, label FROM items WHERE split = ''test''');

\set step 'New classes: a model that never saw bags and ankle boots'
\i test/demo/step.sql
SELECT sum(parameters) AS parameters FROM similarity.create_model('eight', input => '{28,28,1}', layers => '[
  {"rescaling": {"scale": 0.00392156862745098}},
  {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
  {"flatten": {}},
  {"dense": {"units": 64, "activation": "relu"}},
  {"metric_embedding": {"units": 64}}]') WHERE layer <> 'total';
CALL similarity.train('eight', 'SELECT image, label FROM items WHERE split = ''train''',
                      known_classes => '{0,1,2,3,4,5,6,7}', epochs => 3, classes_per_batch => 8, seed => 42);
CREATE TABLE eight (id bigint PRIMARY KEY, label int, e embedding(64));
INSERT INTO eight SELECT id, label, embed_batch('eight', image) OVER () FROM items
  WHERE split = 'train' AND label < 8;
CREATE INDEX eight_e ON eight USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('eight', 'eight', embedding => 'e', label => 'label', key => 'id', model => 'eight');
\echo Calibrate on items of all ten classes: the gallery lacks two of them, whose items are to match nothing.
\echo
SELECT name, distance, precision, recall, f1
FROM similarity.calibrate('eight', 'SELECT image, label FROM items WHERE split = ''calibrate''');

\set step 'A bag is none of these ...'
\i test/demo/step.sql
SELECT * FROM similarity.match('eight', (SELECT image FROM items WHERE id = 60031));
\echo The first bags (8) and ankle boots (9) of the test images:
\echo
CREATE VIEW new_items AS
  SELECT i.id, i.label, m.label AS answer, m.distance, m.cutpoint_distance
  FROM similarity.match_all('eight', 'SELECT image, id FROM items WHERE split = ''test'' AND label IN (8, 9) ORDER BY id LIMIT 8') m
  JOIN items i ON i.id = m.key::bigint ORDER BY i.id;
SELECT * FROM new_items;
\echo What all 10,000 test images are answered.  Most bags are none of these; an ankle boot easily
\echo passes for a sneaker (7) or a sandal (5).
\echo
CREATE VIEW answers AS
  SELECT CASE label WHEN '8' THEN 'bag' WHEN '9' THEN 'ankle boot' ELSE 'the other eight' END AS class, sum(queries) AS images,
    round(sum(tp) / sum(queries), 3) AS "right", round(sum(fp) / sum(queries), 3) AS wrong,
    round(sum(tn + fn) / sum(queries), 3) AS "none of these"
  FROM similarity.evaluate_classification('eight', 'SELECT image, label FROM items WHERE split = ''test''', per_class => true)
  WHERE label IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT * FROM answers;

\set step '... until bags and ankle boots come in by INSERT: nothing is trained or built again'
\i test/demo/step.sql
INSERT INTO eight SELECT id, label, embed_batch('eight', image) OVER () FROM items
  WHERE split = 'train' AND label IN (8, 9) AND id <= 10000;
\echo The new rows are found at once.  But the cut point was made to keep such items out, and still
\echo refuses a part of them: the gallery is not what it was when it was calibrated.
\echo
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('eight');
SELECT * FROM new_items;
SELECT * FROM answers;

\set step 'Calibrate again: what was to match nothing has rows of its own now'
\i test/demo/step.sql
\echo The same items: all of them have rows to be matched by now, so that the cut point moves out and
\echo little is none of these.  Bags gain most; the model never saw them, and they lie wide apart.
\echo
SELECT name, distance, precision, recall, f1
FROM similarity.calibrate('eight', 'SELECT image, label FROM items WHERE split = ''calibrate''');
SELECT * FROM new_items;
SELECT * FROM answers;

\set step 'Done'
\i test/demo/step.sql
