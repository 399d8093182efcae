-- Labels that neighbors contradict, near-duplicates, and which labels to give next.
CREATE SCHEMA audit;
SET search_path = audit, public;

-- Three groups of a hundred points that lie apart; every twentieth label is wrong.
CREATE TABLE item (id integer PRIMARY KEY, truth text, label text, e embedding(2));
INSERT INTO item SELECT i, t, CASE WHEN i % 20 = 7 THEN CASE t WHEN 'a' THEN 'b' WHEN 'b' THEN 'c' ELSE 'a' END ELSE t END,
	ARRAY[100 * (i % 3) + (hashint4(i) & 1023) / 100.0, (hashint4(-i) & 1023) / 100.0]::embedding
FROM (SELECT i, chr(97 + i % 3) AS t FROM generate_series(1, 300) i) s;
SELECT similarity.create_gallery('item', 'item', 'e', 'label', distance => 'euclidean');

-- All wrong labels, no right one, and what they should be
SELECT count(*), count(*) FILTER (WHERE i.label <> truth) AS wrong, bool_and(suggested_label = truth) AS right
FROM similarity.audit('item', duplicate_distance => -1) a JOIN item i ON i.id = a.key::integer;
-- the surest first
SELECT bool_and(sure <= before) AS sorted, count(*) AS labeled, count(*) FILTER (WHERE sure >= 0.5) AS suspected FROM (
	SELECT sure, lag(sure) OVER () AS before FROM similarity.audit('item', least_sure => 0)) s;
-- by any distance, and any k
SELECT similarity.create_gallery('item_' || d, 'item', 'e', 'label', distance => d) FROM unnest('{squared_euclidean,manhattan}'::text[]) d;
SELECT d, k, count(*) FROM unnest('{item,item_squared_euclidean,item_manhattan}'::text[]) d, unnest('{40,99,1000}'::bigint[]) k,
	LATERAL similarity.audit(d, k, duplicate_distance => -1) a GROUP BY d, k ORDER BY d, k;

-- Clumps of eight rows of one label each, side by side: fifty neighbors know nothing, so few are asked.
CREATE TABLE clump AS SELECT i AS id, 'label ' || n AS truth, 'label ' || CASE WHEN i % 40 = 3 THEN (n + 1) % 4 ELSE n END AS label,
	ARRAY[10 * (i / 8) + (hashint4(i) & 1023) / 500.0]::embedding(1) AS e
FROM (SELECT i, i / 8 % 4 AS n FROM generate_series(0, 399) i) s;
SELECT similarity.create_gallery('clump', 'clump', 'e', 'label', key => 'id', distance => 'euclidean');
SELECT k, count(*) AS suspected, bool_and(c.label <> truth AND suggested_label = truth) AS right
FROM unnest('{NULL,6,50}'::bigint[]) k, similarity.audit('clump', k, duplicate_distance => -1) a JOIN clump c ON c.id = a.key::integer GROUP BY k ORDER BY k;

-- A row without label is no suspect, and says nothing.
UPDATE item SET label = NULL WHERE id IN (7, 8);
SELECT count(*), count(*) FILTER (WHERE key IN ('7', '8')) FROM similarity.audit('item', least_sure => 0);
-- nor one without embedding
UPDATE item SET e = NULL WHERE id = 27;
SELECT count(*) FROM similarity.audit('item', least_sure => 0);

-- Near-duplicates, whose labels may differ
INSERT INTO item SELECT 1000 + id, truth, 'c', e FROM item WHERE id = 30;
SELECT key, label, duplicate_of, duplicate_distance FROM similarity.audit('item', duplicate_distance => 0) WHERE duplicate_of IS NOT NULL ORDER BY key;
SELECT count(*) > 100 AS many FROM similarity.audit('item', duplicate_distance => 10) WHERE duplicate_of IS NOT NULL;
SELECT count(*) FROM similarity.audit('item', duplicate_distance => -1) WHERE duplicate_of IS NOT NULL;
DELETE FROM item WHERE id > 1000;

-- Which to label next.  Of four groups two have no label yet: both come first, and what is known of the others is said.
CREATE TABLE pool AS SELECT id, CASE WHEN g < 2 AND id % 10 < 2 THEN 'group ' || g END AS label,
	ARRAY[100 * g + (hashint4(id) & 1023) / 100.0, (hashint4(-id) & 1023) / 100.0]::embedding AS e
FROM (SELECT i AS id, i % 4 AS g FROM generate_series(1, 400) i) s;
SELECT similarity.create_gallery('pool', 'pool', 'e', 'label', key => 'id', distance => 'euclidean');
SELECT key::integer % 4 AS group, label, suggested_label, sure > 0.5 AS sure FROM similarity.suggest_labels('pool', 2) ORDER BY 1;
SELECT count(*), count(DISTINCT key), count(label) AS labeled, min(rank), max(rank),
	bool_and(suggested_label = 'group ' || key::integer % 4) FILTER (WHERE key::integer % 4 < 2) AS right
FROM similarity.suggest_labels('pool', 1000, 5);
-- without any label each group comes first, and nothing is suggested
UPDATE pool SET label = NULL;
SELECT count(DISTINCT key::integer % 4) AS groups, count(suggested_label), max(sure) FROM similarity.suggest_labels('pool', 4);
-- where all have one, the doubtful are to be looked at again
UPDATE pool SET label = 'group ' || CASE WHEN id = 77 THEN 3 ELSE id % 4 END;
SELECT rank, key, label, suggested_label, sure > 0.5 AS sure FROM similarity.suggest_labels('pool', 1);
SELECT * FROM similarity.suggest_labels('pool', 0);
SELECT count(*) FROM similarity.suggest_labels('pool', NULL);

-- Many rows with little memory: several passes, embeddings on disk, the same verdicts
CREATE TABLE many AS SELECT i AS id, chr(97 + i % 3) AS label, random_embedding(8, i)::embedding(8) AS e FROM generate_series(1, 3000) i;
SELECT similarity.create_gallery('many', 'many', 'e', 'label', key => 'id');
CREATE TABLE verdict AS SELECT key, sure, suggested_label FROM similarity.audit('many', 10, 0);
SET maintenance_work_mem = '1MB';
SET work_mem = '64kB';
SELECT count(*) FROM verdict JOIN similarity.audit('many', 10, 0) a USING (key, sure, suggested_label);
\set VERBOSITY sqlstate
SELECT count(*) FROM similarity.audit('many', 1000);
\set VERBOSITY default
RESET maintenance_work_mem;
RESET work_mem;

-- By an index instead: mostly the same rows
CREATE INDEX ON many USING similarity_hnsw (e embedding_cosine_ops);
SELECT count(*) FILTER (WHERE v.suggested_label = a.suggested_label) > 2900 AS same FROM verdict v JOIN similarity.audit('many', 10, 0, exact => false) a USING (key);

-- A gallery without a key tells rows by their ctid; a view has none.
CREATE TABLE keyless AS SELECT label, e FROM item WHERE id <= 60;
SELECT similarity.create_gallery('keyless', 'keyless', 'e', 'label', distance => 'euclidean');
SELECT count(*) FROM similarity.audit('keyless', least_sure => 0) a JOIN keyless k ON k.ctid = a.key::tid AND k.label = a.label;
CREATE VIEW seen AS TABLE keyless;
SELECT similarity.create_gallery('seen', 'seen', 'e', 'label', distance => 'euclidean');
SELECT * FROM similarity.audit('seen');
SELECT * FROM similarity.audit('keyless', exact => false);

-- As the caller: privileges and row-level security are those of a SELECT.
CREATE ROLE similarity_audit_reader;
GRANT USAGE ON SCHEMA audit TO similarity_audit_reader;
SET ROLE similarity_audit_reader;
SELECT * FROM similarity.audit('item');
RESET ROLE;
GRANT SELECT (id, label, e) ON item TO similarity_audit_reader;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY half ON item TO similarity_audit_reader USING (id <= 150);
SET ROLE similarity_audit_reader;
SELECT count(*), max(key::integer) FROM similarity.audit('item', least_sure => 0);
RESET ROLE;
ALTER TABLE item DISABLE ROW LEVEL SECURITY;

-- What cannot be
SELECT * FROM similarity.audit('nothing');
SELECT * FROM similarity.audit(NULL);
SELECT * FROM similarity.audit('item', 0);
SELECT * FROM similarity.audit('item', least_sure => 1.5);
SELECT * FROM similarity.audit('item', least_sure => 'NaN');
SELECT * FROM similarity.audit('item', duplicate_distance => 'NaN');
CREATE TABLE empty (id integer PRIMARY KEY, label text, e embedding(2));
SELECT similarity.create_gallery('empty', 'empty', 'e', 'label');
SELECT * FROM similarity.audit('empty');
-- one row, one label, zero vectors: nothing to say
INSERT INTO empty VALUES (1, 'x', '[0,0]');
SELECT * FROM similarity.audit('empty', least_sure => 0);
INSERT INTO empty VALUES (2, 'x', '[1,0]'), (3, 'x', '[0,1]');
SELECT key, suggested_label, sure, duplicate_of FROM similarity.audit('empty', least_sure => 0);

SELECT similarity.drop_gallery(gallery) FROM similarity.galleries WHERE gallery IN
	('item', 'clump', 'item_squared_euclidean', 'item_manhattan', 'pool', 'many', 'keyless', 'seen', 'empty');
SET client_min_messages = warning;
DROP SCHEMA audit CASCADE;
DROP ROLE similarity_audit_reader;
