-- The extension's tables may hold anything: a superuser can edit them, and a dump
-- can be edited before it is loaded.  Each column of each table is set to values
-- that it should not have: constraints refuse them, or whatever reads the table says
-- that the data are corrupted.  No internal error, no wrong answer.
SET client_min_messages = error;
-- ids of rows count from 1
SELECT current_database() AS here \gset
CREATE DATABASE similarity_damage;
\c similarity_damage
CREATE EXTENSION similarity;
SET client_min_messages = error;
SET similarity.cache_memory = '2850kB';
SET similarity.threads = 1;

-- ---- one of each ----

CREATE TABLE thing AS
SELECT i AS id, 'c' || i % 3 AS label, ARRAY[i % 3, i % 5, i % 7, 1]::real[] AS x FROM generate_series(1, 30) i;
ALTER TABLE thing ADD PRIMARY KEY (id);
SELECT count(*) FROM unnest('{worn,sound}'::text[]) name, LATERAL similarity.create_model(name, '{4}',
	'[{"dense": {"units": 6, "activation": "relu"}}, {"metric_embedding": {"units": 2}}]');
CALL similarity.train('worn', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false,
	log_steps => 1, validation => 'SELECT x, label FROM thing');
CALL similarity.train('sound', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 5, seed => 2, verbose => false);
-- loading this one drops all others out of the cache
SELECT count(*) FROM similarity.create_model('large', '{4}', '[{"dense": {"units": 65536}}, {"dense": {"units": 1}}, {"dense": {"units": 33200}}, {"metric_embedding": {"units": 1}}]');
CALL similarity.train('large', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
CREATE ROLE damage_user;
SELECT similarity.grant_usage('worn', 'damage_user');
ALTER TABLE thing ADD e embedding(2);
UPDATE thing SET e = embed('worn', x);
SELECT similarity.create_gallery('worn', 'thing', 'e', 'label', model => 'worn', image => NULL, image_shape => '{2,2}');
SELECT count(*) FROM similarity.calibrate('worn', 'SELECT x, label FROM thing', targets => '{"half": 0.9}', drop_closest => true);
-- an interrupted training, with its checkpoint
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.step = 3 THEN
		RAISE EXCEPTION 'stopped';
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER stop BEFORE INSERT ON similarity.checkpoint FOR EACH ROW EXECUTE FUNCTION stop();
CALL similarity.train('worn', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false,
	checkpoint_interval => '0');
DROP TRIGGER stop ON similarity.checkpoint;
-- a job that is dead
INSERT INTO similarity.job (model, role, statement, settings, run)
SELECT m.id, m.owner, 'CALL', '{}', (SELECT max(run) FROM similarity.training_runs) FROM _similarity.model m WHERE name = 'worn';
INSERT INTO similarity.job_message SELECT id, 1, 'INFO', 'epoch 1', submitted FROM similarity.job;
-- versions that are gone
SELECT similarity.copy_model('worn', 'gone');
SELECT similarity.drop_model('gone');
-- a copy being made by reembed(), which stands in the catalog and in a trigger
CREATE TABLE copied AS SELECT * FROM thing;
INSERT INTO similarity.reembedding (relation, side, file, version, key, columns) SELECT 'copied'::regclass, 'thing'::regclass, 0,
	deployed_version, 1, '{4,3}' FROM similarity.models WHERE model = 'worn';
CREATE TRIGGER copied AFTER UPDATE ON copied FOR EACH ROW EXECUTE FUNCTION similarity.reembed_changed();
UPDATE copied SET label = 'c7' WHERE id = 1;

-- ---- what is put in the place of what is there ----

CREATE TABLE hostile (type regtype, value text);
INSERT INTO hostile SELECT type::regtype, value FROM (VALUES
	('smallint', '{-7,0,1,2,32767}'::text[]),
	('integer', '{-5,0,1,2,40000}'),
	('bigint', '{-5,0,1,9223372036854775807}'),
	('oid', '{0,1,4294967295}'),
	('numeric', ARRAY[$$'NaN'$$, '-1']),
	('double precision', ARRAY[$$'NaN'$$, $$'-Infinity'$$, '-1', '1e308']),
	('boolean', '{true,false}'),
	('name', ARRAY[$$''$$, $$'ctid'$$, $$'id"; DROP TABLE thing; --'$$]),
	('text', ARRAY[$$''$$, $$'x'$$, $$repeat('x', 100000)$$]),
	('_similarity.role', '{0::oid,4294967295::oid}'),
	('_similarity.relation', ARRAY['0::oid', '4294967295::oid', $$'pg_class'::regclass::oid$$, $$'similarity.galleries'::regclass::oid$$]),
	('bytea', ARRAY[$$''$$, $$'\x000000'$$, $$decode(repeat('0000c07f', 24), 'hex')$$, 'data || data']),
	('integer[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{1,2},{3,4}}'$$, $$'{-2}'$$, $$'{1,2,3,4,5}'$$, $$'{2147483647,2147483647}'$$, $$'[0:1]={2,2}'$$]),
	('smallint[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{1,2},{3,4}}'$$, $$'{-2,99}'$$]),
	('double precision[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{1},{2}}'$$, $$'{NaN,1}'$$, $$'{3,2,1}'$$, $$'{-Infinity,Infinity}'$$]),
	('jsonb', ARRAY[$$'null'$$, $$'7'$$, $$'""'$$, $$'{}'$$, $$'[]'$$, $$'[null]'$$, $$'{"seed": 1}'$$, $$'{"seed": "x", "threads": -1}'$$,
		$$'[{"metric_embedding": {"units": 16384}}]'$$, $$'[{"dense": {"units": 1, "inputs": "z"}}, {"dense": {"name": "z", "units": 1}}]'$$,
		$$(repeat('[', 2000) || repeat(']', 2000))::jsonb$$]),
	('timestamp with time zone', ARRAY[$$'infinity'$$, $$'-infinity'$$])) h (type, list), unnest('NULL'::text || list) value;

CREATE VIEW stored AS
SELECT c.oid::regclass AS relation, c.oid::regclass::text COLLATE "C" AS name, a.attnum, a.attname, a.atttypid::regtype AS type,
	EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary AND a.attnum = ANY (indkey)) AS is_key, attnotnull, attidentity
FROM pg_depend d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_attribute a ON a.attrelid = c.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity');
-- a new type of columns needs hostile values, a new table a row above
SELECT name, attname, type FROM stored WHERE type NOT IN (SELECT type FROM hostile);
SELECT name, query_to_xml(format('SELECT FROM %s LIMIT 1', relation), true, false, '')::text LIKE '%<row%' AS has_rows
FROM (SELECT DISTINCT relation, name FROM stored) s ORDER BY 1;

-- ---- what reads it ----

-- tables: which it looks at; calls: the answer must be what it was, or there is an error; else a view, whose rows change
CREATE TABLE reader (tables text, calls boolean, statement text, answer text);
INSERT INTO reader VALUES
	('_similarity', true, $$SELECT embed('worn', '{1,2,3,1}'::real[])::text$$),
	('_similarity', true, $$SELECT embed(deployed_version, '{1,2,3,1}'::real[])::text FROM similarity.models WHERE model = 'worn'$$),
	('_similarity', true, $$SELECT string_agg(e::text, ' ') FROM (SELECT embed_batch('worn', x) OVER () AS e FROM thing) s$$),
	('_similarity', true, $$SELECT md5(similarity.export_model('worn'))$$),
	('_similarity', true, $$SELECT count(*) FROM similarity.model_summary('worn')$$),
	('_similarity', true, $$SELECT similarity.copy_model('worn', 'copy')::text$$),
	('_similarity', true, $$SELECT similarity.deploy('worn', deployed_version)::text FROM similarity.models WHERE model = 'worn'$$),
	('_similarity', true, $$SELECT similarity.grant_usage('worn', 'public')::text$$),
	('_similarity', true, $$SELECT similarity.revoke_usage('worn', 'damage_user')::text$$),
	('_similarity', false, $$SELECT string_agg(m::text, ' ') FROM similarity.models m$$),
	('_similarity', false, $$SELECT string_agg(m::text, ' ') FROM similarity.model_versions m$$),
	('_similarity', false, $$SELECT similarity.drop_model('worn')::text$$),
	('_version', true, $$SELECT similarity.import_model('new', similarity.export_model('sound')) <> 0$$),
	('_similarity.(model|deployment)|gallery|calibration|cutpoint', true, $$SELECT label FROM similarity.lookup('worn', '{1,2,3,1}'::real[], 1)$$),
	('gallery|calibration|cutpoint', true, $$SELECT string_agg(l::text, ' ') FROM similarity.lookup_all('worn', 'SELECT x, id FROM thing', 2) l$$),
	('_similarity.(model|deployment)|gallery|calibration|cutpoint', true, $$SELECT m::text FROM similarity.match('worn', '{1,2,3,1}'::real[]) m$$),
	('_similarity.(model|deployment)|gallery|calibration|cutpoint', true, $$SELECT m::text FROM similarity.match('worn', '{1,2,3,1}'::real[], cutpoint => 'half') m$$),
	('_similarity.(model|deployment)|gallery|calibration|cutpoint', true, $$SELECT (s.queries, s.version, s.gallery_rows, s.change, s.problem)::text FROM similarity.calibration_status('worn') s$$),
	('gallery|calibration|cutpoint', true, $$SELECT d::text FROM similarity.drift('worn', 'SELECT x FROM thing') d$$),
	('gallery|calibration|cutpoint', true, $$SELECT string_agg(e::text, ' ') FROM similarity.evaluate_classification('worn', 'SELECT x, label FROM thing') e$$),
	('gallery|calibration|cutpoint', true, $$SELECT string_agg(e::text, ' ') FROM similarity.evaluate_retrieval('worn', 'SELECT x, label FROM thing') e$$),
	('gallery|calibration|cutpoint', true, $$SELECT md5(similarity.neighbors_html('worn', 'SELECT x, label FROM thing'))$$),
	('gallery|calibration|cutpoint', true, $$SELECT md5(string_agg(n, ' ')) FROM similarity.show_neighbors('worn', '{1,2,3,1}'::real[]) n$$),
	('gallery|calibration|cutpoint', true, $$SELECT similarity.attach('worn', 'x')::text$$),
	('gallery|calibration|cutpoint', false, $$SELECT string_agg(g::text, ' ') FROM similarity.galleries g$$),
	('gallery|calibration|cutpoint', false, $$SELECT string_agg(g::text, ' ') FROM similarity.cutpoints g$$),
	('gallery|calibration|cutpoint', false, $$SELECT string_agg(g::text, ' ') FROM similarity.calibration_curve g$$),
	('_similarity.(model|deployment)|gallery|calibration|cutpoint', false, $$SELECT similarity.drop_gallery('worn')::text$$),
	('_similarity.model|training_run|checkpoint', true, $$CALL similarity.train('worn', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 5, resume => true,
		verbose => false, checkpoint_interval => '0')$$),
	('_similarity.model|training_run|checkpoint', true, $$CALL similarity.train('worn', 'SELECT x, label FROM thing', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false)$$),
	('training', false, $$SELECT string_agg(t::text, ' ') FROM similarity.training_runs t$$),
	('training', false, $$SELECT string_agg(t::text, ' ') FROM similarity.training_log t$$),
	('training', false, $$SELECT string_agg(t::text, ' ') FROM similarity.training_steps t$$),
	('job', true, $$SELECT similarity.cancel_job(1)::text$$),
	('job|training_run', false, $$SELECT string_agg(j::text, ' ') FROM similarity.jobs j$$),
	('job', false, $$SELECT string_agg(m::text, ' ') FROM similarity.job_messages m$$),
	('reembed', true, $$UPDATE copied SET label = 'c8' WHERE id = 2$$),
	('reembed', false, $$SELECT string_agg(r::text, ' ') FROM similarity.reembeddings r$$),
	('reembed', false, $$SELECT similarity.reembed_cancel('worn')::text$$);

-- What a reader answers: undone, whatever it did
CREATE FUNCTION answer_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	IF statement LIKE 'SELECT%' THEN
		EXECUTE statement INTO answer;
	ELSE
		EXECUTE statement;
	END IF;
	RAISE EXCEPTION USING MESSAGE = coalesce(answer, 'nothing'), ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
	RETURN 'ok ' || sqlerrm;
WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
UPDATE reader SET answer = answer_of(statement);
SELECT statement, left(answer, 5) AS answer FROM reader WHERE answer NOT LIKE 'ok %';

-- ---- damage ----

-- Set a column of one row of a table; what became of it: 'refused', or what each
-- reader says: its SQLSTATE, 'same' or 'other'.
CREATE FUNCTION damage(name text, attname text, value text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	EXECUTE format('UPDATE %s SET %I = %s WHERE ctid = (SELECT %s(ctid) FROM %1$s)', name, attname, value,
		-- the last training is the one that was interrupted
		CASE WHEN name ~ 'training_run' THEN 'max' ELSE 'min' END);
	-- else the network would not be read again
	IF name ~ '_similarity.model' THEN
		PERFORM embed('large', '{1,2,3,1}'::real[]);
	END IF;
	SELECT array_agg(DISTINCT r.outcome ORDER BY r.outcome) INTO found FROM (SELECT CASE WHEN a = answer THEN 'same' WHEN a NOT LIKE 'ok %' THEN a WHEN calls THEN 'other' ELSE 'shown' END AS outcome
		FROM reader, answer_of(statement) a WHERE name ~ tables) r;
	RAISE EXCEPTION USING MESSAGE = found::text, ERRCODE = 'UNDO1';
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN
	RETURN sqlerrm::text[];
WHEN OTHERS THEN
	RETURN '{refused}';
END $$;

-- What the constraints let pass; then, without them, what they refused.
CREATE TABLE found AS
SELECT name, attnum, attname, value, damage(name, attname, value) AS outcomes FROM stored JOIN hostile USING (type);
BEGIN;
DO $$
DECLARE
	statement text;
BEGIN
	FOR statement IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
			WHERE contype = 'c' AND conrelid IN (SELECT relation FROM stored)
		UNION ALL SELECT format('ALTER TABLE %s ALTER %I SET GENERATED BY DEFAULT', relation, attname) FROM stored WHERE attidentity <> ''
		UNION ALL SELECT format('ALTER TABLE %s ALTER %I DROP NOT NULL', relation, attname) FROM stored WHERE attnotnull AND NOT is_key
	LOOP
		EXECUTE statement;
	END LOOP;
END $$;
CREATE TABLE forced AS
SELECT name, attname, value, damage(name, attname, value) AS outcomes FROM found WHERE outcomes = '{refused}';
-- Never an internal error; XX001 where a number or name is none.  Other errors say what is missing
-- or what does not fit (42703, 42704, 42P01, 55000); "other" answers are those of another
-- calibration, another key, another name.
SELECT f.name, f.attname, sum((f.outcomes <> '{refused}')::int) AS accepted, sum((f.outcomes = '{refused}')::int) AS refused,
	(SELECT string_agg(DISTINCT o, ' ' ORDER BY o) FROM found p, unnest(p.outcomes) o
		WHERE p.name = f.name AND p.attname = f.attname AND o NOT IN ('refused', 'same', 'shown')) AS accepted_gives,
	(SELECT string_agg(DISTINCT o, ' ' ORDER BY o) FROM forced p, unnest(p.outcomes) o
		WHERE p.name = f.name AND p.attname = f.attname AND o NOT IN ('refused', 'same', 'shown')) AS refused_would_give
FROM found f GROUP BY f.name, f.attname, f.attnum ORDER BY f.name, f.attnum;
ROLLBACK;

-- ---- tables, columns and indexes that are not what they were ----

CREATE FUNCTION changed(change text) RETURNS TABLE (error text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM embed('large', '{1,2,3,1}'::real[]);
	EXECUTE change;
	PERFORM embed('worn', '{1,2,3,1}'::real[]);
	RAISE EXCEPTION 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	error := sqlstate || ' ' || sqlerrm;
	RETURN NEXT;
END $$;
SELECT change, c.* FROM unnest(ARRAY[
	'ALTER TABLE _similarity.model_weights DROP COLUMN checksum',
	'ALTER TABLE _similarity.model_version DROP CONSTRAINT model_version_pkey CASCADE',
	'ALTER TABLE _similarity.model_weights DROP CONSTRAINT model_weights_data_check, ALTER data TYPE text USING chr(120)',
	'ALTER TABLE _similarity.model_weights DROP CONSTRAINT model_weights_shape_check, ALTER shape TYPE text USING chr(120)',
	'ALTER INDEX _similarity.model_name_key RENAME TO other',
	'ALTER INDEX _similarity.model_name_key RENAME TO other; CREATE VIEW similarity.model_name_key AS SELECT 1',
	'ALTER INDEX _similarity.model_name_key RENAME TO other; ALTER INDEX _similarity.deployment_pkey RENAME TO model_name_key',
	'ALTER INDEX _similarity.model_name_key RENAME TO other; CREATE INDEX model_name_key ON _similarity.model (dims)']) change, changed(change) c;

-- What a user sees
BEGIN;
UPDATE _similarity.model SET layers = '[{"metric_embedding": {"units": 16384}}]' WHERE name = 'worn';
SELECT similarity.model_summary('worn');
ROLLBACK;
BEGIN;
ALTER TABLE similarity.calibration DROP CONSTRAINT calibration_matched_check;
UPDATE similarity.calibration SET matched = '{2,1}';
SELECT similarity.drift('worn', 'SELECT x FROM thing');
ROLLBACK;

\c :here
DROP DATABASE similarity_damage;
DROP ROLE damage_user;
