-- Options, settings, operator classes and properties of similarity_hnsw.
CREATE TABLE item (id integer, e embedding(4));
INSERT INTO item SELECT i, ARRAY[i, i % 7, i % 11, i % 13]::embedding FROM generate_series(1, 300) i;
CREATE INDEX item_l2 ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 8, ef_construction = 50, ef_search = 20);
SELECT m, ef_construction, ef_search, mean_neighbors <= 16 AS few FROM similarity.index_info('item_l2');

-- ef options take effect at once, m when the index is built again.
ALTER INDEX item_l2 SET (ef_search = 100, ef_construction = 200, m = 4);
SELECT m, ef_construction, ef_search FROM similarity.index_info('item_l2');
REINDEX INDEX item_l2;
SELECT m, ef_construction, ef_search FROM similarity.index_info('item_l2');
ALTER INDEX item_l2 RESET (ef_search, ef_construction, m);
REINDEX INDEX item_l2;
SELECT m, ef_construction, ef_search FROM similarity.index_info('item_l2');

-- Ranges
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 3);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 101);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (ef_construction = 7);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (ef_search = 0);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (lists = 10);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (ef_search = 100001);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (bits = 3);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (bits = 5);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (vectors = 'double');
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (passes = -1);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (passes = 5);
CREATE INDEX ON item USING similarity_hnsw (e embedding_l2_ops) WITH (target_recall = 2);
-- Every way to store vectors, of every precision of the column
CREATE TABLE narrow (id integer, h embedding(4, half), i embedding(4, int8), b embedding(4, bit));
INSERT INTO narrow SELECT id, e, e, e FROM item;
CREATE INDEX narrow_h ON narrow USING similarity_hnsw (h embedding_l2_ops) WITH (vectors = 'half', bits = 1);
CREATE INDEX narrow_i ON narrow USING similarity_hnsw (i embedding_ip_ops) WITH (vectors = 'float', bits = 2, passes = 2);
CREATE INDEX narrow_b ON narrow USING similarity_hnsw (b embedding_cosine_ops) WITH (vectors = 'int8', bits = 4);
CREATE INDEX narrow_1 ON narrow USING similarity_hnsw (h embedding_l1_ops) WITH (vectors = 'int8');
SELECT index, f.* FROM unnest('{narrow_h,narrow_i,narrow_b,narrow_1}'::text[]) index, similarity.verify_index(index::regclass) f;
SELECT index, recall > 0.9 AS good, rows FROM unnest('{narrow_h,narrow_i,narrow_b,narrow_1}'::text[]) index,
	similarity.index_recall(index::regclass, ef_search => 100);
DROP TABLE narrow;
CREATE INDEX item_least ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 4, ef_construction = 8, ef_search = 1);
CREATE INDEX item_most ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 100, ef_construction = 2000, ef_search = 100000);
SELECT * FROM similarity.verify_index('item_least');
SELECT * FROM similarity.verify_index('item_most');
SELECT count(*) FROM (SELECT id FROM item ORDER BY e <-> '[1,2,3,4]' LIMIT 300) x;

-- Settings
SHOW similarity.ef_search;
SET similarity.ef_search = -1;
SET similarity.ef_search = 100001;
SHOW similarity.search_order;
SET similarity.search_order = 'none';

-- Operator classes
SELECT opcname, amvalidate(oid) FROM pg_opclass
WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'similarity_hnsw') ORDER BY 1;
\dAo similarity_hnsw
SELECT property, pg_index_column_has_property('item_l2', 1, property)
FROM unnest(ARRAY['distance_orderable', 'orderable', 'search_array', 'search_nulls', 'returnable']) property;
SELECT property, pg_indexam_has_property(oid, property)
FROM pg_am, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) property
WHERE amname = 'similarity_hnsw';

-- An operator class that cannot work is found out.
CREATE OPERATOR CLASS wrong_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 2 <-> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'wrong_ops';
DROP OPERATOR CLASS wrong_ops USING similarity_hnsw;
DROP OPERATOR FAMILY IF EXISTS wrong_ops USING similarity_hnsw;

DROP TABLE item;
