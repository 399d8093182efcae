-- An index serves look-ups, matches and whole passes, and gives the same answers.
SELECT setseed(0.25);
CREATE TABLE big AS SELECT i AS id, i % 7 AS kind, ARRAY[i % 7 + random(), random(), random() - i % 7]::real[]::embedding(3) AS e
FROM generate_series(1, 3000) i;
ALTER TABLE big ADD PRIMARY KEY (id);
CREATE TABLE sample AS SELECT id, kind, e FROM big WHERE id % 10 = 0;
SELECT similarity.create_gallery('big', 'big', 'e', 'kind');
CREATE TABLE before AS SELECT s.id, l.* FROM sample s, similarity.lookup('big', s.e, 1) AS l (rank, label, distance, key, tid, item);
SELECT value AS recall FROM similarity.evaluate_retrieval('big', 'SELECT e, kind FROM sample', '{recall@2}', drop_closest => true) \gset
CREATE INDEX big_e_idx ON big USING similarity_hnsw (e embedding_cosine_ops);
ANALYZE big;
SELECT pg_stat_force_next_flush();
SELECT coalesce(sum(idx_scan), 0) AS scans FROM pg_stat_user_indexes WHERE indexrelname = 'big_e_idx' \gset
SELECT count(*) = count(*) FILTER (WHERE l.key = b.key AND abs(l.distance - b.distance) < 1e-6) AS same
FROM before b JOIN sample s USING (id), similarity.lookup('big', s.e, 1) l;
SELECT pg_stat_force_next_flush();
SELECT sum(idx_scan) - :scans AS lookups FROM pg_stat_user_indexes WHERE indexrelname = 'big_e_idx';
SELECT abs(value - :recall) < 0.02 AS same FROM similarity.evaluate_retrieval('big', 'SELECT e, kind FROM sample', '{recall@2}', drop_closest => true);
SELECT name, "precision" > 0.9 AS precise FROM similarity.calibrate('big', 'SELECT e, kind FROM sample');
SELECT count(*) = count(*) FILTER (WHERE m.label = s.kind::text) AS all_right FROM sample s, similarity.match('big', s.e) m;
SELECT pg_stat_force_next_flush();
SELECT sum(idx_scan) - :scans AS scans FROM pg_stat_user_indexes WHERE indexrelname = 'big_e_idx';

-- By the index, beside its own loss: few of the true neighbors are missed.
SELECT metric, queries, abs(value - e.exact) < 0.02 AS same, index_recall BETWEEN 0.9 AND 1 AS good, e.unknown
FROM similarity.evaluate_retrieval('big', 'SELECT e, kind FROM sample', '{recall@2,precision@10}', drop_closest => true, exact => false)
JOIN (SELECT metric, value, index_recall IS NULL FROM similarity.evaluate_retrieval('big', 'SELECT e, kind FROM sample',
	'{recall@2,precision@10}', drop_closest => true)) e (metric, exact, unknown) USING (metric);
SELECT name, tp + fn AS hits, queries, index_recall > 0.9 AS good
FROM similarity.evaluate_classification('big', 'SELECT e, kind FROM sample', exact => false);
-- a search that keeps too few candidates is found out
SET similarity.ef_search = 1;
SET client_min_messages = error;	-- how many of the items find themselves is the index's affair
SELECT index_recall < 1 AS less FROM similarity.evaluate_retrieval('big', 'SELECT e, kind FROM sample', '{precision@50}', exact => false);
RESET client_min_messages;
RESET similarity.ef_search;

-- A new row is found, a deleted one is not.
INSERT INTO big VALUES (5000, 9, '[-5,3,1]');
SELECT key FROM similarity.lookup('big', '[-5,3,1.01]'::embedding, 1);
DELETE FROM big WHERE id = 5000;
SELECT key = '5000' AS gone FROM similarity.lookup('big', '[-5,3,1.01]'::embedding, 1);

SELECT similarity.drop_gallery('big');
DROP TABLE big, sample, before;
