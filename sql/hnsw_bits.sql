-- Indexes of bits: Hamming and Jaccard distances.
SET client_min_messages = warning;
CREATE TABLE bits (id integer PRIMARY KEY, e embedding(192, bit));
INSERT INTO bits SELECT i, (SELECT array_agg((hashint8((i / 4)::bigint * 1000 + j) % 2 + (hashint8(i::bigint * 7000 + j) % 9 = 0)::int)::real)
	FROM generate_series(1, 192) j)::embedding FROM generate_series(1, 3000) i;
CREATE INDEX bits_hamming ON bits USING similarity_hnsw (e embedding_hamming_ops);
CREATE INDEX bits_jaccard ON bits USING similarity_hnsw (e embedding_jaccard_ops);
SELECT index, distance, dims, rows, unreachable_nodes <= 3 AS linked, node_bytes
FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.index_info(index::regclass);
SELECT index, f.* FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.verify_index(index::regclass) f;
SELECT index, recall > 0.9 AS good, rows FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.index_recall(index::regclass, ef_search => 100);

-- The index's rows are the scan's, whatever the precision of the query.
SELECT e AS q FROM bits WHERE id = 77 \gset
EXPLAIN (COSTS OFF) SELECT id FROM bits ORDER BY e <~> '[1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM bits ORDER BY e <%> '[1]' LIMIT 3;
SELECT id, e <~> :'q' AS hamming FROM bits ORDER BY e <~> :'q', id LIMIT 4;
SELECT id, (e <%> :'q')::numeric(6, 4) AS jaccard FROM bits ORDER BY e <%> :'q', id LIMIT 4;
SET enable_indexscan = off;
SELECT array_agg(d) AS hamming FROM (SELECT e <~> :'q' d FROM bits ORDER BY 1 LIMIT 20) x \gset
SELECT array_agg(d) AS jaccard FROM (SELECT e <%> :'q' d FROM bits ORDER BY 1 LIMIT 20) x \gset
RESET enable_indexscan;
SET enable_seqscan = off;
SET similarity.ef_search = 200;
SELECT array_agg(d) = :'hamming' AS same FROM (SELECT e <~> :'q' d FROM bits ORDER BY e <~> :'q' LIMIT 20) x;
SELECT array_agg(d) = :'jaccard' AS same FROM (SELECT e <%> :'q' d FROM bits ORDER BY e <%> :'q' LIMIT 20) x;
SELECT array_agg(d) = :'hamming' AS same FROM (SELECT e <~> (:'q'::embedding::embedding(192, half)) d FROM bits ORDER BY e <~> (:'q'::embedding::embedding(192, half)) LIMIT 20) x;
-- All rows come, each once; distances only grow.
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM bits ORDER BY e <%> :'q' LIMIT 5000) x;
SELECT count(*) FROM (SELECT e <~> :'q' < lag(e <~> :'q') OVER () AS down FROM (SELECT e FROM bits ORDER BY e <~> :'q' LIMIT 50) x) y WHERE down;
RESET similarity.ef_search;

-- Change and vacuum
DELETE FROM bits WHERE id % 3 = 0;
VACUUM bits;
INSERT INTO bits SELECT i, (SELECT array_agg((hashint8(i::bigint * 1000 + j) % 2)::real) FROM generate_series(1, 192) j)::embedding
FROM generate_series(3001, 3300) i;
SELECT index, rows, free_nodes > 0 AS free FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.index_info(index::regclass);
SELECT index, f.* FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.verify_index(index::regclass) f;
SELECT index, recall > 0.85 AS good, rows FROM unnest('{bits_hamming,bits_jaccard}'::text[]) index, similarity.index_recall(index::regclass, ef_search => 100);

-- Vectors without any bit, and as long as they may be
CREATE TABLE empty_bits (id integer, e embedding(16384, bit));
INSERT INTO empty_bits SELECT i, array_fill(0, '{16384}')::embedding FROM generate_series(1, 10) i;
INSERT INTO empty_bits SELECT i, (SELECT array_agg((j <= i * 100)::int) FROM generate_series(1, 16384) j)::embedding FROM generate_series(11, 60) i;
CREATE INDEX empty_jaccard ON empty_bits USING similarity_hnsw (e embedding_jaccard_ops);
CREATE INDEX empty_hamming ON empty_bits USING similarity_hnsw (e embedding_hamming_ops);
SELECT dims, rows, node_bytes FROM similarity.index_info('empty_jaccard');
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM empty_bits ORDER BY e <%> array_fill(0, '{16384}')::embedding) x;
SELECT id FROM empty_bits ORDER BY e <~> (SELECT e FROM empty_bits WHERE id = 30) LIMIT 1;
SELECT * FROM similarity.verify_index('empty_jaccard');
SELECT * FROM similarity.verify_index('empty_hamming');
RESET enable_seqscan;

-- For bits only; other precisions by a cast
CREATE TABLE floats (e embedding(4));
INSERT INTO floats VALUES ('[1,0,-1,2]'), ('[0,0,1,1]');
CREATE INDEX ON floats USING similarity_hnsw (e embedding_hamming_ops);
CREATE INDEX ON floats USING similarity_hnsw (e embedding_jaccard_ops);
CREATE INDEX floats_bits ON floats USING similarity_hnsw ((e::embedding(4, bit)) embedding_hamming_ops);
SET enable_seqscan = off;
SELECT e FROM floats ORDER BY e::embedding(4, bit) <~> '[0,0,1,1]' LIMIT 1;
RESET enable_seqscan;
INSERT INTO bits VALUES (0, '[1,0]');
-- The other distances take columns of bits as numbers 0 and 1.
CREATE INDEX bits_l2 ON bits USING similarity_hnsw (e embedding_l2_ops);
SELECT recall > 0.8 AS good FROM similarity.index_recall('bits_l2');
DROP TABLE bits, empty_bits, floats;
