-- Files that PyTorch's safetensors wrote (test/data/torch_models.py) give the
-- embeddings that PyTorch computes.
\getenv abs_srcdir PG_ABS_SRCDIR
\set conv_file :abs_srcdir '/test/data/torch_conv.safetensors'
\set dense_file :abs_srcdir '/test/data/torch_dense.safetensors'

-- F32, F16, BF16 and F64; images OIHW; the writer puts them in an order of its own
SELECT similarity.import_model('torch conv', pg_read_binary_file(:'conv_file'), '{5,5,2}', '[
	{"conv2d": {"filters": 3, "kernel_size": 3, "activation": "relu"}},
	{"conv2d": {"filters": 4, "kernel_size": 2}},
	{"global_average_pooling2d": {}},
	{"dense": {"units": 3}}]', 'torch') > 0 AS imported;
SELECT l2_distance(embed('torch conv', (SELECT array_agg((i / 25.0)::real) FROM generate_series(0, 49) i)),
	'[-0.3089558184146881, 0.21928083896636963, -0.24516698718070984]') < 1e-6 AS as_torch;

-- layers 0, 2, 4, 6, 8 and 10
SELECT similarity.import_model('torch dense', pg_read_binary_file(:'dense_file'), '{3}', '[
	{"dense": {"units": 4, "activation": "tanh"}}, {"dense": {"units": 4, "activation": "tanh"}},
	{"dense": {"units": 4, "activation": "tanh"}}, {"dense": {"units": 4, "activation": "tanh"}},
	{"dense": {"units": 4, "activation": "tanh"}}, {"dense": {"units": 4, "activation": "tanh"}}]', 'torch') > 0 AS imported;
SELECT l2_distance(embed('torch dense', '{0.5,-1,2}'::real[]),
	'[0.2810317575931549, -0.07358439266681671, 0.1989729106426239, -0.06424786150455475]') < 1e-6 AS as_torch;

-- what it became is written with our names, and is the same again
SELECT similarity.import_model('again', similarity.export_model('torch conv')) > 0 AS imported;
SELECT count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model IN ('torch conv', 'again');

-- refused whole
SELECT similarity.import_model('x', pg_read_binary_file(:'conv_file'));
SELECT similarity.import_model('x', pg_read_binary_file(:'dense_file'), '{3}', '[{"dense": {"units": 4}}]', 'torch');
SELECT similarity.import_model('x', pg_read_binary_file(:'dense_file', 0, 1000), '{3}', '[{"dense": {"units": 4}}]', 'torch');
SELECT similarity.drop_model(model) FROM similarity.models WHERE model IN ('torch conv', 'torch dense', 'again', 'x');
