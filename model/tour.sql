-- A guided tour, to be read while it runs.
--
--   make tour
--   test/cluster script model/tour.sql
--
-- Needs Debian's dataset-fashion-mnist, of which it takes each fifth picture;
-- EVERY=100 in the environment takes each 100th.  -v page=FILE is where the page
-- at the end goes, tour.html by default; -v pause=0 waits for no reader after a
-- chapter; -v style=truecolor has colors; -v epochs=1 -v steps=10 makes it short.
\set ON_ERROR_STOP on
\if :{?epochs} \else \set epochs 5 \endif
\if :{?steps} \else \set steps 250 \endif
\if :{?page} \else \set page tour.html \endif
\if :{?pause} \else \set pause 10 \endif
\if :{?style} \else \set style plain \endif
\pset footer off
-- pictures and charts by themselves; a table where it is one
\set draw '\\g (format=unaligned tuples_only=on)'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS similarity;
SET similarity.progress_interval = '2s';
SET similarity.style = :'style';
SET similarity.columns = 112;

\echo
\echo '==== 1. Pictures in a table'
\echo
\echo 'Fashion-MNIST: gray pictures of clothes, 28 by 28 pixels, of ten kinds. They lie in a'
\echo 'bytea column of an ordinary table, with the name of their kind.'
\echo
CREATE TABLE items (id int PRIMARY KEY, split text, kind text, image bytea);
CREATE TEMPORARY TABLE loaded (id int, split text, label int, image bytea);
\copy loaded FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-5} "NR % n == 7 % n"'
INSERT INTO items SELECT id, CASE WHEN split = 'test' OR id % 3 > 0 THEN split ELSE 'calibrate' END,
  ('{T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,boot}'::text[])[label + 1], image FROM loaded;
\set ECHO queries
SELECT split, count(*), count(DISTINCT kind) AS kinds FROM items GROUP BY split ORDER BY split;
SELECT similarity.show_image(image, '{28,28}')
FROM (SELECT image FROM items WHERE kind = 'boot' ORDER BY id OFFSET 1 LIMIT 1) boot :draw
\set ECHO none
\echo
\echo 'A program compares pixels. A person sees a boot, whatever its pixels are. What is missing'
\echo 'is a measure of likeness that ignores what does not matter, and it can be learned.'
SELECT pg_sleep(:pause) \g (format=unaligned tuples_only=on) /dev/null

\echo
\echo '==== 2. A model that has never seen bags and boots'
\echo
\echo 'It maps a picture to a point: 32 numbers, its embedding. Training draws pictures of one'
\echo 'kind together and pushes different kinds apart. It sees eight of the ten kinds; the other'
\echo 'two are kept from it to see what it makes of things it does not know. The lines that'
\echo 'begin with INFO say how far it is; another session sees the same in similarity.progress.'
\echo
SET client_min_messages = info;
\set ECHO queries
SELECT layer, output, parameters FROM similarity.create_model('tour', '{28,28,1}', '[
  {"rescaling": {"scale": 0.00392156862745098}},
  {"conv2d": {"filters": 32, "kernel_size": 3, "strides": 2, "activation": "relu"}},
  {"flatten": {}},
  {"dense": {"units": 64, "activation": "relu"}},
  {"metric_embedding": {"units": 32}}]');
CALL similarity.train('tour', 'SELECT image, kind FROM items WHERE split = ''train'' ORDER BY id',
  known_classes => '{T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker}',
  validation => 'SELECT image, kind FROM items WHERE split = ''test'' ORDER BY id LIMIT 500',
  epochs => :epochs, steps_per_epoch => :steps, classes_per_batch => 8, examples_per_class => 4, seed => 42);
SELECT similarity.show_training('tour') :draw
\set ECHO none
SET client_min_messages = warning;
\echo
\echo 'Each curve runs from the first epoch to the last. The loss falls. recall@1 is the share of'
\echo 'test pictures whose nearest neighbor is of their own kind: also among the unknown'
\echo 'kinds, which the model never saw, most are.'
SELECT pg_sleep(:pause) \g (format=unaligned tuples_only=on) /dev/null

\echo
\echo '==== 3. Neighbors'
\echo
\echo 'Embeddings stand in a column; an index finds the nearest. The table is made known as a'
\echo 'gallery: here are the pictures, here the labels. At first the eight kinds are in it.'
\echo
\set ECHO queries
CREATE TABLE wardrobe (id int PRIMARY KEY, kind text, image bytea, e embedding(32));
INSERT INTO wardrobe SELECT id, kind, image, embed_batch('tour', image) OVER () FROM items
  WHERE split = 'train' AND kind NOT IN ('bag', 'boot');
CREATE INDEX ON wardrobe USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('wardrobe', 'wardrobe', embedding => 'e', label => 'kind', key => 'id',
  model => 'tour', image => 'image');
SELECT n FROM (SELECT image, kind FROM items WHERE split = 'test' AND kind = 'sandal' ORDER BY id LIMIT 1) i,
  similarity.show_neighbors('wardrobe', i.image, k => 4, label => i.kind) n :draw
\set ECHO none
\echo
\echo 'Left the test picture, then its nearest rows with their distances: right or wrong.'
SELECT pg_sleep(:pause) \g (format=unaligned tuples_only=on) /dev/null

\echo
\echo '==== 4. How far is too far?'
\echo
\echo 'There is always a nearest neighbor, of a bag as well. Calibration looks at pictures whose'
\echo 'kind is known, some of which have no like in the gallery, and sets a cut point: what is'
\echo 'farther is none of these.'
\echo
\set ECHO queries
SELECT name, round(distance::numeric, 4) AS distance, round(f1::numeric, 3) AS f1
FROM similarity.calibrate('wardrobe', 'SELECT image, kind FROM items WHERE split = ''calibrate'' ORDER BY id');
SELECT similarity.show_histogram('wardrobe', rows => 1000, bins => 12) :draw
SELECT n FROM (SELECT image, kind FROM items WHERE split = 'test' AND kind = 'bag' ORDER BY id LIMIT 1) i,
  similarity.show_neighbors('wardrobe', i.image, k => 4, label => i.kind) n :draw
SELECT count(*) AS bags, count(label) AS taken_for_something
FROM similarity.match_all('wardrobe', 'SELECT image, id FROM items WHERE split = ''test'' AND kind = ''bag''');
\set ECHO none
\echo
\echo 'The bars are distances: left of rows of one kind, right of different kinds, and the line'
\echo 'is the cut point between them. Neighbors beyond it are marked with a question mark.'
SELECT pg_sleep(:pause) \g (format=unaligned tuples_only=on) /dev/null

\echo
\echo '==== 5. New kinds come in by INSERT'
\echo
\echo 'Nothing is trained again. Bags and boots become rows as any other, and are found.'
\echo
\set ECHO queries
INSERT INTO wardrobe SELECT id, kind, image, embed_batch('tour', image) OVER () FROM items
  WHERE split = 'train' AND kind IN ('bag', 'boot');
SELECT name, round(distance::numeric, 4) AS distance, round(f1::numeric, 3) AS f1
FROM similarity.calibrate('wardrobe', 'SELECT image, kind FROM items WHERE split = ''calibrate'' ORDER BY id');
SELECT n FROM (SELECT image, kind FROM items WHERE split = 'test' AND kind = 'bag' ORDER BY id LIMIT 1) i,
  similarity.show_neighbors('wardrobe', i.image, k => 4, label => i.kind) n :draw
SELECT similarity.show_confusion('wardrobe', 'SELECT image, kind FROM items WHERE split = ''test''', cutpoint => 'optimal') :draw
\set ECHO none
\echo
\echo 'Each line is what test pictures are, each column what they are taken for. Shirts, pullovers'
\echo 'and coats are confused most, as people confuse them.'
SELECT pg_sleep(:pause) \g (format=unaligned tuples_only=on) /dev/null

\echo
\echo '==== 6. A page for the browser'
\echo
\set ECHO queries
\pset format unaligned
\pset tuples_only on
\o :page
SELECT similarity.report('wardrobe');
\o
\pset tuples_only off
\pset format aligned
\set ECHO none
\echo 'All of it on one page, which needs no network:' :page
\echo
\echo 'Go on with'
\echo
\echo '    SELECT similarity.help();'
\echo
