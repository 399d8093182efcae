-- What happened to an index: similarity.index_history().
SET client_min_messages = warning;
CREATE TABLE item (id integer PRIMARY KEY, e embedding(8)) WITH (autovacuum_enabled = off);
CREATE FUNCTION vector(i integer) RETURNS embedding LANGUAGE sql AS 'SELECT random_embedding(8, i)';
INSERT INTO item SELECT i, vector(i) FROM generate_series(1, 400) i;
INSERT INTO item SELECT i, NULL FROM generate_series(401, 420) i;
CREATE INDEX item_l2 ON item USING similarity_hnsw (e embedding_l2_ops);
CREATE VIEW history AS
SELECT event, count, rows, rows_estimated AS estimated, rows_inserted AS inserted, rows_removed AS removed,
	nodes_freed AS freed, lists_repaired > 0 AS repaired, entry_changes AS entries, root_changes AS roots
FROM similarity.index_history('item_l2');
SELECT * FROM history;

-- Rows are counted where any were dead; those without an embedding are rows, but no nodes.
INSERT INTO item SELECT i, vector(i) FROM generate_series(421, 500) i;
DELETE FROM item WHERE id % 10 = 0;
VACUUM item;
-- nothing was dead: as many as the table has
INSERT INTO item SELECT i, vector(i) FROM generate_series(501, 550) i;
VACUUM item;
-- the next count says what came since the last; nobody is left, so that searches have to start elsewhere
DELETE FROM item;
VACUUM item;
SELECT * FROM history;
SELECT bool_and(ended BETWEEN now() - interval '1 hour' AND clock_timestamp()) AS recent,
	bool_and(seconds BETWEEN 0 AND 3600) AS timed, bool_and(bytes % 8192 = 0 AND bytes <= pg_relation_size('item_l2')) AS sized,
	array_agg(expansions IS NULL ORDER BY ended) AS unmeasured, array_agg(part) = array_fill('item_l2'::regclass, '{4}') AS part
FROM similarity.index_history('item_l2');

-- Measurements of recall by the owner are events; others' leave no trace.
INSERT INTO item SELECT i, vector(i) FROM generate_series(1, 300) i;
SELECT recall > 0.9 AS good FROM similarity.index_recall('item_l2', 50, 5, 80);
CREATE ROLE history_reader;
GRANT SELECT ON item TO history_reader;
SET ROLE history_reader;
SELECT recall > 0.9 AS good FROM similarity.index_recall('item_l2', 50, 5, 40);
SELECT event, count, rows, rows_removed, recall > 0.9 AS good, recall_k, recall_ef_search, recall_sample, expansions > 0 AS measured
FROM similarity.index_history('item_l2') WHERE ended > now() - interval '1 hour' ORDER BY ended DESC LIMIT 1;
RESET ROLE;

-- A history that is full grows coarser, and its sums stay.
SELECT 'VACUUM item' FROM generate_series(1, 250) \gexec
DELETE FROM item WHERE id <= 100;
VACUUM item;
SELECT 'VACUUM item' FROM generate_series(1, 60) \gexec
SELECT count(*) BETWEEN 48 AND 96 AS rows, min(event) FILTER (WHERE count = 1) AS first, max(count) BETWEEN 16 AND 64 AS coarser,
	sum(count) FILTER (WHERE event = 'vacuum') AS vacuums, sum(rows_removed) AS removed, sum(nodes_freed) AS freed,
	count(*) FILTER (WHERE event = 'recall') AS recalls, bool_and(ended >= before) AS in_order
FROM (SELECT *, coalesce(lag(ended) OVER (), ended) AS before FROM similarity.index_history('item_l2')) h;
SELECT * FROM similarity.verify_index('item_l2');

-- An index made again has a history of its own.
REINDEX INDEX item_l2;
SELECT * FROM history;
TRUNCATE item;
SELECT * FROM history;

-- Of an index on some rows it is not known how many those are unless they are counted.
CREATE INDEX item_some ON item USING similarity_hnsw (e embedding_l2_ops) WHERE id % 2 = 0;
INSERT INTO item SELECT i, vector(i) FROM generate_series(1, 100) i;
VACUUM item;
DELETE FROM item WHERE id <= 10;
VACUUM item;
SELECT event, rows, rows_estimated AS estimated, rows_inserted AS inserted FROM similarity.index_history('item_some');

-- A partitioned index has those of its parts, an unlogged one the same
CREATE TABLE parted (id integer, e embedding(8)) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE UNLOGGED TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (30);
INSERT INTO parted SELECT i, vector(i) FROM generate_series(0, 29) i;
CREATE INDEX parted_e ON parted USING similarity_hnsw (e embedding_cosine_ops);
SELECT part, event, rows FROM similarity.index_history('parted_e');
SELECT * FROM similarity.index_history('item_pkey');
SELECT count(*) FROM similarity.index_history(NULL);

DROP TABLE item, parted CASCADE;
DROP FUNCTION vector(integer);
DROP ROLE history_reader;
