-- Recall of an index: measured, asked for, remembered.
SET client_min_messages = warning;
CREATE TABLE item (id integer PRIMARY KEY, e embedding(16)) WITH (autovacuum_enabled = off);
INSERT INTO item SELECT i, (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 16) j)::embedding
FROM generate_series(1, 4000) i;
INSERT INTO item VALUES (0, NULL);
CREATE INDEX item_l2 ON item USING similarity_hnsw (e embedding_l2_ops);

-- Nothing was measured but what the planner wants to know.
SELECT ef_search, expansions BETWEEN 10 AND 60 AS plausible, pages_per_expansion BETWEEN 1 AND 1.2 AS pages, target_recall, target_ef_search, recall, recall_time
FROM similarity.index_stats('item_l2');

-- More effort finds more; with all of it nothing is missed.
SELECT sample, k, ef_search, recall > 0.8 AS good, rows, expansions < 100 AS few FROM similarity.index_recall('item_l2');
SELECT sample, k, ef_search, recall, rows FROM similarity.index_recall('item_l2', 50, 5, 4000);
SELECT (similarity.index_recall('item_l2', ef_search => 4)).recall < (similarity.index_recall('item_l2', ef_search => 100)).recall AS less;
SELECT recall > 0.8 AS kept, recall_k, recall_ef_search, recall_sample, recall_rows, now() - recall_time < interval '1 hour' AS now
FROM similarity.index_stats('item_l2');
SET similarity.ef_search = 17;
SELECT ef_search FROM similarity.index_recall('item_l2', 5);
RESET similarity.ef_search;
-- Equal seeds sample equal rows.
SELECT similarity.index_recall('item_l2', 20, seed => 3) = similarity.index_recall('item_l2', 20, seed => 3) AS same;
-- A REINDEX forgets.
REINDEX INDEX item_l2;
SELECT recall FROM similarity.index_stats('item_l2');

-- Every distance, parts of a table, expressions, other precisions
CREATE INDEX item_cosine ON item USING similarity_hnsw (e embedding_cosine_ops) WHERE id % 4 = 0;
CREATE INDEX item_ip ON item USING similarity_hnsw (e embedding_ip_ops);
CREATE INDEX item_l1 ON item USING similarity_hnsw (e embedding_l1_ops);
CREATE INDEX item_expression ON item USING similarity_hnsw ((subvector(e, 3, 8)::embedding(8, half)) embedding_l2_ops);
SELECT index, sample, k, ef_search, recall > 0.8 AS good, rows
FROM unnest('{item_cosine,item_ip,item_l1,item_expression}'::text[]) index, similarity.index_recall(index::regclass);

-- Ties, zero vectors, fewer rows than k, no row at all
CREATE TABLE few (e embedding(2));
CREATE INDEX few_cosine ON few USING similarity_hnsw (e embedding_cosine_ops);
SELECT sample, k, ef_search, recall, rows FROM similarity.index_recall('few_cosine');
INSERT INTO few VALUES ('[1,1]');
SELECT sample, k, ef_search, recall, rows FROM similarity.index_recall('few_cosine');
INSERT INTO few VALUES ('[0,0]'), ('[2,2]'), ('[3,3]'), ('[1,2]'), (NULL);
SELECT sample, k, ef_search, recall, rows FROM similarity.index_recall('few_cosine');
INSERT INTO few SELECT '[1,1]' FROM generate_series(1, 500);
SELECT sample, recall, rows FROM similarity.index_recall('few_cosine');

-- Rows that a transaction does not see do not count.
DELETE FROM few WHERE e <-> '[1,1]' = 0;
SELECT sample, recall, rows FROM similarity.index_recall('few_cosine');

-- Partitions one by one
CREATE TABLE part (id integer, e embedding(2)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (50);
CREATE INDEX part_l2 ON part USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO part SELECT i, ARRAY[i, i]::embedding FROM generate_series(0, 49) i;
SELECT sample, recall FROM similarity.index_recall('part_1_e_idx');
SELECT sample, recall, part FROM similarity.index_recall('part_l2');

-- Bad arguments
SELECT * FROM similarity.index_recall('item_l2', 0);
SELECT * FROM similarity.index_recall('item_l2', k => 1001);
SELECT * FROM similarity.index_recall('item_l2', ef_search => 0);
SELECT * FROM similarity.index_recall('item_l2', sample => NULL);
SELECT * FROM similarity.index_recall(NULL);
SELECT * FROM similarity.index_recall('item_l2', seed => NULL);
SELECT * FROM similarity.index_recall('item_pkey');
SELECT * FROM similarity.index_recall('item');

-- Whoever may read all of the table may measure; the owner's stats are kept.
CREATE ROLE hnsw_reader;
SET ROLE hnsw_reader;
SELECT * FROM similarity.index_recall('item_l2');
RESET ROLE;
GRANT SELECT ON item TO hnsw_reader;
SET ROLE hnsw_reader;
SELECT recall > 0.8 AS good FROM similarity.index_recall('item_l2');
RESET ROLE;
SELECT recall FROM similarity.index_stats('item_l2');
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SET ROLE hnsw_reader;
SELECT * FROM similarity.index_recall('item_l2');
RESET ROLE;
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
-- What an index computes runs as its table's owner.
CREATE FUNCTION whoami(e embedding) RETURNS embedding LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF current_user <> 'hnsw_reader' THEN RAISE 'run by %', current_user; END IF; RETURN e; END $$;
CREATE TABLE theirs (e embedding(2));
ALTER TABLE theirs OWNER TO hnsw_reader;
CREATE INDEX theirs_l2 ON theirs USING similarity_hnsw ((whoami(e)::embedding(2)) embedding_l2_ops);
SET ROLE hnsw_reader;
INSERT INTO theirs VALUES ('[1,2]'), ('[3,4]');
RESET ROLE;
SELECT sample, recall FROM similarity.index_recall('theirs_l2');
SELECT current_user = session_user AS myself;
DROP TABLE theirs;
DROP FUNCTION whoami;
REVOKE ALL ON item FROM hnsw_reader;
DROP ROLE hnsw_reader;

-- A build finds the effort for a recall.
CREATE INDEX item_target ON item USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 0.97);
SELECT ef_search = target_ef_search AS taken, ef_search BETWEEN 10 AND 400 AS plausible, target_recall FROM similarity.index_stats('item_target');
SELECT recall BETWEEN 0.95 AND 0.995 AS reached FROM similarity.index_recall('item_target', 400, seed => 2);
-- The setting comes before ef_search, that before target_recall.
SELECT target_ef_search AS found FROM similarity.index_stats('item_target') \gset
SELECT ef_search = :found AS found, target_recall FROM similarity.index_info('item_target');
ALTER INDEX item_target SET (ef_search = 33);
SELECT ef_search, target_recall FROM similarity.index_info('item_target');
SET similarity.ef_search = 44;
SELECT ef_search FROM similarity.index_recall('item_target', 5);
RESET similarity.ef_search;
ALTER INDEX item_target RESET (ef_search);
SELECT ef_search = :found AS found FROM similarity.index_info('item_target');
ALTER INDEX item_target RESET (target_recall);
SELECT ef_search, target_recall FROM similarity.index_info('item_target');
-- Set later it takes effect with the next build.
ALTER INDEX item_l2 SET (target_recall = 0.9);
SELECT ef_search, target_recall FROM similarity.index_info('item_l2');
REINDEX INDEX CONCURRENTLY item_l2;
SELECT ef_search < :found AS less, target_recall FROM similarity.index_info('item_l2');
-- Tables with fewer rows than the sample do not tell: the default at least
CREATE TABLE none (e embedding(2));
CREATE INDEX none_l2 ON none USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 0.99);
SELECT ef_search FROM similarity.index_info('none_l2');
INSERT INTO none VALUES ('[1,2]'), ('[3,4]');
REINDEX INDEX none_l2;
SELECT ef_search FROM similarity.index_info('none_l2');
-- Rows of the transaction that builds count as well.
BEGIN;
CREATE TABLE fresh (e embedding(2));
INSERT INTO fresh SELECT ARRAY[i, i]::embedding FROM generate_series(1, 300) i;
CREATE INDEX fresh_l2 ON fresh USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 0.99);
SELECT target_ef_search, recall FROM similarity.index_stats('fresh_l2');
COMMIT;
-- That values are of two models is told by the operators, not by who measures.
CREATE TABLE two (e embedding(2));
INSERT INTO two SELECT ARRAY[i, 1]::embedding(2)::embedding(2, 1) FROM generate_series(1, 20) i;
INSERT INTO two SELECT ARRAY[i, 2]::embedding(2)::embedding(2, 2) FROM generate_series(1, 20) i;
CREATE INDEX two_l2 ON two USING similarity_hnsw (e embedding_l2_ops);
SELECT embedding_model(e) AS model, count(*) FROM two GROUP BY 1 ORDER BY 1;
SELECT recall, rows FROM similarity.index_recall('two_l2');
-- Out of range
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 0.4);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 1);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 'high');

DROP TABLE item, few, part, none, fresh, two;
