-- Scanning indexes of similarity_hnsw: order, completeness, what a query may be.
CREATE TABLE point (id integer PRIMARY KEY, grp integer, e embedding(8));
-- Deterministic points without structure
INSERT INTO point
SELECT i, i % 100, (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000)::real) FROM generate_series(1, 8) j)::embedding
FROM generate_series(1, 2000) i;
CREATE INDEX point_l2 ON point USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX point_cosine ON point USING similarity_hnsw (e embedding_cosine_ops);
CREATE INDEX point_ip ON point USING similarity_hnsw (e embedding_ip_ops);
CREATE INDEX point_l1 ON point USING similarity_hnsw (e embedding_l1_ops);
ANALYZE point;

-- The planner takes the index for a few rows and not for all.
SET enable_seqscan = on;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <#> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <+> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]';
EXPLAIN (COSTS off) SELECT count(*) FROM point;
EXPLAIN (COSTS off) SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' DESC LIMIT 5;
RESET enable_seqscan;

-- Results with the index against those without, for 20 queries of 10 rows.
CREATE FUNCTION recall(operator text, k integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	query record;
	truth integer[];
	found integer[];
	hits integer := 0;
BEGIN
	FOR query IN SELECT id, e FROM point WHERE id % 100 = 7 LOOP
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_seqscan = on;
		EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM point ORDER BY e %s $1, id LIMIT %s) x', operator, k)
			INTO truth USING query.e;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM point ORDER BY e %s $1 LIMIT %s) x', operator, k)
			INTO found USING query.e;
		hits := hits + (SELECT count(*) FROM unnest(found) f WHERE f = ANY (truth));
	END LOOP;
	RETURN hits / (20.0 * k);
END $$;
SELECT op, recall(op, 10) >= 0.98 AS good FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;

-- Order and distances are those of the operator.
SET enable_seqscan = off;
SET enable_sort = off;
CREATE FUNCTION disorder(operator text, k integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT d, lag(d) OVER (ORDER BY n) AS before FROM
		(SELECT row_number() OVER () AS n, d FROM
			(SELECT e %s ''[5,-5,300,20,1,0,-70,8]'' AS d FROM point ORDER BY e %1$s ''[5,-5,300,20,1,0,-70,8]'' LIMIT %s) x) y) z
		WHERE before > d', operator, k) INTO n;
	RETURN n;
END $$;
SELECT op, disorder(op, 40) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;

-- LIMIT k gives k rows whenever there are k, also under WHERE and beyond ef_search.
SET similarity.ef_search = 10;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 1500) x;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM point ORDER BY e <=> '[1,2,3,4,5,6,7,8]' LIMIT 5000) x;
-- (to the very end a row may be lost that came later than it belonged)
SET similarity.search_order = relaxed;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM point ORDER BY e <#> '[1,2,3,4,5,6,7,8]' LIMIT 5000) x;
RESET similarity.search_order;
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM point WHERE grp = 42 ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 20) x;
DELETE FROM point WHERE id % 2 = 0;
SELECT count(*) FROM (SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 900) x;

-- The same when hardly anything may wait in memory.
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5000) x;
RESET work_mem;

-- strict gives no row out of order, relaxed gives all.
SET similarity.search_order = 'strict';
SELECT op, disorder(op, 2000) FROM unnest(ARRAY['<->', '<=>', '<#>', '<+>']) op;
RESET similarity.search_order;
SELECT count(*) FROM (SELECT id FROM point ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5000) x;
RESET similarity.ef_search;

-- Rescans with other queries, and a cursor that stops and goes on.
SELECT q.id, n.id FROM point q, LATERAL (SELECT p.id FROM point p ORDER BY p.e <-> q.e LIMIT 1) n
WHERE q.id IN (1, 11, 21) ORDER BY 1;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM point ORDER BY e <-> (SELECT e FROM point WHERE id = 11);
FETCH 1 FROM c;
MOVE 100 IN c;
SELECT count(*) FROM point WHERE id = 11;
MOVE ALL IN c;
COMMIT;

-- Two expressions: the second decides ties of the first.
CREATE TABLE tie (id integer, e embedding(2));
INSERT INTO tie VALUES (1, '[1,0]'), (2, '[0,1]'), (3, '[-1,0]'), (4, '[0,-1]'), (5, '[5,5]');
CREATE INDEX ON tie USING similarity_hnsw (e embedding_l2_ops);
EXPLAIN (COSTS off) SELECT id FROM tie ORDER BY e <-> '[0,0]', e <-> '[0,-2]' LIMIT 3;
SELECT id FROM tie ORDER BY e <-> '[0,0]', e <-> '[0,-2]' LIMIT 1;

-- Zero vectors have no direction and come last; NULL is not indexed.
CREATE TABLE direction (id integer, e embedding(2));
INSERT INTO direction VALUES (1, '[0,0]'), (2, '[1,0]'), (3, '[0,1]'), (4, '[-1,0]'), (5, '[0,0]'), (6, NULL);
CREATE INDEX ON direction USING similarity_hnsw (e embedding_cosine_ops);
EXPLAIN (COSTS off) SELECT id FROM direction ORDER BY e <=> '[1,0]' LIMIT 6;
SELECT id, e <=> '[2,0]' AS distance FROM direction ORDER BY e <=> '[2,0]' LIMIT 3;
SELECT count(*) FROM (SELECT id FROM direction ORDER BY e <=> '[2,0]' LIMIT 6) x;
SELECT id, e <=> '[2,0]' AS distance FROM direction ORDER BY e <=> '[2,0]' LIMIT 6 OFFSET 3;
SELECT count(*), min(e <=> '[0,0]') FROM (SELECT e FROM direction ORDER BY e <=> '[0,0]' LIMIT 6) x;

-- NULL as a query: every distance is NULL; and a query that does not fit
SELECT count(*) FROM (SELECT id FROM direction ORDER BY e <=> (SELECT NULL::embedding) LIMIT 6) x;
SELECT id FROM direction ORDER BY e <=> '[1,2,3]' LIMIT 1;

-- An empty index
CREATE TABLE nothing (e embedding(2));
CREATE INDEX ON nothing USING similarity_hnsw (e embedding_l2_ops);
SELECT * FROM nothing ORDER BY e <-> '[1,1]' LIMIT 1;
INSERT INTO nothing VALUES ('[1,2]');
SELECT * FROM nothing ORDER BY e <-> '[1,1]' LIMIT 1;
DELETE FROM nothing;
VACUUM nothing;
SELECT * FROM nothing ORDER BY e <-> '[1,1]' LIMIT 1;
INSERT INTO nothing VALUES ('[3,4]'), ('[5,6]');
SELECT * FROM nothing ORDER BY e <-> '[6,6]' LIMIT 2;

-- Numbers near the limit of float: infinite distances sort last.
CREATE TABLE huge (id integer, e embedding(2));
INSERT INTO huge VALUES (1, '[3e38,3e38]'), (2, '[-3e38,3e38]'), (3, '[1,1]'), (4, '[1e-45,0]');
CREATE INDEX ON huge USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX ON huge USING similarity_hnsw (e embedding_ip_ops);
CREATE INDEX ON huge USING similarity_hnsw (e embedding_cosine_ops);
SELECT id FROM huge ORDER BY e <-> '[1,1]' LIMIT 2;
SELECT count(*) FROM (SELECT id FROM huge ORDER BY e <#> '[3e38,3e38]' LIMIT 4) x;
SELECT id FROM huge ORDER BY e <=> '[1e-40,0]' LIMIT 1;
SELECT count(*) FROM similarity.verify_index('huge_e_idx');

-- A row that waits for its distance, which is more than its bound, keeps its ctid
-- and can be locked; of two distances as well.
CREATE TABLE coarse (id integer, e embedding(64));
INSERT INTO coarse SELECT i, random_embedding(64, i) FROM generate_series(1, 500) i;
CREATE INDEX ON coarse USING similarity_hnsw (e embedding_l2_ops) WITH (bits = 1);
SELECT random_embedding(64, 1000) AS q, random_embedding(64, 1001) AS other \gset
SELECT count(*) FROM (SELECT id, ctid AS place FROM coarse ORDER BY e <-> :'q' LIMIT 20) n JOIN coarse c USING (id) WHERE c.ctid = n.place;
SELECT count(*) FROM (SELECT id, ctid AS place FROM coarse ORDER BY e <-> :'q', e <-> :'other' LIMIT 20) n JOIN coarse c USING (id) WHERE c.ctid = n.place;
SELECT count(*) FROM (SELECT id FROM coarse WHERE ctid <> '(0,1)' ORDER BY e <-> :'q' LIMIT 20 FOR UPDATE) n;
SELECT bool_and(d >= before) AS sorted, count(*) FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT e <-> :'q' AS d FROM coarse ORDER BY e <-> :'q' LIMIT 400) n) x;

DROP TABLE point, tie, direction, nothing, huge, coarse;
DROP FUNCTION recall, disorder;
