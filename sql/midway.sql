-- Functions of users run in the middle of ours: in queries, views, row filters,
-- arguments.  Whatever they close, drop or change meanwhile, the answer is a
-- result or an error.
SET client_min_messages = error;
\set VERBOSITY terse
CREATE ROLE midway_user;
CREATE SCHEMA midway AUTHORIZATION midway_user;
GRANT CREATE ON SCHEMA similarity TO midway_user;
SET ROLE midway_user;
SET search_path = midway, public;
CREATE FUNCTION run(statement text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; RETURN 1; END $$;
-- Runs it in the row before the last of 600, which is in the third batch
CREATE FUNCTION source(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT %L::embedding, CASE WHEN i = 599 THEN run(%L) ELSE i %% 2 END FROM generate_series(1, 600) i', '[1,0]', statement) $$;
CREATE TABLE plain (id int PRIMARY KEY, label int, image bytea, e embedding(2));
INSERT INTO plain SELECT i, i % 2, '\x00010203', CASE i % 2 WHEN 0 THEN '[1,0]'::embedding ELSE '[0,1]' END FROM generate_series(1, 20) i;
CREATE VIEW shown AS SELECT * FROM plain;
SELECT similarity.create_gallery('midway', 'plain', 'e', 'label');
SELECT similarity.create_gallery('midway_shown', 'shown', 'e', 'label', image => 'image', image_shape => '{2,2}');
SELECT name FROM similarity.calibrate('midway', 'SELECT e, label FROM plain');

\set VERBOSITY sqlstate
-- Cursors: the source's cannot be closed by what it is read with, nor by others
CREATE VIEW closing AS SELECT run('CLOSE ALL') AS label, image, e FROM plain;
SELECT similarity.create_gallery('midway_closing', 'closing', 'e', 'label', image => 'image', image_shape => '{2,2}');
SELECT count(*) FROM similarity.lookup_all('midway_closing', source('SELECT 1'));
SELECT similarity.neighbors_html('midway_closing', source('SELECT 1'));
SELECT count(*) FROM similarity.evaluate_retrieval('midway_closing', source('SELECT 1'), exact => false);
SELECT count(*) FROM similarity.lookup_all('midway', source('CLOSE ALL'));
SELECT count(*) FROM similarity.match_all('midway', source('CLOSE ALL'));
SELECT count(*) FROM similarity.evaluate_retrieval('midway', source('CLOSE ALL'));
SELECT count(*) FROM similarity.calibrate('midway', source('CLOSE ALL'));
SELECT count(*) FROM similarity.lookup_all('midway', source('DISCARD PLANS'));
SELECT count(*) FROM similarity.lookup_all('midway', source('DISCARD ALL'));
SELECT count(*) FROM pg_cursors WHERE name <> '';
-- also by a row filter
ALTER TABLE plain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY filter ON plain USING (run('CLOSE ALL') = 1);
SELECT count(*) FROM similarity.lookup_all('midway', source('SELECT 1'));
SELECT count(*) FROM similarity.knn('plain', 'e', ARRAY['[1,0]']::embedding[], 3, 'l2');
ALTER TABLE plain DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
-- cursors end with the function, and a transaction that goes on holds nothing
BEGIN;
SELECT count(*) FROM similarity.lookup_all('midway', source('SELECT 1'), 1);
SELECT count(*) FROM pg_cursors WHERE name <> '';
ROLLBACK;

-- The table is another one: each of these is undone
BEGIN;
SELECT l.id FROM generate_series(1, 3) i, LATERAL similarity.lookup('midway', CASE WHEN i < 2 OR
	run('DROP TABLE IF EXISTS plain CASCADE; CREATE OR REPLACE VIEW plain AS SELECT 1 AS id, 2 AS label, ''[1,0]''::embedding AS e, 77 AS ctid') = 1 THEN '[1,0]'::embedding END, 2) l;
ROLLBACK;
BEGIN;
SELECT l.id FROM generate_series(1, 3) i, LATERAL similarity.lookup('midway', CASE WHEN i < 2 OR
	run('DROP TABLE IF EXISTS plain CASCADE') = 1 THEN '[1,0]'::embedding END, i) l;
ROLLBACK;
BEGIN;
SELECT similarity.neighbors_html('midway_shown', source('DROP VIEW shown; CREATE VIEW shown AS SELECT 1 AS label, 7 AS image, ''[1,0]''::embedding AS e'));
ROLLBACK;
SET maintenance_work_mem = '1MB';
BEGIN;
SELECT count(*) FROM similarity.evaluate_retrieval('midway_shown', replace(source('DROP VIEW shown; CREATE VIEW shown AS SELECT 1 AS label, 7 AS image, 8 AS e'), '1, 600', '1, 20000'));
ROLLBACK;
RESET maintenance_work_mem;
BEGIN;
SELECT count(*) FROM similarity.lookup_all('midway', source('SELECT similarity.drop_gallery(''midway'')'));
SELECT count(*) FROM similarity.lookup_all('midway', source('SELECT 1'));
ROLLBACK;

\set VERBOSITY terse
-- Models
SELECT count(*) FROM similarity.create_model('midway_two', '{2}', '[{"metric_embedding": {"units": 2}}]');
SELECT count(*) FROM similarity.create_model('midway_three', '{2}', '[{"metric_embedding": {"units": 3}}]');
CREATE PROCEDURE train(model text, source text, validation text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN
	CALL similarity.train(model, source, validation => validation, epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
END $$;
CREATE FUNCTION rows(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT ARRAY[i %% 2, i %% 3]::real[], CASE WHEN i = 599 THEN run(%L) ELSE i %% 2 END FROM generate_series(1, 600) i', statement) $$;
CALL train('midway_two', rows('CLOSE ALL'));
CALL train('midway_three', rows('SELECT 1'), rows('CLOSE ALL'));
BEGIN;
CALL train('midway_two', rows('SELECT similarity.drop_model(''midway_two'')'));
ROLLBACK;
SELECT count(*) FROM similarity.sample_batch(rows('CLOSE ALL'), seed => 1);
-- a name that changes from one row to the next, models that go while they are used
CREATE SEQUENCE turn;
CREATE FUNCTION some_model() RETURNS text LANGUAGE sql VOLATILE AS
	$$ SELECT CASE nextval('midway.turn') % 2 WHEN 0 THEN 'midway_two' ELSE 'midway_three' END $$;
SELECT count(x.e) FROM (SELECT embed_batch(some_model(), '{1,2}'::real[]) OVER () AS e FROM generate_series(1, 50)) x;
SELECT count(x.e) FROM (SELECT embed_batch('midway_two', CASE WHEN i <> 40 OR run('SELECT similarity.drop_model(''midway_two'')') = 1
	THEN '{1,2}'::real[] END) OVER () AS e FROM generate_series(1, 50) i) x;
SELECT similarity.drop_model(model) FROM similarity.models WHERE model ~ '^midway';

SELECT similarity.drop_gallery(gallery) FROM similarity.galleries WHERE gallery ~ '^midway';
RESET ROLE;
RESET search_path;
DROP SCHEMA midway CASCADE;
REVOKE CREATE ON SCHEMA similarity FROM midway_user;
DROP ROLE midway_user;
