-- Deleting, updating and vacuuming under similarity_hnsw.
SET client_min_messages = warning;
CREATE TABLE item (id integer PRIMARY KEY, note text, e embedding(8)) WITH (autovacuum_enabled = off);
INSERT INTO item
SELECT i, 'a', (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(1, 1000) i;
CREATE INDEX item_l2 ON item USING similarity_hnsw (e embedding_l2_ops);

-- A fifth goes: nodes become free, nobody links to them.
DELETE FROM item WHERE id % 5 = 0;
VACUUM item;
SELECT rows, nodes, dead_nodes, free_nodes >= 200 AS freed FROM similarity.index_info('item_l2');
SELECT * FROM similarity.verify_index('item_l2');
SET enable_seqscan = off;
SELECT count(*) FROM item q WHERE id % 10 = 1 AND id =
	(SELECT p.id FROM item p ORDER BY p.e <-> q.e LIMIT 1);
SELECT count(DISTINCT id) FROM (SELECT id FROM item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 2000) x;

-- Places are used again: the file does not grow.
SELECT pages AS pages_before FROM similarity.index_info('item_l2') \gset
INSERT INTO item
SELECT i, 'b', (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(1001, 1200) i;
SELECT rows, nodes, pages - :pages_before AS more_pages FROM similarity.index_info('item_l2');
SELECT * FROM similarity.verify_index('item_l2');

-- A row whose embedding stays the same keeps its node.
SELECT nodes AS nodes_before FROM similarity.index_info('item_l2') \gset
UPDATE item SET note = 'c' WHERE id % 3 = 0;
SELECT nodes - :nodes_before AS more_nodes FROM similarity.index_info('item_l2');
VACUUM item;
SELECT rows, nodes FROM similarity.index_info('item_l2');

-- A whole region goes, the entry with it.
DELETE FROM item WHERE id <= 900;
VACUUM item;
SELECT rows, nodes, dead_nodes FROM similarity.index_info('item_l2');
SELECT * FROM similarity.verify_index('item_l2');
SELECT count(*) FROM item q WHERE id =
	(SELECT p.id FROM item p ORDER BY p.e <-> q.e LIMIT 1);

-- Everything goes and comes back.
DELETE FROM item;
VACUUM item;
SELECT rows, nodes, dead_nodes FROM similarity.index_info('item_l2');
SELECT * FROM similarity.verify_index('item_l2');
SELECT count(*) FROM (SELECT id FROM item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5) x;
INSERT INTO item
SELECT i, 'd', (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(1, 1000) i;
SELECT rows, nodes FROM similarity.index_info('item_l2');
SELECT * FROM similarity.verify_index('item_l2');
SELECT count(*) FROM item q WHERE id % 10 = 1 AND id =
	(SELECT p.id FROM item p ORDER BY p.e <-> q.e LIMIT 1);

-- A transaction that ends badly leaves rows that nobody sees and vacuum removes.
BEGIN;
INSERT INTO item
SELECT i, 'e', (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(2001, 2100) i;
ROLLBACK;
SELECT rows FROM similarity.index_info('item_l2');
SELECT count(*) FROM (SELECT id FROM item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 2000) x;
VACUUM item;
SELECT rows FROM similarity.index_info('item_l2');

DROP TABLE item;

-- The root follows the table: made when it has grown, made anew when its nodes have gone.
CREATE TABLE growing (id integer, e embedding(8)) WITH (autovacuum_enabled = off);
CREATE INDEX growing_l2 ON growing USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO growing SELECT i, (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(1, 1500) i;
SELECT root_nodes FROM similarity.index_info('growing_l2');
SELECT expansions IS NULL AS unmeasured FROM similarity.index_stats('growing_l2');
VACUUM growing;
SELECT root_nodes FROM similarity.index_info('growing_l2');
SELECT expansions BETWEEN 10 AND 60 AS measured FROM similarity.index_stats('growing_l2');
SELECT * FROM similarity.verify_index('growing_l2');
SELECT recall > 0.9 AS good FROM similarity.index_recall('growing_l2');
-- Not for a few
DELETE FROM growing WHERE id % 100 = 0;
VACUUM growing;
SELECT root_nodes FROM similarity.index_info('growing_l2');
DELETE FROM growing WHERE id < 750;
VACUUM growing;
SELECT root_nodes BETWEEN 10 AND 14 AS half FROM similarity.index_info('growing_l2');
SELECT * FROM similarity.verify_index('growing_l2');
SELECT recall > 0.9 AS good FROM similarity.index_recall('growing_l2');
REINDEX INDEX growing_l2;
SELECT root_nodes FROM similarity.index_info('growing_l2');
DROP TABLE growing;
