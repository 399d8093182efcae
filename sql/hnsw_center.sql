-- Vectors that have an offset in common are stored relative to their center.
SET client_min_messages = warning;
SET max_parallel_maintenance_workers = 0;

-- The same points around the origin, and far from it.
CREATE TABLE point (id integer PRIMARY KEY, p0 embedding(64), p10 embedding(64), p1000 embedding(64));
INSERT INTO point
SELECT i, x, x + o.ten, x + o.thousand
FROM generate_series(1, 2000) i,
	LATERAL (SELECT (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000 / 1000.0)::real) FROM generate_series(1, 64) j)::embedding AS x) x,
	LATERAL (SELECT array_fill(10::real, '{64}')::embedding AS ten, array_fill(1000::real, '{64}')::embedding AS thousand) o;
CREATE INDEX point_0 ON point USING similarity_hnsw (p0 embedding_l2_ops);
CREATE INDEX point_10 ON point USING similarity_hnsw (p10 embedding_l2_ops);
CREATE INDEX point_1000 ON point USING similarity_hnsw (p1000 embedding_l2_ops);
CREATE INDEX point_cosine ON point USING similarity_hnsw (p10 embedding_cosine_ops);
CREATE INDEX point_ip ON point USING similarity_hnsw (p10 embedding_ip_ops);
CREATE INDEX point_l1 ON point USING similarity_hnsw (p10 embedding_l1_ops);
CREATE INDEX point_half ON point USING similarity_hnsw ((p1000::embedding(64, half)) embedding_l2_ops);
ANALYZE point;
SELECT index, centered FROM unnest('{point_0,point_10,point_1000,point_cosine,point_ip,point_l1,point_half}'::text[]) index,
	similarity.index_info(index::regclass) ORDER BY 1;
SELECT index, v.* FROM unnest('{point_10,point_1000,point_cosine,point_half}'::text[]) index, similarity.verify_index(index::regclass) v;

-- They are found as well, and as many pages are read: index and table together.
CREATE FUNCTION buffers(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || query INTO plan;
	RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END $$;
CREATE FUNCTION buffers(col text, operator text) RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(buffers(format('SELECT id FROM point ORDER BY %I %s %L LIMIT 10', col, operator,
		(SELECT CASE col WHEN 'p0' THEN p0 WHEN 'p10' THEN p10 ELSE p1000 END FROM point WHERE id = i * 100))))
	FROM generate_series(1, 20) i
$$;
SET enable_seqscan = off;
SELECT buffers('p10', '<->') <= 2 * buffers('p0', '<->') AS ten, buffers('p1000', '<->') <= 2 * buffers('p0', '<->') AS thousand,
	buffers('p10', '<=>') <= 2 * buffers('p0', '<->') AS cosine;
SELECT abs(a.recall - b.recall) < 0.03 AS ten, abs(a.recall - c.recall) < 0.03 AS thousand
FROM similarity.index_recall('point_0') a, similarity.index_recall('point_10') b, similarity.index_recall('point_1000') c;

DROP INDEX point_half;

-- Rows that come later, far from the center, have their place too.
INSERT INTO point SELECT 10000 + i, NULL, NULL, array_fill((-100 * i)::real, '{64}')::embedding FROM generate_series(1, 20) i;
INSERT INTO point SELECT 20000 + i, NULL, NULL, array_fill((1e18 * i)::real, '{64}')::embedding FROM generate_series(1, 5) i;
SELECT id FROM point WHERE p1000 IS NOT NULL ORDER BY p1000 <-> array_fill(-510::real, '{64}')::embedding LIMIT 5;
SELECT id FROM point WHERE p1000 IS NOT NULL ORDER BY p1000 <-> array_fill(2.2e18::real, '{64}')::embedding LIMIT 4;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM point ORDER BY p1000 <-> array_fill(1000::real, '{64}')::embedding LIMIT 3000) x;
SELECT * FROM similarity.verify_index('point_1000');
DELETE FROM point WHERE id > 10000;

-- A center comes with the build: an index that was made on an empty table, or
-- is emptied, has none until it is built again.
CREATE TABLE late (id integer, e embedding(64));
CREATE INDEX late_l2 ON late USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO late SELECT id, p1000 FROM point WHERE id <= 500;
SELECT centered, rows FROM similarity.index_info('late_l2');
SELECT id FROM late ORDER BY e <-> (SELECT p1000 FROM point WHERE id = 77) LIMIT 1;
REINDEX INDEX late_l2;
SELECT centered, rows FROM similarity.index_info('late_l2');
SELECT id FROM late ORDER BY e <-> (SELECT p1000 FROM point WHERE id = 77) LIMIT 1;
-- Vacuum's new root comes behind it.
INSERT INTO late SELECT id, p1000 FROM point WHERE id > 500;
VACUUM late;
SELECT centered, rows, root_nodes > 0 AS has_root FROM similarity.index_info('late_l2');
SELECT * FROM similarity.verify_index('late_l2');
TRUNCATE late;
SELECT centered, rows FROM similarity.index_info('late_l2');

-- A partial index takes the center of its own rows, of which there may be few.
INSERT INTO late SELECT id, p0 FROM point WHERE id <= 1900;
INSERT INTO late SELECT 10000 + id, p1000 FROM point WHERE id % 20 = 0;
CREATE INDEX late_partial ON late USING similarity_hnsw (e embedding_l2_ops) WHERE id > 10000;
SELECT centered, rows FROM similarity.index_info('late_partial');

-- Rows that are broken do not carry the center off; of less than 16 there is none.
TRUNCATE late;
DROP INDEX late_l2;
INSERT INTO late SELECT id, p1000 FROM point WHERE id <= 1000;
INSERT INTO late SELECT 2000 + i, array_fill(1e30::real, '{64}')::embedding FROM generate_series(1, 50) i;
CREATE INDEX late_l2 ON late USING similarity_hnsw (e embedding_l2_ops);
SELECT centered, rows FROM similarity.index_info('late_l2');
SELECT buffers($$SELECT id FROM late ORDER BY e <-> (SELECT p1000 FROM point WHERE id = 77) LIMIT 10$$) < 100 AS few;
DELETE FROM late WHERE id > 15;
VACUUM late;
REINDEX INDEX late_l2;
SELECT centered, rows FROM similarity.index_info('late_l2');

-- Clusters so far from their center that int8 would tell none of a cluster apart are
-- stored as halves, unless int8 is asked for; found are those nearest as anywhere.
TRUNCATE late;
DROP INDEX late_l2, late_partial;
INSERT INTO late SELECT id, CASE WHEN id % 2 = 0 THEN p0 + array_fill(100::real, '{64}')::embedding ELSE p0 - array_fill(100::real, '{64}')::embedding END FROM point;
CREATE INDEX late_auto ON late USING similarity_hnsw (e embedding_l2_ops);
SELECT centered, node_bytes - (SELECT node_bytes FROM similarity.index_info('point_0')) AS more FROM similarity.index_info('late_auto');
SELECT recall > .97 AS found FROM similarity.index_recall('late_auto');
SELECT * FROM similarity.verify_index('late_auto');
DROP INDEX late_auto;
CREATE INDEX late_int8 ON late USING similarity_hnsw (e embedding_l2_ops) WITH (vectors = int8);
SELECT node_bytes - (SELECT node_bytes FROM similarity.index_info('point_0')) AS more FROM similarity.index_info('late_int8');
SELECT recall < .9 AS lost FROM similarity.index_recall('late_int8');

DROP TABLE point, late;
DROP FUNCTION buffers(text), buffers(text, text);
