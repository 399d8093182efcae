-- WHERE e <-> q < r ORDER BY e <-> q LIMIT k: the planner looks into the index
-- whether so many rows are within r.
CREATE TABLE point (id integer, owner text, e embedding(4));
INSERT INTO point SELECT i, 'nobody', random_embedding(4, i) FROM generate_series(1, 3000) i;
INSERT INTO point SELECT 3000 + i, 'someone', ARRAY[100 + i / 100.0, 100, 100, 100]::real[]::embedding FROM generate_series(1, 20) i;
CREATE INDEX point_e ON point USING similarity_hnsw (e embedding_l2_ops);
ANALYZE point;

-- twenty rows are there, none elsewhere
EXPLAIN (COSTS off) SELECT id FROM point WHERE e <-> '[100,100,100,100]' < 1 ORDER BY e <-> '[100,100,100,100]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point WHERE e <-> '[-99,100,100,100]' < 1 ORDER BY e <-> '[-99,100,100,100]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point WHERE 1 >= e <-> '[-99,100,100,100]' ORDER BY e <-> '[-99,100,100,100]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM point WHERE e <-> '[100,100,100,100]' < 1 ORDER BY e <-> '[100,100,100,100]' LIMIT 50;

-- What a query costs must not depend on rows that its role does not see.
CREATE FUNCTION cost(query text, q text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || format(query, q) INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END $$;
\set search 'SELECT id FROM point WHERE e <-> %1$L < 1 ORDER BY e <-> %1$L LIMIT 5'
\set joined 'SELECT id FROM point JOIN tag USING (id) WHERE e <-> %1$L < 1 ORDER BY e <-> %1$L LIMIT 5'
SELECT cost(:'search', '[100,100,100,100]') < cost(:'search', '[-99,100,100,100]') AS told;
CREATE ROLE regress_hnsw_probe;
GRANT SELECT ON point TO regress_hnsw_probe;
ALTER TABLE point ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON point FOR SELECT TO regress_hnsw_probe USING (owner = 'nobody');
SET ROLE regress_hnsw_probe;
SELECT count(*) FROM point WHERE e <-> '[100,100,100,100]' < 1;
SELECT cost(:'search', '[100,100,100,100]') = cost(:'search', '[-99,100,100,100]') AS silent;
RESET ROLE;
SELECT cost(:'search', '[100,100,100,100]') < cost(:'search', '[-99,100,100,100]') AS told;

-- The LIMIT of a join counts what it joins: rows of the index may be more or fewer.
CREATE TABLE tag (id integer, tag text);
INSERT INTO tag SELECT i % 3020 + 1, 'a' FROM generate_series(1, 30000) i;
CREATE INDEX ON tag (id);
ANALYZE tag;
SELECT cost(:'joined', '[100,100,100,100]') = cost(:'joined', '[-99,100,100,100]') AS silent;

-- partitions are asked each
CREATE TABLE part (id integer, e embedding(4)) PARTITION BY HASH (id);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part SELECT id, e FROM point;
CREATE INDEX ON part USING similarity_hnsw (e embedding_l2_ops);
ANALYZE part;
EXPLAIN (COSTS off) SELECT id FROM part WHERE e <-> '[100,100,100,100]' < 1 ORDER BY e <-> '[100,100,100,100]' LIMIT 5;
EXPLAIN (COSTS off) SELECT id FROM part WHERE e <-> '[-99,100,100,100]' < 1 ORDER BY e <-> '[-99,100,100,100]' LIMIT 5;
DROP TABLE point, tag, part;
DROP FUNCTION cost;
DROP ROLE regress_hnsw_probe;
