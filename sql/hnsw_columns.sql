-- Indexes on columns of domains and on partitioned tables, and options as they
-- are written without quotes or set later.
CREATE DOMAIN vector_3 AS embedding(3);
CREATE DOMAIN unit_3 AS vector_3 CHECK (l2_norm(VALUE) BETWEEN 0.999 AND 1.001);
CREATE DOMAIN bits_3 AS embedding(3, bit);
CREATE DOMAIN vector AS embedding;
CREATE TABLE thing (id integer, e vector_3, u unit_3, b bits_3, v vector);
INSERT INTO thing SELECT i, e, l2_normalize(e), e, e FROM generate_series(1, 2000) i, LATERAL (SELECT random_embedding(3, i) AS e) r;
CREATE INDEX thing_e ON thing USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX thing_u ON thing USING similarity_hnsw (u embedding_cosine_ops) WITH (vectors = float);
CREATE INDEX thing_b ON thing USING similarity_hnsw (b embedding_hamming_ops);
CREATE INDEX thing_v ON thing USING similarity_hnsw ((v::embedding(3)) embedding_l2_ops);
CREATE INDEX ON thing USING similarity_hnsw (v embedding_l2_ops);
CREATE INDEX ON thing USING similarity_hnsw (e embedding_hamming_ops);
ANALYZE thing;
EXPLAIN (COSTS OFF) SELECT id FROM thing ORDER BY e <-> '[1,2,3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM thing ORDER BY u <=> ARRAY[1, 2, 3] LIMIT 3;
SELECT dims, rows FROM similarity.index_info('thing_e');
SELECT i.index, f.* FROM unnest('{thing_e,thing_u,thing_b,thing_v}'::regclass[]) i (index), similarity.verify_index(i.index) f;
SELECT recall > 0.9 AS good FROM similarity.index_recall('thing_u');
INSERT INTO thing VALUES (0, '[100,0,0]', '[1,0,0]', '[1,0,0]', '[1,0,0]');
SELECT id FROM thing ORDER BY e <-> '[101,0,0]' LIMIT 1;
INSERT INTO thing VALUES (0, '[1,2]');
SELECT count(*) FROM similarity.knn('thing', 'u', '{"[1,0,0]"}', 5);

-- Options: float is a type's name; bits are checked when they are set
CREATE INDEX thing_float ON thing USING similarity_hnsw (e embedding_l2_ops) WITH (vectors = float, bits = 2);
ALTER INDEX thing_e SET (vectors = float);
ALTER INDEX thing_e SET (vectors = double);
ALTER INDEX thing_e SET (bits = 3);
CREATE INDEX ON thing USING similarity_hnsw (e embedding_l2_ops) WITH (bits = 3);
ALTER INDEX thing_e SET (bits = 4);
REINDEX INDEX thing_e;
SELECT f.* FROM similarity.verify_index('thing_e') f;
SELECT rows FROM similarity.index_info('thing_float');
DROP TABLE thing;
DROP DOMAIN unit_3, vector_3, bits_3, vector;

-- Of a partitioned index, each partition's, however deep it lies
CREATE TABLE measure (id integer, e embedding(3)) PARTITION BY RANGE (id);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM (0) TO (500);
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES FROM (500) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE measure_2_1 PARTITION OF measure_2 FOR VALUES FROM (500) TO (1000);
INSERT INTO measure SELECT i, random_embedding(3, i) FROM generate_series(0, 799) i;
CREATE INDEX measure_e ON measure USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX measure_id ON measure (id);
SELECT part, rows FROM similarity.index_info('measure_e');
SELECT part, rows, recall > 0.9 AS good FROM similarity.index_recall('measure_e', sample => 50::bigint, k => 5::bigint);
SELECT part, recall_rows, recall_k FROM similarity.index_stats('measure_e');
SELECT * FROM similarity.verify_index('measure_e');
SELECT part, rows FROM similarity.index_info('measure_2_1_e_idx');
SELECT part, rows FROM similarity.index_info('measure_id');
CREATE TABLE bare (id integer, e embedding(3)) PARTITION BY RANGE (id);
CREATE INDEX bare_e ON bare USING similarity_hnsw (e embedding_l2_ops);
SELECT part FROM similarity.index_info('bare_e');
DROP TABLE measure, bare;
