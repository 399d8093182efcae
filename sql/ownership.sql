-- Models and galleries belong to roles and tables, not to their names.
SET client_min_messages = error;
CREATE ROLE owned_alice;
CREATE ROLE owned_bob;
CREATE ROLE owned_carol;
CREATE SCHEMA owned;
GRANT ALL ON SCHEMA owned TO owned_alice, owned_bob, owned_carol;
GRANT CREATE ON SCHEMA similarity TO owned_alice, owned_bob, owned_carol;
CREATE TABLE owned.points AS SELECT i AS id, ARRAY[sin(i), cos(i)]::real[] AS x, i % 3 AS label FROM generate_series(1, 30) i;
GRANT SELECT ON owned.points TO PUBLIC;

-- Galleries go where their table goes
SET ROLE owned_alice;
CREATE TABLE owned.t (id int PRIMARY KEY, label text, e embedding(2));
INSERT INTO owned.t VALUES (1, 'hers', '[1,0]'), (2, 'too', '[0,1]');
SELECT similarity.create_gallery('hers', 'owned.t', 'e', 'label');
SELECT count(*) FROM similarity.calibrate('hers', $$SELECT '[1,0.1]'::embedding, 'hers'$$);
ALTER TABLE owned.t RENAME TO renamed;
SELECT label FROM similarity.match('hers', '[1,0]'::embedding);
-- another table of that name is another one
SET ROLE owned_bob;
CREATE TABLE owned.t (id int, label text, e embedding(2));
INSERT INTO owned.t VALUES (1, 'evil', '[1,0]');
GRANT SELECT ON owned.t TO owned_alice;
SELECT count(*) FROM similarity.galleries WHERE gallery = 'hers';
SELECT count(*) FROM similarity.calibration_curve WHERE gallery = 'hers';
SET ROLE owned_alice;
SELECT relation FROM similarity.galleries WHERE gallery = 'hers';
SELECT label FROM similarity.match('hers', '[1,0]'::embedding);
-- and moved with its schema's name, or to another schema
CREATE TABLE owned.away (id int PRIMARY KEY, label text, e embedding(2));
SELECT similarity.create_gallery('away', 'owned.away', 'e', 'label');
RESET ROLE;
CREATE SCHEMA owned_too;
ALTER TABLE owned.away SET SCHEMA owned_too;
ALTER SCHEMA owned_too RENAME TO "owned ""too""";
SELECT relation FROM similarity.galleries WHERE gallery = 'away';

-- DROP drops them, whatever drops the table, also on a replica
CREATE FUNCTION left_over(galleries text[]) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
	'SELECT count(*) FROM similarity.gallery WHERE name = ANY (galleries)';
DROP SCHEMA "owned ""too""" CASCADE;
SELECT left_over('{away}');
SET ROLE owned_alice;
CREATE TABLE owned.a (id int PRIMARY KEY, label text, e embedding(2));
CREATE VIEW owned.v AS SELECT * FROM owned.a;
CREATE TABLE owned.kept (id int PRIMARY KEY, label text, e embedding(2));
SELECT similarity.create_gallery('of_view', 'owned.v', 'e', 'label', key => 'id');
SELECT similarity.create_gallery('of_table', 'owned.a', 'e', 'label');
SELECT similarity.create_gallery('kept', 'owned.kept', 'e', 'label');
BEGIN;
DROP TABLE owned.a CASCADE;
SELECT left_over('{of_view,of_table,kept}');
ROLLBACK;
SELECT left_over('{of_view,of_table,kept}');
RESET ROLE;
SET session_replication_role = replica;
DROP TABLE owned.a CASCADE;
RESET session_replication_role;
SELECT left_over('{of_view,of_table,kept}');
SELECT count(*) FROM similarity.calibration c WHERE NOT EXISTS (SELECT FROM similarity.gallery g WHERE g.id = c.gallery);

-- A table that was dropped leaves nothing that governs the next one of its name
SET ROLE owned_bob;
SELECT count(*) FROM similarity.create_model('bobs', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('bobs', 'SELECT x, label FROM owned.points', epochs => 1, steps_per_epoch => 1, verbose => false, seed => 9);
SELECT similarity.grant_usage('bobs', 'public');
CREATE TABLE owned.s (id int PRIMARY KEY, label int, x real[], e embedding(2));
SELECT similarity.create_gallery('bobs', 'owned.s', 'e', 'label', model => 'bobs');
SELECT similarity.attach('bobs', 'x');
DROP TABLE owned.s;
SET ROLE owned_alice;
SELECT count(*) FROM similarity.create_model('hers', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('hers', 'SELECT x, label FROM owned.points', epochs => 1, steps_per_epoch => 1, verbose => false, seed => 1);
CREATE TABLE owned.s (id int PRIMARY KEY, label int, x real[], e embedding(2));
SELECT similarity.create_gallery('attached', 'owned.s', 'e', 'label', model => 'hers');
SELECT similarity.attach('attached', 'x');
INSERT INTO owned.s VALUES (1, 1, '{1,0}');
SELECT embedding_model(e) = (SELECT deployed_version FROM similarity.models WHERE model = 'hers') AS hers FROM owned.s;
-- renamed, the trigger goes on
ALTER TABLE owned.s RENAME TO s2;
INSERT INTO owned.s2 VALUES (2, 2, '{0,1}');
SELECT count(e) FROM owned.s2;

-- Temporary tables are of one session
CREATE TEMP TABLE fleeting (id int PRIMARY KEY, label text, e embedding(2));
SELECT similarity.create_gallery('fleeting', 'fleeting', 'e', 'label');

-- A gallery of somebody else keeps nobody from anything
SELECT similarity.grant_usage('hers', 'owned_carol');
SET ROLE owned_carol;
CREATE TABLE owned.blocker (id int PRIMARY KEY, label int, x real[], e embedding(2));
INSERT INTO owned.blocker SELECT id, label, x, embed('hers', x) FROM owned.points;
SELECT similarity.create_gallery('blocker', 'owned.blocker', 'e', 'label', model => 'hers');
SELECT count(*) FROM similarity.calibrate('blocker', 'SELECT x, label FROM owned.points');
SET ROLE owned_alice;
SELECT min(version) AS v1 FROM similarity.model_versions WHERE model = 'hers' \gset
CALL similarity.train('hers', 'SELECT x, label FROM owned.points', epochs => 1, steps_per_epoch => 1, verbose => false, seed => 2);
SELECT max(version) AS v2 FROM similarity.model_versions WHERE model = 'hers' \gset
\set VERBOSITY sqlstate
SELECT similarity.deploy('hers', :v2);	-- her own gallery holds the other
\set VERBOSITY default
CALL similarity.reembed('hers', :v2);
SELECT deployed_version = :v2 AS deployed FROM similarity.models WHERE model = 'hers';
SELECT embedding_model(e) = :v2 AS embedded FROM owned.s2;
SET ROLE owned_carol;	-- keeps the version that her rows have
SELECT version = :v1 AS kept FROM similarity.galleries WHERE gallery = 'blocker';
SELECT label IS NOT NULL AS found FROM similarity.lookup('blocker', '{1,0}'::real[], 1);
SET ROLE owned_alice;
SELECT similarity.drop_version('hers', :v1);
SELECT similarity.drop_gallery('attached');
SET ROLE owned_carol;	-- embeddings can still be looked up, and match as they did
SELECT model, version FROM similarity.galleries WHERE gallery = 'blocker';
SELECT m.label IS NOT NULL AS matched FROM owned.blocker b, similarity.match('blocker', b.e) m WHERE id = 1;
SELECT similarity.lookup('blocker', '{1,0}'::real[]);
CREATE TABLE owned.second (id int PRIMARY KEY, label int, x real[], e embedding(2));
SELECT similarity.create_gallery('second', 'owned.second', 'e', 'label', model => 'hers');
SET ROLE owned_bob;
SELECT similarity.drop_gallery('second');
SET ROLE owned_alice;	-- the model's owner may drop it
SELECT similarity.drop_gallery('second');
SELECT similarity.drop_model('hers');

-- Ids of versions: what is rolled back uses up none, what was dropped comes last
RESET ROLE;
SELECT similarity.export_model('bobs') AS file \gset
SELECT max(id) AS last FROM (SELECT id FROM _similarity.model_version UNION ALL SELECT id FROM _similarity.retired_version) v \gset
DO $$ BEGIN
	FOR i IN 1..20 LOOP
		BEGIN
			PERFORM similarity.copy_model('bobs', 'undone');
			RAISE 'undo';
		EXCEPTION WHEN raise_exception THEN
		END;
	END LOOP;
END $$;
SELECT similarity.import_model('imported', :'file') - :last AS next;
SELECT similarity.drop_model('imported');
SELECT similarity.import_model('imported', :'file') - :last AS after_a_dropped_one;
SELECT similarity.drop_model('imported');
BEGIN;
INSERT INTO _similarity.retired_version (id, retired)
SELECT i, '2000-01-01'::timestamptz + (32768 - i) * interval '1 minute' FROM generate_series(1, 32767) i
WHERE i NOT IN (SELECT id FROM _similarity.model_version) AND i NOT IN (SELECT id FROM _similarity.retired_version);
SET LOCAL client_min_messages = warning;
SELECT similarity.import_model('imported', :'file') AS retired_first;
SELECT count(*) FROM _similarity.retired_version WHERE id = 32767;
ROLLBACK;
BEGIN;
INSERT INTO _similarity.model_version (id, model, fingerprint, metrics)
SELECT i, 2147483647, 0, '{}' FROM generate_series(1, 32767) i WHERE i NOT IN (SELECT id FROM _similarity.model_version);
SELECT similarity.import_model('imported', :'file');
ROLLBACK;
\set VERBOSITY terse
INSERT INTO _similarity.model_version (id, model, fingerprint, metrics) VALUES (32768, 1, 0, '{}');
INSERT INTO _similarity.model_version (id, model, fingerprint, metrics) VALUES (0, 1, 0, '{}');
\set VERBOSITY default

-- Roles: renaming hands nothing over, nor does a new role of an old name
ALTER ROLE owned_bob RENAME TO owned_robert;
CREATE ROLE owned_bob;
SET ROLE owned_bob;
SELECT similarity.drop_model('bobs');
SET ROLE owned_robert;
SELECT owner FROM similarity.models WHERE model = 'bobs';
SELECT similarity.grant_usage('bobs', 'owned_carol');
SELECT similarity.revoke_usage('bobs', 'public');
RESET ROLE;
DROP OWNED BY owned_carol CASCADE;
SELECT usage_granted_to FROM similarity.models WHERE model = 'bobs';
SELECT left_over('{blocker}');
-- DROP OWNED does not drop models unasked, since REASSIGN OWNED does not move them
REASSIGN OWNED BY owned_robert TO owned_alice;
DROP OWNED BY owned_robert;
SET ROLE owned_alice;
SELECT similarity.reassign_owned('owned_robert', 'owned_alice');
RESET ROLE;
SELECT similarity.reassign_owned('owned_robert', 'owned_alice');
DROP OWNED BY owned_robert;
DROP ROLE owned_robert;
SELECT owner FROM similarity.models WHERE model = 'bobs';
DROP OWNED BY owned_alice CASCADE;
SELECT count(*) FROM similarity.models WHERE model = 'bobs';
SELECT left_over('{hers,kept}');
-- a role that is gone: superusers'
SELECT count(*) FROM similarity.create_model('orphan', '{2}', '[{"metric_embedding": {"units": 2}}]');
SELECT similarity.set_model_owner('orphan', 'owned_bob');
REVOKE CREATE ON SCHEMA similarity FROM owned_bob;
DROP ROLE owned_bob;
CREATE ROLE owned_bob;
SELECT owner FROM similarity.models WHERE model = 'orphan';
SELECT owner FROM _similarity.model WHERE name = 'orphan';
SET ROLE owned_bob;
SELECT similarity.drop_model('orphan');
RESET ROLE;
SELECT similarity.drop_model('orphan');

-- What a dump says of roles and tables, where they are missing
SET client_min_messages = notice;
CREATE ROLE "Owned ""role""";
SELECT oid::_similarity.role FROM pg_roles WHERE rolname = 'Owned "role"';
SELECT '"Owned ""role"""'::_similarity.role::oid = oid AS same FROM pg_roles WHERE rolname = 'Owned "role"';
SELECT 'owned_nobody'::_similarity.role, '-'::_similarity.role, 0::oid::_similarity.role;
SELECT 'a b'::_similarity.role;
CREATE TABLE owned."A.b" ();
SELECT 'owned."A.b"'::regclass::oid::_similarity.relation, 'owned."A.b"'::_similarity.relation::oid::regclass;
SELECT 'owned.nothing'::_similarity.relation, 'nowhere.nothing'::_similarity.relation, '-'::_similarity.relation;
SELECT 'points'::_similarity.relation;
SET client_min_messages = warning;
DROP SCHEMA owned CASCADE;
DROP FUNCTION left_over;
REVOKE CREATE ON SCHEMA similarity FROM owned_alice, owned_carol;
DROP ROLE owned_alice, owned_bob, owned_carol, "Owned ""role""";
