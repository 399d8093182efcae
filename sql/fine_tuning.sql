-- Fine-tuning: where a training starts, which layers it changes, and features
-- of frozen layers that are computed once.
SET similarity.threads = 2;

CREATE FUNCTION tuning_noise(i int, stream int) RETURNS real IMMUTABLE LANGUAGE sql
	RETURN 0.6 * (abs(hashint4(i * 10 + stream) % 1000) / 1000.0 - 0.5);
CREATE TABLE tuning AS
SELECT i AS id, 'corner ' || i % 4 AS label,
	ARRAY[i % 2 + tuning_noise(i, 1), i / 2 % 2 + tuning_noise(i, 2), tuning_noise(i, 3), tuning_noise(i, 4)]::real[] AS input
FROM generate_series(0, 199) i;

SELECT count(*) AS rows FROM similarity.create_model('tuned', input => '{4}', layers => '[
	{"dense": {"units": 16, "activation": "relu", "name": "encoder"}},
	{"batch_normalization": {}},
	{"dense": {"units": 8, "activation": "relu", "name": "features"}},
	{"metric_embedding": {"units": 4}}]');

-- The first training, and what it left
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 1, verbose => false);
SELECT version AS first FROM similarity.model_versions WHERE model = 'tuned' AND deployed \gset

-- Checksums of a version's tensors: the same bits have the same
CREATE FUNCTION tensors(version int) RETURNS TABLE (tensor text, bits text) LANGUAGE sql
	BEGIN ATOMIC SELECT w.tensor, string_agg(w.checksum::text, ',' ORDER BY w.part)
	FROM _similarity.model_weights w WHERE w.version = tensors.version GROUP BY 1; END;
CREATE FUNCTION changed(one int, two int) RETURNS TABLE (tensor text, changed boolean) LANGUAGE sql
	BEGIN ATOMIC SELECT tensor, a.bits <> b.bits FROM tensors(one) a JOIN tensors(two) b USING (tensor) ORDER BY 1; END;
CREATE FUNCTION deployed(model text) RETURNS int LANGUAGE sql
	BEGIN ATOMIC SELECT v.version FROM similarity.model_versions v WHERE v.model = deployed.model AND v.deployed; END;

-- Without from_version a training starts from fresh weights, and says so.
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 1,
	optimizer_params => '{"learning_rate": 0}', seed => 2, verbose => false);
SELECT bool_or(changed) AS fresh FROM changed(:first, deployed('tuned')) WHERE tensor LIKE '%kernel';

-- With it, it starts from them: a learning rate of 0 changes but moving averages.
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 1,
	optimizer_params => '{"learning_rate": 0}', seed => 2, verbose => false, from_version => :first);
SELECT * FROM changed(:first, deployed('tuned'));

-- What is frozen keeps its bits, moving averages too; a factor of 0 is the same.
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 3, verbose => false, from_version => :first, trainable => '{"encoder": false, "batch*": false}');
SELECT * FROM changed(:first, deployed('tuned'));
SELECT deployed('tuned') AS frozen \gset
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 3, verbose => false, from_version => :first, trainable => '{"encoder": 0, "batch*": 0}');
SELECT bool_or(changed) AS changed FROM changed(:frozen, deployed('tuned'));

-- A name before a pattern, a longer pattern before a shorter one; a factor acts.
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 3, verbose => false, from_version => :first,
	trainable => '{"*": false, "features": 0.5, "m*g": true, "m*_embedding": false}');
SELECT * FROM changed(:first, deployed('tuned'));

-- Features of frozen layers are computed once where that pays: the same losses.
CREATE VIEW tuned_runs AS
SELECT r.run, (v.metrics->>'cached_features')::int AS cached_features, (v.metrics->>'loss')::float8 AS loss
FROM similarity.training_runs r JOIN similarity.model_versions v USING (version) WHERE r.model = 'tuned';
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 10,
	seed => 4, verbose => false, from_version => :first, trainable => '{"encoder": false, "batch*": false}');
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 4, verbose => false, from_version => :first, trainable => '{"encoder": false, "batch*": false}');
SELECT cached_features FROM tuned_runs ORDER BY run DESC LIMIT 2;
-- the layers before the moving averages only
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 4, verbose => false, from_version => :first, trainable => '{"encoder": false}');
SELECT cached_features FROM tuned_runs ORDER BY run DESC LIMIT 1;

-- where they would not fit into memory they are not kept, and losses are the same
CREATE PROCEDURE tune_many(first int) LANGUAGE sql AS $$
	CALL similarity.train('tuned', 'SELECT input, label FROM tuning, generate_series(1, 60)', epochs => 1, steps_per_epoch => 1600,
		seed => 4, optimizer => 'sgd', verbose => false, from_version => first, trainable => '{"encoder": false}') $$;
CALL tune_many(:first);
SELECT ((metrics->>'planned_bytes')::bigint / 1024 - 1) || 'kB' AS less FROM similarity.model_versions
WHERE version = deployed('tuned') \gset
SET similarity.training_memory = :'less';
CALL tune_many(:first);
RESET similarity.training_memory;
SELECT cached_features, abs(loss - lag(loss) OVER (ORDER BY run)) < 1e-4 AS same FROM tuned_runs ORDER BY run DESC LIMIT 1;
DROP PROCEDURE tune_many(int);

-- trainable in the architecture: part of the model, its copies and exports
SELECT count(*) AS rows FROM similarity.create_model('half', input => '{4}', layers => '[
	{"dense": {"units": 16, "activation": "relu", "name": "encoder", "trainable": false}},
	{"metric_embedding": {"units": 4}}]');
SELECT layer, parameters FROM similarity.model_summary('half');
CALL similarity.train('half', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 1, verbose => false);
SELECT similarity.copy_model('half', 'half copy');
SELECT similarity.import_model('half import', similarity.export_model('half')) > 0 AS imported;
SELECT layer, parameters FROM similarity.model_summary('half import') WHERE layer LIKE '%trainable';
SELECT deployed('half copy') AS copied, deployed('half import') AS imported \gset
CALL similarity.train('half copy', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 2, verbose => false, from_version => :copied);
SELECT * FROM changed(:copied, deployed('half copy'));
-- an imported model is trained on from its weights; trainable comes before the architecture
CALL similarity.train('half import', 'SELECT input, label FROM tuning', epochs => 1, steps_per_epoch => 50,
	seed => 2, verbose => false, from_version => :imported, trainable => '{"*": true}');
SELECT * FROM changed(:imported, deployed('half import'));

-- What is asked is recorded.
SELECT options->'trainable' AS trainable, (options->>'from_version')::int = :imported AS from_import
FROM similarity.training_runs WHERE model = 'half import';

-- Mistakes
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '{"conv*": false}', from_version => :first);
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '{"*": false}', from_version => :first);
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '["encoder"]');
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '{"encoder": "no"}');
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '{"encoder": -1}');
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', trainable => '{"encoder": [1]}');
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', from_version => 32000);
\set VERBOSITY sqlstate
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', from_version => :imported);
CALL similarity.train('tuned', 'SELECT input, label FROM tuning', from_version => 0);
\set VERBOSITY terse
SELECT similarity.create_model('wrong', input => '{4}', layers => '[{"dense": {"units": 4, "trainable": "no"}}]');

SELECT similarity.drop_model(model) FROM (VALUES ('tuned'), ('half'), ('half copy'), ('half import')) m (model);
DROP VIEW tuned_runs;
DROP FUNCTION deployed(text), changed(int, int), tensors(int);
DROP TABLE tuning;
DROP FUNCTION tuning_noise(int, int);
