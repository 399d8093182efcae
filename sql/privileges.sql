-- Who may create, see, use, train and drop models
SET client_min_messages = warning;
CREATE ROLE regress_owner;
CREATE ROLE regress_user;
CREATE ROLE regress_other;
CREATE ROLE regress_group;
GRANT regress_group TO regress_other;
CREATE TABLE points AS SELECT ARRAY[i % 3, i % 2]::real[] AS x, i % 3 AS label FROM generate_series(1, 60) i;
GRANT SELECT ON points TO regress_owner;

-- Models and galleries are objects of schema similarity: nobody creates any at first
SET ROLE regress_owner;
SELECT similarity.create_model('mine', '{2}', '[{"metric_embedding": {"units": 2}}]');
SELECT similarity.import_model('mine', '');
SELECT similarity.create_gallery('mine', 'pg_class', 'relname', 'relname');
RESET ROLE;
GRANT CREATE ON SCHEMA similarity TO regress_owner;
-- and nothing else can be created there, which callers of similarity.lookup() would run
SET ROLE regress_owner;
CREATE FUNCTION similarity.lookup(text, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE similarity.planted ();
CREATE TABLE similarity.planted AS SELECT 1;
CREATE TYPE similarity.planted AS ENUM ();
CREATE OPERATOR similarity.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_catalog.int4pl);
RESET ROLE;
SELECT current_database() AS database \gset
GRANT CREATE ON DATABASE :"database" TO regress_owner;
SET ROLE regress_owner;
CREATE EXTENSION citext SCHEMA similarity;
RESET ROLE;
REVOKE CREATE ON DATABASE :"database" FROM regress_owner;
GRANT CREATE ON SCHEMA public TO regress_owner;
SET ROLE regress_owner;
CREATE FUNCTION public.lookup(text, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION public.lookup(text, text) SET SCHEMA similarity;
DROP FUNCTION public.lookup(text, text);
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_owner;

-- The tables are closed, also to the owner of a model
SET ROLE regress_owner;
SELECT count(*) FROM similarity.create_model('mine', '{2}', '[{"metric_embedding": {"units": 2}}]');
SELECT owner, dims FROM similarity.models WHERE model = 'mine';
SELECT * FROM _similarity.model;
SELECT * FROM _similarity.model_weights;
INSERT INTO _similarity.model_grant VALUES (1, 'regress_owner');
SELECT nextval('_similarity.model_id_seq');
DELETE FROM similarity.models;
CALL similarity.train('mine', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT version AS v FROM similarity.model_versions WHERE model = 'mine' \gset
SELECT embedding_model(embed('mine', '{1,2}'::real[])) = :v AS tagged;

-- A stranger sees nothing and may do nothing
SET ROLE regress_user;
SELECT count(*) FROM similarity.models WHERE model = 'mine';
SELECT count(*) FROM similarity.model_versions WHERE model = 'mine';
SELECT count(*) FROM similarity.training_log WHERE model = 'mine';
SELECT embed('mine', '{1,2}'::real[]);
SELECT embed_batch('mine', '{1,2}'::real[]) OVER ();
SELECT similarity.model_summary('mine');
SELECT similarity.drop_model('mine');
SELECT similarity.deploy('mine', 1);
SELECT similarity.grant_usage('mine', 'regress_user');
SELECT similarity.revoke_usage('mine', 'regress_user');
SELECT similarity.set_model_owner('mine', 'regress_user');
CALL similarity.train('mine', 'SELECT ARRAY[1,2]::real[], 1');
CREATE FUNCTION pg_temp.by_version(v integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN embed(v, '{1,2}'::real[]) IS NOT NULL;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN pg_catalog.regexp_replace(sqlerrm, '[0-9]+', '...');	-- not which model's
END $$;
SELECT pg_temp.by_version(:v);

-- Usage: see and embed, no more
SET ROLE regress_owner;
SELECT similarity.grant_usage('mine', 'regress_user');
SELECT similarity.grant_usage('mine', 'regress_user');
SELECT similarity.grant_usage('mine', 'regress_group');
SELECT similarity.grant_usage('mine', 'regress_nobody');
SELECT usage_granted_to FROM similarity.models WHERE model = 'mine';
SET ROLE regress_user;
SELECT model, owner FROM similarity.models WHERE model = 'mine';
SELECT count(*) FROM similarity.training_log WHERE model = 'mine';
SELECT count(*) FROM similarity.training_runs WHERE model = 'mine';
SELECT pg_temp.by_version(:v), embed('mine', '{1,2}'::real[]) IS NOT NULL AS by_name;
SELECT count(*) FROM similarity.model_summary('mine');
SELECT similarity.drop_model('mine');
SELECT similarity.grant_usage('mine', 'public');
CALL similarity.train('mine', 'SELECT ARRAY[1,2]::real[], 1');
-- as a member of a role
SET ROLE regress_other;
SELECT embed('mine', '{1,2}'::real[]) IS NOT NULL AS by_group;
-- within one transaction the answer follows the role
BEGIN;
SELECT embed('mine', '{1,2}'::real[]) IS NOT NULL AS by_group;
RESET ROLE;
CREATE ROLE regress_late;
SET ROLE regress_late;
SELECT embed('mine', '{1,2}'::real[]);
ROLLBACK;
-- everybody
SET ROLE regress_owner;
SELECT similarity.revoke_usage('mine', 'regress_user');
SELECT similarity.revoke_usage('mine', 'regress_group');
SET ROLE regress_user;
SELECT pg_temp.by_version(:v);
SET ROLE regress_owner;
SELECT similarity.grant_usage('mine', 'public');
SET ROLE regress_user;
SELECT pg_temp.by_version(:v);
SET ROLE regress_owner;
SELECT similarity.revoke_usage('mine', 'public');

-- The training query runs with the caller's rights
RESET ROLE;
CREATE TABLE secret AS SELECT * FROM points;
SET ROLE regress_owner;
CALL similarity.train('mine', 'SELECT x, label FROM secret', epochs => 1, steps_per_epoch => 1, verbose => false);
CALL similarity.train('mine', 'SELECT x, label FROM points, _similarity.model', epochs => 1, steps_per_epoch => 1, verbose => false);

-- Planted operators and functions on the search path are not reached
RESET ROLE;
CREATE SCHEMA planted;
GRANT ALL ON SCHEMA planted TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE planted.caught (who name);
CREATE FUNCTION planted.trap(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO planted.caught VALUES (current_user);
	RETURN pg_catalog.int4eq($1, $2);
END $$;
CREATE OPERATOR planted.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = planted.trap);
CREATE FUNCTION planted.now() RETURNS timestamptz LANGUAGE sql AS
	$$INSERT INTO planted.caught VALUES (current_user); SELECT pg_catalog.now()$$;
CREATE FUNCTION planted.nextval(regclass) RETURNS bigint LANGUAGE sql AS
	$$INSERT INTO planted.caught VALUES (current_user); SELECT pg_catalog.nextval($1)$$;
SET search_path = planted, pg_catalog, public;
SELECT count(*) FROM similarity.create_model('trapped', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('trapped', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT embed('trapped', '{1,2}'::real[]) IS NOT NULL AS embedded;
SELECT similarity.grant_usage('trapped', 'regress_user');
SELECT similarity.revoke_usage('trapped', 'regress_user');
SELECT similarity.deploy('trapped', deployed_version) FROM similarity.models WHERE model OPERATOR(pg_catalog.=) 'trapped';
SELECT similarity.drop_model('trapped');
RESET search_path;
SELECT count(*) AS caught FROM planted.caught;

-- Afterwards the role is what it was, and so is the search path
SELECT current_user;
SHOW search_path;

-- Owners: members of the owning role, a new owner, an owner that is gone
\set VERBOSITY sqlstate
SELECT similarity.set_model_owner('mine', 'regress_group');
\set VERBOSITY default
RESET ROLE;
GRANT regress_group TO regress_owner;
SET ROLE regress_owner;
-- who is given a model may have to create some, too
SELECT similarity.set_model_owner('mine', 'regress_group');
SELECT similarity.reassign_owned('regress_owner', 'regress_group');
RESET ROLE;
REVOKE regress_group FROM regress_owner;
RESET ROLE;
SELECT similarity.set_model_owner('mine', 'regress_nobody');
SELECT similarity.set_model_owner('mine', 'regress_group');
SET ROLE regress_owner;
SELECT embed('mine', '{1,2}'::real[]);
SET ROLE regress_other;
SELECT owner FROM similarity.models WHERE model = 'mine';
SELECT similarity.grant_usage('mine', 'regress_user');
RESET ROLE;
DROP ROLE regress_group;
SELECT owner, usage_granted_to FROM similarity.models WHERE model = 'mine';
SELECT embed('mine', '{1,2}'::real[]) IS NOT NULL AS superuser;
SET ROLE regress_other;
SELECT embed('mine', '{1,2}'::real[]);
SET ROLE regress_user;
SELECT embed('mine', '{1,2}'::real[]) IS NOT NULL AS still_granted;

-- CREATE on the schema is what copying takes, too
SELECT similarity.copy_model('mine', 'theirs');
RESET ROLE;
SELECT similarity.drop_model('mine');
DROP FUNCTION pg_temp.by_version(integer);
DROP SCHEMA planted CASCADE;
DROP TABLE points, secret;
REVOKE CREATE ON SCHEMA similarity FROM regress_owner;
DROP ROLE regress_owner, regress_user, regress_other;
