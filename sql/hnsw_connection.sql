-- A connection keeps what it has read of an index and the memory of a search and
-- of an insertion.  Both must stay right when the index is changed or replaced.
CREATE TABLE kept (id integer, e embedding(3));

CREATE FUNCTION fill_kept(seed integer) RETURNS void LANGUAGE sql AS
$$ INSERT INTO kept SELECT i, random_embedding(3, seed * 10000 + i) FROM generate_series(1, 2000) i $$;

-- Does the index find, in order, what a scan of the table finds?
CREATE FUNCTION finds_the_same() RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
	query embedding;
	through_index integer[];
	through_table integer[];
BEGIN
	FOR i IN 1..20 LOOP
		query := random_embedding(3, i);
		SET LOCAL enable_seqscan = off;
		EXECUTE 'SELECT array_agg(id) FROM (SELECT id FROM kept ORDER BY e <-> $1 LIMIT 5) x' INTO through_index USING query;
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_indexscan = off;
		EXECUTE 'SELECT array_agg(id) FROM (SELECT id FROM kept ORDER BY e <-> $1 LIMIT 5) x' INTO through_table USING query;
		SET LOCAL enable_indexscan = on;
		IF through_index IS DISTINCT FROM through_table THEN
			RAISE NOTICE 'query %: % instead of %', i, through_index, through_table;
			RETURN false;
		END IF;
	END LOOP;
	RETURN true;
END
$$;

SELECT fill_kept(1);
CREATE INDEX kept_e ON kept USING similarity_hnsw (e embedding_l2_ops) WITH (ef_search = 100);
SELECT finds_the_same();

-- More rows, fewer rows, no rows, other rows
SELECT fill_kept(2);
SELECT finds_the_same();
DELETE FROM kept WHERE id % 2 = 0;
VACUUM kept;
SELECT finds_the_same();
TRUNCATE kept;
SELECT finds_the_same();
SELECT fill_kept(3);
SELECT finds_the_same();
BEGIN;
TRUNCATE kept;
SELECT fill_kept(4);
SELECT finds_the_same();
ROLLBACK;
SELECT finds_the_same();

-- Another file, another shape
REINDEX INDEX kept_e;
SELECT finds_the_same();
REINDEX INDEX CONCURRENTLY kept_e;
SELECT finds_the_same();
ALTER INDEX kept_e SET (m = 8, vectors = 'float', ef_search = 200);
REINDEX INDEX kept_e;
SELECT finds_the_same();
BEGIN;
DROP INDEX kept_e;
CREATE INDEX kept_e ON kept USING similarity_hnsw (e embedding_l2_ops) WITH (m = 4, ef_search = 300);
SELECT finds_the_same();
ROLLBACK;
SELECT finds_the_same();

-- Two scans of one index at the same time, one left in the middle by an error
SET enable_seqscan = off;
BEGIN;
DECLARE far CURSOR FOR SELECT id FROM kept ORDER BY e <-> '[9,9,9]';
MOVE 700 IN far;
SAVEPOINT before;
DECLARE near CURSOR FOR SELECT id FROM kept ORDER BY e <-> '[0,0,0]';
MOVE 3 IN near;
SELECT 1 / (id - id) FROM kept ORDER BY e <-> '[1,1,1]' LIMIT 1;
ROLLBACK TO before;
SELECT finds_the_same();
MOVE ALL IN far;
COMMIT;
RESET enable_seqscan;
SELECT finds_the_same();

-- A scan for each row of another one
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT a) FROM (SELECT id AS a, e FROM kept ORDER BY e <-> '[0,0,0]' LIMIT 50) x,
	LATERAL (SELECT id AS b FROM kept ORDER BY kept.e <-> x.e LIMIT 1) y WHERE a = b;
RESET enable_seqscan;

-- What an insertion takes is kept once, also after an error
\c -
CREATE FUNCTION kept_for_insertions() RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'similarity_hnsw linker' $$;
INSERT INTO kept VALUES (1, '[5,5,5]');
INSERT INTO kept VALUES (2, '[5,5,6]'), (3, '[5,6,6]');
SELECT kept_for_insertions();
BEGIN;
SAVEPOINT before;
INSERT INTO kept SELECT i, random_embedding(3, i / (100 - i)) FROM generate_series(1, 100) i;
ROLLBACK TO before;
INSERT INTO kept VALUES (4, '[6,6,6]');
COMMIT;
SELECT kept_for_insertions();
SELECT finds_the_same();

-- ALTER INDEX holds from the next insertion on: it looks at more nodes.
CREATE FUNCTION pages_of_insertion(seed integer) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
	plan json;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT json) INSERT INTO kept VALUES (0, %L)', random_embedding(3, seed)) INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Shared Hit Blocks';
END
$$;
ALTER INDEX kept_e SET (ef_construction = 8);
SELECT pages_of_insertion(70001) AS few \gset
ALTER INDEX kept_e SET (ef_construction = 400);
SELECT pages_of_insertion(70002) > 2 * :few AS more;

DROP TABLE kept;
DROP FUNCTION fill_kept, finds_the_same, kept_for_insertions, pages_of_insertion;
