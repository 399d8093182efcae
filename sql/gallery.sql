-- Galleries on embeddings small enough to check by hand: points of a line.
SET extra_float_digits = 0;
CREATE TABLE shelf (id int PRIMARY KEY, kind text, e embedding(2), picture bytea, note text);
INSERT INTO shelf VALUES
	(1, 'a', '[0,0]', '\x00', 'first'),
	(2, 'a', '[1,0]', NULL, NULL),
	(3, 'b', '[10,0]', '\x02', 'third'),
	(4, 'b', '[12,0]', NULL, NULL),
	(5, NULL, '[40,0]', NULL, 'no label'),
	(6, 'c', NULL, NULL, 'no embedding');
SELECT similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'kind', distance => 'L2');
SELECT gallery, relation, embedding, label, key, image, distance, model, version, calibrated
FROM similarity.galleries;

-- Nearest first; the item leaves out pixels and vectors.
SELECT * FROM similarity.lookup('shelf', '[2,0]'::embedding);
SELECT rank, label, distance, key FROM similarity.lookup('shelf', '[11.5,0]'::embedding, k => 2);
SELECT rank, label, distance, key FROM similarity.lookup('shelf', '[41,0]'::embedding, 1);
SELECT count(*) FROM similarity.lookup('shelf', NULL::embedding);
SELECT count(*) FROM similarity.lookup('shelf', '[0,0]'::embedding, 100);

-- New rows take part at once; the id finds the row again.
INSERT INTO shelf VALUES (7, 'd', '[2,0]', NULL, 'new');
SELECT l.rank, l.label, s.note FROM similarity.lookup('shelf', '[2,0]'::embedding, 1) l
JOIN shelf s ON s.ctid = l.id;
DELETE FROM shelf WHERE id = 7;

-- One gallery of each distance: the operator's or the function's own value.
SELECT similarity.create_gallery('by_' || d, 'shelf', 'e', 'kind', distance => d)
FROM unnest('{cosine,euclidean,squared_euclidean,manhattan,inner_product,snr}'::text[]) d;
SELECT g.gallery, round(l.distance::numeric, 6) AS distance,
	CASE WHEN g.distance <> 'cosine' THEN l.key END AS key	-- three rows tie in cosine
FROM similarity.galleries g, similarity.lookup(g.gallery, '[9,1]'::embedding, 1) l
WHERE g.gallery LIKE 'by%' ORDER BY g.gallery;
SELECT bool_and(l.distance = s.e <=> '[9,1]') AS cosine
FROM similarity.lookup('by_cosine', '[9,1]'::embedding) l JOIN shelf s ON s.ctid = l.id;
-- snr is not symmetric: the query is its anchor
SELECT bool_and(l.distance = snr_distance('[9,1]', s.e)) AS snr
FROM similarity.lookup('by_snr', '[9,1]'::embedding) l JOIN shelf s ON s.ctid = l.id;
SELECT similarity.drop_gallery(gallery) FROM similarity.galleries WHERE gallery LIKE 'by%';

-- Calibration. Distances and hits: a 0.5 +, a 2 +, a 3 -, b 0.5 +, c 3 -.
CREATE TABLE probe (n serial, e embedding(2), kind text);
INSERT INTO probe (e, kind) VALUES ('[0.5,0]', 'a'), ('[3,0]', 'a'), ('[7,0]', 'a'), ('[12.5,0]', 'b'), ('[4,0]', 'c');
SELECT * FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe');
SELECT * FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe',
	targets => '{"half": 0.5, "sure": 1, "most": 0.6}', calibration_metric => 'precision');
SELECT * FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe',
	targets => '{"none wrong": 0}', calibration_metric => 'fpr');
SELECT name, distance FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe',
	targets => '{"high": 0.99}', calibration_metric => 'f1');
SELECT gallery, matcher, k, metric, queries, calibrated = now() AS now FROM similarity.galleries;
SELECT name, value, distance, "precision", recall FROM similarity.cutpoints WHERE gallery = 'shelf';
SELECT distance, "precision", recall, round(f1::numeric, 6) AS f1, binary_accuracy, npv, fpr
FROM similarity.calibration_curve WHERE gallery = 'shelf';

-- Matching: within the cut point, beyond it, and a nearest row without label.
SELECT * FROM similarity.match('shelf', '[2.5,0]'::embedding);
SELECT * FROM similarity.match('shelf', '[6,0]'::embedding);
SELECT * FROM similarity.match('shelf', '[40,1]'::embedding);
SELECT count(*) FROM similarity.match('shelf', NULL::embedding);
SELECT p.n, p.kind, m.label FROM probe p, similarity.match('shelf', p.e) m ORDER BY n;
-- two of a, one of b: a, at the mean distance
SELECT label, round(distance::numeric, 6) AS distance
FROM similarity.match('shelf', '[1,0]'::embedding, k => 3, matcher => 'match_majority_vote');
SELECT name, round(distance::numeric, 6) AS distance, recall
FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe', k => 2, matcher => 'match_majority_vote');

-- k and matcher of the calibration are those of a match.
SELECT label, distance FROM similarity.match('shelf', '[1,0]'::embedding);

-- Evaluation. Labels of the nearest four: aab. aab. bbaa bbaa aab., so the ranks of
-- the first right one are 1 1 3 1 and none; R is 2 for a and b, 0 for c.
SELECT * FROM similarity.evaluate_retrieval('shelf', 'SELECT e, kind FROM probe',
	metrics => '{recall@1,recall@4,precision@2,mrr@4,r_precision,map@r}');
SELECT metric, round(value::numeric, 6) FROM similarity.evaluate_retrieval('shelf', 'SELECT e, kind FROM probe',
	metrics => '{recall@1,recall@4,precision@2,mrr@4,r_precision,map@r}', average => 'macro');
SELECT * FROM similarity.evaluate_retrieval('shelf', 'SELECT e, kind FROM shelf WHERE kind < ''c''',
	metrics => '{recall@1}', drop_closest => true);
SELECT * FROM similarity.evaluate_retrieval('shelf', 'SELECT e, kind FROM probe', distance_threshold => 0.5);
SELECT name FROM similarity.calibrate('shelf', 'SELECT e, kind FROM probe', '{"any": 0.1}');
SELECT name, distance, tp, fp, tn, fn, "precision", recall, npv, fpr
FROM similarity.evaluate_classification('shelf', 'SELECT e, kind FROM probe');
SELECT * FROM similarity.confusion_matrix('shelf', 'SELECT e, kind FROM probe') ORDER BY 1, 2;
SELECT * FROM similarity.confusion_matrix('shelf', 'SELECT e, kind FROM probe', cutpoint => NULL) ORDER BY 1, 2;

-- Labels of any type; inputs of real[] and bytea need a model.
CREATE TABLE "Odd shelf" ("the Key" char(4), "Label" int, "E" embedding, PRIMARY KEY ("the Key"));
INSERT INTO "Odd shelf" VALUES ('k1', 1, '[0]'), ('k2', 2, '[5]');
SELECT similarity.create_gallery('odd', '"Odd shelf"', 'E', 'Label', distance => 'manhattan');
SELECT rank, label, distance, key, item FROM similarity.lookup('odd', '[4]'::embedding);
SELECT name, distance, f1 FROM similarity.calibrate('odd', 'SELECT ''[1]''::embedding, 1::bigint UNION ALL SELECT ''[4]'', 2');
SELECT label FROM similarity.match('odd', '[4.5]'::embedding);
CREATE TABLE flags (e embedding(1), up boolean, tag char(5));
INSERT INTO flags VALUES ('[0]', false, 'no'), ('[1]', true, 'yes');
SELECT similarity.create_gallery('flags', 'flags', 'e', 'up', distance => 'l1');
SELECT similarity.create_gallery('tags', 'flags', 'e', 'tag', distance => 'l1');
SELECT label, key FROM similarity.lookup('flags', '[1]'::embedding, 1);
SELECT value FROM similarity.evaluate_retrieval('flags', 'SELECT e, up FROM flags');
SELECT value FROM similarity.evaluate_retrieval('tags', 'SELECT e, rtrim(tag) FROM flags');

-- Views, partitions, temporary tables.
CREATE VIEW few AS SELECT id, kind, e FROM shelf WHERE id < 4;
SELECT similarity.create_gallery('few', 'few', 'e', 'kind', key => 'id', distance => 'euclidean');
SELECT * FROM similarity.lookup('few', '[11,0]'::embedding, 1);
CREATE TABLE parts (id int, kind text, e embedding(1)) PARTITION BY RANGE (id);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1, 'x', '[1]'), (11, 'y', '[2]');
SELECT similarity.create_gallery('parts', 'parts', 'e', 'kind', key => 'id', distance => 'euclidean');
SELECT rank, label, key FROM similarity.lookup('parts', '[2.1]'::embedding);

-- An empty select list, and columns named as our own.
CREATE TABLE bare (n embedding(1), c1 text, s text);
INSERT INTO bare VALUES ('[1]', 'one', 'two');
SELECT similarity.create_gallery('bare', 'bare', 'n', 'c1', distance => 'euclidean');
SELECT label, key, item FROM similarity.lookup('bare', '[1]'::embedding);

-- TensorFlow Similarity's look-up tests: the true cosine, fewer rows than k.
CREATE TABLE tf (id int PRIMARY KEY, e embedding(3));
INSERT INTO tf VALUES (0, '[1,1,3]'), (1, '[3,1,2]');
SELECT similarity.create_gallery('tf', 'tf', 'e', 'id');
SELECT rank, label, distance < 0.016 AS near FROM similarity.lookup('tf', '[1,1,2]'::embedding, 5);
UPDATE tf SET e = CASE id WHEN 0 THEN '[4,2,1]' ELSE '[2,3,5]' END::embedding;
SELECT rank, label FROM similarity.lookup('tf', '[1,2,3]'::embedding, 2);

-- A zero vector has no cosine: it is last, and no threshold.
INSERT INTO tf VALUES (2, '[0,0,0]');
SELECT rank, label, distance = 'NaN' AS nan FROM similarity.lookup('tf', '[1,2,3]'::embedding);
SELECT name, distance < 0.1 AS small, "precision" FROM similarity.calibrate('tf', 'SELECT e, id FROM tf', k => 3);
SELECT count(*) FROM similarity.calibration_curve WHERE gallery = 'tf' AND distance = 'NaN';

-- Nothing is written by what only reads.
BEGIN READ ONLY;
SELECT count(*) FROM similarity.lookup('shelf', '[2,0]'::embedding);
SELECT label FROM similarity.match('shelf', '[2,0]'::embedding);
SELECT value FROM similarity.evaluate_retrieval('shelf', 'SELECT e, kind FROM probe');
COMMIT;

SELECT similarity.drop_gallery(gallery) FROM similarity.galleries;
SELECT count(*) FROM similarity.galleries;
DROP TABLE "Odd shelf", flags, parts, bare, tf, probe;
DROP VIEW few;
DROP TABLE shelf;
