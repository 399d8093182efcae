-- Galleries: registered tables of embeddings and what is known of them.  As in
-- the catalog of models, only C code touches these tables, after its own checks
-- and as the extension's owner.  Roles and tables are held by OID and dumped by
-- name, columns stand by name.

CREATE TABLE similarity.gallery (
	id integer GENERATED ALWAYS AS IDENTITY,
	name name NOT NULL,
	owner _similarity.role NOT NULL,
	relation _similarity.relation NOT NULL,
	embedding name NOT NULL,
	label name NOT NULL,
	key name,
	image name,
	image_shape integer[],
	distance text NOT NULL,
	model integer,
	version integer,
	created timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	input name,
	CONSTRAINT gallery_pkey PRIMARY KEY (id),
	CONSTRAINT gallery_name_key UNIQUE (name),
	CONSTRAINT gallery_model_check CHECK ((model IS NULL) OPERATOR(pg_catalog.=) (version IS NULL)),
	CONSTRAINT gallery_image_check CHECK (image IS NULL OR image_shape IS NOT NULL),
	CONSTRAINT gallery_id_check CHECK (id OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT gallery_name_check CHECK (name OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT gallery_image_shape_check CHECK (image_shape IS NULL OR (pg_catalog.array_ndims(image_shape) OPERATOR(pg_catalog.=) 1 AND pg_catalog.cardinality(image_shape) OPERATOR(pg_catalog.=) ANY (ARRAY[2, 3])
		AND 1 OPERATOR(pg_catalog.<=) ALL (image_shape) AND 4096 OPERATOR(pg_catalog.>=) ALL (image_shape)) IS TRUE),
	CONSTRAINT gallery_distance_check CHECK (distance OPERATOR(pg_catalog.=) ANY (ARRAY['cosine', 'euclidean', 'squared_euclidean', 'manhattan', 'inner_product', 'snr'])),
	CONSTRAINT gallery_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767)
);
COMMENT ON TABLE similarity.gallery IS 'galleries: which table and columns, which model version, which distance; read similarity.galleries';

CREATE TABLE similarity.calibration (
	gallery integer NOT NULL,
	matcher text NOT NULL,
	k integer NOT NULL,
	metric text NOT NULL,
	queries bigint NOT NULL,
	calibrated timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	distance double precision[] NOT NULL,
	"precision" double precision[] NOT NULL,
	recall double precision[] NOT NULL,
	f1 double precision[] NOT NULL,
	binary_accuracy double precision[] NOT NULL,
	npv double precision[] NOT NULL,
	fpr double precision[] NOT NULL,
	version integer,
	gallery_rows bigint NOT NULL,
	gallery_hash numeric NOT NULL,
	matched double precision[] NOT NULL,
	CONSTRAINT calibration_pkey PRIMARY KEY (gallery),
	CONSTRAINT calibration_gallery_check CHECK (gallery OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT calibration_matcher_check CHECK (matcher OPERATOR(pg_catalog.=) ANY (ARRAY['match_nearest', 'match_majority_vote'])),
	CONSTRAINT calibration_k_check CHECK (k OPERATOR(pg_catalog.>=) 1 AND k OPERATOR(pg_catalog.<=) 100000),
	CONSTRAINT calibration_metric_check CHECK (metric OPERATOR(pg_catalog.=) ANY (ARRAY['precision', 'recall', 'f1', 'binary_accuracy', 'npv', 'fpr'])),
	CONSTRAINT calibration_queries_check CHECK (queries OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT calibration_curve_check CHECK ((pg_catalog.array_ndims(distance) OPERATOR(pg_catalog.=) 1
		AND pg_catalog.array_ndims("precision") OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length("precision", 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)
		AND pg_catalog.array_ndims(recall) OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length(recall, 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)
		AND pg_catalog.array_ndims(f1) OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length(f1, 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)
		AND pg_catalog.array_ndims(binary_accuracy) OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length(binary_accuracy, 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)
		AND pg_catalog.array_ndims(npv) OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length(npv, 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)
		AND pg_catalog.array_ndims(fpr) OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_length(fpr, 1) OPERATOR(pg_catalog.=) pg_catalog.array_length(distance, 1)) IS TRUE),
	CONSTRAINT calibration_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767),
	CONSTRAINT calibration_gallery_rows_check CHECK (gallery_rows OPERATOR(pg_catalog.>=) 0),
	CONSTRAINT calibration_matched_check CHECK ((pg_catalog.array_ndims(matched) OPERATOR(pg_catalog.=) 1 AND 'NaN' OPERATOR(pg_catalog.<>) ALL (matched)) IS TRUE)
);
COMMENT ON TABLE similarity.calibration IS 'the last calibration of a gallery: how it was made, and each metric at each threshold; read similarity.calibration_curve';

CREATE TABLE similarity.cutpoint (
	gallery integer NOT NULL,
	name text NOT NULL,
	position integer NOT NULL,
	value double precision NOT NULL,
	distance double precision NOT NULL,
	"precision" double precision NOT NULL,
	recall double precision NOT NULL,
	f1 double precision NOT NULL,
	binary_accuracy double precision NOT NULL,
	npv double precision NOT NULL,
	fpr double precision NOT NULL,
	CONSTRAINT cutpoint_pkey PRIMARY KEY (gallery, name),
	CONSTRAINT cutpoint_gallery_check CHECK (gallery OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT cutpoint_position_check CHECK (position OPERATOR(pg_catalog.>=) 0),
	CONSTRAINT cutpoint_distance_check CHECK (distance OPERATOR(pg_catalog.<>) 'NaN')
);
COMMENT ON TABLE similarity.cutpoint IS 'cut points of calibrated galleries: the distance beyond which a neighbor is no match; read similarity.cutpoints';

-- Tables being embedded anew.  They stand here by OID: this is not dumped.
CREATE TABLE similarity.reembedding (
	relation oid NOT NULL,
	side oid NOT NULL,
	file oid NOT NULL,
	version integer NOT NULL,
	key smallint NOT NULL,
	columns smallint[] NOT NULL,
	last_key text,
	filled boolean NOT NULL DEFAULT false,
	begun timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT reembedding_pkey PRIMARY KEY (relation),
	CONSTRAINT reembedding_version_check CHECK (version OPERATOR(pg_catalog.>=) 1 AND version OPERATOR(pg_catalog.<=) 32767),
	CONSTRAINT reembedding_key_check CHECK (key OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT reembedding_columns_check CHECK ((pg_catalog.array_ndims(columns) OPERATOR(pg_catalog.=) 1 AND 1 OPERATOR(pg_catalog.<=) ALL (columns)) IS TRUE)
);
COMMENT ON TABLE similarity.reembedding IS 'tables whose copy with the embeddings of another version is being made by similarity.reembed; read similarity.reembeddings';

CREATE TABLE similarity.reembed_queue (
	id bigint GENERATED ALWAYS AS IDENTITY,
	relation oid NOT NULL,
	key text NOT NULL,
	CONSTRAINT reembed_queue_pkey PRIMARY KEY (relation, id)
);
COMMENT ON TABLE similarity.reembed_queue IS 'keys of rows that changed while their table is embedded anew';

REVOKE ALL ON similarity.gallery, similarity.calibration, similarity.cutpoint, similarity.reembedding, similarity.reembed_queue FROM PUBLIC;
REVOKE ALL ON SEQUENCE similarity.gallery_id_seq, similarity.reembed_queue_id_seq FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('similarity.gallery', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.gallery_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.calibration', '');
SELECT pg_catalog.pg_extension_config_dump('similarity.cutpoint', '');

-- What the current role may see: galleries it owns, or whose columns it may read.
-- Figures of all rows are for who may read them all; those of a calibration, which
-- queries stands for, also for the gallery's owner, who made it.

CREATE VIEW similarity.galleries WITH (security_barrier) AS
SELECT g.name::text AS gallery, o.rolname::text AS owner,
	pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(r.relname) AS relation,
	g.embedding::text AS embedding, g.label::text AS label, g.key::text AS key, g.image::text AS image, g.image_shape,
	g.distance, m.name::text AS model, g.version, g.created,
	c.calibrated, c.matcher, c.k, c.metric,
	CASE WHEN p.all_rows OR pg_catalog.pg_has_role(g.owner, 'USAGE') THEN c.queries END AS queries, g.id, g.input::text AS input,
	(SELECT pg_catalog.jsonb_object_agg(u.name, u.distance) FROM similarity.cutpoint u
		WHERE u.gallery OPERATOR(pg_catalog.=) g.id) AS cutpoints,
	CASE WHEN p.all_rows AND r.reltuples OPERATOR(pg_catalog.>=) 0 THEN r.reltuples::bigint END AS "rows",
	CASE WHEN p.all_rows THEN pg_catalog.pg_total_relation_size(r.oid) END AS bytes,
	x.index, x.index_bytes, x.index_recall
FROM similarity.gallery g
	LEFT JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) g.model
	LEFT JOIN similarity.calibration c ON c.gallery OPERATOR(pg_catalog.=) g.id
	LEFT JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) g.owner
	LEFT JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) g.relation
	LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace
	LEFT JOIN pg_catalog.pg_attribute e ON e.attrelid OPERATOR(pg_catalog.=) r.oid AND e.attname OPERATOR(pg_catalog.=) g.embedding AND NOT e.attisdropped
	LEFT JOIN pg_catalog.pg_attribute l ON l.attrelid OPERATOR(pg_catalog.=) r.oid AND l.attname OPERATOR(pg_catalog.=) g.label AND NOT l.attisdropped
	-- views may show each role other rows
	CROSS JOIN LATERAL (SELECT r.relkind OPERATOR(pg_catalog.<>) 'v' AND (pg_catalog.pg_has_role(r.relowner, 'USAGE')
		OR (pg_catalog.has_table_privilege(r.oid, 'SELECT') AND NOT pg_catalog.row_security_active(r.oid))) AS all_rows) p
	-- the index that serves the gallery's distance, with its recall when that was last measured
	LEFT JOIN LATERAL (SELECT i.indexrelid::pg_catalog.regclass AS index, pg_catalog.pg_relation_size(i.indexrelid) AS index_bytes,
			(SELECT f.recall FROM similarity.index_stats(i.indexrelid::pg_catalog.regclass) f) AS index_recall
		FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_class ic ON ic.oid OPERATOR(pg_catalog.=) i.indexrelid AND ic.relkind OPERATOR(pg_catalog.=) 'i'
			JOIN pg_catalog.pg_am a ON a.oid OPERATOR(pg_catalog.=) ic.relam AND a.amname OPERATOR(pg_catalog.=) 'similarity_hnsw'
			JOIN pg_catalog.pg_attribute t ON t.attrelid OPERATOR(pg_catalog.=) i.indrelid AND t.attnum OPERATOR(pg_catalog.=) i.indkey[0]
			JOIN pg_catalog.pg_opclass o ON o.oid OPERATOR(pg_catalog.=) i.indclass[0]
		WHERE p.all_rows AND i.indrelid OPERATOR(pg_catalog.=) r.oid AND i.indisvalid AND t.attname OPERATOR(pg_catalog.=) g.embedding
			AND o.opcname OPERATOR(pg_catalog.=) (SELECT d.operator_class FROM similarity.distances() d WHERE d.distance OPERATOR(pg_catalog.=) g.distance)
			AND g.distance OPERATOR(pg_catalog.<>) 'snr'
		ORDER BY i.indexrelid LIMIT 1) x ON true
WHERE pg_catalog.pg_has_role(g.owner, 'USAGE') OR pg_catalog.has_table_privilege(r.oid, 'SELECT')
	OR (pg_catalog.has_column_privilege(r.oid, e.attnum, 'SELECT') AND pg_catalog.has_column_privilege(r.oid, l.attnum, 'SELECT'));
COMMENT ON VIEW similarity.galleries IS 'galleries that the current role owns or whose columns it may read, and their last calibration; figures of all rows for who may read them all';

CREATE VIEW similarity.cutpoints WITH (security_barrier) AS
SELECT g.gallery, c.name, f.value, c.distance, f."precision", f.recall, f.f1, f.binary_accuracy, f.npv, f.fpr, g.calibrated
FROM similarity.galleries g JOIN similarity.cutpoint c ON c.gallery OPERATOR(pg_catalog.=) g.id
	LEFT JOIN similarity.cutpoint f ON f.gallery OPERATOR(pg_catalog.=) c.gallery AND f.name OPERATOR(pg_catalog.=) c.name AND g.queries IS NOT NULL
ORDER BY g.gallery, c.position;
COMMENT ON VIEW similarity.cutpoints IS 'cut points of the galleries that the current role may see; their metrics, if row-level security hides none of the rows';

CREATE VIEW similarity.calibration_curve WITH (security_barrier) AS
SELECT g.gallery, u.distance, u."precision", u.recall, u.f1, u.binary_accuracy, u.npv, u.fpr
FROM similarity.galleries g JOIN similarity.calibration c ON c.gallery OPERATOR(pg_catalog.=) g.id AND g.queries IS NOT NULL,
	LATERAL ROWS FROM (pg_catalog.unnest(c.distance), pg_catalog.unnest(c."precision"), pg_catalog.unnest(c.recall),
		pg_catalog.unnest(c.f1), pg_catalog.unnest(c.binary_accuracy), pg_catalog.unnest(c.npv), pg_catalog.unnest(c.fpr))
		AS u (distance, "precision", recall, f1, binary_accuracy, npv, fpr);
COMMENT ON VIEW similarity.calibration_curve IS 'each metric at each threshold of the last calibration, by ascending distance';

GRANT SELECT ON similarity.galleries, similarity.cutpoints, similarity.calibration_curve TO PUBLIC;

CREATE FUNCTION similarity.create_gallery(name text, relation regclass, embedding text, label text,
	key text DEFAULT NULL, model text DEFAULT NULL, distance text DEFAULT 'cosine',
	image text DEFAULT NULL, image_shape integer[] DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'create_gallery' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.create_gallery(text, regclass, text, text, text, text, text, text, integer[]) IS
	'register a table of embeddings under a name. embedding, label, key, image: its columns; key is the primary key unless given. model: embeds raw input, in the version that made the column''s values. distance: cosine, euclidean, squared_euclidean, manhattan, inner_product (negated) or snr. image: a bytea column for reports, of JPEG or PNG files or of raw pixels, of which image_shape is {height,width,channels}, by default the model''s input';

CREATE FUNCTION similarity.drop_gallery(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'drop_gallery' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.drop_gallery(text) IS 'forget a gallery and its calibration; its table stays';

-- Raw input is embedded with the gallery's model; an embedding is taken as it is.

CREATE FUNCTION similarity.lookup(gallery text, input bytea, k bigint DEFAULT 5)
	RETURNS TABLE (rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 5;
CREATE FUNCTION similarity.lookup(gallery text, input double precision[], k bigint DEFAULT 5)
	RETURNS TABLE (rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 5;
CREATE FUNCTION similarity.lookup(gallery text, input embedding, k bigint DEFAULT 5)
	RETURNS TABLE (rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 5;
CREATE FUNCTION similarity.lookup(gallery text, input text, k bigint DEFAULT 5)
	RETURNS TABLE (rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 5;
COMMENT ON FUNCTION similarity.lookup(text, bytea, bigint) IS
	'the k nearest rows of a gallery, nearest first. item: the row without its columns of types bytea and embedding. id: its ctid, NULL for views';
COMMENT ON FUNCTION similarity.lookup(text, double precision[], bigint) IS 'the k nearest rows of a gallery, nearest first';
COMMENT ON FUNCTION similarity.lookup(text, embedding, bigint) IS
	'the k nearest rows of a gallery, nearest first; the embedding must have the gallery''s dimensions and model version';
COMMENT ON FUNCTION similarity.lookup(text, text, bigint) IS
	'the k nearest rows of what is given as text: bytea \x..., an array {...} or an embedding [...]';

-- With one signature, for clients that leave the types of parameters to the server
CREATE FUNCTION similarity.lookup_image(gallery text, image bytea, k bigint DEFAULT 5)
	RETURNS TABLE (rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 5;
COMMENT ON FUNCTION similarity.lookup_image(text, bytea, bigint) IS 'lookup(text, bytea, bigint) by a name of its own: lookup_image(''wardrobe'', $1) needs no cast';

CREATE FUNCTION similarity.calibrate(gallery text, query text, targets jsonb DEFAULT '{}', k bigint DEFAULT 1,
	calibration_metric text DEFAULT 'f1', matcher text DEFAULT 'match_nearest', drop_closest boolean DEFAULT false)
	RETURNS TABLE (name text, value double precision, distance double precision, "precision" double precision,
		recall double precision, f1 double precision, binary_accuracy double precision, npv double precision, fpr double precision)
	AS 'MODULE_PATHNAME', 'gallery_calibrate' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 ROWS 2;
COMMENT ON FUNCTION similarity.calibrate(text, text, jsonb, bigint, text, text, boolean) IS
	'find and store the distances beyond which a neighbor is no match. query: any SELECT of (input, label). The cut point "optimal" is where calibration_metric is best; targets, {"name": value}, adds one where it reaches each value, with a NOTICE where it never does. calibration_metric: precision, recall, f1, binary_accuracy, npv or fpr. matcher: match_nearest or match_majority_vote of k neighbors. drop_closest: the items are rows of the gallery. If no item is matched correctly, "optimal" accepts nothing (distance -Infinity), with a warning, as there is of other input that cut points cannot rest on';

CREATE FUNCTION similarity.calibration_status(gallery text)
	RETURNS TABLE (calibrated timestamp with time zone, queries bigint, version integer, current_version integer,
		gallery_rows bigint, current_rows bigint, change text, problem text)
	AS 'MODULE_PATHNAME', 'gallery_calibration_status' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 ROWS 1;
COMMENT ON FUNCTION similarity.calibration_status(text) IS
	'whether a gallery is what it was when it was calibrated: change is NULL, or says what changed (rows, model version); problem is NULL, or says why its cut points cannot be trusted; reads the whole gallery. No row: never calibrated';

CREATE FUNCTION similarity.drift(gallery text, query text, cutpoint text DEFAULT 'optimal')
	RETURNS TABLE (queries bigint, calibration_queries bigint, ks double precision, p_value double precision,
		median double precision, calibration_median double precision, p90 double precision, calibration_p90 double precision,
		unknown double precision, calibration_unknown double precision, cutpoint_name text)
	AS 'MODULE_PATHNAME', 'gallery_drift' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1;
COMMENT ON FUNCTION similarity.drift(text, text, text) IS
	'compares the distances of the matches of new items with those at calibration. query: any SELECT of (input). ks: the Kolmogorov-Smirnov distance of the two samples, 0 (alike) to 1, and p_value how probable one so great is by chance. median, p90: quantiles of distances; unknown: the share that the cut point refuses';

CREATE FUNCTION similarity.match(gallery text, input bytea, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
CREATE FUNCTION similarity.match(gallery text, input double precision[], cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
CREATE FUNCTION similarity.match(gallery text, input embedding, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
CREATE FUNCTION similarity.match(gallery text, input text, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
COMMENT ON FUNCTION similarity.match(text, bytea, text, bigint, text) IS
	'the label of an item, NULL for none of these: the match is farther than the cut point. accepted: whether it is not; a row without label that matches gives NULL and true. k and matcher: those of the calibration unless given. evidence: the keys of the rows that gave the label, accepted or not; NULL if the gallery has no key';
COMMENT ON FUNCTION similarity.match(text, double precision[], text, bigint, text) IS 'the label of an item, NULL for none of these';
COMMENT ON FUNCTION similarity.match(text, embedding, text, bigint, text) IS 'the label of an item given by its embedding, NULL for none of these';
COMMENT ON FUNCTION similarity.match(text, text, text, bigint, text) IS
	'the label of what is given as text: bytea \x..., an array {...} or an embedding [...]; NULL for none of these';
CREATE FUNCTION similarity.match_image(gallery text, image bytea, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
COMMENT ON FUNCTION similarity.match_image(text, bytea, text, bigint, text) IS 'match(text, bytea, ...) by a name of its own: match_image(''wardrobe'', $1) needs no cast';

-- For many items: a query of (input, key), embedded in batches, one plan.

CREATE FUNCTION similarity.lookup_all(gallery text, query text, k bigint DEFAULT 5)
	RETURNS TABLE (query_key text, rank integer, label text, distance double precision, key text, id tid, item jsonb)
	AS 'MODULE_PATHNAME', 'gallery_lookup_all' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION similarity.lookup_all(text, text, bigint) IS
	'the k nearest rows of each item of a query (input, key); query_key is that key as text. The rest as in lookup';

CREATE FUNCTION similarity.match_all(gallery text, query text, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL, matcher text DEFAULT NULL)
	RETURNS TABLE (key text, label text, distance double precision, cutpoint_name text, cutpoint_distance double precision, evidence text[],
		accepted boolean)
	AS 'MODULE_PATHNAME', 'gallery_match_all' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION similarity.match_all(text, text, text, bigint, text) IS
	'the label of each item of a query (input, key), NULL for none of these; key is the query''s as text. The rest as in match. UPDATE inbox i SET label = m.label FROM similarity.match_all(''wardrobe'', ''SELECT image, id FROM inbox'') m WHERE i.id = m.key::integer';

-- Whole sets: the true neighbors of all items by one pass over the table
-- (exact), or look-ups one by one, as an index answers them.

CREATE FUNCTION similarity.evaluate_retrieval(gallery text, query text, metrics text[] DEFAULT '{recall@1}',
	average text DEFAULT 'micro', drop_closest boolean DEFAULT false, distance_threshold double precision DEFAULT 'Infinity',
	exact boolean DEFAULT true, per_class boolean DEFAULT false)
	RETURNS TABLE (metric text, value double precision, label text, queries bigint, index_recall double precision)
	AS 'MODULE_PATHNAME', 'gallery_evaluate_retrieval' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 2;
COMMENT ON FUNCTION similarity.evaluate_retrieval(text, text, text[], text, boolean, double precision, boolean, boolean) IS
	'retrieval metrics of the items of a query (input, label), in one pass. metrics: recall@k, precision@k, map@k, ndcg@k, mrr@k, map@r, r_precision. average: micro (of items) or macro (of classes). drop_closest: the items are rows of the gallery. distance_threshold: farther neighbors are not relevant. exact: by the true neighbors; else by what look-ups find, and index_recall is the share of the true neighbors among them. per_class: also a row for each label';

CREATE FUNCTION similarity.evaluate_classification(gallery text, query text, k bigint DEFAULT NULL, matcher text DEFAULT NULL,
	exact boolean DEFAULT true, per_class boolean DEFAULT false, drop_closest boolean DEFAULT false)
	RETURNS TABLE (name text, distance double precision, tp bigint, fp bigint, tn bigint, fn bigint, "precision" double precision,
		recall double precision, f1 double precision, binary_accuracy double precision, npv double precision, fpr double precision,
		label text, queries bigint, index_recall double precision)
	AS 'MODULE_PATHNAME', 'gallery_evaluate_classification' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 2;
COMMENT ON FUNCTION similarity.evaluate_classification(text, text, bigint, text, boolean, boolean, boolean) IS
	'classification metrics of the items of a query (input, label) at each cut point of a calibrated gallery. k and matcher: those of the calibration unless given. exact, per_class, drop_closest, index_recall: as in evaluate_retrieval';

CREATE FUNCTION similarity.confusion_matrix(gallery text, query text, cutpoint text DEFAULT 'optimal', k bigint DEFAULT NULL,
	matcher text DEFAULT NULL, exact boolean DEFAULT true, drop_closest boolean DEFAULT false)
	RETURNS TABLE (label text, predicted text, count bigint)
	AS 'MODULE_PATHNAME', 'gallery_confusion_matrix' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100;
COMMENT ON FUNCTION similarity.confusion_matrix(text, text, text, bigint, text, boolean, boolean) IS
	'how often items of each label were answered by each label (NULL: none of these), cells of at least 1, for psql''s \crosstabview. cutpoint NULL: every match is accepted, which needs no calibration. exact: by the true neighbors, else by what look-ups find, and a notice tells what share of the true ones that is. drop_closest: the items are rows of the gallery';

-- ---- new rows, new versions ----

CREATE FUNCTION similarity.embed_row() RETURNS trigger
	AS 'MODULE_PATHNAME', 'gallery_embed_row' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.embed_row() IS 'trigger of similarity.attach: computes the embedding of a row whose input is new';

CREATE FUNCTION similarity.attach(gallery text, input text) RETURNS void
	AS 'MODULE_PATHNAME', 'gallery_attach' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.attach(text, text) IS
	'keeps the embeddings of a gallery current: from now on a trigger computes them from the input column when a row is inserted or its input changes. A value that the gallery''s model version made is kept. For the owner of gallery and table; whoever writes rows must be allowed to use the model';

CREATE FUNCTION similarity.detach(gallery text) RETURNS void
	AS 'MODULE_PATHNAME', 'gallery_detach' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.detach(text) IS 'ends what attach began; embeddings stay as they are. For the table''s owner';

CREATE FUNCTION similarity.reembed_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'gallery_reembed_changed' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.reembed_changed() IS 'trigger of similarity.reembed: queues the keys of rows that change';

-- No SET clause, which would forbid the procedure to commit.
CREATE PROCEDURE similarity.reembed(model text, version bigint, batch_rows integer DEFAULT 1000, rows_per_second integer DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'gallery_reembed' LANGUAGE C;
COMMENT ON PROCEDURE similarity.reembed(text, bigint, integer, integer) IS
	'embeds the rows of all galleries of a model anew with another version and deploys it, while they are used: copies are made in transactions of batch_rows rows, at most rows_per_second, then one transaction exchanges all of them. Interrupted, the next call goes on. For the owner of model and tables';

CREATE FUNCTION similarity.reembed_cancel(model text) RETURNS void
	AS 'MODULE_PATHNAME', 'gallery_reembed_cancel' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.reembed_cancel(text) IS 'drops what a similarity.reembed that did not finish has made';

CREATE VIEW similarity.reembeddings WITH (security_barrier) AS
SELECT r.relation::pg_catalog.regclass AS relation, r.version, r.filled, r.last_key, r.begun,
	(SELECT pg_catalog.count(*) FROM similarity.reembed_queue q WHERE q.relation OPERATOR(pg_catalog.=) r.relation) AS queued
FROM similarity.reembedding r JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.relation
WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE');
COMMENT ON VIEW similarity.reembeddings IS 'tables of the current role that similarity.reembed copies: how far it is, and how many changes wait';
GRANT SELECT ON similarity.reembeddings TO PUBLIC;
