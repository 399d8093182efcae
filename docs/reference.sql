-- docs/reference.md: every object of the extension, from the catalog and its
-- comments.  make docs writes the file; a test compares it with the catalog.
--
--   psql -Xqf docs/reference.sql
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_STOP on
SET search_path = pg_catalog, public;
SET client_min_messages = warning;

-- ---- what there is ----

CREATE TEMP VIEW member AS
SELECT classid, objid FROM pg_depend
WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity');

-- A cell of a table: a pipe would end it
CREATE FUNCTION pg_temp.cell(t text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT replace(replace(coalesce(t, ''), '|', '\|'), E'\n', ' ') $$;

-- Functions, one row a name: its signatures, and what its comments say
CREATE TEMP VIEW routine AS
SELECT p.proname, n.nspname, min(p.prokind) AS kind,
	string_agg(format('%s(%s)%s', p.proname, pg_get_function_arguments(p.oid),
		CASE WHEN p.prokind = 'p' THEN '' ELSE ' → ' || pg_get_function_result(p.oid) END), E'\n'
		ORDER BY pg_get_function_arguments(p.oid) COLLATE "C") AS signatures,
	(array_agg(obj_description(p.oid, 'pg_proc') ORDER BY length(obj_description(p.oid, 'pg_proc')) DESC, p.oid::regprocedure::text COLLATE "C"))[1] AS description
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE EXISTS (SELECT FROM member WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
	AND n.nspname <> '_similarity'
	-- not what types, operators, casts, triggers and index methods are made of
	AND concat(pg_get_function_arguments(p.oid), ' ', pg_get_function_result(p.oid)) !~ '\y(internal|cstring|trigger|event_trigger|index_am_handler)\y'
	AND NOT (p.proname ~ '^(array_|embedding_|embedding$|[a-z]+_to_)' AND (
		EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid)
		OR EXISTS (SELECT FROM pg_cast WHERE castfunc = p.oid)
		OR EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid)
		OR EXISTS (SELECT FROM pg_type WHERE typsend = p.oid)))
GROUP BY 1, 2;

-- Which of them goes where; whatever is not named stands under "More functions"
CREATE TEMP TABLE topic (position int, heading text, names text[]);
INSERT INTO topic VALUES
(1, 'Models', '{create_model,architecture,model_summary,import_model,export_model,copy_model,drop_model,deploy,drop_version,grant_usage,revoke_usage,set_model_owner,reassign_owned,drop_owned}'),
(2, 'Training', '{train,train_background,cancel_job,augment,sample_batch,batch_class_ratio,loss}'),
(3, 'What there is to choose from', '{layers,losses,optimizers,schedules,methods,augmentations,distances}'),
(4, 'Embeddings from models', '{embed,embed_image,embed_batch}'),
(5, 'Galleries', '{create_gallery,drop_gallery,attach,detach,lookup,lookup_image,lookup_all,match,match_image,match_all,calibrate,calibration_status,drift,reembed,reembed_cancel}'),
(6, 'Evaluation', '{evaluate_retrieval,evaluate_classification,confusion_matrix,retrieval_metrics,classification_metrics,classification_counts,audit,suggest_labels,projection,distance_histogram,evaluate_cutpoints}'),
(7, 'Pictures and pages', '{image_info,image_error,show_image,show_neighbors,show_confusion,show_training,show_histogram,neighbors_html,report,report_html}'),
(8, 'Search and indexes', '{knn,index_info,index_degrees,index_history,index_recall,index_stats,verify_index}'),
(9, 'Help', '{help,settings}');

-- ---- the page ----

SELECT '# Reference' || E'\n\n'
	|| 'Version ' || extversion || '. Made from the comments in the catalog by `make docs`; `\df+`, `\do+` and `\dx+` of psql show the same.'
FROM pg_extension WHERE extname = 'similarity';

SELECT E'\n## Types\n\n| type | |\n|---|---|';
SELECT format('| `%s` | %s |', format_type(t.oid, NULL), pg_temp.cell(obj_description(t.oid, 'pg_type')))
FROM pg_type t JOIN member ON classid = 'pg_type'::regclass AND objid = t.oid
WHERE t.typtype = 'b' AND t.typelem = 0 AND typnamespace <> '_similarity'::regnamespace ORDER BY t.typname COLLATE "C";

SELECT E'\n## Operators\n\n| operator | left | right | result | |\n|---|---|---|---|---|';
SELECT format('| `%s` | %s | %s | %s | %s |', pg_temp.cell(oprname), coalesce(format_type(nullif(oprleft, 0), NULL), ''),
	format_type(oprright, NULL), format_type(oprresult, NULL), pg_temp.cell(obj_description(o.oid, 'pg_operator')))
FROM pg_operator o JOIN member ON classid = 'pg_operator'::regclass AND objid = o.oid
ORDER BY oprname COLLATE "C", format_type(nullif(oprleft, 0), NULL) COLLATE "C" NULLS FIRST, format_type(oprright, NULL) COLLATE "C";

SELECT E'\n## Operator classes of indexes\n\n| access method | operator class | of | |\n|---|---|---|---|';
SELECT format('| `%s` | `%s` | %s%s | %s |', amname, opcname, format_type(opcintype, NULL), CASE WHEN opcdefault THEN ', default' ELSE '' END,
	pg_temp.cell(obj_description(c.oid, 'pg_opclass')))
FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid
ORDER BY amname COLLATE "C", opcname COLLATE "C";

SELECT E'\n## Casts\n\n| from | to | |\n|---|---|---|';
SELECT format('| %s | %s | %s |', format_type(castsource, NULL), format_type(casttarget, NULL),
	CASE castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'in assignments' ELSE 'explicit' END)
FROM pg_cast c JOIN member ON classid = 'pg_cast'::regclass AND objid = c.oid
ORDER BY format_type(castsource, NULL) COLLATE "C", format_type(casttarget, NULL) COLLATE "C";

SELECT E'\n## Aggregates\n\n| aggregate | |\n|---|---|';
SELECT format('| `%s` | %s |', pg_temp.cell(replace(signatures, E'\n', '`, `')), pg_temp.cell(description))
FROM routine WHERE kind = 'a' ORDER BY proname COLLATE "C";

SELECT format(E'\n## %s\n', heading) || string_agg(format(E'\n### %s%s\n\n```\n%s\n```\n\n%s\n', proname,
	CASE kind WHEN 'p' THEN ' (procedure)' WHEN 'w' THEN ' (window function)' ELSE '' END, signatures, coalesce(description, '')), '' ORDER BY place)
FROM (
	SELECT position, heading, r.*, array_position(names, proname::text) AS place
	FROM topic JOIN routine r ON proname = ANY (names) AND nspname = 'similarity' OR heading = 'Embeddings from models' AND proname = ANY (names)
	WHERE kind <> 'a'
	UNION ALL
	SELECT 100, 'More functions', r.*, row_number() OVER (ORDER BY proname COLLATE "C")
	FROM routine r
	WHERE kind <> 'a' AND nspname = 'similarity' AND NOT EXISTS (SELECT FROM topic WHERE proname = ANY (names))
	UNION ALL
	SELECT 101, 'Functions of embeddings', r.*, row_number() OVER (ORDER BY proname COLLATE "C")
	FROM routine r
	WHERE kind <> 'a' AND nspname <> 'similarity' AND NOT EXISTS (SELECT FROM topic WHERE proname = ANY (names))) p
GROUP BY position, heading ORDER BY position;

SELECT E'\n## Views and tables';
SELECT format(E'\n### %s\n\n%s\n\n', relname, obj_description(c.oid, 'pg_class'))
	|| string_agg(format('`%s` %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) || '.'
FROM pg_class c JOIN member ON classid = 'pg_class'::regclass AND objid = c.oid
JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'similarity'::regnamespace AND (relkind = 'v' OR relname = 'architecture')
GROUP BY c.oid, relname ORDER BY relname COLLATE "C";

SELECT E'\n## Settings\n\n| setting | default | unit | from | to | |\n|---|---|---|---|---|---|';
SELECT format('| `%s` | `%s` | %s | %s | %s | %s |', name, boot_val, unit, coalesce(array_to_string(enumvals, ', '), min_val), max_val,
	pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
FROM pg_settings WHERE name LIKE 'similarity.%' ORDER BY name COLLATE "C";

-- Parameters of layers and so on, one table a kind
CREATE FUNCTION pg_temp.choices(heading text, kind text, source text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT format(E'\n## %s\n\n| %s | parameter | type | default | accepted | |\n|---|---|---|---|---|---|', heading, kind);
	RETURN QUERY EXECUTE format($q$
		SELECT format('| %%s | %%s | %%s | %%s | %%s | %%s |', CASE WHEN parameter IS NULL THEN '`' || %1$I || '`' END,
			'`' || parameter || '`', type, pg_temp.cell("default"), pg_temp.cell(accepted), pg_temp.cell(description))
		FROM similarity.%2$I() WITH ORDINALITY ORDER BY ordinality$q$, kind, source);
END $$;
SELECT pg_temp.choices('Layers', 'layer', 'layers');
SELECT pg_temp.choices('Losses', 'loss', 'losses');
SELECT pg_temp.choices('Optimizers', 'optimizer', 'optimizers');
SELECT pg_temp.choices('Schedules', 'schedule', 'schedules');
SELECT pg_temp.choices('Methods without labels', 'method', 'methods');
SELECT pg_temp.choices('Augmentations', 'augmentation', 'augmentations');

SELECT E'\n## Architectures\n\n| name | layout | input | |\n|---|---|---|---|';
SELECT format('| `%s` | %s | %s | %s |', name, layout, input, pg_temp.cell(description)) FROM similarity.architecture ORDER BY name COLLATE "C", layout COLLATE "C";
