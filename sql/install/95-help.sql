-- The way in: what to do first, what there is, and what can be set.

CREATE FUNCTION similarity.settings()
	RETURNS TABLE (setting text, value text, "default" text, unit text, meaning text)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10
BEGIN ATOMIC
	-- the library has them, and comes with its first function: in a worker it
	-- could not take the values that were SET before it came
	SELECT pg_catalog.count(*) FROM similarity.distances();
	SELECT s.name, pg_catalog.current_setting(s.name),
		CASE s.unit WHEN 'kB' THEN pg_catalog.replace(pg_catalog.pg_size_pretty(s.boot_val::bigint OPERATOR(pg_catalog.*) 1024), ' ', '')
			WHEN 'ms' THEN (s.boot_val::bigint OPERATOR(pg_catalog./) 1000)::text OPERATOR(pg_catalog.||) 's' ELSE s.boot_val END,
		s.unit, pg_catalog.concat_ws(' ', s.short_desc, s.extra_desc)
	FROM pg_catalog.pg_settings s
	WHERE pg_catalog.starts_with(s.name, 'similarity.') OR s.name OPERATOR(pg_catalog.=) 'maintenance_work_mem'
	ORDER BY s.name COLLATE pg_catalog."C";
END;
COMMENT ON FUNCTION similarity.settings() IS
	'settings of the extension, with their values in this session; unit: of numbers that come without one. SET similarity.threads = 4 changes one for a session, ALTER DATABASE ... SET for all that come';

CREATE FUNCTION similarity.help(topic text DEFAULT NULL) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 30
BEGIN ATOMIC
	WITH topics (position, topic, about, names) AS (VALUES
		(1, 'models', 'make them, deploy, copy, import and export them, and who may use them',
			ARRAY['create_model', 'architecture', 'model_summary', 'deploy', 'drop_version', 'copy_model', 'drop_model', 'import_model',
				'export_model', 'grant_usage', 'revoke_usage', 'set_model_owner', 'reassign_owned', 'drop_owned']),
		(2, 'training', 'train a model on a query of (input, label), watch it, look at batches',
			ARRAY['train', 'train_background', 'cancel_job', 'show_training', 'augment', 'sample_batch', 'batch_class_ratio', 'loss']),
		(3, 'choices', 'layers, losses, optimizers and the rest, with their parameters',
			ARRAY['layers', 'losses', 'optimizers', 'schedules', 'methods', 'augmentations', 'distances']),
		(4, 'embeddings', 'what a model makes of rows', ARRAY['embed', 'embed_image', 'embed_batch', 'attach', 'detach', 'reembed', 'reembed_cancel']),
		(5, 'galleries', 'rows with labels: look up, match, say "none of these"',
			ARRAY['create_gallery', 'drop_gallery', 'lookup', 'lookup_image', 'lookup_all', 'calibrate', 'calibration_status', 'match', 'match_image',
				'match_all', 'drift']),
		(6, 'evaluation', 'how good is it?',
			ARRAY['evaluate_retrieval', 'evaluate_classification', 'evaluate_cutpoints', 'confusion_matrix', 'distance_histogram', 'audit', 'suggest_labels',
				'projection', 'retrieval_metrics', 'classification_metrics', 'classification_counts', 'match_neighbors']),
		(7, 'seeing', 'pictures and charts in psql, pages for a browser',
			ARRAY['show_image', 'show_neighbors', 'show_confusion', 'show_training', 'show_histogram', 'neighbors_html', 'report', 'report_html',
				'image_info', 'image_error']),
		(8, 'search', 'indexes and exact search', ARRAY['knn', 'index_info', 'index_stats', 'index_history', 'index_degrees', 'index_recall', 'verify_index']),
		(9, 'help', 'this, and what can be set', ARRAY['help', 'settings'])),
	-- of functions that have one name, the one of whose comment says most
	functions AS (
		SELECT DISTINCT ON (p.proname) p.oid, p.proname::text AS name, pg_catalog.obj_description(p.oid, 'pg_proc') AS about,
			coalesce(p.proargnames[1:p.pronargs], '{}') AS arguments
		FROM pg_catalog.pg_proc p
			JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
				AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
				AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
			JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname OPERATOR(pg_catalog.=) 'similarity'
			JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
		WHERE n.nspname OPERATOR(pg_catalog.=) 'similarity' AND p.prorettype OPERATOR(pg_catalog.<>) ALL
				(ARRAY['pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype]) OR p.proname OPERATOR(pg_catalog.~) '^embed($|_image$|_batch$)'
		ORDER BY p.proname, pg_catalog.length(pg_catalog.obj_description(p.oid, 'pg_proc')) DESC, p.oid),
	asked AS (SELECT pg_catalog.lower(pg_catalog.btrim(topic)) AS word),
	-- entries of lists: a title, and what is said of it below
	entries (place, title, about) AS (
		SELECT pg_catalog.array_position(t.names, f.name)::bigint, pg_catalog.format('%s(%s%s)', f.name, pg_catalog.array_to_string(f.arguments[1:4], ', '),
			CASE WHEN pg_catalog.cardinality(f.arguments) OPERATOR(pg_catalog.>) 4 THEN ', ...' END), pg_catalog.split_part(f.about, '. ', 1)
		FROM asked JOIN topics t ON t.topic OPERATOR(pg_catalog.=) asked.word JOIN functions f ON f.name OPERATOR(pg_catalog.=) ANY (t.names)
		UNION ALL
		SELECT pg_catalog.row_number() OVER (ORDER BY f.name COLLATE pg_catalog."C"),
			pg_catalog.format('%s(%s)', f.name, pg_catalog.array_to_string(f.arguments[1:4], ', ')), pg_catalog.split_part(f.about, '. ', 1)
		FROM asked, functions f
		WHERE asked.word OPERATOR(pg_catalog.=) 'more' AND NOT EXISTS (SELECT FROM topics t WHERE f.name OPERATOR(pg_catalog.=) ANY (t.names))
		UNION ALL
		SELECT pg_catalog.row_number() OVER (ORDER BY c.relname COLLATE pg_catalog."C"),
			'similarity.' OPERATOR(pg_catalog.||) c.relname::text, pg_catalog.split_part(pg_catalog.obj_description(c.oid, 'pg_class'), '; ', 1)
		FROM asked, pg_catalog.pg_class c
		WHERE asked.word OPERATOR(pg_catalog.=) 'views' AND c.relnamespace OPERATOR(pg_catalog.=) 'similarity'::pg_catalog.regnamespace
			AND c.relkind OPERATOR(pg_catalog.=) 'v'),
	lines (part, place, below, line) AS (
		-- nothing asked: what to do first
		SELECT 1, l.place, 0::bigint, l.line FROM asked, ROWS FROM (pg_catalog.unnest(ARRAY[
			'similarity finds what is like a thing, in SQL.  Three ways to begin:',
			'',
			'You have embeddings:',
			'  CREATE TABLE item (id bigint PRIMARY KEY, label text, e embedding(384));',
			'  CREATE INDEX ON item USING similarity_hnsw (e embedding_cosine_ops);',
			'  SELECT id, label FROM item ORDER BY e <=> $1 LIMIT 5;',
			'You have rows or pictures with labels, and no embeddings yet:',
			'  SELECT * FROM similarity.create_model(''mine'', ''{64,64,3}'', similarity.architecture(''photos''));',
			'  CALL similarity.train(''mine'', ''SELECT image, label FROM photos'');',
			'  SELECT similarity.show_training(''mine'');',
			'You have both, and ask what a new thing is, or whether it is none of these:',
			'  SELECT similarity.create_gallery(''shelf'', ''item'', embedding => ''e'', label => ''label'', key => ''id'', model => ''mine'');',
			'  SELECT * FROM similarity.calibrate(''shelf'', ''SELECT image, label FROM tests'');',
			'  SELECT * FROM similarity.match(''shelf'', $1::bytea);',
			'',
			'More: SELECT similarity.help(''training''), or one of'])) WITH ORDINALITY AS l (line, place)
		WHERE asked.word IS NULL
		UNION ALL
		SELECT 2, t.position, 0, pg_catalog.format('  %s  %s', pg_catalog.rpad(t.topic, 11), t.about)
		FROM topics t, asked
		WHERE asked.word IS NULL
			OR NOT EXISTS (SELECT FROM topics o WHERE o.topic OPERATOR(pg_catalog.=) asked.word)
			AND NOT EXISTS (SELECT FROM functions f WHERE f.name OPERATOR(pg_catalog.=) asked.word)
			AND asked.word OPERATOR(pg_catalog.<>) ALL (ARRAY['views', 'more'])
		UNION ALL
		SELECT 3, l.place, 0, l.line FROM asked, ROWS FROM (pg_catalog.unnest(ARRAY[
			'  views        what there is now: models, galleries, trainings, jobs, progress',
			'  more         functions that stand in no other topic',
			'or the name of a function: SELECT similarity.help(''train'').  Settings: SELECT * FROM similarity.settings().'
			])) WITH ORDINALITY AS l (line, place)
		WHERE asked.word IS NULL
		UNION ALL
		-- a topic, and its entries
		SELECT 4, 0, 0, pg_catalog.format('%s: %s', t.topic, t.about)
		FROM topics t, asked WHERE t.topic OPERATOR(pg_catalog.=) asked.word
		UNION ALL
		SELECT 5, e.place, 0, '  ' OPERATOR(pg_catalog.||) e.title FROM entries e
		UNION ALL
		SELECT 5, e.place, w.place, '      ' OPERATOR(pg_catalog.||) pg_catalog.rtrim(w.words[1])
		FROM entries e, ROWS FROM (pg_catalog.regexp_matches(e.about, '.{1,80}(?:\s|$)', 'g')) WITH ORDINALITY AS w (words, place)
		UNION ALL
		-- a function: each argument on a line of its own, and the comment
		SELECT 8, 0, 0, pg_catalog.format('%s%s.%s(', CASE WHEN p.prokind OPERATOR(pg_catalog.=) 'p' THEN 'CALL '
			WHEN p.proretset THEN 'SELECT * FROM ' ELSE 'SELECT ' END, n.nspname, p.proname)
		FROM asked, functions f JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) f.oid
			JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
		WHERE f.name OPERATOR(pg_catalog.=) asked.word
		UNION ALL
		SELECT 9, i, 0, pg_catalog.format('  %s %s%s', f.arguments[i], pg_catalog.format_type(p.proargtypes[i OPERATOR(pg_catalog.-) 1], NULL),
			' DEFAULT ' OPERATOR(pg_catalog.||) pg_catalog.regexp_replace(pg_catalog.pg_get_function_arg_default(p.oid, i), '::[a-z \[\]]+$', ''))
		FROM asked, functions f JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) f.oid,
			pg_catalog.generate_series(1, pg_catalog.cardinality(f.arguments)) i
		WHERE f.name OPERATOR(pg_catalog.=) asked.word
		UNION ALL
		SELECT 10, 0, 0, ')' FROM asked, functions f WHERE f.name OPERATOR(pg_catalog.=) asked.word
		UNION ALL
		SELECT 11, w.place, 0, pg_catalog.rtrim(w.words[1])
		FROM asked, functions f, ROWS FROM (pg_catalog.regexp_matches(f.about, '.{1,78}(?:\s|$)', 'g')) WITH ORDINALITY AS w (words, place)
		WHERE f.name OPERATOR(pg_catalog.=) asked.word)
	SELECT s.line FROM (
		SELECT -1 AS part, 0::bigint AS place, 0::bigint AS below, pg_catalog.format('There is no topic or function %s. Topics:', topic) AS line
		WHERE topic IS NOT NULL AND NOT EXISTS (SELECT FROM lines l WHERE l.part OPERATOR(pg_catalog.>) 3)
		UNION ALL SELECT l.part, l.place, l.below, l.line FROM lines l) s
	ORDER BY s.part, s.place, s.below;
END;
COMMENT ON FUNCTION similarity.help(text) IS
	'what to do first, and what there is. topic: one of those that help() names, or the name of a function';
