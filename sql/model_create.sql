-- The hello world's model: layers, output shapes and weights as Keras counts them
SELECT * FROM similarity.create_model('hello', input => '{28,28,1}', layers => '[
  {"rescaling": {"scale": 0.00392156862745098}},
  {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
  {"flatten": {}},
  {"dense": {"units": 64, "activation": "relu"}},
  {"metric_embedding": {"units": 64}}]');
SELECT * FROM similarity.model_summary('hello');
SELECT model, owner = current_user AS mine, input, dims, deployed_version, usage_granted_to FROM similarity.models WHERE model = 'hello';

-- Names, pairs, choices, nulls and booleans of parameters
SELECT * FROM similarity.create_model('variety', '{20,24,3}', '[
  {"conv2d": {"name": "first", "filters": 4, "kernel_size": [3, 5], "strides": [1, 2], "padding": "same", "use_bias": false}},
  {"max_pooling2d": {"strides": null}},
  {"max_pooling2d": {"pool_size": [2, 3]}},
  {"conv2d": {"filters": 2, "kernel_size": 1}},
  {"flatten": {}},
  {"dropout": {"rate": 0.25}},
  {"dense": {"units": 10}},
  {"dense": {"units": 7}},
  {"metric_embedding": {"units": 5}}]');

-- A model of vectors: an adapter over existing embeddings
SELECT * FROM similarity.create_model('adapter', '{384}', '[{"metric_embedding": {"units": 16}}]');

-- What exists, from the tables that also check parameters
SELECT layer, parameter, type, "default", accepted FROM similarity.layers() WHERE layer IN ('dense', 'max_pooling2d');
SELECT DISTINCT loss FROM similarity.losses() ORDER BY 1;
SELECT DISTINCT optimizer FROM similarity.optimizers() ORDER BY 1;
SELECT optimizer, parameter, "default" FROM similarity.optimizers() WHERE optimizer = 'adam';
SELECT count(*) FROM (SELECT description FROM similarity.layers() UNION ALL SELECT description FROM similarity.losses()
	UNION ALL SELECT description FROM similarity.optimizers()) d WHERE description IS NULL;

-- Ids are not used again
SELECT id AS adapter_id FROM similarity.models WHERE model = 'adapter' \gset
SELECT similarity.drop_model('adapter');
SELECT count(*) FROM similarity.create_model('adapter', '{384}', '[{"metric_embedding": {"units": 16}}]');
SELECT id > :adapter_id AS new_id FROM similarity.models WHERE model = 'adapter';

-- All or nothing with the transaction
BEGIN;
SELECT similarity.drop_model('hello');
SELECT count(*) FROM similarity.create_model('other', '{2}', '[{"metric_embedding": {"units": 2}}]');
ROLLBACK;
SELECT model FROM similarity.models WHERE model IN ('hello', 'variety', 'adapter', 'other') ORDER BY 1;

SELECT similarity.drop_model(model) FROM similarity.models WHERE model IN ('hello', 'variety', 'adapter');
SELECT count(*) FROM similarity.models WHERE model IN ('hello', 'variety', 'adapter');
