-- Building indexes of similarity_hnsw: what can be indexed and what is refused.
SET client_min_messages = warning;

-- Points whose neighbors are known: on a line, at distance 1 from each other.
CREATE TABLE point (id integer PRIMARY KEY, e embedding(3));
INSERT INTO point SELECT i, ARRAY[i, 0, 0]::embedding FROM generate_series(1, 500) i;
INSERT INTO point VALUES (0, NULL);
CREATE INDEX point_l2 ON point USING similarity_hnsw (e embedding_l2_ops);
SELECT distance, dims, m, ef_construction, ef_search, rows, nodes, dead_nodes, mean_neighbors BETWEEN 16 AND 32 AS linked, format_version
FROM similarity.index_info('point_l2');
SELECT sum(d.nodes) AS nodes, abs(sum(d.neighbors * d.nodes) / sum(d.nodes) - min(i.mean_neighbors)) < 1e-9 AS same_mean, max(neighbors) <= 2 * min(i.m) AS fit
FROM similarity.index_degrees('point_l2') d, similarity.index_info('point_l2') i;
SELECT * FROM similarity.verify_index('point_l2');

-- Columns and expressions must say how many dimensions they have.
CREATE TABLE plain (id integer, e embedding);
CREATE INDEX ON plain USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX ON point USING similarity_hnsw ((l2_normalize(e)) embedding_l2_ops);
CREATE INDEX ON point USING similarity_hnsw ((l2_normalize(e)::embedding(3)) embedding_l2_ops);
CREATE INDEX ON plain USING similarity_hnsw ((e::embedding(2)) embedding_cosine_ops);
INSERT INTO plain VALUES (1, '[1,2]');
INSERT INTO plain VALUES (1, '[1,2,3]');

-- An operator class must be named; one column only, never unique.
CREATE INDEX ON point USING similarity_hnsw (e);
CREATE INDEX ON point USING similarity_hnsw (e embedding_l2_ops, e embedding_l2_ops);
CREATE UNIQUE INDEX ON point USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX ON point USING similarity_hnsw (id embedding_l2_ops);

-- Rows with equal vectors share nodes.
CREATE TABLE twin (id integer, e embedding(2));
INSERT INTO twin SELECT i, ARRAY[i % 3, 1]::embedding FROM generate_series(1, 100) i;
CREATE INDEX twin_l2 ON twin USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO twin SELECT i, ARRAY[i % 3, 1]::embedding FROM generate_series(101, 200) i;
SELECT rows, nodes < 60 AS shared FROM similarity.index_info('twin_l2');
SELECT * FROM similarity.verify_index('twin_l2');

-- Many more duplicates than a list has places, and something beside them.
CREATE TABLE crowd (id integer, e embedding(2));
INSERT INTO crowd SELECT i, '[1,1]' FROM generate_series(1, 2000) i;
INSERT INTO crowd SELECT i, ARRAY[i, i]::embedding FROM generate_series(2001, 2010) i;
CREATE INDEX crowd_l2 ON crowd USING similarity_hnsw (e embedding_l2_ops);
SELECT rows FROM similarity.index_info('crowd_l2');
SELECT * FROM similarity.verify_index('crowd_l2');
SET enable_seqscan = off;
SELECT id FROM crowd ORDER BY e <-> '[2004.1,2004.1]' LIMIT 3;
SELECT count(DISTINCT id) FROM (SELECT id FROM crowd ORDER BY e <-> '[0,0]' LIMIT 2010) x;
RESET enable_seqscan;

-- The graph outgrows the memory: the build goes on on pages.
SET maintenance_work_mem = '1MB';
SET client_min_messages = notice;
CREATE TABLE big (id integer, e embedding(64));
INSERT INTO big SELECT i, (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 64) j)::embedding
FROM generate_series(1, 3000) i;
CREATE INDEX big_l2 ON big USING similarity_hnsw (e embedding_l2_ops);
-- With what the hint says it does not.
SET maintenance_work_mem = '6MB';
REINDEX INDEX big_l2;
SET maintenance_work_mem = '1MB';
SET client_min_messages = warning;
REINDEX INDEX big_l2;
SELECT rows FROM similarity.index_info('big_l2');
SELECT * FROM similarity.verify_index('big_l2');
RESET maintenance_work_mem;

-- One thread gives one graph.
SET max_parallel_maintenance_workers = 0;
CREATE INDEX big_2 ON big USING similarity_hnsw (e embedding_l2_ops);
REINDEX INDEX big_l2;
SELECT (SELECT to_jsonb(i) - 'part' FROM similarity.index_info('big_2') i) = (SELECT to_jsonb(i) - 'part' FROM similarity.index_info('big_l2') i) AS same;
RESET max_parallel_maintenance_workers;

-- The build goes over the nodes a second time if the first shows that the data
-- are hard to search: sums of the vectors of words, of which few are frequent.
CREATE TABLE word (id integer PRIMARY KEY, e embedding(256));
INSERT INTO word SELECT i, (SELECT array_agg((hashint8(i::bigint * 1000 + j) % 1000 * ln(1 + i))::real) FROM generate_series(1, 256) j)::embedding
FROM generate_series(1, 1000) i;
CREATE TABLE gloss (id integer, e embedding(256));
INSERT INTO gloss SELECT t, sum(e)
FROM generate_series(1, 4000) t, generate_series(1, 3) k, word
WHERE word.id = floor(exp(abs(hashint8(t::bigint * 10 + k) % 10007) / 10007.0 * ln(1000)))
GROUP BY t ORDER BY t;
CREATE INDEX gloss_auto ON gloss USING similarity_hnsw (e embedding_cosine_ops);
CREATE INDEX gloss_1 ON gloss USING similarity_hnsw (e embedding_cosine_ops) WITH (passes = 1);
CREATE INDEX gloss_3 ON gloss USING similarity_hnsw (e embedding_cosine_ops) WITH (passes = 3);
CREATE INDEX gloss_none ON gloss USING similarity_hnsw (e embedding_cosine_ops) WHERE id < 0;
SELECT index, passes, first_pass_recall < 0.98 AS hard, rows
FROM unnest('{gloss_auto,gloss_1,gloss_3,gloss_none,point_l2}'::text[]) index, similarity.index_info(index::regclass);
SELECT index, v.* FROM unnest('{gloss_auto,gloss_1,gloss_3}'::text[]) index, similarity.verify_index(index::regclass) v;
SELECT a.recall > b.recall - 0.01 AS as_good FROM similarity.index_recall('gloss_auto', 400) a, similarity.index_recall('gloss_1', 400) b;
-- What memory holds is gone over, too; the rest is inserted.
SET maintenance_work_mem = '4MB';
REINDEX INDEX gloss_auto;
SELECT passes BETWEEN 1 AND 2 AS passes, rows FROM similarity.index_info('gloss_auto');
SELECT * FROM similarity.verify_index('gloss_auto');
RESET maintenance_work_mem;

-- Long vectors span pages.
CREATE TABLE long (id integer PRIMARY KEY, e embedding(16384));
INSERT INTO long SELECT i, (SELECT array_agg(((i * j) % 1009)::real) FROM generate_series(1, 16384) j)::embedding
FROM generate_series(1, 20) i;
CREATE INDEX long_l2 ON long USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO long SELECT i, (SELECT array_agg(((i * j) % 1009)::real) FROM generate_series(1, 16384) j)::embedding
FROM generate_series(21, 40) i;
SELECT dims, rows, nodes, pages FROM similarity.index_info('long_l2');
SELECT * FROM similarity.verify_index('long_l2');
SET enable_seqscan = off;
SELECT q.id, (SELECT string_agg(id::text, ' ') FROM (SELECT l.id FROM long l ORDER BY l.e <-> q.e LIMIT 1) n)
FROM long q WHERE id % 10 = 0 ORDER BY 1;
DELETE FROM long WHERE id <= 30;
RESET enable_seqscan;
VACUUM long;
SELECT rows, nodes, free_nodes FROM similarity.index_info('long_l2');
INSERT INTO long SELECT i, (SELECT array_agg(((i * j) % 1009)::real) FROM generate_series(1, 16384) j)::embedding
FROM generate_series(41, 70) i;
SELECT rows, nodes, free_nodes, pages FROM similarity.index_info('long_l2');
SELECT * FROM similarity.verify_index('long_l2');

-- All kinds of tables and ways to build.
CREATE INDEX CONCURRENTLY point_concurrently ON point USING similarity_hnsw (e embedding_cosine_ops);
SELECT rows FROM similarity.index_info('point_concurrently');
REINDEX INDEX point_l2;
REINDEX INDEX CONCURRENTLY point_l2;
SELECT rows FROM similarity.index_info('point_l2');
CREATE INDEX point_partial ON point USING similarity_hnsw (e embedding_l2_ops) WHERE id % 2 = 0;
SELECT rows FROM similarity.index_info('point_partial');
CREATE TEMPORARY TABLE passing (e embedding(2));
CREATE INDEX passing_l2 ON passing USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO passing VALUES ('[1,2]'), ('[3,4]');
SELECT e FROM passing ORDER BY e <-> '[3,3]' LIMIT 1;
CREATE UNLOGGED TABLE careless (e embedding(2));
INSERT INTO careless VALUES ('[1,2]');
CREATE INDEX careless_l2 ON careless USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO careless VALUES ('[3,4]');
SELECT rows, entry.nodes FROM similarity.index_info('careless_l2') entry;
CREATE TABLE part (id integer, e embedding(2)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE INDEX part_l2 ON part USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO part SELECT i, ARRAY[i, i]::embedding FROM generate_series(0, 19) i;
SET enable_seqscan = off;
SELECT id FROM part ORDER BY e <-> '[9.4,9.4]' LIMIT 4;
RESET enable_seqscan;
TRUNCATE part;
SELECT rows FROM similarity.index_info('part_1_e_idx');

-- Rows that stand in the TOAST table although they would fit a page
CREATE TABLE wide (e embedding(700));
INSERT INTO wide SELECT array_fill(i, '{700}')::embedding FROM generate_series(1, 5) i;
SET client_min_messages = notice;
CREATE INDEX ON wide USING similarity_hnsw (e embedding_l2_ops);
SET client_min_messages = warning;

-- Introspection refuses what it is not for.
SELECT * FROM similarity.index_info('point_pkey');
SELECT * FROM similarity.verify_index('point');
SELECT * FROM similarity.index_info(0::oid::regclass);
SELECT * FROM similarity.verify_index(4294967295::oid::regclass);
SELECT * FROM similarity.index_stats(1::oid::regclass);
SELECT * FROM similarity.index_recall(1::oid::regclass);
CREATE ROLE hnsw_stranger;
SET ROLE hnsw_stranger;
SELECT * FROM similarity.verify_index('point_l2');
RESET ROLE;
DROP ROLE hnsw_stranger;

DROP TABLE point, plain, twin, crowd, big, long, careless, part, wide;
