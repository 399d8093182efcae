-- Each mistake is an error that says what is accepted; nothing is stored.

-- The list of layers
SELECT similarity.create_model('m', '{4}', '{}');
SELECT similarity.create_model('m', '{4}', '3');
SELECT similarity.create_model('m', '{4}', '[]');
SELECT similarity.create_model('m', '{4}', '["flatten"]');
SELECT similarity.create_model('m', '{4}', '[{}]');
SELECT similarity.create_model('m', '{4}', '[{"flatten": {}, "dense": {"units": 3}}]');
SELECT similarity.create_model('m', '{4}', ('[' || repeat('{"flatten": {}},', 512) || '{"flatten": {}}]')::jsonb);

-- Layers and their parameters
SELECT similarity.create_model('m', '{4}', '[{"flatten": {}}, {"convolution": {}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": 64}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": [64]}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"unit": 3}}]');
SELECT similarity.create_model('m', '{4}', '[{"flatten": {"size": 3}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": "3"}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 2.5}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 0}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 1e400}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": null}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": {"a": 1}}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": [1, 2]}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 3, "activation": "softplus"}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 3, "use_bias": 1}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 3, "name": 5}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 3, "name": ""}}]');
SELECT similarity.create_model('m', '{4}', '[{"dense": {"units": 3, "name": "a"}}, {"dense": {"units": 3, "name": "a"}}]');
SELECT similarity.create_model('m', '{8,8,1}', '[{"conv2d": {"filters": 3, "kernel_size": [3]}}]');
SELECT similarity.create_model('m', '{8,8,1}', '[{"conv2d": {"filters": 3, "kernel_size": [3, "x"]}}]');

-- Shapes
SELECT similarity.create_model('m', '{}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{1,2,3,4,5}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{{1,2}}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{4,NULL}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{4,0}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{2147483647,2147483647}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{28,28}', '[{"conv2d": {"filters": 64, "kernel_size": 3}}, {"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{28,28,1}', '[{"conv2d": {"filters": 64, "kernel_size": 29}}, {"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{28,28,1}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model('m', '{28,28,1}', '[{"conv2d": {"filters": 64, "kernel_size": 3}}]');
SELECT similarity.create_model('m', '{28,28,1}', '[{"flatten": {}}]');
SELECT similarity.create_model('m', '{65536,1000}', '[{"flatten": {}}, {"dense": {"units": 65536}}]');

-- Names
SELECT similarity.create_model('', '{4}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model(repeat('x', 64), '{4}', '[{"metric_embedding": {"units": 3}}]');
SELECT count(*) FROM similarity.create_model(repeat('x', 63), '{4}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.create_model(repeat('x', 63), '{4}', '[{"metric_embedding": {"units": 3}}]');
SELECT similarity.model_summary(repeat('x', 64));
SELECT similarity.drop_model(repeat('x', 63));
SELECT similarity.model_summary('nobody');
SELECT similarity.drop_model('nobody');
SELECT similarity.grant_usage('nobody', 'public');
SELECT similarity.deploy('nobody', 1);

-- Models that cannot embed
SELECT count(*) FROM similarity.create_model('untrained', '{4}', '[{"metric_embedding": {"units": 3}}]');
SELECT embed('untrained', '{1,2,3,4}'::real[]);
SELECT embed('nobody', '{1,2,3,4}'::real[]);
SELECT embed(32767, '{1,2,3,4}'::real[]);
SELECT embed(-1, '{1,2,3,4}'::real[]);
SELECT similarity.deploy('untrained', 32767);
SELECT embed_batch('untrained', '{1,2,3,4}'::real[]) OVER ();
SELECT similarity.drop_model('untrained');

-- Every error has an SQLSTATE of its own kind, never an internal one
CREATE FUNCTION sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
SELECT sqlstate_of(format('SELECT similarity.create_model(''m'', %L, %L)', input, layers)) AS sqlstate, input, layers
FROM (VALUES ('{4}', '{}'), ('{4}', '[{"convolution": {}}]'), ('{4}', '[{"dense": {"unit": 3}}]'),
	('{4}', '[{"dense": {"units": 0}}]'), ('{28,28,1}', '[{"metric_embedding": {"units": 3}}]'),
	('{65536,1000}', '[{"flatten": {}}, {"dense": {"units": 65536}}]')) v(input, layers);
SELECT sqlstate_of($$SELECT embed('nobody', '\x00'::bytea)$$);
DROP FUNCTION sqlstate_of(text);
SELECT count(*) FROM similarity.models WHERE model IN ('m', 'untrained');

-- A trigger that keeps rows out of the extension's tables leaves nothing half.
BEGIN;
CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SELECT count(*) FROM similarity.create_model('whole', '{2}', '[{"dense": {"units": 2}}]');
CALL similarity.train('whole', 'SELECT ARRAY[i, i % 2]::real[], i % 2 FROM generate_series(1, 8) i', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['model', 'model_version', 'model_weights'] LOOP
		EXECUTE format('CREATE TRIGGER keep_out BEFORE INSERT ON _similarity.%I FOR EACH ROW EXECUTE FUNCTION keep_out()', name);
		BEGIN
			PERFORM similarity.import_model('half', similarity.export_model('whole'));
		EXCEPTION WHEN OTHERS THEN
			RAISE NOTICE '% %', SQLSTATE, SQLERRM;
		END;
		EXECUTE format('DROP TRIGGER keep_out ON _similarity.%I', name);
	END LOOP;
END $$;
SELECT count(*) FROM similarity.models WHERE model = 'half';
ROLLBACK;
