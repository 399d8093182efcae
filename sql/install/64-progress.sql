-- How far long calls are.  (Builds of indexes and VACUUM have PostgreSQL's own
-- views, pg_stat_progress_create_index and pg_stat_progress_vacuum.)

CREATE FUNCTION similarity.running_calls()
	RETURNS TABLE (pid integer, role oid, call text, phase text, model integer, relation oid, done bigint, total bigint,
		started timestamp with time zone, seconds_left double precision, epoch integer, epochs integer, step integer,
		steps integer, loss double precision)
	AS 'MODULE_PATHNAME', 'list_calls' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION similarity.running_calls() IS 'what the view similarity.progress shows, with ids instead of names';

CREATE VIEW similarity.progress WITH (security_barrier) AS
SELECT c.pid, r.rolname::text AS role, c.call, c.phase, m.name::text AS model, c.relation::pg_catalog.regclass AS relation,
	c.done, c.total, pg_catalog.round((100.0 OPERATOR(pg_catalog.*) c.done) OPERATOR(pg_catalog./) c.total, 1) AS percent,
	c.started, pg_catalog.make_interval(secs => c.seconds_left) AS remaining, c.epoch, c.epochs, c.step, c.steps, c.loss
FROM similarity.running_calls() c
	LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) c.role
	LEFT JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) c.model;
COMMENT ON VIEW similarity.progress IS
	'long calls of this database that run now: of roles that the current role is a member of, or all for pg_read_all_stats; done of about total in this phase, and how long it will last; a training counts its steps';
GRANT SELECT ON similarity.progress TO PUBLIC;
