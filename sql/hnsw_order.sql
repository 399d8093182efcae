-- What comes from an index is in order, always: PostgreSQL drops sorts, groups,
-- ranks and merges on that promise.  Random vectors and grids are the hard
-- cases: many rows are found late, or are at the same distance.
CREATE TABLE hard (id int PRIMARY KEY, e embedding(64));
INSERT INTO hard SELECT i, random_embedding(64, i) FROM generate_series(1, 3000) i;
CREATE INDEX hard_e ON hard USING similarity_hnsw (e embedding_cosine_ops);
CREATE TABLE grid (id int PRIMARY KEY, e embedding(3));
INSERT INTO grid SELECT i, ARRAY[i % 17, i / 17 % 19, i / 323 % 23]::real[]::embedding
FROM generate_series(1, 8000) i;
CREATE INDEX grid_e ON grid USING similarity_hnsw (e embedding_l2_ops);
ANALYZE hard;
ANALYZE grid;
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
CREATE FUNCTION disorder(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE result bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM (SELECT d, lag(d) OVER () AS before FROM (' || query || ') q) w WHERE d < before'
	INTO result;
	RETURN result;
END $$;

-- a plain search for few and for many, whatever the effort
SELECT sum(disorder(format('SELECT e <=> random_embedding(64, %s) AS d FROM hard ORDER BY e <=> random_embedding(64, %1$s) LIMIT %s', 5000 + i, k)))
FROM generate_series(1, 20) i, (VALUES (10), (40), (300), (3000)) v(k);
SET similarity.ef_search = 1;
SELECT sum(disorder(format('SELECT e <=> random_embedding(64, %s) AS d FROM hard ORDER BY e <=> random_embedding(64, %1$s) LIMIT %s', 5000 + i, k)))
FROM generate_series(1, 20) i, (VALUES (10), (300)) v(k);
RESET similarity.ef_search;

-- the order is the index's own: no sort above
EXPLAIN (COSTS OFF) SELECT d FROM (SELECT e <-> '[8,9,11]' AS d FROM grid ORDER BY e <-> '[8,9,11]' LIMIT 30) x ORDER BY d;
SELECT disorder('SELECT d FROM (SELECT e <=> random_embedding(64, 1) AS d FROM hard ORDER BY e <=> random_embedding(64, 1) LIMIT 30) x ORDER BY d');

-- groups and distinct values come once each
SELECT count(*), count(DISTINCT d), sum(n) FROM
(SELECT e <-> '[8,9,11]' AS d, count(*) AS n FROM grid GROUP BY 1 ORDER BY 1 LIMIT 300) g;
SELECT count(*), count(DISTINCT d) FROM
(SELECT DISTINCT e <-> '[8,9,11]' AS d FROM grid ORDER BY 1 LIMIT 300) g;

-- ranks: rows of one distance have one rank, and ranks rise with the distance
WITH r AS (SELECT e <-> '[8,9,11]' AS d, rank() OVER (ORDER BY e <-> '[8,9,11]') AS r FROM grid LIMIT 2000)
SELECT count(*) FROM (SELECT d FROM r GROUP BY d HAVING count(DISTINCT r) > 1) x;
SELECT disorder('SELECT rank() OVER (ORDER BY e <=> random_embedding(64, 7)) AS d FROM hard LIMIT 500');

-- ties with the last row, and ties sorted further
SELECT count(*), count(*) FILTER (WHERE d <= (SELECT e <-> '[8,9,11]' FROM grid ORDER BY e <-> '[8,9,11]' OFFSET 99 LIMIT 1))
FROM (SELECT e <-> '[8,9,11]' AS d FROM grid ORDER BY e <-> '[8,9,11]' FETCH FIRST 100 ROWS WITH TIES) x;
SELECT count(*) FROM (SELECT d, id, lag(d) OVER () AS d1, lag(id) OVER () AS id1 FROM
(SELECT e <-> '[8,9,11]' AS d, id FROM grid ORDER BY e <-> '[8,9,11]', id LIMIT 1000) x) y WHERE (d, id) < (d1, id1);

-- a page by key continues where the last ended
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM grid ORDER BY e <-> '[8,9,11]', id OFFSET 20 LIMIT 20) y)
FROM (SELECT id FROM grid
WHERE (e <-> '[8,9,11]', id) > (SELECT e <-> '[8,9,11]', id FROM grid ORDER BY e <-> '[8,9,11]', id OFFSET 19 LIMIT 1)
ORDER BY e <-> '[8,9,11]', id LIMIT 20) x;

-- a merge join trusts the order of both sides
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) > 0 FROM (SELECT e <=> random_embedding(64, 3) AS d FROM hard ORDER BY e <=> random_embedding(64, 3) LIMIT 1000) a
JOIN (SELECT e <=> random_embedding(64, 3) AS d FROM hard ORDER BY e <=> random_embedding(64, 3) LIMIT 500) b ON a.d = b.d;
RESET enable_hashjoin;
RESET enable_nestloop;

-- partitions are merged
CREATE TABLE parted (id int, part int, e embedding(3)) PARTITION BY LIST (part);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX ON parted USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO parted SELECT id, id % 2, e FROM grid;
ANALYZE parted;
EXPLAIN (COSTS OFF) SELECT id FROM parted ORDER BY e <-> '[8,9,11]' LIMIT 100;
SELECT disorder('SELECT e <-> ''[8,9,11]'' AS d FROM parted ORDER BY e <-> ''[8,9,11]'' LIMIT 1000');
DROP TABLE parted;

-- cursors, forwards and back
BEGIN;
CREATE TEMP TABLE seen (n serial, d float8);
DO $$
DECLARE c refcursor; r record;
BEGIN
	OPEN c SCROLL FOR SELECT e <=> random_embedding(64, 11) AS d FROM hard ORDER BY e <=> random_embedding(64, 11);
	FOR i IN 1 .. 300 LOOP FETCH c INTO r; INSERT INTO seen (d) VALUES (r.d); END LOOP;
	MOVE BACKWARD 150 FROM c;
	FETCH c INTO r;
	RAISE NOTICE 'the 151st again: %', r.d = (SELECT d FROM seen WHERE n = 151);
END $$;
SELECT disorder('SELECT d FROM seen ORDER BY n');
ROLLBACK;

-- equal rows come before farther ones, in whichever way they came in
CREATE TABLE crowd (id int, e embedding(8));
CREATE INDEX crowd_e ON crowd USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO crowd SELECT i, array_fill(i % 3, '{8}')::embedding FROM generate_series(1, 6000) i;
SELECT d, count(*) FROM (SELECT e <-> '[1,1,1,1,1,1,1,1]' AS d FROM crowd ORDER BY e <-> '[1,1,1,1,1,1,1,1]' LIMIT 2500) x GROUP BY d ORDER BY d;
DELETE FROM crowd WHERE id % 5 = 0;
VACUUM crowd;
SELECT d, count(*) FROM (SELECT e <-> '[1,1,1,1,1,1,1,1]' AS d FROM crowd ORDER BY e <-> '[1,1,1,1,1,1,1,1]' LIMIT 2500) x GROUP BY d ORDER BY d;
REINDEX INDEX crowd_e;
SELECT d, count(*) FROM (SELECT e <-> '[1,1,1,1,1,1,1,1]' AS d FROM crowd ORDER BY e <-> '[1,1,1,1,1,1,1,1]' LIMIT 2500) x GROUP BY d ORDER BY d;
SELECT * FROM similarity.verify_index('crowd_e');
DROP TABLE crowd;

-- bits: few different distances, each in one run
CREATE TABLE bits (id int, e embedding(64, bit));
INSERT INTO bits SELECT i, binary_quantize(random_embedding(64, i)) FROM generate_series(1, 5000) i;
CREATE INDEX bits_e ON bits USING similarity_hnsw (e embedding_hamming_ops);
SELECT count(*) = count(DISTINCT d) FROM
(SELECT e <~> binary_quantize(random_embedding(64, 4242)) AS d, count(*) FROM bits GROUP BY 1 ORDER BY 1 LIMIT 12) g;
SELECT disorder('SELECT e <~> binary_quantize(random_embedding(64, 4242)) AS d FROM bits ORDER BY e <~> binary_quantize(random_embedding(64, 4242)) LIMIT 300');

-- zero vectors, which have no distance, come after all others that there are
CREATE TABLE zeros (id int, e embedding(24));
INSERT INTO zeros SELECT i, CASE WHEN i % 10 < 3 THEN array_fill(0, '{24}')::embedding ELSE random_embedding(24, i) END
  FROM generate_series(1, 1500) i;
CREATE INDEX zeros_e ON zeros USING similarity_hnsw (e embedding_cosine_ops);
SELECT least, d = 'NaN' AS without_distance, count(*) FROM (VALUES (40), (300), (1000)) l (least),
  LATERAL (SELECT e <=> random_embedding(24, 4242) AS d FROM zeros ORDER BY d LIMIT least) x GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(nullif(d, 'NaN')) > 1030 AS nearly_all, count(*) - count(nullif(d, 'NaN')) AS without_distance
  FROM (SELECT e <=> random_embedding(24, 4242) AS d FROM zeros ORDER BY d) x;
DROP TABLE zeros;

-- what a scan to the end loses by its order: hardly a row; relaxed, none
SELECT count(*) > 2970 FROM (SELECT id FROM hard ORDER BY e <=> random_embedding(64, 12)) x;
SET similarity.search_order = relaxed;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hard ORDER BY e <=> random_embedding(64, 12)) x;
RESET similarity.search_order;
-- a limit that few rows qualify for is left to a sort
RESET enable_seqscan;
RESET enable_sort;
SELECT count(*) FROM (SELECT id FROM hard WHERE id % 50 = 3 ORDER BY e <=> random_embedding(64, 12) LIMIT 60) x;
DROP TABLE hard, grid, bits;
DROP FUNCTION disorder;
