-- Columns of every precision in use: indexes, galleries, models, migration.
SELECT setseed(0.5);
CREATE TABLE column_item AS SELECT i AS id, i % 5 AS label, e::embedding(24) AS f, e::embedding(24, half) AS h, e::embedding(24, int8) AS q
FROM (SELECT i, random_embedding(24, i) + random_embedding(24, 10000 + i % 5) * array_fill(3, ARRAY[24])::embedding AS e
	FROM generate_series(1, 2000) i) r;
ALTER TABLE column_item ADD PRIMARY KEY (id);
CREATE INDEX column_h ON column_item USING similarity_hnsw (h embedding_l2_ops);
CREATE INDEX column_q ON column_item USING similarity_hnsw (q embedding_cosine_ops);

-- Rows come in the order of the column's own values, which are rounded.
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM column_item ORDER BY h <-> '[1,2]' LIMIT 5;
CREATE TABLE found AS SELECT a.id AS query, x.* FROM column_item a,
	LATERAL (SELECT 'h' AS which, id, h <-> a.f AS distance FROM column_item ORDER BY h <-> a.f LIMIT 5) x WHERE a.id % 100 = 1
UNION ALL SELECT a.id, x.* FROM column_item a,
	LATERAL (SELECT 'q', id, q <=> a.f FROM column_item ORDER BY q <=> a.f LIMIT 5) x WHERE a.id % 100 = 1;
RESET enable_sort;
SET enable_indexscan = off;
CREATE TABLE exact AS SELECT a.id AS query, x.* FROM column_item a,
	LATERAL (SELECT 'h' AS which, id, h <-> a.f AS distance FROM column_item ORDER BY h <-> a.f LIMIT 5) x WHERE a.id % 100 = 1
UNION ALL SELECT a.id, x.* FROM column_item a,
	LATERAL (SELECT 'q', id, q <=> a.f FROM column_item ORDER BY q <=> a.f LIMIT 5) x WHERE a.id % 100 = 1;
RESET enable_indexscan;
SELECT which, count(*) AS exact, count(*) FILTER (WHERE f.id IS NOT NULL) >= 95 AS found
FROM exact e LEFT JOIN found f USING (query, which, id, distance) GROUP BY which ORDER BY which;

-- A gallery over int8 finds and matches as one over floats.
SELECT similarity.create_gallery('column_q', 'column_item', 'q', 'label', distance => 'cosine');
SELECT similarity.create_gallery('column_f', 'column_item', 'f', 'label', distance => 'cosine');
SELECT count(*) = 20 AS first FROM column_item a, similarity.lookup('column_q', a.f, 1) l WHERE a.id % 100 = 1 AND l.label = a.label::text AND l.key = a.id::text;
SELECT name, value > 0.9 AS high FROM similarity.calibrate('column_q', 'SELECT f, label FROM column_item WHERE id % 10 = 3');
SELECT count(*) > 190 AS matched FROM column_item i, similarity.match('column_q', i.q) m WHERE i.id % 10 = 7 AND m.label = i.label::text;
SELECT max(abs(a.value - b.value)) < 0.03 AS same
FROM similarity.evaluate_retrieval('column_q', 'SELECT q, label FROM column_item WHERE id % 10 = 7', drop_closest => true) a
JOIN similarity.evaluate_retrieval('column_f', 'SELECT f, label FROM column_item WHERE id % 10 = 7', drop_closest => true) b USING (metric);
SELECT similarity.drop_gallery('column_q'), similarity.drop_gallery('column_f');

-- embed() into columns of half and int8: rounded, and stamped with the version
SET client_min_messages = warning;
SELECT count(*) FROM similarity.create_model('column_model', '{24}', '[{"metric_embedding": {"units": 4}}]');
CALL similarity.train('column_model', 'SELECT f, label FROM column_item', epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
RESET client_min_messages;
CREATE TABLE made (id int, h embedding(4, half), q embedding(4, int8));
INSERT INTO made SELECT id, embed('column_model', f), embed_batch('column_model', f) OVER () FROM column_item WHERE id <= 300;
SELECT count(*), bool_and(embedding_model(made.h) = version AND embedding_model(made.q) = version) AS stamped,
	max(made.h <-> embed('column_model', f)) < 0.001 AS half, max(made.q <-> embed('column_model', f)) BETWEEN 1e-6 AND 0.02 AS int8
FROM made JOIN column_item i USING (id), similarity.model_versions WHERE model = 'column_model';
SELECT similarity.drop_model('column_model');

-- The NOTICE of rows out of line goes by the column's size: 6,000 floats are
-- too wide for any row, as int8 they are not.
CREATE TABLE broad (f embedding(6000), q embedding(6000, int8));
INSERT INTO broad SELECT e, e FROM (SELECT random_embedding(6000, i) AS e FROM generate_series(1, 3) i) r;
CREATE INDEX ON broad USING similarity_hnsw (f embedding_l2_ops);
CREATE INDEX ON broad USING similarity_hnsw (q embedding_l2_ops);
DROP TABLE broad;

-- From pgvector: its vector casts to real[], which is what counts here.
CREATE TABLE migrated (id int, v real[]);
INSERT INTO migrated VALUES (1, '{1,2.5,-3}'), (2, '{0.1,0,70000}'), (3, NULL);
CREATE TABLE as_half AS SELECT id, v::real[]::embedding AS v FROM migrated WHERE id <> 2;
ALTER TABLE migrated ALTER v TYPE embedding(3) USING v::real[]::embedding;
ALTER TABLE as_half ALTER v TYPE embedding(3, half) USING v::real[]::embedding;
SELECT * FROM migrated ORDER BY id;
SELECT *, pg_column_size(v) FROM as_half ORDER BY id;
ALTER TABLE migrated ALTER v TYPE embedding(3, half);
ALTER TABLE migrated ALTER v TYPE embedding(4);

-- More dimensions than there may be, by every way in but text and bytes
SELECT array_fill(1, ARRAY[16385])::integer[]::embedding;
SELECT array_fill(1, ARRAY[16385])::real[]::embedding;
SELECT array_fill(1, ARRAY[16385])::double precision[]::embedding;
SELECT array_fill(1, ARRAY[16385])::numeric[]::embedding;
SELECT to_jsonb(array_fill(1, ARRAY[16385]))::embedding;
SELECT random_embedding(16384, 1) || '[1]';
SELECT dims(random_embedding(16383, 1) || '[1]'), dims(array_fill(1, ARRAY[16384])::numeric[]::embedding(16384, int8));
-- A zero vector: as int8, bits and half, on either side
SELECT '[0,0]'::embedding(2, half) <=> '[1,0]' AS half, '[1,0]' <=> '[0,0]'::embedding(2, int8) AS int8, '[-1,0]'::embedding(2, bit) <=> '[1,0]' AS bit;
DROP TABLE column_item, found, exact, made, migrated, as_half;
