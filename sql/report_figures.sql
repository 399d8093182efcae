-- Figures of pages: the numbers that are drawn are those that SQL gives.
SET client_min_messages = error;
SET similarity.progress_interval = 0;
CREATE FUNCTION page_data(page text, section text, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE RETURN
	(regexp_match(page, format('data-section="%s" data-name="%s">([^<]*)<', section, name)))[1]::jsonb;
CREATE FUNCTION page_notes(page text) RETURNS SETOF text LANGUAGE sql IMMUTABLE RETURN (regexp_matches(page, '<p class="note">([^<]*)<', 'g'))[1];
CREATE FUNCTION numbers(list jsonb) RETURNS float8[] LANGUAGE sql IMMUTABLE RETURN (SELECT array_agg(v::float8 ORDER BY n) FROM jsonb_array_elements_text(list) WITH ORDINALITY t(v, n));

-- Pictures of four kinds, of which a training sees three.
CREATE TABLE sketch (id int PRIMARY KEY, kind text, image bytea, e embedding(3));
INSERT INTO sketch SELECT i, 'kind ' || i % 4, (SELECT decode(string_agg(lpad(to_hex(((i % 4) * 60 + x * (1 + i % 4) * 9 + i * x * 37 % 50) % 256), 2, '0'), '' ORDER BY x), 'hex') FROM generate_series(0, 15) x)
FROM generate_series(1, 120) i;
CREATE FUNCTION learn(epochs int, seed int, source text DEFAULT 'SELECT image, kind FROM sketch WHERE id <= 80 ORDER BY id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CALL similarity.train('sketch', source, known_classes => '{kind 0,kind 1,kind 2}', epochs => epochs, steps_per_epoch => 4, classes_per_batch => 3, seed => seed,
		log_steps => 1, validation => 'SELECT image, kind FROM sketch WHERE id > 80 ORDER BY id', augmentation => '["translate", {"cutout": {}}]', verbose => false);
END $$;
SELECT count(*) FROM similarity.create_model('sketch', input => '{4,4,1}', layers => '[{"rescaling": {"scale": 0.004}}, {"flatten": {}}, {"metric_embedding": {"units": 3}}]');
SELECT learn(2, 1), learn(3, 2);
UPDATE sketch s SET e = b.e FROM (SELECT id, embed_batch('sketch', image) OVER () AS e FROM sketch) b WHERE b.id = s.id;
CREATE INDEX sketch_e ON sketch USING similarity_hnsw (e embedding_l2_ops);
SELECT similarity.create_gallery('drawer', 'sketch', 'e', 'kind', model => 'sketch', distance => 'euclidean', image => 'image');

-- Training: of a gallery's model, and of any model.
SELECT similarity.report_html('drawer', 'training') AS page \gset
SELECT page_data(:'page', 'training', 'version') = (SELECT to_jsonb(max(version)) FROM similarity.model_versions WHERE model = 'sketch') AS version,
	(SELECT bool_and(abs(p.loss - l.loss) < 1e-12 AND abs(p.avg_negative - l.avg_negative) < 1e-12) AND count(*) = 5
		FROM (SELECT loss, avg_negative, row_number() OVER (ORDER BY run, epoch) AS n FROM similarity.training_log WHERE model = 'sketch') l
		JOIN unnest(numbers(page_data(:'page', 'training', 'epochs')->'loss'), numbers(page_data(:'page', 'training', 'epochs')->'avg_negative')) WITH ORDINALITY p(loss, avg_negative, n) USING (n)) AS same;
SELECT metric COLLATE "C", count(*) FROM jsonb_array_elements_text(page_data(:'page', 'training', 'validation')->'metric') metric GROUP BY 1 ORDER BY 1;
SELECT jsonb_array_length(page_data(:'page', 'training', 'steps')->'step') = (SELECT count(*) FROM similarity.training_steps WHERE model = 'sketch') AS steps;
SELECT page_data(similarity.report_html('sketch', 'training'), 'training', 'epochs') = page_data(:'page', 'training', 'epochs') AS same;
SELECT regexp_replace(note, 'version \d+', 'version N') AS note FROM page_notes(:'page') note;
SELECT similarity.report_html('no such model', 'training');
-- Whoever may use the model but does not own it sees no validation and no source.
CREATE ROLE regress_figure_reader;
SELECT similarity.grant_usage('sketch', 'regress_figure_reader');
SET ROLE regress_figure_reader;
SELECT jsonb_array_length(page_data(page, 'training', 'epochs')->'loss') AS epochs, jsonb_array_length(page_data(page, 'training', 'validation')->'value') AS validation, page_data(page, 'training', 'runs')->'state' AS state
FROM similarity.report_html('sketch', 'training') page;
RESET ROLE;
-- What a training says of itself is written as data, whatever it holds.
UPDATE similarity.training_epoch SET verdict = E'</script><b>\u202Eworse\001' WHERE epoch = 3;
SELECT page ~ '</script><b>' AS markup, page_data(page, 'training', 'epochs')->'verdict'->4 AS verdict FROM similarity.report_html('sketch', 'training') page;

-- Distances: pairs of rows, counted here one by one.
SELECT similarity.report_html('drawer', 'distances') AS page \gset
CREATE VIEW pair AS SELECT a.kind = b.kind AS same, a.e <-> b.e AS distance FROM sketch a, sketch b WHERE a.id < b.id;
SELECT page_data(:'page', 'distances', 'pairs')->'total' = (SELECT jsonb_build_array(count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same)) FROM pair) AS total,
	bool_and(b.same = (SELECT count(*) FROM pair p WHERE p.same AND p.distance >= b.low AND p.distance < b.high)
		AND b.different = (SELECT count(*) FROM pair p WHERE NOT p.same AND p.distance >= b.low AND p.distance < b.high)) AS bins, count(*) BETWEEN 10 AND 50 AS enough
FROM (SELECT same, different, low, lead(low) OVER (ORDER BY n) AS high FROM unnest(numbers(page_data(:'page', 'distances', 'pairs')->'same'),
	numbers(page_data(:'page', 'distances', 'pairs')->'different'), numbers(page_data(:'page', 'distances', 'pairs')->'edges')) WITH ORDINALITY t(same, different, low, n)) b
WHERE same IS NOT NULL;
SELECT regexp_replace(note, '\d+ of them', 'N of them') AS note FROM page_notes(:'page') note;

-- What cut points give is what calibrate() finds, of the same rows.
SELECT count(*) AS cutpoints FROM similarity.calibrate('drawer', 'SELECT e, kind FROM sketch', '{"half": 0.5}', drop_closest => true);
SELECT similarity.report_html('drawer', 'distances') AS page \gset
SELECT bool_and(abs(c.precision - p.precision) < 1e-12 AND abs(c.recall - p.recall) < 1e-12 AND abs(c.f1 - p.f1) < 1e-12 AND abs(c.fpr - p.fpr) < 1e-12) AS same,
	count(p.distance) = count(*) AND count(*) > 20 AS complete
FROM similarity.calibration_curve c LEFT JOIN unnest(numbers(page_data(:'page', 'distances', 'curve')->'distance'), numbers(page_data(:'page', 'distances', 'curve')->'precision'),
	numbers(page_data(:'page', 'distances', 'curve')->'recall'), numbers(page_data(:'page', 'distances', 'curve')->'f1'), numbers(page_data(:'page', 'distances', 'curve')->'fpr'))
	p(distance, "precision", recall, f1, fpr) ON abs(p.distance - c.distance) < 1e-12
WHERE c.gallery = 'drawer';
SELECT jsonb_agg(c->'name' ORDER BY n) AS drawn FROM jsonb_array_elements(page_data(:'page', 'distances', 'cutpoints')) WITH ORDINALITY t(c, n);
-- Of a query: what evaluate_classification() counts, by the calibration's k and matcher; rows without a label are left out.
SELECT count(*) AS cutpoints FROM similarity.calibrate('drawer', 'SELECT e, kind FROM sketch', k => 3, matcher => 'match_majority_vote');
SELECT similarity.report_html('drawer', 'distances', 'SELECT e, CASE WHEN id <= 50 THEN kind END FROM sketch') AS page \gset
SELECT count(*) AS cutpoints, bool_and(p.tp = e.tp AND p.fp = e.fp AND p.tn = e.tn AND p.fn = e.fn) AS same
FROM similarity.evaluate_classification('drawer', 'SELECT e, kind FROM sketch WHERE id <= 50') e
JOIN unnest(numbers(page_data(:'page', 'distances', 'curve')->'distance'), numbers(page_data(:'page', 'distances', 'curve')->'tp'), numbers(page_data(:'page', 'distances', 'curve')->'fp'),
	numbers(page_data(:'page', 'distances', 'curve')->'tn'), numbers(page_data(:'page', 'distances', 'curve')->'fn')) p(distance, tp, fp, tn, fn) ON abs(p.distance - e.distance) < 1e-12;
SELECT regexp_replace(note, '\d+ of them', 'N of them') AS note FROM page_notes(:'page') note;
SELECT * FROM page_notes(similarity.report_html('drawer', 'distances', 'SELECT e, NULL FROM sketch'));

-- Augmentation: views are those of augment(), by the pipeline of the last training.
SELECT similarity.report_html('drawer', 'augmentation', options => '{"items": 3, "seed": 5}') AS page \gset
SELECT count(*) AS views, bool_and(position(translate(encode(similarity.augment(image, '["translate", {"cutout": {}}]', 5 + 7 * (n - 1) + v, shape => '{4,4,1}'), 'base64'), E'\n', '') IN :'page') > 0) AS same
FROM (SELECT image, row_number() OVER (ORDER BY hashtextextended(id::text, 5)) AS n FROM sketch ORDER BY 2 LIMIT 3) s, generate_series(0, 6) v;
SELECT regexp_replace(note, 'version \d+', 'version N') AS note FROM page_notes(:'page') note;
-- Of a model by itself: of pictures of a query; pixels or files, and what is neither.
SELECT page_notes(similarity.report_html('sketch', 'augmentation')) AS note;
SELECT count(*) AS pictures, sum((line LIKE '%view 7%')::int) AS with_views FROM regexp_split_to_table(similarity.report_html('sketch', 'augmentation',
	$$SELECT i, l FROM (SELECT image, kind FROM sketch WHERE id <= 2 UNION ALL SELECT similarity.augment(image, '["rotate"]', shape => '{4,4,1}'), '<file>' FROM sketch WHERE id = 3 UNION ALL SELECT '\x89504e470d0a1a0a00', NULL) t(i, l)$$, '{"augmentation": "horizontal_flip"}'), '<section class="row">') WITH ORDINALITY t(line, n) WHERE n > 1;
SELECT similarity.report_html('drawer', 'augmentation', options => '{"augmentation": ["translat"]}');
SELECT similarity.report_html('drawer', 'augmentation', options => '{"augmentations": []}');
SET ROLE regress_figure_reader;
SELECT * FROM page_notes(similarity.report_html('sketch', 'augmentation', $$SELECT '\x00'::bytea, NULL$$));
RESET ROLE;
CALL similarity.train('sketch', 'SELECT image, kind FROM sketch', epochs => 1, steps_per_epoch => 1, classes_per_batch => 3, verbose => false);
SELECT * FROM page_notes(similarity.report_html('drawer', 'augmentation'));

-- Index: recall is that of index_recall(), each with its own ef_search.
SELECT similarity.report_html('drawer', 'index') AS page \gset
SELECT count(*) AS efforts, bool_and(abs(p.recall - r.recall) < 1e-12 AND abs(p.expansions - r.expansions) < 1e-9) AS same
FROM unnest(numbers(page_data(:'page', 'index', 'indexes')->0->'curve'->'ef'), numbers(page_data(:'page', 'index', 'indexes')->0->'curve'->'recall'), numbers(page_data(:'page', 'index', 'indexes')->0->'curve'->'expansions')) p(ef, recall, expansions),
	similarity.index_recall('sketch_e', 200, 10, p.ef::bigint, 42) r;
SELECT numbers(page_data(:'page', 'index', 'indexes')->0->'degrees'->'nodes') = (SELECT array_agg(nodes::float8 ORDER BY neighbors) FROM similarity.index_degrees('sketch_e')) AS degrees,
	page_data(:'page', 'index', 'indexes')->0->'info'->'rows' AS rows, page_data(:'page', 'index', 'indexes')->0->'info'->'unreachable_nodes' AS unreachable;
SELECT * FROM page_notes(:'page');
GRANT SELECT (e, kind, id, image) ON sketch TO regress_figure_reader;
SET ROLE regress_figure_reader;
SELECT * FROM page_notes(similarity.report_html('drawer', 'index'));
RESET ROLE;
DROP INDEX sketch_e;
SELECT * FROM page_notes(similarity.report_html('drawer', 'index'));

SELECT similarity.drop_gallery('drawer'), similarity.drop_model('sketch');
DROP TABLE sketch CASCADE;
DROP FUNCTION page_data, page_notes, numbers, learn;
DROP ROLE regress_figure_reader;
