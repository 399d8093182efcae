-- What must not be built on embed(): a dump of it would lose its rows.
CREATE TABLE points (id int PRIMARY KEY, x real[], label int);
INSERT INTO points SELECT i, ARRAY[sin(i), cos(i)], i % 3 FROM generate_series(1, 30) i;
SELECT count(*) FROM similarity.create_model('definitions', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('definitions', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
SELECT max(version) AS v FROM similarity.model_versions WHERE model = 'definitions' \gset

-- refused, and told what to do instead
SELECT format($$ CREATE TABLE refused (x real[], e embedding(2) GENERATED ALWAYS AS (embed(%s, x)) STORED) $$, :v) AS generated,
	format($$ ALTER TABLE points ADD e embedding GENERATED ALWAYS AS (embed(%s, x)) STORED $$, :v) AS added,
	format($$ CREATE TABLE refused (x real[] CHECK (l2_norm(embed(%s, x)) < 2)) $$, :v) AS checked,
	format($$ ALTER TABLE points ADD CHECK (l2_norm(embed('definitions', x)) < 2) NOT VALID $$) AS by_name,
	format($$ CREATE DOMAIN refused AS real[] CHECK (l2_norm(embed(%s, VALUE)) < 2) $$, :v) AS domain,
	format($$ CREATE TABLE refused (x real[]) PARTITION BY HASH ((embed(%s, x))) $$, :v) AS partitioned,
	format($$ CREATE SCHEMA refused CREATE TABLE refused (x real[] CHECK (l2_norm(embed(%s, x)) < 2)) $$, :v) AS in_schema,
	format($$ CREATE FUNCTION wrapped(x real[]) RETURNS embedding IMMUTABLE BEGIN ATOMIC SELECT embed(%s, x); END $$, :v) AS wrapper \gset
\set VERBOSITY terse
:generated;
:added;
:checked;
:by_name;
:domain;
:partitioned;
:in_schema;
:wrapper;
CREATE TABLE refused (x real[], e embedding GENERATED ALWAYS AS (wrapped(x)) STORED);
\set VERBOSITY default
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	CREATE TABLE refused (x real[], e embedding GENERATED ALWAYS AS (wrapped(x)) STORED);
EXCEPTION WHEN feature_not_supported THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE INFO '% %', detail, hint;
END $$;

CREATE TABLE refused (image bytea CHECK (l2_norm(embed_image('definitions', image)) < 2));

-- also while triggers are off, as on a replica
SET session_replication_role = replica;
CREATE TABLE refused (x real[], e embedding GENERATED ALWAYS AS (wrapped(x)) STORED);
RESET session_replication_role;

-- what comes after the rows may call it, and a default is not computed for them
SELECT format('CREATE INDEX ON points ((embed(%s, x)))', :v) AS index,
	format('ALTER TABLE points ADD e embedding DEFAULT embed(%s, ''{1,2}''::real[])', :v) AS add_default \gset
:index;
:add_default;
CREATE MATERIALIZED VIEW embedded AS SELECT id, embed('definitions', x) AS e FROM points;
-- and commands go on
CREATE TABLE accepted (x real[] CHECK (cardinality(x) = 2), n real GENERATED ALWAYS AS (x[1]) STORED);

-- The catalog cleans up by itself, whatever the session's role in replication.
SET session_replication_role = replica;
SELECT similarity.create_gallery('definitions', 'points', 'e', 'label', model => 'definitions');
SELECT count(*) FROM similarity.calibrate('definitions', 'SELECT x, label FROM points');
SELECT similarity.drop_model('definitions');	-- a gallery holds it
CREATE TEMP TABLE held AS SELECT id FROM similarity.galleries WHERE gallery = 'definitions';
SELECT similarity.drop_gallery('definitions');
SELECT similarity.grant_usage('definitions', 'public');
CREATE TEMP TABLE mine AS SELECT id FROM similarity.models WHERE model = 'definitions';
CREATE TEMP TABLE runs AS SELECT run FROM similarity.training_runs WHERE model = 'definitions';
SELECT similarity.drop_model('definitions');
RESET session_replication_role;
SELECT (SELECT count(*) FROM similarity.calibration WHERE gallery IN (SELECT id FROM held)) AS calibrations,
	(SELECT count(*) FROM similarity.cutpoint WHERE gallery IN (SELECT id FROM held)) AS cutpoints,
	(SELECT count(*) FROM _similarity.model_grant WHERE model IN (SELECT id FROM mine)) AS grants,
	(SELECT count(*) FROM _similarity.deployment WHERE model IN (SELECT id FROM mine)) AS deployments,
	(SELECT count(*) FROM _similarity.model_version WHERE model IN (SELECT id FROM mine)) AS versions,
	(SELECT count(*) FROM _similarity.model_weights WHERE version = :v) AS weights,
	(SELECT count(*) FROM similarity.training_run WHERE model IN (SELECT id FROM mine)) AS runs,
	(SELECT count(*) FROM similarity.training_epoch WHERE run IN (SELECT run FROM runs)) AS epochs;
DROP FUNCTION wrapped;
DROP MATERIALIZED VIEW embedded;
DROP TABLE points, accepted;
