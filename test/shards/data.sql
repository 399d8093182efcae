-- In the cluster that has all rows: :rows vectors of 128 dimensions and 1,000
-- queries, drawn alike.  A row is one of 2,000 centers and two of 10,000 small
-- vectors; all of these vary in 24 directions, and a little in every one.
-- Everything is seeded; which row takes what is a hash of its id.
\set ON_ERROR_STOP on
CREATE EXTENSION similarity;
SELECT setseed(0.5) \g /dev/null

CREATE FUNCTION normal(deviation float8) RETURNS float8 LANGUAGE sql VOLATILE
	RETURN 2 * deviation * (random() + random() + random() - 1.5);
CREATE FUNCTION pick(id bigint, seed bigint, n int) RETURNS int LANGUAGE sql IMMUTABLE
	RETURN abs(hashint8extended(id, seed) % n);

CREATE TEMP TABLE axis AS
SELECT (SELECT array_agg(normal(0.2)) FROM generate_series(1, 128) WHERE a = a)::embedding AS e FROM generate_series(1, 24) a;
CREATE TEMP TABLE center AS
SELECT c AS n, sum(e * normal(1)) AS e FROM generate_series(0, 1999) c, axis GROUP BY c;
CREATE TEMP TABLE noise AS
SELECT p AS n, sum(e * normal(0.28)) + (SELECT array_agg(normal(0.035)) FROM generate_series(1, 128) WHERE p = p)::embedding AS e
FROM generate_series(0, 9999) p, axis GROUP BY p;
ANALYZE center, noise;

CREATE TABLE items (id bigint PRIMARY KEY, kind int, label int, e embedding(128));
CREATE TABLE query (LIKE items INCLUDING ALL);
INSERT INTO items SELECT id, id % 10, center.n, center.e + a.e + b.e
FROM generate_series(1, :rows) id
	JOIN center ON center.n = pick(id, 1, 2000) JOIN noise a ON a.n = pick(id, 2, 10000) JOIN noise b ON b.n = pick(id, 3, 10000);
INSERT INTO query SELECT id, id % 10, center.n, center.e + a.e + b.e
FROM generate_series(1, 1000) id
	JOIN center ON center.n = pick(id, 4, 2000) JOIN noise a ON a.n = pick(id, 5, 10000) JOIN noise b ON b.n = pick(id, 6, 10000);

-- which shard a row belongs to is a matter of this table's partition key
CREATE TABLE routing (id bigint) PARTITION BY HASH (id);

-- of each query the distance of its 10th neighbor, of all rows and of one kind
CREATE TABLE kind_3 AS SELECT * FROM items WHERE kind = 3;
CREATE TABLE truth AS
SELECT id::bigint, a.tenth, k.tenth AS tenth_of_kind
FROM (SELECT query AS id, max(distance) AS tenth
		FROM similarity.knn('items', 'e', ARRAY(SELECT e FROM query ORDER BY id), 10, 'cosine') GROUP BY query) a
	JOIN (SELECT query AS id, max(distance) AS tenth
		FROM similarity.knn('kind_3', 'e', ARRAY(SELECT e FROM query ORDER BY id), 10, 'cosine') GROUP BY query) k USING (id);
