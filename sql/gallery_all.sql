-- Many items at once, what an answer rests on, and whether it still holds.
SET extra_float_digits = 0;
CREATE TABLE shelf (id int PRIMARY KEY, kind text, e embedding(2), note text);
INSERT INTO shelf VALUES
	(1, 'a', '[0,0]', 'first'), (2, 'a', '[1,0]', NULL), (3, 'b', '[10,0]', 'third'), (4, 'b', '[12,0]', NULL),
	(5, NULL, '[40,0]', 'no label'), (6, 'c', NULL, 'no embedding');
CREATE TABLE inbox (id int PRIMARY KEY, e embedding(2), label text);
INSERT INTO inbox VALUES (10, '[0.2,0]'), (11, '[10.5,0]'), (12, '[25,0]'), (13, '[4.9,0]'), (14, '[40,0]');
SELECT similarity.create_gallery('shelf', 'shelf', 'e', 'kind', distance => 'l2');

-- lookup_all gives what lookup gives.
SELECT query_key, rank, label, round(distance::numeric, 4) AS distance, key, id, item
FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox ORDER BY id', 2);
SELECT count(*) AS different FROM (
	(SELECT i.id::text, l.* FROM inbox i, similarity.lookup('shelf', i.e, 3) l
	EXCEPT SELECT * FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox', 3))
	UNION ALL
	(SELECT * FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox', 3)
	EXCEPT SELECT i.id::text, l.* FROM inbox i, similarity.lookup('shelf', i.e, 3) l)) d;
SELECT count(*) FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox WHERE false');
-- more rows than a batch
SELECT count(*), count(DISTINCT query_key), round(sum(distance)::numeric, 2) AS sum
FROM similarity.lookup_all('shelf', 'SELECT e, i FROM inbox, generate_series(1, 1000) i WHERE id = 10', 2);

-- match_all gives what match gives; evidence: the keys of the rows that gave the label.
SELECT name, round(distance::numeric, 6) AS distance FROM similarity.calibrate('shelf', $$SELECT e, kind FROM shelf WHERE kind IS NOT NULL AND e IS NOT NULL
	UNION ALL VALUES ('[2,1]'::embedding, 'a'), ('[13,1]', 'b'), ('[20,0]', 'c')$$);
SELECT key, label, round(distance::numeric, 4) AS distance, cutpoint_name, evidence
FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox ORDER BY id');
SELECT key, label, round(distance::numeric, 4) AS distance, evidence
FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox ORDER BY id', k => 3, matcher => 'match_majority_vote');
SELECT label, evidence FROM similarity.match('shelf', '[0.2,0]'::embedding, k => 3, matcher => 'match_majority_vote');
SELECT count(*) AS different FROM (
	SELECT i.id::text, m.* FROM inbox i, similarity.match('shelf', i.e) m
	EXCEPT SELECT * FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox')) d;
UPDATE inbox i SET label = m.label FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox') m WHERE i.id = m.key::int;
SELECT id, label FROM inbox ORDER BY id;

-- Does the calibration still belong to the gallery?
SELECT queries, version, current_version, gallery_rows, current_rows, change
FROM similarity.calibration_status('shelf');
UPDATE shelf SET note = 'moved' WHERE id = 1;
SELECT change FROM similarity.calibration_status('shelf');
-- two rows of one label change places: nothing that matters
UPDATE shelf SET e = '[1,0]' WHERE id = 1;
UPDATE shelf SET e = '[0,0]' WHERE id = 2;
SELECT change FROM similarity.calibration_status('shelf');
UPDATE shelf SET e = '[1,1]' WHERE id = 2;
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('shelf');
UPDATE shelf SET e = '[0,0]' WHERE id = 2;
UPDATE shelf SET kind = 'z' WHERE id = 2;
SELECT change FROM similarity.calibration_status('shelf');
UPDATE shelf SET kind = 'a' WHERE id = 2;
INSERT INTO shelf VALUES (7, 'd', '[5,5]');
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('shelf');
DELETE FROM shelf WHERE id = 7;
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('shelf');

-- A gallery without key has no evidence.
ALTER TABLE shelf DROP CONSTRAINT shelf_pkey;
SELECT similarity.create_gallery('keyless', 'shelf', 'e', 'kind', distance => 'l2');
SELECT count(*) FROM similarity.calibration_status('keyless');
SELECT name, distance FROM similarity.calibrate('keyless', 'SELECT e, kind FROM shelf WHERE e IS NOT NULL AND kind IS NOT NULL');
SELECT label, evidence FROM similarity.match('keyless', '[0,0]'::embedding);

-- Bad input.
SELECT * FROM similarity.lookup_all('shelf', 'SELECT id FROM inbox');
SELECT * FROM similarity.lookup_all('shelf', 'SELECT e, NULL FROM inbox');
SELECT * FROM similarity.lookup_all('shelf', 'SELECT NULL::embedding, 1');
SELECT * FROM similarity.lookup_all('shelf', 'DELETE FROM inbox');
SELECT * FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox', 0);
SELECT * FROM similarity.lookup_all('nowhere', 'SELECT e, id FROM inbox');
SELECT * FROM similarity.lookup_all('shelf', NULL);
SELECT * FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox', 'best');
SELECT * FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox', matcher => 'vote');
TRUNCATE shelf;
SELECT * FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox');
SELECT count(*) FROM similarity.lookup_all('shelf', 'SELECT e, id FROM inbox');
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('shelf');
SELECT similarity.drop_gallery('shelf'), similarity.drop_gallery('keyless');
SELECT * FROM similarity.match_all('shelf', 'SELECT e, id FROM inbox');
DROP TABLE shelf, inbox;
