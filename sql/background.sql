-- Trainings in a background worker: what is refused, and leaves nothing; who sees
-- and stops what.  (test/t/024_train_background.pl lets them run, and kills them.)
SET client_min_messages = error;
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;
CREATE ROLE background_owner LOGIN;
CREATE ROLE background_member LOGIN IN ROLE background_owner;
CREATE ROLE background_group IN ROLE background_owner;
GRANT background_group TO background_member;
CREATE ROLE background_stranger LOGIN;
CREATE ROLE background_signal LOGIN IN ROLE pg_signal_backend;
GRANT CREATE ON SCHEMA similarity TO background_owner;
CREATE TABLE item AS SELECT i % 4 AS label, set_byte('\x00000000', i % 4, 200) AS image FROM generate_series(1, 40) i;
GRANT SELECT ON item TO PUBLIC;
\pset format unaligned
\pset tuples_only on

-- The arguments are those of train, by name, type and default.
SELECT pg_get_function_arguments('similarity.train_background'::regproc) = regexp_replace(pg_get_function_arguments('similarity.train'::regproc), '\mIN ', '', 'g');

SET SESSION AUTHORIZATION background_owner;
SELECT count(*) FROM similarity.create_model('small', '{2,2,1}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]');

-- what can be known at once
SELECT fails($$SELECT similarity.train_background(NULL, 'TABLE item')$$);
SELECT fails($$SELECT similarity.train_background('small', NULL)$$);
SELECT fails($$SELECT similarity.train_background('none', 'SELECT image, label FROM item')$$);
SELECT split_part(fails($$SELECT similarity.train_background('small', 'SELECT image, label FROM item', loss => 'lost')$$), E'\n', 1);
SELECT fails($$SELECT similarity.train_background('small', 'SELECT image, label FROM item', epochs => 0)$$);
SELECT split_part(fails($$SELECT similarity.train_background('small', 'SELECT image, label FROM item', optimizer_params => '{"speed": 1}')$$), E'\n', 1);
BEGIN READ ONLY;
SELECT similarity.train_background('small', 'SELECT image, label FROM item');
ROLLBACK;
SET SESSION AUTHORIZATION background_stranger;
SELECT fails($$SELECT similarity.train_background('small', 'SELECT image, label FROM item')$$);
-- a worker logs in as the caller's role
SET SESSION AUTHORIZATION background_member;
SET ROLE background_group;
SELECT fails($$SELECT similarity.train_background('small', 'SELECT image, label FROM item')$$);
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM similarity.job;

-- One that ends by itself, waited for
CREATE FUNCTION await(job bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found record;
BEGIN
	LOOP
		SELECT * INTO found FROM similarity.jobs j WHERE j.job = await.job;
		EXIT WHEN found.state NOT IN ('waiting', 'running');
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN concat_ws(', ', found.role, found.model, found.state, found.sqlstate, found.error, 'epoch ' || found.epoch, regexp_replace(found.message, ':.*', ''));
END
$$;
SET SESSION AUTHORIZATION background_member;
SELECT similarity.train_background('small', 'SELECT image, label FROM item WHERE label < 3', epochs => 2, steps_per_epoch => 2,
	known_classes => ARRAY['0', '1'], log_steps => NULL, seed => 1) AS job \gset
SELECT await(:job);
SELECT regexp_replace(statement, ', loss =>.*', '') FROM similarity.jobs WHERE job = :job;
SELECT number, severity, regexp_replace(message, ':.*', '') FROM similarity.job_messages WHERE job = :job ORDER BY 1;
SELECT j.state, r.role, r.options -> 'known_classes', r.version = j.version FROM similarity.jobs j JOIN similarity.training_runs r USING (run) WHERE job = :job;
SELECT similarity.train_background('small', 'SELECT image, label / 0 FROM item') AS failing \gset
SELECT await(:failing);

-- who sees it, and who may stop it: members of its role, and as with any session pg_signal_backend
SELECT fails('SELECT similarity.cancel_job(0)');
SELECT similarity.cancel_job(:job);
SET SESSION AUTHORIZATION background_stranger;
SELECT count(*) FROM similarity.jobs;
SELECT count(*) FROM similarity.job_messages;
SELECT fails('SELECT similarity.cancel_job(' || :job || ')');
SET SESSION AUTHORIZATION background_signal;
SELECT similarity.cancel_job(:job);
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM similarity.jobs;

-- With the model its jobs go.
SELECT similarity.drop_model('small');
SELECT (SELECT count(*) FROM similarity.job), (SELECT count(*) FROM similarity.job_message);
DROP FUNCTION fails, await;
DROP TABLE item;
REVOKE CREATE ON SCHEMA similarity FROM background_owner;
DROP ROLE background_owner, background_member, background_group, background_stranger, background_signal;
