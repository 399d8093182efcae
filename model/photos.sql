-- Photographs: load JPEG and PNG files, train on some of their classes, index,
-- evaluate on all of them, look.
--
--   PHOTOS=/somewhere/photos test/cluster script model/photos.sql
--
-- PHOTOS has a folder of photographs for each class, of which the first
-- known (6) are learned; every fifth photograph is kept to test with.  Figures
-- below are those of the Sign Language Digits Dataset (Zeynep Dikle and Arda
-- Mavi, Turkey Ankara Ayranci Anadolu High School): ten classes of 205
-- photographs of 100 x 100 pixels.  -v epochs=1 -v steps=10 makes it short.
\if :{?epochs} \else \set epochs 4 \endif
\if :{?steps} \else \set steps 200 \endif
\if :{?known} \else \set known 6 \endif
\if :{?seed} \else \set seed 42 \endif

-- load: the files as they are
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE photos (path text PRIMARY KEY, label text, image bytea);
\copy photos FROM PROGRAM 'cd "$PHOTOS" && find . \( -iname "*.jp*g" -o -iname "*.png" \) -print0 | xargs -0 perl -0777 -ne ''printf qq{"%s","%s",\\x%s\n}, $ARGV, (split m{/}, $ARGV)[-2], unpack("H*", $_)''' (format csv)
SELECT format, width, height, channels, count(*) FROM photos, similarity.image_info(image) GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC LIMIT 3;

-- every fifth of a class is kept to test with
CREATE TABLE tests AS SELECT path, label, image
FROM (SELECT *, row_number() OVER (PARTITION BY label ORDER BY path COLLATE "C") AS n FROM photos) p WHERE n % 5 = 0;
DELETE FROM photos WHERE path IN (SELECT path FROM tests);
SELECT array_agg(label) AS known_labels FROM (SELECT DISTINCT label FROM photos ORDER BY label LIMIT :known) l \gset

-- define: pictures of any size become 64 x 64 in color
SELECT * FROM similarity.create_model('photos', '{64,64,3}', similarity.architecture('photos'));

-- train on the known classes: batches of 6 classes x 8; the learning rate falls to 0 as a cosine
CALL similarity.train('photos', 'SELECT image, label FROM photos ORDER BY path COLLATE "C"', known_classes => :'known_labels',
	loss => 'multi_similarity', optimizer => 'adam', optimizer_params => '{"learning_rate": 0.0005}',
	schedule => '{"cosine": {}}', epochs => :epochs, steps_per_epoch => :steps,
	classes_per_batch => 6, examples_per_class => 8, seed => :seed);

-- index: photographs of all classes; whatever comes in later is embedded as it does
ALTER TABLE photos ADD e embedding(128);
UPDATE photos p SET e = b.e FROM (SELECT path, embed_batch('photos', image) OVER () AS e FROM photos) b WHERE p.path = b.path;
CREATE INDEX ON photos USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('album', 'photos', embedding => 'e', label => 'label', model => 'photos', image => 'image');
SELECT similarity.attach('album', 'image');

-- evaluate: recall@1 of the known classes, and of the new ones, among the photographs of all classes:
-- .992 and .883 with the defaults, two threads
SELECT 'known' AS classes, metric, value
FROM similarity.evaluate_retrieval('album', format('SELECT image, label FROM tests WHERE label = ANY (%L)', :'known_labels'), '{recall@1}')
UNION ALL
SELECT 'new', metric, value
FROM similarity.evaluate_retrieval('album', format('SELECT image, label FROM tests WHERE label <> ALL (%L)', :'known_labels'), '{recall@1}');

-- 1-shot: the new classes by one photograph of each, drawn 200 times: .588
CREATE TABLE questions AS SELECT label, embed_batch('photos', image) OVER () AS e FROM tests WHERE label <> ALL (:'known_labels');
CREATE TABLE shots AS SELECT DISTINCT ON (draw, label) draw, label, e
FROM photos, generate_series(1, 200) draw WHERE label <> ALL (:'known_labels') ORDER BY draw, label, md5(draw || path);
SELECT '1-shot' AS classes, avg((nearest = label)::int) AS "recall@1"
FROM (SELECT DISTINCT ON (draw, q.ctid) q.label, s.label AS nearest FROM questions q, shots s ORDER BY draw, q.ctid, q.e <=> s.e) n;

-- look: a test picture and what is near it
\pset format unaligned
SELECT similarity.show_neighbors('album', image, 5, label) FROM (SELECT * FROM tests ORDER BY path COLLATE "C" LIMIT 1) t;
