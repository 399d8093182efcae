-- Trainings in a background worker.

-- A job ends with its server: not dumped.
CREATE TABLE similarity.job (
	id bigint GENERATED ALWAYS AS IDENTITY,
	model integer NOT NULL,
	role _similarity.role NOT NULL,
	state text NOT NULL DEFAULT 'waiting',
	statement text NOT NULL,
	settings jsonb NOT NULL,
	run bigint,
	error text,
	sqlstate text,
	detail text,
	hint text,
	submitted timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	started timestamp with time zone,
	ended timestamp with time zone,
	CONSTRAINT job_pkey PRIMARY KEY (id),
	CONSTRAINT job_state_check CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running', 'finished', 'failed', 'cancelled'])),
	CONSTRAINT job_id_check CHECK (id OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT job_model_check CHECK (model OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT job_settings_check CHECK (pg_catalog.jsonb_typeof(settings) OPERATOR(pg_catalog.=) 'object')
);
CREATE INDEX job_model_idx ON similarity.job (model);
COMMENT ON TABLE similarity.job IS 'trainings in background workers; read similarity.jobs';

CREATE TABLE similarity.job_message (
	job bigint NOT NULL,
	number bigint NOT NULL,
	severity text NOT NULL,
	message text NOT NULL,
	logged timestamp with time zone NOT NULL,
	CONSTRAINT job_message_pkey PRIMARY KEY (job, number)
);
COMMENT ON TABLE similarity.job_message IS 'what the workers of jobs said; read similarity.job_messages';

REVOKE ALL ON similarity.job, similarity.job_message FROM PUBLIC;
REVOKE ALL ON SEQUENCE similarity.job_id_seq FROM PUBLIC;

-- Whether a job is dead cannot be told from one snapshot: it may have ended since.
CREATE FUNCTION similarity.job_state(job bigint) RETURNS text
	AS 'MODULE_PATHNAME', 'job_state' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.job_state(bigint) IS 'the state of a job as of now, for the view similarity.jobs';

-- The source query may tell about tables: for members of the job's role, as the
-- statement in pg_stat_activity.  A job's worker holds its lock (src/train/job.h);
-- a standby cannot know.
CREATE VIEW similarity.jobs WITH (security_barrier) AS
SELECT j.id AS job, m.name::text AS model, o.rolname::text AS role,
	d.state, w.pid,
	j.run, r.version, coalesce(c.epoch, e.epoch) AS epoch,
	CASE WHEN pg_catalog.jsonb_typeof(r.options OPERATOR(pg_catalog.->) 'epochs') OPERATOR(pg_catalog.=) 'number'
		THEN (r.options OPERATOR(pg_catalog.->>) 'epochs')::numeric END AS epochs,
	c.step, c.steps, pg_catalog.make_interval(secs => c.seconds_left) AS remaining,
	(SELECT s.message FROM similarity.job_message s WHERE s.job OPERATOR(pg_catalog.=) j.id
		ORDER BY s.number DESC LIMIT 1) AS message,
	CASE WHEN d.state OPERATOR(pg_catalog.=) 'dead' THEN 'the worker was terminated or crashed, or the server was restarted' ELSE j.error END AS error,
	j.sqlstate, j.detail, j.hint, j.submitted, j.started, j.ended, j.statement, j.settings
FROM similarity.job j JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) j.model
	LEFT JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) j.role
	LEFT JOIN (SELECT l.classid::bigint OPERATOR(pg_catalog.<<) 32 OPERATOR(pg_catalog.|) l.objid::bigint AS job, l.pid
		FROM pg_catalog.pg_locks l
		WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 21321
			AND l.mode OPERATOR(pg_catalog.=) 'ExclusiveLock' AND l.granted
			AND l.database OPERATOR(pg_catalog.=) (SELECT c.oid FROM pg_catalog.pg_database c
				WHERE c.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())) w
		ON w.job OPERATOR(pg_catalog.=) j.id
	LEFT JOIN similarity.running_calls() c ON c.pid OPERATOR(pg_catalog.=) w.pid
	LEFT JOIN similarity.training_run r ON r.id OPERATOR(pg_catalog.=) j.run
	LEFT JOIN LATERAL (SELECT pg_catalog.max(t.epoch) AS epoch FROM similarity.training_epoch t
		WHERE t.run OPERATOR(pg_catalog.=) j.run) e ON true,
	LATERAL (SELECT CASE WHEN j.ended IS NULL AND w.pid IS NULL AND NOT pg_catalog.pg_is_in_recovery()
		THEN similarity.job_state(j.id) ELSE j.state END AS state) d
WHERE pg_catalog.pg_has_role(j.role, 'USAGE') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE');
COMMENT ON VIEW similarity.jobs IS
	'trainings in background workers that a role started of which the current one is a member; state is waiting (for the transaction that started it), running, finished, failed, cancelled, or dead: its worker is gone without a word; epoch is that which runs, or the last that was finished, message the last of similarity.job_messages';

CREATE VIEW similarity.job_messages WITH (security_barrier) AS
SELECT s.job, s.number, s.severity, s.message, s.logged
FROM similarity.job_message s JOIN similarity.job j ON j.id OPERATOR(pg_catalog.=) s.job
WHERE pg_catalog.pg_has_role(j.role, 'USAGE') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE');
COMMENT ON VIEW similarity.job_messages IS 'what the workers of jobs said: INFO of each epoch, notices, warnings';

GRANT SELECT ON similarity.jobs, similarity.job_messages TO PUBLIC;

-- The arguments are those of train(), whatever they are.
DO $do$
BEGIN
	EXECUTE pg_catalog.format($f$CREATE FUNCTION similarity.train_background(%s) RETURNS bigint
		AS 'MODULE_PATHNAME', 'train_background' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE$f$,
		pg_catalog.pg_get_function_arguments('similarity.train'::pg_catalog.regproc));
END
$do$;
COMMENT ON FUNCTION similarity.train_background IS
	'CALL similarity.train() with the same arguments in a background worker, as the current role, with the settings of this session, after the transaction is committed; returns the job''s id at once. See similarity.jobs and similarity.cancel_job()';

CREATE FUNCTION similarity.cancel_job(job bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'cancel_job' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.cancel_job(bigint) IS
	'cancels a job as pg_cancel_backend() does a statement; false if it has ended. For members of its role and of pg_signal_backend';
