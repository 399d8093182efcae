-- New items beside those of the calibration, against the same in plain SQL.
SELECT setseed(0.5);
CREATE TABLE ware AS SELECT i AS id, i % 3 AS kind, ARRAY[i % 3 + random(), random()]::real[]::embedding(2) AS e FROM generate_series(1, 300) i;
CREATE TABLE probe AS SELECT i AS id, i % 3 AS kind, ARRAY[i % 3 + random(), random()]::real[]::embedding AS e,
	ARRAY[i % 3 + 1.6 * random(), 1.6 * random()]::real[]::embedding AS shifted, '[50,50]'::embedding AS far FROM generate_series(1, 200) i;
SELECT similarity.create_gallery('wares', 'ware', 'e', 'kind', key => 'id', distance => 'euclidean');
SELECT * FROM similarity.drift('wares', 'SELECT e FROM probe');
SELECT name FROM similarity.calibrate('wares', 'SELECT e, kind FROM probe');

-- the same items, others of the same distribution, shifted ones, and far ones
SELECT queries, calibration_queries, ks, p_value, median = calibration_median AS median, p90 = calibration_p90 AS p90,
	unknown = calibration_unknown AS unknown, cutpoint_name FROM similarity.drift('wares', 'SELECT e FROM probe');
SELECT ks > 0 AS different, p_value > 0.01 AS probable FROM similarity.drift('wares',
	'SELECT ARRAY[i % 3 + random(), random()]::real[]::embedding, i FROM generate_series(1, 200) i');
SELECT queries, ks > 0.2 AS different, p_value < 0.001 AS improbable, median > calibration_median AS median, p90 > calibration_p90 AS p90,
	unknown > calibration_unknown AS unknown FROM similarity.drift('wares', 'SELECT shifted FROM probe');
SELECT ks, p_value < 1e-20 AS improbable, unknown FROM similarity.drift('wares', 'SELECT far FROM probe LIMIT 100');

-- the distance of the two samples by its definition
WITH now AS (SELECT (SELECT min(w.e <-> p.shifted) FROM ware w) AS d FROM probe p),
	before AS (SELECT (SELECT min(w.e <-> p.e) FROM ware w) AS d FROM probe p),
	ks AS (SELECT max(abs((SELECT count(*) FROM now n WHERE n.d <= x.d) / 200.0 - (SELECT count(*) FROM before b WHERE b.d <= x.d) / 200.0)) AS ks
		FROM (TABLE now UNION ALL TABLE before) x)
SELECT abs(d.ks - ks.ks) < 1e-9 AS ks, abs(d.median - (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY now.d) FROM now)) < 1e-9 AS median,
	abs(d.calibration_p90 - (SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY before.d) FROM before)) < 1e-9 AS p90,
	abs(d.unknown - (SELECT avg((now.d > c.distance)::int) FROM now)) < 1e-9 AS unknown
FROM similarity.drift('wares', 'SELECT shifted FROM probe') d, ks, similarity.cutpoints c;

-- bad input
SELECT * FROM similarity.drift('wares', 'SELECT e FROM probe', 'best');
SELECT * FROM similarity.drift('wares', 'SELECT e, 1, 2 FROM probe');
SELECT * FROM similarity.drift('wares', 'SELECT NULL::embedding');
SELECT * FROM similarity.drift('wares', 'SELECT e FROM probe WHERE false');
SELECT * FROM similarity.drift('nothing', 'SELECT e FROM probe');

-- What a gallery is: its table, its index and how much that finds, its cut points.
SELECT "rows", bytes > 0 AS bytes, index, index_bytes, index_recall, cutpoints ? 'optimal' AS cutpoints FROM similarity.galleries;
CREATE INDEX ware_cosine ON ware USING similarity_hnsw (e embedding_cosine_ops);
CREATE INDEX ware_l2 ON ware USING similarity_hnsw (e embedding_l2_ops);
ANALYZE ware;
SELECT recall > 0.9 AS good FROM similarity.index_recall('ware_l2');
SELECT relation, distance, "rows", bytes > index_bytes AS bytes, index, index_recall > 0.9 AS good, queries FROM similarity.galleries;
CREATE ROLE ware_reader;
GRANT SELECT (e, kind) ON ware TO ware_reader;
SET ROLE ware_reader;
SELECT gallery, "rows", index, queries FROM similarity.galleries;
RESET ROLE;
GRANT SELECT ON ware TO ware_reader;
SET ROLE ware_reader;
SELECT gallery, "rows", index, queries FROM similarity.galleries;
RESET ROLE;
ALTER TABLE ware RENAME TO goods;
SELECT relation, "rows", index FROM similarity.galleries;
SELECT similarity.drop_gallery('wares');
DROP TABLE goods, probe;
DROP ROLE ware_reader;
