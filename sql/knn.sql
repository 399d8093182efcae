-- Exact k-NN of many queries: the same rows as ORDER BY, whatever the distance.
SET jit = off;
CREATE TABLE item (id int, e embedding(20)) WITH (autovacuum_enabled = off);
INSERT INTO item
SELECT i, (SELECT array_agg(((i * (j + 13) * 7919) % 1009 - 500) / 100.0::real ORDER BY j) FROM generate_series(1, 20) j)::real[]::embedding
FROM generate_series(1, 3000) i;
INSERT INTO item VALUES (3001, NULL);
CREATE TABLE asked AS SELECT row_number() OVER (ORDER BY id)::int AS n, e FROM item WHERE id % 300 = 17;

CREATE FUNCTION differences(metric text, operator text, k int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format($q$
		WITH one AS (
			SELECT a.n, x.rank, x.id, x.d FROM asked a CROSS JOIN LATERAL (
				SELECT row_number() OVER (ORDER BY e %1$s a.e, ctid)::int AS rank, ctid AS id, e %1$s a.e AS d
				FROM item WHERE e IS NOT NULL ORDER BY e %1$s a.e, ctid LIMIT %2$s) x),
		many AS (SELECT query, rank, id, distance FROM similarity.knn('item', 'e', (SELECT array_agg(e ORDER BY n) FROM asked), %2$s, %3$L))
		SELECT count(*) FROM (TABLE one EXCEPT TABLE many UNION ALL (TABLE many EXCEPT TABLE one)) d$q$, operator, k, metric)
	INTO n;
	RETURN n;
END
$$;
SELECT metric, differences(metric, operator, 10) AS d10, differences(metric, operator, 1) AS d1
FROM (VALUES ('l2', '<->'), ('euclidean', '<->'), ('COSINE', '<=>'), ('inner_product', '<#>'), ('l1', '<+>'), ('manhattan', '<+>'),
	('hamming', '<~>'), ('jaccard', '<%>')) m (metric, operator);
SET similarity.threads = 1;
SELECT differences('l2', '<->', 7), differences('l2', '<->', 5000);
RESET similarity.threads;

-- In passes of what maintenance_work_mem holds, 11 queries here: the same rows
CREATE TABLE passes AS
SELECT memory, (SELECT md5(string_agg(format('%s %s %s %s', query, rank, id, distance), ',' ORDER BY query, rank))
	FROM similarity.knn('item', 'e', (SELECT array_agg(e ORDER BY id) FROM item WHERE id <= 50), 2500, 'l2'))
FROM set_config('maintenance_work_mem', '1GB', false) memory;
INSERT INTO passes
SELECT memory, (SELECT md5(string_agg(format('%s %s %s %s', query, rank, id, distance), ',' ORDER BY query, rank))
	FROM similarity.knn('item', 'e', (SELECT array_agg(e ORDER BY id) FROM item WHERE id <= 50), 2500, 'l2'))
FROM set_config('maintenance_work_mem', '1MB', false) memory;
RESET maintenance_work_mem;
SELECT array_agg(memory) AS memory, count(DISTINCT md5) AS answers FROM passes;
DROP TABLE passes;

-- A column of bits, which are floats to the distances that are not of bits
ALTER TABLE item ALTER e TYPE embedding(20, bit);
SELECT metric, differences(metric, operator, 10) AS d10
FROM (VALUES ('l2', '<->'), ('hamming', '<~>'), ('jaccard', '<%>')) m (metric, operator);

-- Toasted rows and queries, short headers
CREATE TABLE wide (e embedding(3000));
INSERT INTO wide SELECT (array_fill(i::real, ARRAY[3000]))::embedding FROM generate_series(1, 5) i;
SELECT query, rank, id, distance FROM similarity.knn('wide', 'e', ARRAY(SELECT e FROM wide WHERE ctid IN ('(0,2)', '(0,5)')), 2, 'l1') ORDER BY 1, 2;
SELECT rank, id, distance FROM similarity.knn('wide', 'e', ARRAY[(SELECT e FROM wide LIMIT 1)], 1);
CREATE TABLE short (e embedding(2));
INSERT INTO short VALUES ('[1,0]'), ('[3,4]'), ('[0,0]'), ('[-6,8]');
SELECT * FROM similarity.knn('short', 'e', '{"[0,0]","[3,4]"}', 10);
SELECT query, rank, id, distance FROM similarity.knn('short', 'e', '{"[0,0]","[3,4]"}', 2, 'cosine');
-- The same value toasted in every call, and a column of toasted ones
SELECT count(*), sum(e <-> (SELECT e FROM wide WHERE ctid = '(0,1)'))::int AS one, sum((SELECT e FROM wide WHERE ctid = '(0,1)') <+> e) AS other FROM wide;
SELECT (a.e <+> b.e) FROM wide a, wide b ORDER BY a.ctid, b.ctid LIMIT 7;

-- Partitions and children are told apart
CREATE TABLE parts (id int, e embedding(1)) PARTITION BY LIST (id);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts VALUES (1, '[1]'), (2, '[2]'), (2, '[5]');
SELECT query, rank, id, distance, part FROM similarity.knn('parts', 'e', '{"[4]"}', 3);

-- What the invoker may not see is not there
CREATE ROLE knn_reader;
GRANT SELECT ON short TO knn_reader;
ALTER TABLE short ENABLE ROW LEVEL SECURITY;
CREATE POLICY near ON short USING (e <-> '[0,0]' < 6);
SET ROLE knn_reader;
SELECT count(*) FROM similarity.knn('short', 'e', '{"[0,0]"}', 10);
SELECT count(*) FROM similarity.knn('wide', 'e', '{"[0,0]"}', 10);
RESET ROLE;

-- Nothing to do
SELECT count(*) FROM similarity.knn('short', 'e', '{}');
SELECT count(*) FROM similarity.knn('short', 'e', NULL);
CREATE TABLE nothing (e embedding);
SELECT count(*) FROM similarity.knn('nothing', 'e', '{"[1]","[2]"}', 3);

-- Bad input
SELECT similarity.knn('short', 'e', '{"[0,0]"}', 0);
SELECT similarity.knn('short', 'e', '{"[0,0]"}', 10001);
SELECT similarity.knn('short', 'e', '{"[0,0]",NULL}');
SELECT similarity.knn('short', 'e', '{"[0,0]","[1]"}');
SELECT similarity.knn('short', 'e', '{"[1,2,3]"}');
SELECT similarity.knn('short', 'e', '{"[0,0]"}', metric => 'chebyshev');
SELECT similarity.knn('short', 'f', '{"[0,0]"}');
SELECT similarity.knn('item', 'id', '{"[0,0]"}');
CREATE VIEW view AS SELECT e FROM short;
SELECT similarity.knn('view', 'e', '{"[0,0]"}');
SELECT similarity.knn(0, 'e', '{"[0,0]"}');

DROP OWNED BY knn_reader;
DROP ROLE knn_reader;
DROP VIEW view;
DROP TABLE item, asked, wide, short, parts, nothing;
DROP FUNCTION differences;

-- the list of distances: their operators and operator classes are there, and knn() takes every name
SELECT d.distance, d.aliases, d.operator, d.function, d.operator_class, o.oid IS NOT NULL AS operator_there, c.oid IS NOT NULL AS class_there
FROM similarity.distances() d
	LEFT JOIN pg_operator o ON o.oprname = d.operator AND o.oprleft = 'embedding'::regtype AND o.oprright = 'embedding'::regtype
	LEFT JOIN pg_opclass c ON c.opcname = d.operator_class AND c.opcintype = 'embedding'::regtype
ORDER BY d.distance COLLATE "C";
CREATE TABLE knn_named (e embedding(8));
INSERT INTO knn_named SELECT random_embedding(8, i) FROM generate_series(1, 5) i;
SELECT count(*) FROM (SELECT d.distance AS name FROM similarity.distances() d
		UNION ALL SELECT a FROM similarity.distances() d, unnest(d.aliases) a) n,
	similarity.knn('knn_named', 'e', ARRAY[random_embedding(8, 9)], 1, upper(n.name));
DROP TABLE knn_named;
