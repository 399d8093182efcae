-- Sessions keep the plans of look-ups, and follow whatever changes meanwhile.
SET client_min_messages = error;
CREATE SCHEMA gallery_plans;
SET search_path = gallery_plans, public;
CREATE TABLE shelf (id int PRIMARY KEY, label text, note text, e embedding(2));
INSERT INTO shelf VALUES (1, 'a', 'one', '[1,0]'), (2, 'b', 'two', '[0,1]');
SELECT similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'label', key => 'id', distance => 'l2');
SELECT count(*) FROM similarity.calibrate('shelf', $$VALUES ('[1,.1]'::embedding, 'a'), ('[.1,1]', 'b')$$);
PREPARE found AS SELECT label, round(distance::numeric, 2) AS distance, key, item FROM similarity.lookup('shelf', '[1,0]'::embedding, 2);
PREPARE matched AS SELECT label, round(distance::numeric, 2) AS distance, round(cutpoint_distance::numeric, 2) AS cutpoint
  FROM similarity.match('shelf', '[1,.05]'::embedding);
EXECUTE found;
EXECUTE matched;

-- they are kept: the next statement makes none
CREATE VIEW kept AS SELECT count(*) AS n FROM pg_backend_memory_contexts WHERE name = 'CachedPlan' AND ident LIKE '%gallery_plans.shelf%';
SELECT n AS kept_plans FROM kept;
EXECUTE found;
EXECUTE matched;
SELECT n AS kept_plans FROM kept;

-- rows and columns, also in a transaction that ends with nothing
BEGIN;
INSERT INTO shelf VALUES (3, 'c', 'three', '[1,0.01]');
ALTER TABLE shelf ADD price int DEFAULT 7;
EXECUTE found;
ROLLBACK;
EXECUTE found;
ALTER TABLE shelf DROP note;
ALTER TABLE shelf ALTER label TYPE int USING ascii(label);
EXECUTE found;
ALTER TABLE shelf ALTER label TYPE text USING chr(label);

-- an index comes and goes; of a table grown since the plan was made, too
CREATE INDEX shelf_e ON shelf USING similarity_hnsw (e embedding_l2_ops);
CREATE FUNCTION scans() RETURNS bigint LANGUAGE sql STABLE AS $$SELECT pg_stat_get_xact_numscans('shelf_e'::regclass)$$;
EXECUTE found;
BEGIN;
INSERT INTO shelf SELECT i, 'many', ARRAY[i, i]::embedding FROM generate_series(100, 3000) i;
SELECT scans() AS before \gset
EXECUTE found;
SELECT scans() - :before AS scans;
ROLLBACK;
BEGIN;
DROP INDEX shelf_e;
EXECUTE found;
ROLLBACK;

-- settings of the planner, of searches, and plans thrown away
SET similarity.ef_search = 100;
SELECT pg_settings_get_flags('similarity.ef_search') AS shown_by_explain;
EXECUTE found;
RESET similarity.ef_search;
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT scans() AS before \gset
EXECUTE found;
SELECT scans() - :before AS scans;
SET LOCAL enable_seqscan = on;
SET LOCAL enable_indexscan = off;
EXECUTE found;
SELECT scans() - :before AS scans;
ROLLBACK;
DISCARD PLANS;
EXECUTE found;

-- roles, their columns, and policies
CREATE ROLE gallery_plans_reader;
GRANT USAGE ON SCHEMA gallery_plans TO gallery_plans_reader;
GRANT SELECT ON shelf TO gallery_plans_reader;
ALTER TABLE shelf ADD secret text DEFAULT 'x';
SET ROLE gallery_plans_reader;
EXECUTE found;
RESET ROLE;
CREATE POLICY of_label ON shelf USING (label = current_setting('gallery_plans.label'));
ALTER TABLE shelf ENABLE ROW LEVEL SECURITY;
SET gallery_plans.label = 'b';
EXECUTE found;
SET ROLE gallery_plans_reader;
EXECUTE found;
EXECUTE matched;
SET gallery_plans.label = 'a';
EXECUTE found;
SET row_security = off;
EXECUTE found;
RESET row_security;
RESET ROLE;
REVOKE SELECT ON shelf FROM gallery_plans_reader;
GRANT SELECT (id, label, e) ON shelf TO gallery_plans_reader;
SET ROLE gallery_plans_reader;
EXECUTE found;
RESET ROLE;
REVOKE SELECT (e) ON shelf FROM gallery_plans_reader;
SET ROLE gallery_plans_reader;
EXECUTE found;
RESET ROLE;
ALTER TABLE shelf DISABLE ROW LEVEL SECURITY;

-- names, another table of the old name, another calibration, another gallery
ALTER TABLE shelf RENAME TO moved;
CREATE TABLE shelf (id int, label text, e embedding(2));
EXECUTE found;
DROP TABLE shelf;
SELECT count(*) FROM similarity.calibrate('shelf', $$VALUES ('[1,.3]'::embedding, 'a'), ('[.3,1]', 'b')$$);
EXECUTE matched;
DROP TABLE moved;
EXECUTE found;
CREATE TABLE shelf (id int, label text, e embedding(2));
INSERT INTO shelf VALUES (9, 'new', '[1,1]');
SELECT similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'label', key => 'id', distance => 'l1');
EXECUTE found;
EXECUTE matched;

-- they do not grow without end, neither in one statement nor over many
SELECT count(*) FROM generate_series(1, 80) k, similarity.lookup('shelf', '[1,0]'::embedding, k);
DO $$BEGIN FOR k IN 81..160 LOOP PERFORM FROM similarity.lookup('shelf', '[1,0]'::embedding, k); END LOOP; END$$;
SELECT n BETWEEN 20 AND 64 AS bounded FROM kept;

-- a function below one search may look up as well
CREATE FUNCTION nested(label text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  FOR k IN 161..230 LOOP PERFORM FROM similarity.lookup('shelf', '[1,0]'::embedding, k); END LOOP;
  RETURN label || (SELECT count(*) FROM similarity.lookup('shelf', '[1,0]'::embedding, 3));
END$$;
CREATE VIEW nests AS SELECT id, nested(label) AS label, e FROM shelf;
SELECT similarity.create_gallery('nests', 'nests', embedding => 'e', label => 'label', distance => 'l2');
SELECT label, item FROM similarity.lookup('nests', '[1,0]'::embedding, 3);
SELECT label, item FROM similarity.lookup('nests', '[1,0]'::embedding, 3);

DROP SCHEMA gallery_plans CASCADE;
DROP ROLE gallery_plans_reader;
