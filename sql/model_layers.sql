-- Every layer with its parameters and defaults
SELECT layer, string_agg(parameter || coalesce(' = ' || "default", ''), ', ' ORDER BY n) AS parameters
FROM similarity.layers() WITH ORDINALITY AS l(layer, parameter, type, "default", accepted, description, n)
GROUP BY layer ORDER BY layer;

-- A residual network: layers read others by name, the summary tells which
SELECT layer, output, parameters, connected_to FROM similarity.create_model('residual', input => '{8,8,2}', layers => '[
  {"normalization": {}},
  {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
  {"batch_normalization": {}},
  {"activation": {"activation": "relu", "name": "stem"}},
  {"depthwise_conv2d": {"kernel_size": 3, "padding": "same", "activation": "hard_swish"}},
  {"conv2d": {"filters": 4, "kernel_size": 1}},
  {"batch_normalization": {"momentum": 0.9, "epsilon": 1.001e-5}},
  {"add": {"inputs": ["batch_normalization_1", "stem"], "name": "sum"}},
  {"zero_padding2d": {"padding": [[0, 1], [1, 2]]}},
  {"average_pooling2d": {"pool_size": [3, 2], "padding": "same"}},
  {"generalized_mean_pooling2d": {"name": "gem"}},
  {"global_max_pooling2d": {"inputs": "stem", "name": "max"}},
  {"concatenate": {"inputs": ["gem", "max"]}},
  {"reshape": {"target_shape": [2, -1]}},
  {"layer_normalization": {}},
  {"flatten": {}},
  {"metric_embedding": {"units": 3}}]');
SELECT layer, parameters FROM similarity.model_summary('residual') WHERE type IS NULL;

-- It learns to tell vertical from horizontal stripes, and the state is stored with the weights
CREATE TABLE stripes AS
SELECT i AS id, i % 2 AS label,
	(SELECT array_agg((CASE WHEN i % 2 = 0 THEN x ELSE y END % 2 + c) * 50 + hashint4(i * 1000 + y * 20 + x * 2 + c) % 40
		ORDER BY y, x, c)::real[]
	 FROM generate_series(0, 7) y, generate_series(0, 7) x, generate_series(0, 1) c) AS input
FROM generate_series(1, 60) i;
CALL similarity.train('residual', 'SELECT input, label FROM stripes ORDER BY id', loss => 'triplet',
	optimizer => 'adam', optimizer_params => '{"learning_rate": 0.01}', epochs => 2, steps_per_epoch => 30,
	classes_per_batch => 2, examples_per_class => 5, seed => 1, verbose => false);
SELECT max((a.e <=> b.e)) FILTER (WHERE a.label = b.label) < min((a.e <=> b.e)) FILTER (WHERE a.label <> b.label) AS apart
FROM (SELECT label, embed('residual', input) AS e FROM stripes) a, (SELECT label, embed('residual', input) AS e FROM stripes) b;

-- normalization took mean and variance from the rows, as they are no longer 0 and 1
SELECT tensor, shape, data NOT IN ('\x0000000000000000', '\x0000803f0000803f') AS learned
FROM _similarity.model_weights WHERE tensor LIKE 'normalization/%' ORDER BY 1;

-- Exported and imported, embeddings are the same to the bit
SELECT similarity.import_model('copy', similarity.export_model('residual')) > 0 AS imported;
SELECT bool_and(embed('residual', input) = embed('copy', input)) AS same FROM stripes;

-- Mistakes
\set VERBOSITY default
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"add": {"inputs": ["flatten", "nothing"]}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"add": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"add": {"inputs": 3}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"add": {"inputs": []}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"add": {"inputs": ["input", "flatten"]}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {}}, {"dense": {"units": 2}}, {"metric_embedding": {"units": 2, "inputs": "flatten"}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"flatten": {"name": "input"}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"reshape": {"target_shape": [5, -1]}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"reshape": {"target_shape": [1, 2, 3, 4, 5]}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"reshape": {"target_shape": ["a"]}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"activation": {"activation": "softplus"}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,8,2}', '[{"normalization": {"mean": 0}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');

SELECT similarity.drop_model(model) FROM similarity.models WHERE model IN ('residual', 'copy');
DROP TABLE stripes;
