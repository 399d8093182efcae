-- What calibrations and evaluations say of input that gives no ground for them.
SET extra_float_digits = 0;
\set SHOW_CONTEXT never
SELECT setseed(0.5);
-- five kinds, ten apart
CREATE TABLE ware (id int PRIMARY KEY, kind int, e embedding(2));
INSERT INTO ware SELECT i, i % 5, ARRAY[10 * (i % 5) + random(), random()]::real[]::embedding FROM generate_series(1, 200) i;
CREATE TABLE probe AS SELECT i AS id, i % 5 AS kind, ARRAY[10 * (i % 5) + random(), random()]::real[]::embedding AS e
FROM generate_series(1, 60) i;
SELECT similarity.create_gallery('wares', 'ware', 'e', 'kind', distance => 'euclidean');

CREATE FUNCTION calibrate(query text, targets jsonb DEFAULT '{}', metric text DEFAULT 'f1', drop_closest boolean DEFAULT false)
	RETURNS TABLE (name text, value float8, distance text, "precision" float8, recall float8) LANGUAGE sql AS $$
	SELECT name, round(value::numeric, 3), CASE WHEN distance > 0 THEN 'some' ELSE distance::text END, round("precision"::numeric, 3), round(recall::numeric, 3)
	FROM similarity.calibrate('wares', query, targets, 1, metric, 'match_nearest', drop_closest) $$;
-- what match() makes of all probes
CREATE FUNCTION answers() RETURNS TABLE (rightly bigint, wrongly bigint, unknown bigint) LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE m.label = p.kind::text), count(*) FILTER (WHERE m.label <> p.kind::text), count(*) FILTER (WHERE m.label IS NULL)
	FROM probe p, similarity.match('wares', p.e) m $$;

-- sound items, of which some are to match nothing
SELECT * FROM calibrate('SELECT e, kind FROM probe UNION ALL SELECT e + ''[5,0]'', 9 FROM probe WHERE id < 20');
SELECT * FROM answers();
SELECT problem FROM similarity.calibration_status('wares');

-- no label of theirs is the gallery's: a mistake, or one in how labels are written
SELECT * FROM calibrate('SELECT e, ''nobody'' FROM probe', '{"sure": 0.9}', 'precision');
SELECT * FROM answers();
SELECT problem FROM similarity.calibration_status('wares');
SELECT name, distance, tp, fp, tn, fn FROM similarity.evaluate_classification('wares', 'SELECT e, kind FROM probe');
SELECT * FROM similarity.confusion_matrix('wares', 'SELECT e, kind FROM probe') ORDER BY 1;
SELECT count(*) FROM similarity.match_all('wares', 'SELECT e, id FROM probe') WHERE label IS NOT NULL;
SELECT unknown, calibration_unknown FROM similarity.drift('wares', 'SELECT e FROM probe');
SELECT cutpoints FROM similarity.galleries;
SELECT name, distance FROM similarity.cutpoints;
SELECT * FROM calibrate('SELECT e, kind::numeric(3,1) FROM probe');
SELECT * FROM calibrate('SELECT e, kind::text FROM probe');
SELECT metric, value FROM similarity.evaluate_retrieval('wares', 'SELECT e, ''kind '' || kind FROM probe', '{recall@1,map@r}');
SELECT metric, value FROM similarity.evaluate_retrieval('wares', 'SELECT e, ''kind '' || kind FROM probe', exact => false);
SELECT tp, fp FROM similarity.evaluate_classification('wares', 'SELECT e, ''kind '' || kind FROM probe');
SELECT sum(count) FROM similarity.confusion_matrix('wares', 'SELECT e, ''kind '' || kind FROM probe', cutpoint => NULL);

-- most have labels that the gallery does not have: no cut point that accepts them
SELECT * FROM calibrate('SELECT e, CASE WHEN kind = 0 THEN ''0'' ELSE ''nobody'' END FROM probe', '{"all": 1}', 'recall');
SELECT * FROM answers();
-- but one that keeps them apart
SELECT * FROM calibrate('SELECT e, kind FROM probe UNION ALL SELECT e + ''[5,0]'', 9 FROM probe');
SELECT * FROM answers();
SELECT metric, round(value::numeric, 3) AS value FROM similarity.evaluate_retrieval('wares', 'SELECT e, CASE WHEN kind = 0 THEN 0 ELSE 9 END FROM probe');

-- the gallery's own rows, told by their embedding, made the same or again
SELECT * FROM calibrate('SELECT e, kind FROM ware');
SELECT * FROM answers();
SELECT * FROM calibrate('SELECT e + ''[0.00001,0]'', kind FROM ware');
SELECT * FROM calibrate('SELECT e, kind FROM probe UNION ALL SELECT e, kind FROM ware WHERE id <= 20');
SELECT metric, value FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM ware');
SELECT metric, value FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM ware', exact => false);
SELECT sum(count) FROM similarity.confusion_matrix('wares', 'SELECT e, kind FROM ware', cutpoint => NULL);
SELECT ks FROM similarity.drift('wares', 'SELECT e FROM ware');
SELECT similarity.create_gallery('by_' || d, 'ware', 'e', 'kind', distance => d)
FROM unnest('{cosine,squared_euclidean,manhattan,snr}'::text[]) d;
CREATE VIEW unit AS SELECT kind, l2_normalize(e) AS e FROM ware;
SELECT similarity.create_gallery('by_inner_product', 'unit', 'e', 'kind', distance => 'inner_product');
SELECT value FROM similarity.evaluate_retrieval('by_inner_product', 'SELECT e, kind FROM unit');
SELECT value FROM similarity.evaluate_retrieval('by_cosine', 'SELECT e, kind FROM ware');
SELECT value FROM similarity.evaluate_retrieval('by_squared_euclidean', 'SELECT e, kind FROM ware');
SELECT value FROM similarity.evaluate_retrieval('by_manhattan', 'SELECT e, kind FROM ware');
SELECT value FROM similarity.evaluate_retrieval('by_snr', 'SELECT e, kind FROM ware');
SELECT similarity.drop_gallery('by_' || d) FROM unnest('{cosine,squared_euclidean,manhattan,inner_product,snr}'::text[]) d;
DROP VIEW unit;
-- each without its nearest row: a sound calibration, the same as by plain SQL
SELECT * FROM calibrate('SELECT e, kind FROM ware', drop_closest => true);
SELECT * FROM answers();
SELECT c.distance = (SELECT max(d) FROM (SELECT min(a.e <-> b.e) AS d FROM ware a JOIN ware b ON a.id <> b.id GROUP BY a.id) x) AS same FROM similarity.cutpoints c;
SELECT tp, fp, tn, fn FROM similarity.evaluate_classification('wares', 'SELECT e, kind FROM ware', drop_closest => true);
SELECT label, predicted, count FROM similarity.confusion_matrix('wares', 'SELECT e, kind FROM ware', cutpoint => NULL, drop_closest => true) ORDER BY 1;
SELECT label, predicted, count FROM similarity.confusion_matrix('wares', 'SELECT e, kind FROM ware', cutpoint => NULL, exact => false, drop_closest => true) ORDER BY 1;
-- which is not for others
SELECT name FROM calibrate('SELECT e, kind FROM probe', drop_closest => true);
SELECT metric FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM probe', drop_closest => true);

-- too few, all of one label, all right, most wrong
SELECT * FROM calibrate('SELECT e, kind FROM probe WHERE id = 1');
SELECT problem FROM similarity.calibration_status('wares');
SELECT * FROM calibrate('SELECT e, (kind + 1) % 5 FROM probe WHERE id = 1');
SELECT * FROM calibrate('SELECT e, kind FROM probe WHERE kind = 3 UNION ALL SELECT e, kind FROM probe WHERE kind = 3');
SELECT * FROM calibrate('SELECT e, 3 FROM probe');
SELECT * FROM answers();
SELECT * FROM calibrate('SELECT e, kind FROM probe');
SELECT * FROM calibrate('SELECT e, (kind + (id % 3 > 0)::int) % 5 FROM probe', '{"half": 0.5}');
SELECT problem FROM similarity.calibration_status('wares');

-- Where nothing right is accepted, no target is reached: the nearest 14 are
-- wrong, which fpr and npv do not mind, and nothing within the first distance
-- has precision 1.
CREATE TABLE wrong_first AS SELECT e, (kind + (id % 3 > 0)::int) % 5 AS kind FROM probe UNION ALL SELECT e + '[0.001,0]', (kind + 1) % 5 FROM ware WHERE id < 15;
SELECT * FROM calibrate('SELECT e, kind FROM wrong_first', '{"none wrong": 0}', 'fpr');
SELECT * FROM calibrate('SELECT e, kind FROM wrong_first', '{"most": 0.6}', 'npv');
SELECT name FROM similarity.calibrate('wares', 'SELECT e, (kind + 1) % 5 FROM probe UNION ALL SELECT e + ''[5,0]'', kind FROM probe', '{"sure": 0.99}', k => 5,
	calibration_metric => 'precision', matcher => 'match_majority_vote');
DROP TABLE wrong_first;

-- rows without a label
UPDATE ware SET kind = NULL WHERE kind = 4;
SELECT * FROM calibrate('SELECT e, kind FROM probe');
SELECT name, tp, fp, tn, fn FROM similarity.evaluate_classification('wares', 'SELECT e, kind FROM probe WHERE kind = 4 OR id = 1');
UPDATE ware SET kind = NULL;
SELECT * FROM calibrate('SELECT e, kind FROM probe');
SELECT similarity.drop_gallery('wares');

-- distances that are all the same, or not a number
UPDATE ware SET kind = id % 5, e = ARRAY[id % 2, 1 - id % 2]::real[]::embedding;
SELECT similarity.create_gallery('wares', 'ware', 'e', 'kind', distance => 'cosine');
SELECT name FROM calibrate('SELECT ''[-1,-1]''::embedding, kind FROM probe');
SELECT name FROM calibrate('SELECT ''[1,2]''::embedding, i % 2 FROM generate_series(1, 30) i UNION ALL SELECT ''[0,0]''::embedding, 0 FROM probe WHERE id <= 10');
SELECT unknown FROM similarity.drift('wares', 'SELECT ''[0,0]''::embedding FROM probe WHERE id <= 10');
SELECT * FROM similarity.confusion_matrix('wares', 'SELECT ''[0,0]''::embedding, 1', cutpoint => NULL);
SELECT * FROM calibrate('SELECT ''[0,0]''::embedding, kind FROM probe');
SELECT count(*) FROM similarity.cutpoints;	-- those before
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM probe', distance_threshold => 'NaN');

SELECT similarity.drop_gallery('wares');
DROP FUNCTION calibrate, answers;
DROP TABLE ware, probe;
