-- The catalog of models.  Only the extension's C code touches these tables,
-- after its own checks and as the extension's owner; everybody reads the views.
-- No foreign key leads from one table to another, since restores load tables in
-- any order: the code that deletes a row deletes what belongs to it
-- (src/model/model_catalog.c).

-- What embed() reads stands in a schema of its own.  pg_dump sorts the data of
-- tables by schema, and this name comes before any that begins with a letter of
-- lower case: rows whose indexes are built on embed() find the model.
CREATE SCHEMA _similarity;
COMMENT ON SCHEMA _similarity IS 'tables of the extension similarity that embed() reads; read the views of schema similarity';

-- Roles and relations are held by OID, so that nobody takes over what belongs to
-- one by taking its name, and print by name, so that a dump finds them where
-- OIDs differ.  Unlike regrole and regclass these types load where the object is
-- missing: as none, with a warning, instead of failing with the whole table.
CREATE TYPE _similarity.role;
CREATE FUNCTION _similarity.role_in(cstring) RETURNS _similarity.role
	AS 'MODULE_PATHNAME', 'held_role_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION _similarity.role_out(_similarity.role) RETURNS cstring
	AS 'MODULE_PATHNAME', 'held_role_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE _similarity.role (INPUT = _similarity.role_in, OUTPUT = _similarity.role_out, LIKE = pg_catalog.oid);
CREATE CAST (_similarity.role AS pg_catalog.oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (pg_catalog.oid AS _similarity.role) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON TYPE _similarity.role IS 'a role held by OID and printed by name; "-": none, or one that is gone';
COMMENT ON FUNCTION _similarity.role_in(cstring) IS 'input of type role';
COMMENT ON FUNCTION _similarity.role_out(_similarity.role) IS 'output of type role';

CREATE TYPE _similarity.relation;
CREATE FUNCTION _similarity.relation_in(cstring) RETURNS _similarity.relation
	AS 'MODULE_PATHNAME', 'held_relation_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION _similarity.relation_out(_similarity.relation) RETURNS cstring
	AS 'MODULE_PATHNAME', 'held_relation_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE _similarity.relation (INPUT = _similarity.relation_in, OUTPUT = _similarity.relation_out, LIKE = pg_catalog.oid);
CREATE CAST (_similarity.relation AS pg_catalog.oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (pg_catalog.oid AS _similarity.relation) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON TYPE _similarity.relation IS 'a table or view held by OID and printed by its qualified name; "-": none, or one that is gone';
COMMENT ON FUNCTION _similarity.relation_in(cstring) IS 'input of type relation';
COMMENT ON FUNCTION _similarity.relation_out(_similarity.relation) IS 'output of type relation';
COMMENT ON CAST (_similarity.role AS oid) IS 'the same bits';
COMMENT ON CAST (oid AS _similarity.role) IS 'the same bits';
COMMENT ON CAST (_similarity.relation AS oid) IS 'the same bits';
COMMENT ON CAST (oid AS _similarity.relation) IS 'the same bits';

CREATE TABLE _similarity.model (
	id integer GENERATED ALWAYS AS IDENTITY,
	name name NOT NULL,
	owner _similarity.role NOT NULL,
	input integer[] NOT NULL,
	layers jsonb NOT NULL,
	image jsonb,
	dims integer NOT NULL,
	created timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT model_pkey PRIMARY KEY (id),
	CONSTRAINT model_name_key UNIQUE (name),
	CONSTRAINT model_id_check CHECK (id OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT model_name_check CHECK (name OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT model_input_check CHECK ((pg_catalog.array_ndims(input) OPERATOR(pg_catalog.=) 1 AND pg_catalog.cardinality(input) OPERATOR(pg_catalog.<=) 4
		AND 1 OPERATOR(pg_catalog.<=) ALL (input)) IS TRUE),
	CONSTRAINT model_layers_check CHECK (pg_catalog.jsonb_typeof(layers) OPERATOR(pg_catalog.=) 'array'),
	CONSTRAINT model_image_check CHECK (pg_catalog.jsonb_typeof(image) OPERATOR(pg_catalog.=) 'object'),
	CONSTRAINT model_dims_check CHECK (dims OPERATOR(pg_catalog.>=) 1 AND dims OPERATOR(pg_catalog.<=) 16384)
);
COMMENT ON TABLE _similarity.model IS 'models: a name, an owner and an architecture that never changes; read similarity.models';

CREATE TABLE _similarity.model_grant (
	model integer NOT NULL,
	grantee _similarity.role,
	CONSTRAINT model_grant_model_check CHECK (model OPERATOR(pg_catalog.>=) 1)
);
CREATE INDEX model_grant_model_idx ON _similarity.model_grant (model);
COMMENT ON TABLE _similarity.model_grant IS 'roles that may use a model besides its owner; NULL is everybody';

CREATE TABLE _similarity.model_version (
	id integer NOT NULL,
	model integer NOT NULL,
	fingerprint bigint NOT NULL,
	metrics jsonb NOT NULL,
	created timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT model_version_pkey PRIMARY KEY (id),
	CONSTRAINT model_version_id_check CHECK (id OPERATOR(pg_catalog.>=) 1 AND id OPERATOR(pg_catalog.<=) 32767),
	CONSTRAINT model_version_model_check CHECK (model OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT model_version_metrics_check CHECK (pg_catalog.jsonb_typeof(metrics) OPERATOR(pg_catalog.=) 'object')
);
CREATE INDEX model_version_model_idx ON _similarity.model_version (model);
COMMENT ON TABLE _similarity.model_version IS 'finished versions of models, which never change; read similarity.model_versions';

-- The id of a version is the model tag of its embeddings (15 bits): values in
-- tables of users may carry it after the version is gone.
CREATE TABLE _similarity.retired_version (
	id integer NOT NULL,
	retired timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT retired_version_pkey PRIMARY KEY (id),
	CONSTRAINT retired_version_id_check CHECK (id OPERATOR(pg_catalog.>=) 1 AND id OPERATOR(pg_catalog.<=) 32767)
);
COMMENT ON TABLE _similarity.retired_version IS 'ids of versions that were dropped, given again when no others are left';

CREATE TABLE _similarity.model_weights (
	version integer NOT NULL,
	tensor text NOT NULL,
	part integer NOT NULL,
	shape integer[] NOT NULL,
	checksum bigint NOT NULL,
	data bytea NOT NULL,
	CONSTRAINT model_weights_pkey PRIMARY KEY (version, tensor, part),
	CONSTRAINT model_weights_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767),
	CONSTRAINT model_weights_tensor_check CHECK (tensor OPERATOR(pg_catalog.<>) '' AND pg_catalog.octet_length(tensor) OPERATOR(pg_catalog.<=) 127),
	CONSTRAINT model_weights_part_check CHECK (part OPERATOR(pg_catalog.>=) 0),
	CONSTRAINT model_weights_shape_check CHECK ((pg_catalog.array_ndims(shape) OPERATOR(pg_catalog.=) 1 AND pg_catalog.cardinality(shape) OPERATOR(pg_catalog.<=) 4
		AND 1 OPERATOR(pg_catalog.<=) ALL (shape)) IS TRUE),
	CONSTRAINT model_weights_checksum_check CHECK (checksum OPERATOR(pg_catalog.>=) 0 AND checksum OPERATOR(pg_catalog.<=) 4294967295),
	CONSTRAINT model_weights_data_check CHECK (pg_catalog.octet_length(data) OPERATOR(pg_catalog.>=) 4 AND pg_catalog.octet_length(data) OPERATOR(pg_catalog.<=) 1048576
		AND pg_catalog.octet_length(data) OPERATOR(pg_catalog.%) 4 OPERATOR(pg_catalog.=) 0)
);
ALTER TABLE _similarity.model_weights ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE _similarity.model_weights IS 'weights of versions: little-endian float4 in parts of at most 1 MB with their CRC-32C';

CREATE TABLE _similarity.deployment (
	model integer NOT NULL,
	version integer NOT NULL,
	deployed timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT deployment_pkey PRIMARY KEY (model),
	CONSTRAINT deployment_model_check CHECK (model OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT deployment_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767)
);
COMMENT ON TABLE _similarity.deployment IS 'the version of a model that embed(model, input) runs';

CREATE TABLE similarity.training_run (
	id bigint GENERATED ALWAYS AS IDENTITY,
	model integer NOT NULL,
	role name NOT NULL,
	state text NOT NULL DEFAULT 'running',
	source text NOT NULL,
	options jsonb NOT NULL,
	version integer,
	message text,
	started timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	ended timestamp with time zone,
	CONSTRAINT training_run_pkey PRIMARY KEY (id),
	CONSTRAINT training_run_state_check CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['running', 'finished', 'failed', 'cancelled'])),
	CONSTRAINT training_run_id_check CHECK (id OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT training_run_model_check CHECK (model OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT training_run_options_check CHECK (pg_catalog.jsonb_typeof(options) OPERATOR(pg_catalog.=) 'object'),
	CONSTRAINT training_run_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767)
);
CREATE INDEX training_run_model_idx ON similarity.training_run (model);
COMMENT ON TABLE similarity.training_run IS 'trainings: what was asked, how it ended and which version it made; read similarity.training_runs';

CREATE TABLE similarity.training_epoch (
	run bigint NOT NULL,
	epoch integer NOT NULL,
	loss double precision NOT NULL,
	learning_rate double precision NOT NULL,
	avg_positive double precision,
	min_positive double precision,
	max_positive double precision,
	avg_negative double precision,
	min_negative double precision,
	max_negative double precision,
	dist_gap double precision,
	gradient_norm double precision,
	images_per_second double precision NOT NULL,
	validation jsonb,
	verdict text,
	logged timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT training_epoch_pkey PRIMARY KEY (run, epoch),
	CONSTRAINT training_epoch_epoch_check CHECK (epoch OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT training_epoch_validation_check CHECK (pg_catalog.jsonb_typeof(validation) OPERATOR(pg_catalog.=) 'object')
);
COMMENT ON TABLE similarity.training_epoch IS 'metrics of each epoch of a training; read similarity.training_log';

CREATE TABLE similarity.training_step (
	run bigint NOT NULL,
	step bigint NOT NULL,
	epoch integer NOT NULL,
	loss double precision NOT NULL,
	learning_rate double precision NOT NULL,
	avg_positive double precision,
	min_positive double precision,
	max_positive double precision,
	avg_negative double precision,
	min_negative double precision,
	max_negative double precision,
	dist_gap double precision,
	gradient_norm double precision,
	images_per_second double precision,
	CONSTRAINT training_step_pkey PRIMARY KEY (run, step),
	CONSTRAINT training_step_step_check CHECK (step OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT training_step_epoch_check CHECK (epoch OPERATOR(pg_catalog.>=) 1)
);
COMMENT ON TABLE similarity.training_step IS 'metrics of every so many steps of a training; read similarity.training_steps';

-- Where an interrupted training goes on.  Not dumped: it ends with its run.
CREATE TABLE similarity.checkpoint (
	run bigint NOT NULL,
	step bigint NOT NULL,
	data_hash bigint NOT NULL,
	progress double precision[] NOT NULL,
	written timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT checkpoint_pkey PRIMARY KEY (run),
	CONSTRAINT checkpoint_step_check CHECK (step OPERATOR(pg_catalog.>=) 0),
	CONSTRAINT checkpoint_progress_check CHECK ((pg_catalog.array_ndims(progress) OPERATOR(pg_catalog.=) 1 AND 'NaN' OPERATOR(pg_catalog.<>) ALL (progress)) IS TRUE)
);
COMMENT ON TABLE similarity.checkpoint IS 'the last checkpoint of each interrupted or running training; similarity.training_runs shows its step';

CREATE TABLE similarity.checkpoint_part (
	run bigint NOT NULL,
	name text NOT NULL,
	part integer NOT NULL,
	checksum bigint NOT NULL,
	data bytea NOT NULL,
	CONSTRAINT checkpoint_part_pkey PRIMARY KEY (run, name, part),
	CONSTRAINT checkpoint_part_part_check CHECK (part OPERATOR(pg_catalog.>=) 0),
	CONSTRAINT checkpoint_part_checksum_check CHECK (checksum OPERATOR(pg_catalog.>=) 0 AND checksum OPERATOR(pg_catalog.<=) 4294967295),
	CONSTRAINT checkpoint_part_data_check CHECK (pg_catalog.octet_length(data) OPERATOR(pg_catalog.<=) 1048576)
);
ALTER TABLE similarity.checkpoint_part ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE similarity.checkpoint_part IS 'weights and state of the optimizer and the loss at a checkpoint, in parts of at most 1 MB with their CRC-32C';

REVOKE ALL ON _similarity.model, _similarity.model_grant, _similarity.model_version, _similarity.model_weights,
	_similarity.retired_version, _similarity.deployment, similarity.training_run, similarity.training_epoch, similarity.training_step,
	similarity.checkpoint, similarity.checkpoint_part FROM PUBLIC;
REVOKE ALL ON SEQUENCE _similarity.model_id_seq, similarity.training_run_id_seq FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('_similarity.model', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.model_grant', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.model_version', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.retired_version', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.model_weights', '');
SELECT pg_catalog.pg_extension_config_dump('_similarity.deployment', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.training_run', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.training_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.training_epoch', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.training_step', '');

-- What the current role may see: models it owns or may use.

CREATE VIEW similarity.models WITH (security_barrier) AS
SELECT m.name::text AS model, o.rolname::text AS owner, m.input, m.dims, d.version AS deployed_version,
	(SELECT pg_catalog.array_agg(u.name ORDER BY u.name COLLATE pg_catalog."C") FROM
		(SELECT DISTINCT CASE WHEN g.grantee IS NULL THEN 'public' ELSE r.rolname::text END AS name
			FROM _similarity.model_grant g LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) g.grantee
			WHERE g.model OPERATOR(pg_catalog.=) m.id AND (g.grantee IS NULL OR r.oid IS NOT NULL)) u) AS usage_granted_to,
	m.layers, m.image, m.created, m.id
FROM _similarity.model m LEFT JOIN _similarity.deployment d ON d.model OPERATOR(pg_catalog.=) m.id
	LEFT JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) m.owner
WHERE pg_catalog.pg_has_role(m.owner, 'USAGE')
	OR EXISTS (SELECT FROM _similarity.model_grant g WHERE g.model OPERATOR(pg_catalog.=) m.id
		AND (g.grantee IS NULL OR pg_catalog.pg_has_role(g.grantee, 'USAGE')));
COMMENT ON VIEW similarity.models IS 'models that the current role owns or may use; owner is NULL if the role is gone: superusers own it then';

CREATE VIEW similarity.model_versions WITH (security_barrier) AS
SELECT m.model, v.id AS version, m.deployed_version IS NOT DISTINCT FROM v.id AS deployed, m.dims,
	-- how many rows a training read is for who may have read them
	CASE WHEN pg_catalog.pg_has_role(o.owner, 'USAGE') THEN v.metrics
		ELSE v.metrics OPERATOR(pg_catalog.-) '{rows,spilled_rows,cached_features,classes,planned_bytes,validation}'::pg_catalog.text[] END AS metrics,
	v.created, v.fingerprint
FROM similarity.models m JOIN _similarity.model_version v ON v.model OPERATOR(pg_catalog.=) m.id
	JOIN _similarity.model o ON o.id OPERATOR(pg_catalog.=) m.id;
COMMENT ON VIEW similarity.model_versions IS 'finished versions of the models that the current role owns or may use; equal fingerprints mean equal weights. metrics says how many rows and classes were read, and what validation found, to owners only';

-- The source query may tell about tables: owners only.  A training holds the
-- lock of its model (src/model/lock.c): a run that nobody holds it for is one
-- whose session ended without a word.  A standby cannot know.
CREATE VIEW similarity.training_runs WITH (security_barrier) AS
SELECT r.id AS run, m.name::text AS model, r.role::text AS role,
	CASE WHEN gone.gone THEN 'failed' ELSE r.state END AS state, r.version, r.source, r.options,
	CASE WHEN gone.gone THEN 'the session ended' ELSE r.message END AS message, r.started, r.ended,
	(SELECT c.step FROM similarity.checkpoint c WHERE c.run OPERATOR(pg_catalog.=) r.id) AS checkpoint_step
FROM similarity.training_run r JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) r.model,
	LATERAL (SELECT CASE WHEN r.state OPERATOR(pg_catalog.<>) 'running' OR pg_catalog.pg_is_in_recovery() THEN false
		ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_locks l
			WHERE l.locktype OPERATOR(pg_catalog.=) 'object' AND l.granted
				AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d
					WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
				AND l.classid OPERATOR(pg_catalog.=) '_similarity.model'::pg_catalog.regclass
				AND l.objid OPERATOR(pg_catalog.=) m.id::pg_catalog.oid) END AS gone) gone
WHERE pg_catalog.pg_has_role(m.owner, 'USAGE');
COMMENT ON VIEW similarity.training_runs IS 'trainings of the models that the current role owns; state is running, finished, failed or cancelled';

CREATE VIEW similarity.training_log WITH (security_barrier) AS
SELECT m.model, r.id AS run, e.epoch, e.loss, e.learning_rate, e.avg_positive, e.min_positive, e.max_positive,
	e.avg_negative, e.min_negative, e.max_negative, e.dist_gap, e.gradient_norm, e.images_per_second,
	CASE WHEN pg_catalog.pg_has_role(o.owner, 'USAGE') THEN e.validation END AS validation, e.logged, e.verdict
FROM similarity.models m JOIN _similarity.model o ON o.id OPERATOR(pg_catalog.=) m.id
	JOIN similarity.training_run r ON r.model OPERATOR(pg_catalog.=) m.id
	JOIN similarity.training_epoch e ON e.run OPERATOR(pg_catalog.=) r.id;
COMMENT ON VIEW similarity.training_log IS 'one row an epoch of each training of the models that the current role owns or may use; validation is for owners; verdict tells what goes wrong, a model that has collapsed or a loss that stands at its margin, and is NULL otherwise';

CREATE VIEW similarity.training_steps WITH (security_barrier) AS
SELECT m.model, r.id AS run, s.step, s.epoch, s.loss, s.learning_rate, s.avg_positive, s.min_positive, s.max_positive,
	s.avg_negative, s.min_negative, s.max_negative, s.dist_gap, s.gradient_norm, s.images_per_second
FROM similarity.models m
	JOIN similarity.training_run r ON r.model OPERATOR(pg_catalog.=) m.id
	JOIN similarity.training_step s ON s.run OPERATOR(pg_catalog.=) r.id;
COMMENT ON VIEW similarity.training_steps IS 'one row for every log_steps steps of each training of the models that the current role owns or may use';

GRANT SELECT ON similarity.training_steps TO PUBLIC;
GRANT SELECT ON similarity.models, similarity.model_versions, similarity.training_runs, similarity.training_log TO PUBLIC;
