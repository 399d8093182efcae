-- Learning without labels: two views of each row, seen by a loss through heads that only training has.
CREATE TABLE picture AS
SELECT i AS id, i % 4 AS kind, ARRAY(SELECT (100 * sin(i % 4 + j) + 50 * sin(i * j))::real FROM generate_series(1, 16) j) AS x
FROM generate_series(1, 200) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('views', input => '{16}',
	layers => '[{"rescaling": {"scale": 0.01}}, {"dropout": {"rate": 0.3}}, {"dense": {"units": 24, "activation": "relu"}}, {"metric_embedding": {"units": 8}}]');

-- What there is
SELECT method, parameter, type, "default", accepted, description FROM similarity.methods();

-- Every method trains; a version holds the model and nothing of the heads.
DO $$
DECLARE
	m text;
BEGIN
	FOR m IN SELECT DISTINCT method FROM similarity.methods() ORDER BY 1 LOOP
		CALL similarity.train('views', 'SELECT x FROM picture', method => m, method_params => '{"projector_units": 16}',
			classes_per_batch => 16, epochs => 2, steps_per_epoch => 3, seed => 1, verbose => false);
	END LOOP;
END
$$;
SELECT r.options->>'method' AS method, r.options->'method_params' AS params, r.options->>'sampler' AS sampler,
	r.options->>'classes_per_batch' AS rows, count(l.*) AS epochs, bool_and(l.verdict IS NULL) AS sound, count(DISTINCT v.fingerprint) AS weights
FROM similarity.training_runs r JOIN similarity.training_log l USING (run) JOIN similarity.model_versions v USING (version)
GROUP BY r.run, r.options ORDER BY r.run;
SELECT layer, parameters FROM similarity.model_summary('views');
SELECT dims(embed('views', x)), round(l2_norm(embed('views', x))::numeric, 5) AS length FROM picture WHERE id = 1;

-- The same seed, the same weights; more steps go on from a version.
CALL similarity.train('views', 'SELECT x FROM picture ORDER BY id', method => 'byol', method_params => '{"projector_units": 8}',
	classes_per_batch => 8, epochs => 1, steps_per_epoch => 3, seed => 3, verbose => false);
CALL similarity.train('views', 'SELECT x, NULL FROM picture ORDER BY id', method => 'byol', method_params => '{"projector_units": 8}',
	classes_per_batch => 8, epochs => 1, steps_per_epoch => 3, seed => 3, verbose => false);
SELECT count(DISTINCT fingerprint) AS weights FROM (SELECT fingerprint FROM similarity.model_versions ORDER BY version DESC LIMIT 2) v;
SELECT max(version) AS version FROM similarity.model_versions \gset
CALL similarity.train('views', 'SELECT x FROM picture ORDER BY id', method => 'simclr', from_version => :version, trainable => '{"dense": false}',
	epochs => 1, steps_per_epoch => 2, seed => 3, verbose => false);
SELECT options->'from_version' = to_jsonb(:version) AS continued, version IS NOT NULL AS trained FROM similarity.training_runs ORDER BY run DESC LIMIT 1;

-- Views that do not differ leave a loss nothing but to make all the same: collapse is told.
SELECT count(*) > 0 AS created FROM similarity.create_model('alike', input => '{16}', layers => '[{"dense": {"units": 4}}, {"metric_embedding": {"units": 2}}]');
CALL similarity.train('alike', 'SELECT array_fill(1.0, ''{16}'') FROM picture', method => 'simsiam', classes_per_batch => 4, epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
SELECT verdict FROM similarity.training_log WHERE model = 'alike';

-- Views by augmentation
SELECT count(*) > 0 AS created FROM similarity.create_model('pictures', input => '{4,4,1}', layers => '[{"flatten": {}}, {"metric_embedding": {"units": 2}}]');
CALL similarity.train('pictures', 'SELECT x FROM picture', method => 'barlow', method_params => '{"projector_units": 4}', augmentation => '"barlow"',
	classes_per_batch => 8, epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);

-- Rows that have a label are learnt by a loss as well: here two classes that views alone would not tell apart.
CREATE TABLE partly AS
SELECT id, CASE WHEN id % 3 = 0 THEN kind / 2 END AS label, x FROM picture;
CALL similarity.train('views', 'SELECT x, label FROM partly ORDER BY id', loss => 'triplet', loss_params => '{"margin": 0.5}', method => 'simclr',
	method_params => '{"projector_units": 16, "label_weight": 2, "labeled_share": 0.25}', classes_per_batch => 16, epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);
SELECT metrics->'classes' AS classes, metrics->'rows' AS rows FROM similarity.model_versions WHERE model = 'views' ORDER BY version DESC LIMIT 1;
CALL similarity.train('views', 'SELECT x, NULL FROM partly', method => 'simclr', method_params => '{"projector_units": 16}',
	classes_per_batch => 16, epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false);

-- Errors
SET client_min_messages = error;
CREATE FUNCTION fails(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE 'CALL similarity.train(''views'', ''SELECT x FROM picture'', ' || arguments || ', epochs => 1, steps_per_epoch => 1)';
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;
SELECT fails($$method => 'simclr2'$$);
SELECT fails($$method => 'simclr', method_params => '{"momentum": 0.9}'$$);
SELECT fails($$method => 'byol', method_params => '{"momentum": 1.5}'$$);
SELECT fails($$method => 'swav', method_params => '{"projector_layers": 5}'$$);
SELECT fails($$method => 'simclr', method_params => '[]'$$);
SELECT fails($$method_params => '{"temperature": 1}'$$);
SELECT fails($$method => 'simclr', examples_per_class => 4$$);
SELECT fails($$method => 'simclr', known_classes => '{1}'$$);
SELECT fails($$method => 'simclr', categories_per_batch => 2$$);
SELECT fails($$method => 'simclr', loss => 'arcface'$$);
SELECT fails($$method => 'simclr', loss_params => '{"memory_size": 100}'$$);
SELECT fails($$method => 'simclr', augmentation => '"mixup"'$$);
SELECT fails($$method => 'simclr', trainable => '{"*": false}'$$);
SELECT fails($$method => 'simclr', trainable => '{"projector*": false}'$$);
SELECT fails($$loss => 'simsiam'$$);

SELECT similarity.drop_model('views'), similarity.drop_model('alike'), similarity.drop_model('pictures');
DROP TABLE picture, partly;
DROP FUNCTION fails;
