-- A distance that the executor is told is the operator's own, or is not above
-- it.  Vectors that strain floats: lengths from 1e-38 to 3e38, offsets,
-- duplicates, zeros; every precision, way of storing, metric, and two distances.
SET max_parallel_maintenance_workers = 0;
SET jit = off;
CREATE FUNCTION nasty(dims int, i int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((CASE WHEN i % 13 = 0 THEN 0
		WHEN i % 13 = 1 THEN 3e38 * (j * i % 3 - 1)
		WHEN i % 13 = 2 THEN 1.2e-38 * sin(i * j)
		WHEN i % 13 = 3 THEN 1000 + sin(i * j)
		WHEN i % 13 = 4 THEN 1e19 * sin(i * j)
		WHEN i % 13 = 5 THEN 1e-22 * cos(i * j)
		WHEN i % 13 = 6 THEN j % 2
		ELSE sin(i * j * 1.7) END)::real ORDER BY j) FROM generate_series(1, dims) j $$;
CREATE FUNCTION tame(dims int, i int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((CASE WHEN i % 7 = 0 THEN 0
		WHEN i % 7 = 1 THEN j % 2
		WHEN i % 7 = 2 THEN 100 + sin(i * j)
		ELSE sin(i * j * 1.7) END)::real ORDER BY j) FROM generate_series(1, dims) j $$;

-- By the index and by a sort: the same distances in the same order.  One table
-- with an index; small enough that a scan to its end finds every row.
CREATE PROCEDURE compare(kind text, dims int, maker text, class text, operator text, options text, rows int)
LANGUAGE plpgsql AS $$
DECLARE
	query text;
	wanted float8[];
	got float8[];
	twice float8[];
	failed int := 0;
BEGIN
	EXECUTE format('CREATE TABLE strange (id int, e embedding(%s%s))', dims, kind);
	EXECUTE format('INSERT INTO strange SELECT i, %I(%s, i)::embedding(%2$s) FROM generate_series(1, %s) i', maker, dims, rows);
	INSERT INTO strange VALUES (0, NULL);
	EXECUTE format('CREATE INDEX strange_e ON strange USING similarity_hnsw (e embedding_%s_ops) %s', class, options);
	IF EXISTS (SELECT FROM similarity.verify_index('strange_e')) THEN
		RAISE NOTICE '% % %: a sound index is found damaged', kind, class, options;
	END IF;
	FOR i IN 1 .. least(rows / 4, 13) LOOP
		query := format('SELECT array_agg(d) FROM (SELECT e %s (%L::embedding(%s%s)) AS d FROM strange ORDER BY e %1$s (%2$L::embedding(%3$s%4$s))',
			operator, (SELECT CASE maker WHEN 'nasty' THEN nasty(dims, i) ELSE tame(dims, i) END)::embedding, dims, kind);
		SET enable_seqscan = on; SET enable_sort = on; SET enable_indexscan = off;
		EXECUTE query || ') s' INTO wanted;
		SET enable_seqscan = off; SET enable_sort = off; SET enable_indexscan = on;
		EXECUTE query || ') s' INTO got;
		EXECUTE query || format(', e %s (%L::embedding)) s', operator, (SELECT e FROM strange WHERE id = 8)) INTO twice;
		IF got IS DISTINCT FROM wanted OR twice IS DISTINCT FROM wanted THEN
			failed := failed + 1;
			RAISE NOTICE '% % %: query % has % rows of %, % of %', kind, class, options, i,
				cardinality(got), cardinality(wanted), cardinality(twice), cardinality(wanted);
		END IF;
	END LOOP;
	DROP TABLE strange;
	RESET enable_seqscan; RESET enable_sort; RESET enable_indexscan;
	RAISE NOTICE '%, % dimensions, % %: % queries differ', coalesce(nullif(ltrim(kind, ', '), ''), 'float'), dims, class, options, failed;
END $$;

CALL compare('', 64, 'nasty', 'l2', '<->', '', 60);
CALL compare('', 64, 'nasty', 'l2', '<->', 'WITH (vectors = half)', 60);
CALL compare('', 64, 'nasty', 'l2', '<->', 'WITH (vectors = ''float'')', 60);
CALL compare('', 64, 'nasty', 'cosine', '<=>', '', 60);
CALL compare('', 64, 'nasty', 'cosine', '<=>', 'WITH (vectors = half)', 60);
CALL compare('', 64, 'nasty', 'cosine', '<=>', 'WITH (vectors = ''float'')', 60);
CALL compare('', 64, 'nasty', 'ip', '<#>', '', 60);
CALL compare('', 64, 'nasty', 'ip', '<#>', 'WITH (vectors = half)', 60);
CALL compare('', 64, 'nasty', 'ip', '<#>', 'WITH (vectors = ''float'')', 60);
CALL compare('', 64, 'nasty', 'l1', '<+>', '', 60);
CALL compare('', 1, 'nasty', 'l2', '<->', '', 60);
CALL compare('', 1, 'nasty', 'cosine', '<=>', 'WITH (vectors = ''float'')', 60);
CALL compare('', 3000, 'nasty', 'cosine', '<=>', '', 14);
CALL compare('', 16000, 'tame', 'l2', '<->', '', 12);
CALL compare('', 16000, 'tame', 'ip', '<#>', 'WITH (vectors = ''float'')', 12);
CALL compare(', half', 64, 'tame', 'l2', '<->', '', 60);
CALL compare(', half', 64, 'tame', 'l2', '<->', 'WITH (vectors = ''float'')', 60);
CALL compare(', half', 64, 'tame', 'cosine', '<=>', '', 60);
CALL compare(', half', 64, 'tame', 'ip', '<#>', '', 60);
CALL compare(', half', 64, 'tame', 'l1', '<+>', '', 60);
CALL compare(', int8', 64, 'tame', 'l2', '<->', '', 60);
CALL compare(', int8', 64, 'tame', 'l2', '<->', 'WITH (vectors = ''float'')', 60);
CALL compare(', int8', 64, 'tame', 'cosine', '<=>', '', 60);
CALL compare(', int8', 64, 'tame', 'ip', '<#>', '', 60);
CALL compare(', int8', 64, 'tame', 'l1', '<+>', '', 60);
CALL compare(', bit', 64, 'tame', 'hamming', '<~>', '', 60);
CALL compare(', bit', 64, 'tame', 'jaccard', '<%>', '', 60);
CALL compare(', bit', 64, 'tame', 'l2', '<->', '', 60);
CALL compare(', bit', 64, 'tame', 'cosine', '<=>', '', 60);
DROP PROCEDURE compare;
DROP FUNCTION nasty, tame;
