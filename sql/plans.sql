-- What the planner may do with distances, and does.

-- Functions and operators over embeddings are immutable, strict and parallel safe, but for these.
SELECT p.oid::regprocedure, provolatile, proisstrict, proparallel
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'similarity'
WHERE 'embedding'::regtype = ANY (proargtypes) AND pronamespace = e.extnamespace AND prokind = 'f'
	AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')
	AND p.oid::regprocedure::text !~ '^(avg|sum|embedding_(avg|sum|accum|combine|state))'
ORDER BY 1::text COLLATE "C";

-- Without dimensions distances cost several times a comparison of numbers.
SELECT min(procost) > 1 AS costly FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode
WHERE oprleft = 'embedding'::regtype AND oprright = 'embedding'::regtype AND oprname IN ('<->', '<=>', '<#>', '<+>', '<~>', '<%>');

CREATE TABLE plan_item (id int, e embedding(8)) WITH (autovacuum_enabled = off);
INSERT INTO plan_item SELECT i, ARRAY[i, i % 3, i % 5, 0, 0, 0, 0, 1]::real[]::embedding FROM generate_series(1, 20000) i;
ANALYZE plan_item;

-- A constant distance is folded.
EXPLAIN (COSTS OFF) SELECT id FROM plan_item WHERE id = '[3,4]'::embedding <-> '[0,0]';

-- A small table is read by one process, a large one by several, which each sort and cut.
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT avg(e) FROM plan_item WHERE within(e, '[1,2,3,4,5,6,7,8]', 1000);
SELECT id FROM plan_item ORDER BY e <-> '[700,1,0,0,0,0,0,1]', id LIMIT 3;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- What a distance costs follows the dimensions: with the same pages, rows and settings
-- one column is worth workers and another is not.  A column without dimensions may learn them from the query.
CREATE TABLE plan_width (narrow embedding(8), wide embedding(4096), bits embedding(4096, bit), plain embedding) WITH (autovacuum_enabled = off);
INSERT INTO plan_width SELECT FROM generate_series(1, 20000);
ANALYZE plan_width;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width ORDER BY narrow <-> narrow LIMIT 5;
EXPLAIN (COSTS OFF) SELECT wide FROM plan_width ORDER BY wide <-> wide LIMIT 5;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width WHERE within(narrow, narrow, 1) ORDER BY 1 LIMIT 5;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width WHERE within(wide, plain, 1) ORDER BY 1 LIMIT 5;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width WHERE bits <~> bits < 1 ORDER BY 1 LIMIT 5;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width WHERE plain <-> plain < 1 ORDER BY 1 LIMIT 5;
EXPLAIN (COSTS OFF) SELECT narrow FROM plan_width WHERE plain <-> plain::embedding(4096) < 1 ORDER BY 1 LIMIT 5;
RESET min_parallel_table_scan_size;
DROP TABLE plan_width;
-- An index serves a wide column as it serves a narrow one.
CREATE TABLE plan_wide (id int, e embedding(256)) WITH (autovacuum_enabled = off);
INSERT INTO plan_wide SELECT i, random_embedding(256, i) FROM generate_series(1, 1000) i;
CREATE INDEX plan_wide_index ON plan_wide USING similarity_hnsw (e embedding_l2_ops);
ANALYZE plan_wide;
PREPARE plan_few(embedding) AS SELECT id FROM plan_wide ORDER BY e <-> $1 LIMIT 5;
PREPARE plan_all(embedding) AS SELECT id FROM plan_wide ORDER BY e <-> $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE plan_few(NULL);
EXPLAIN (COSTS OFF) EXECUTE plan_all(NULL);
RESET plan_cache_mode;
DROP TABLE plan_wide;

-- With an index: it for few rows, a sort for most.
CREATE INDEX plan_index ON plan_item USING similarity_hnsw (e embedding_l2_ops);
ANALYZE plan_item;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <-> '[1,2,3,4,5,6,7,8]';
-- The other distances are not its.
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
-- A condition that leaves few rows goes by its own index; one that leaves many does not.
CREATE INDEX plan_id ON plan_item (id);
ANALYZE plan_item;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item WHERE id < 40 ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item WHERE id > 40 ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 5;
-- Half the table is cheaper sorted; a join takes the index for each of few rows.
EXPLAIN (COSTS OFF) SELECT id FROM plan_item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 10000;
EXPLAIN (COSTS OFF) SELECT q.id, n.id FROM (VALUES (1, '[1,2,3,4,5,6,7,8]'::embedding), (2, '[8,7,6,5,4,3,2,1]')) q(id, e),
	LATERAL (SELECT id FROM plan_item ORDER BY e <-> q.e LIMIT 3) n;
-- A partial index for what it has, if the condition says so.
CREATE INDEX plan_partial ON plan_item USING similarity_hnsw (e embedding_cosine_ops) WITH (vectors = 'float') WHERE id % 2 = 0;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item WHERE id % 2 = 0 ORDER BY e <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM plan_item WHERE id % 2 = 1 ORDER BY e <=> '[1,2,3,4,5,6,7,8]' LIMIT 5;
-- Without an ordering it serves nothing, whatever is switched off.
DROP INDEX plan_id;
SET enable_seqscan = off;
DO $$
DECLARE
	line text;
BEGIN
	FOR line IN EXPLAIN (COSTS OFF) SELECT count(*) FROM plan_item LOOP
		-- PostgreSQL 18 says of a plan what was switched off
		IF line NOT LIKE '%Disabled: true' THEN
			RAISE INFO '%', line;
		END IF;
	END LOOP;
END $$;
RESET enable_seqscan;
-- Prepared statements settle on one plan.
PREPARE plan_query(embedding) AS SELECT id FROM plan_item ORDER BY e <-> $1 LIMIT 5;
DO $$ BEGIN FOR i IN 1..8 LOOP EXECUTE 'EXECUTE plan_query(''[1,2,3,4,5,6,7,8]'')'; END LOOP; END $$;
SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE name = 'plan_query';
EXPLAIN (COSTS OFF) EXECUTE plan_query('[1,2,3,4,5,6,7,8]');
DEALLOCATE plan_query;
DROP TABLE plan_item;

-- Rows within a distance: the index, if there are as many as the LIMIT wants;
-- else it would be read to its end in search of more, and a sort is better.
CREATE TABLE wide (id integer PRIMARY KEY, e embedding(16));
INSERT INTO wide SELECT i, random_embedding(16, i) FROM generate_series(1, 5000) i;
CREATE INDEX wide_e ON wide USING similarity_hnsw (e embedding_cosine_ops);
ANALYZE wide;
CREATE FUNCTION plan_within(radius float8, k integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT JSON) SELECT id FROM wide WHERE e <=> %L < %s ORDER BY e <=> %1$L LIMIT %s',
		random_embedding(16, 9999), radius, k) INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Plans' -> 0 ->> 'Node Type';
END $$;
SELECT radius, plan_within(radius, 10) FROM unnest('{0.01, 0.8}'::float8[]) radius;
-- An index whose bounds tell nothing, since it was made on an empty table and its
-- rows have a large offset in common, is left alone until it is built again.
CREATE TABLE offset_late (id integer PRIMARY KEY, e embedding(16));
CREATE INDEX offset_late_e ON offset_late USING similarity_hnsw (e embedding_l2_ops);
INSERT INTO offset_late SELECT i, random_embedding(16, i) + array_fill(1000, '{16}')::embedding FROM generate_series(1, 3000) i;
VACUUM ANALYZE offset_late;
SELECT rows_for_ten > 100 FROM similarity.index_stats('offset_late_e');
EXPLAIN (COSTS off) SELECT id FROM offset_late ORDER BY e <-> array_fill(1000, '{16}')::embedding LIMIT 10;
REINDEX INDEX offset_late_e;
SELECT rows_for_ten < 20 FROM similarity.index_stats('offset_late_e');
EXPLAIN (COSTS off) SELECT id FROM offset_late ORDER BY e <-> array_fill(1000, '{16}')::embedding LIMIT 10;
DROP TABLE wide, offset_late;
DROP FUNCTION plan_within;
