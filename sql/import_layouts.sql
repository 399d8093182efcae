-- Files of other libraries: the same weights under the names and in the order
-- of each give the same model.
CREATE TYPE tensor AS (name text, shape integer[], data real[]);

-- Numbers are big-endian as PostgreSQL sends them.
CREATE FUNCTION turned(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT string_agg(substring(bytes, i, 1), '' ORDER BY i DESC) FROM generate_series(1, octet_length(bytes)) i $$;
CREATE FUNCTION safetensors(tensors tensor[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	WITH t AS (SELECT *, 4 * (sum(cardinality(data)) OVER (ORDER BY n) - cardinality(data)) AS at
		FROM unnest(tensors) WITH ORDINALITY AS t(name, shape, data, n)),
	header AS (SELECT convert_to('{' || string_agg(format('%s: {"dtype": "F32", "shape": %s, "data_offsets": [%s, %s]}',
		to_json(name), to_json(shape), at, at + 4 * cardinality(data)), ', ' ORDER BY n) || '}', 'UTF8') AS text FROM t)
	SELECT turned(int8send(octet_length(header.text)::bigint)) || header.text ||
		(SELECT string_agg(turned(float4send(x)), '' ORDER BY n, i) FROM t, unnest(data) WITH ORDINALITY AS d(x, i))
	FROM header
$$;

-- A depthwise convolution of 2 channels with 2 filters each, one of 1 x 1, and norms
CREATE TABLE kernels AS
SELECT layer, y, x, c, f, ((row_number() OVER (ORDER BY layer, y, x, c, f) * 37 % 64 - 32) / 16.0)::real AS v
FROM (SELECT 'conv_dw' AS layer, y, x, c, f FROM generate_series(0, 1) y, generate_series(0, 2) x, generate_series(0, 1) c, generate_series(0, 1) f
	UNION ALL SELECT 'blocks.0.conv_pw', 0, 0, c, f FROM generate_series(0, 3) c, generate_series(0, 2) f) k;
CREATE TABLE numbers (layer text, keras text, torch text, data real[]);
INSERT INTO numbers VALUES ('bn1', 'gamma', 'weight', '{1,0.5,2,1.5}'), ('bn1', 'beta', 'bias', '{0,1,-1,0.5}'),
	('bn1', 'moving_mean', 'running_mean', '{0.5,0,-0.5,1}'), ('bn1', 'moving_variance', 'running_var', '{1,4,0.25,2}'),
	('blocks.0.conv_pw', 'bias', 'bias', '{0.25,-0.25,1}');
CREATE VIEW keras AS
	SELECT ROW(layer || CASE layer WHEN 'conv_dw' THEN '/depthwise_kernel' ELSE '/kernel' END,
		ARRAY[max(y) + 1, max(x) + 1, max(c) + 1, max(f) + 1], array_agg(v ORDER BY y, x, c, f))::tensor AS t FROM kernels GROUP BY layer
	UNION ALL SELECT ROW(layer || '/' || keras, ARRAY[cardinality(data)], data)::tensor FROM numbers;
CREATE VIEW torch AS
	SELECT ROW(layer || '.weight', CASE layer WHEN 'conv_dw' THEN '{4,1,2,3}' ELSE '{3,4,1,1}' END::int[],
		CASE layer WHEN 'conv_dw' THEN array_agg(v ORDER BY c, f, y, x) ELSE array_agg(v ORDER BY f, c, y, x) END)::tensor AS t FROM kernels GROUP BY layer
	UNION ALL SELECT ROW(layer || '.' || torch, ARRAY[cardinality(data)], data)::tensor FROM numbers
	UNION ALL SELECT ROW('bn1.num_batches_tracked', '{1}', '{7}')::tensor;
CREATE FUNCTION layers(head jsonb DEFAULT '[]') RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '[
	{"normalization": {"mean": [1, 2], "variance": [4, 9]}},
	{"depthwise_conv2d": {"name": "conv_dw", "kernel_size": [2, 3], "depth_multiplier": 2, "use_bias": false}},
	{"batch_normalization": {"name": "bn1"}},
	{"activation": {"activation": "relu"}},
	{"conv2d": {"name": "blocks.0.conv_pw", "filters": 3, "kernel_size": 1}},
	{"global_average_pooling2d": {}}]'::jsonb || head $$;
\set file '(SELECT safetensors(array_agg(t ORDER BY (t).name)) FROM'

SELECT similarity.import_model('as keras', :file keras), '{4,5,2}', layers(), 'keras') > 0 AS imported;
SELECT similarity.import_model('as torchvision', :file torch), '{4,5,2}', layers(), 'torchvision') > 0 AS imported;
SELECT similarity.import_model('as timm', :file torch), '{4,5,2}', layers(), 'timm') > 0 AS imported;
SELECT similarity.import_model('as torch', :file torch), '{4,5,2}', layers(), 'torch') > 0 AS imported;
-- Keras 2 ends names with :0; Keras 3 calls a depthwise kernel "kernel"
SELECT similarity.import_model('as keras 2', :file (SELECT ROW((t).name || ':0', (t).shape, (t).data)::tensor AS t FROM keras) k), '{4,5,2}', layers()) > 0 AS imported;
SELECT similarity.import_model('as keras 3', :file (SELECT ROW(replace((t).name, 'depthwise_', ''), (t).shape, (t).data)::tensor AS t FROM keras) k), '{4,5,2}', layers()) > 0 AS imported;
-- a dense layer instead of the convolution of 1 x 1
SELECT similarity.import_model('as dense', :file (SELECT ROW((t).name, CASE WHEN (t).name = 'blocks.0.conv_pw.weight' THEN '{3,4}' ELSE (t).shape END, (t).data)::tensor AS t FROM torch) k),
	'{4,5,2}', layers(), 'timm') > 0 AS imported;
SELECT count(*), count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model LIKE 'as %';
-- the first numbers by hand: of a picture of ones, (x - mean) / deviation is 0 and -1/3
SELECT l2_distance(embed('as torchvision', array_fill(1, '{40}'::int[])), (
	WITH z AS (SELECT c * 2 + f AS o, sum(v * CASE c WHEN 0 THEN 0 ELSE -1.0 / 3 END) AS sum FROM kernels WHERE layer = 'conv_dw' GROUP BY c, f),
	norm AS (SELECT i - 1 AS o, g, b, m, s FROM unnest('{1,0.5,2,1.5}'::float8[], '{0,1,-1,0.5}'::float8[], '{0.5,0,-0.5,1}'::float8[], '{1,4,0.25,2}'::float8[]) WITH ORDINALITY AS n(g, b, m, s, i)),
	y AS (SELECT o, greatest((sum - m) / sqrt(s + 0.001) * g + b, 0) AS out FROM z JOIN norm USING (o))
	SELECT array_agg(e ORDER BY f)::embedding FROM (SELECT f, sum(out * v) + (ARRAY[0.25, -0.25, 1])[f + 1] AS e
		FROM kernels JOIN y ON o = c WHERE layer = 'blocks.0.conv_pw' GROUP BY f) e)) < 1e-5 AS as_computed;

-- A head of one's own starts afresh, the same each time; the file's is left out
SELECT similarity.import_model('head ' || i, :file (SELECT t FROM torch UNION ALL SELECT ROW('fc.' || n, '{1}', '{0}')::tensor FROM unnest('{weight,bias}'::text[]) n) k),
	'{4,5,2}', layers('[{"dropout": {"rate": 0.1}}, {"metric_embedding": {"units": 2}}]'), 'torchvision') > 0 AS imported FROM generate_series(1, 2) i;
SELECT count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model LIKE 'head %';
SELECT round(l2_norm(embed('head 1', array_fill(1, '{40}'::int[])))::numeric, 5) AS length;
-- numbers that the architecture gives are not the file's
SELECT similarity.import_model('given', :file (SELECT t FROM keras UNION ALL SELECT ROW('normalization/' || n, '{2}', '{0,0}')::tensor FROM unnest('{mean,variance}'::text[]) n) k),
	'{4,5,2}', layers()) > 0 AS imported;
SELECT count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model IN ('given', 'as keras');
-- what is exported is whole, given numbers among it
SELECT similarity.import_model('again', similarity.export_model('as timm')) > 0 AS imported;
SELECT count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model IN ('again', 'as timm');

-- Attention: PyTorch has kernels of queries, keys and values in one tensor, and parameters without a layer
CREATE TABLE attention AS SELECT p, i, j, ((row_number() OVER (ORDER BY p, i, j) * 29 % 64 - 32) / 32.0)::real AS v
FROM generate_series(0, 3) p, generate_series(0, 4) i, generate_series(0, 3) j;
CREATE VIEW separate AS
	SELECT ROW('attn/' || (ARRAY['query', 'key', 'value', 'output'])[p + 1] || CASE WHEN i < 4 THEN '_kernel' ELSE '_bias' END,
		CASE WHEN i < 4 THEN '{4,4}' ELSE '{4}' END::int[], array_agg(v ORDER BY i, j))::tensor AS t FROM attention GROUP BY p, i < 4, CASE WHEN i < 4 THEN '_kernel' ELSE '_bias' END
	UNION ALL SELECT ROW('cls_token/token', '{4}', '{1,2,3,4}')::tensor
	UNION ALL SELECT ROW('pos_embed/embeddings', '{3,4}', '{1,0,0,0,0,1,0,0,0,0,1,0.5}')::tensor
	UNION ALL SELECT ROW('gamma/gamma', '{4}', '{1,2,1,2}')::tensor;
CREATE FUNCTION fused(qkv text, proj text) RETURNS SETOF tensor LANGUAGE sql STABLE AS $$
	SELECT ROW('attn.' || CASE WHEN p < 3 THEN qkv ELSE proj END || CASE WHEN i < 4 THEN 'weight' ELSE 'bias' END,
		CASE WHEN i < 4 THEN ARRAY[CASE WHEN p < 3 THEN 12 ELSE 4 END, 4] ELSE ARRAY[CASE WHEN p < 3 THEN 12 ELSE 4 END] END,
		array_agg(v ORDER BY p, j, i))::tensor FROM attention GROUP BY p < 3, i < 4, CASE WHEN p < 3 THEN qkv ELSE proj END, CASE WHEN i < 4 THEN 'weight' ELSE 'bias' END
	UNION ALL SELECT ROW('cls_token', '{1,1,4}', '{1,2,3,4}')::tensor
	UNION ALL SELECT ROW('pos_embed', '{1,3,4}', '{1,0,0,0,0,1,0,0,0,0,1,0.5}')::tensor
	UNION ALL SELECT ROW('gamma', '{4,1,1}', '{1,2,1,2}')::tensor
$$;
SELECT '[{"class_token": {"name": "cls_token"}}, {"position_embedding": {"name": "pos_embed"}},
	{"multi_head_attention": {"name": "attn", "num_heads": 2, "key_dim": 2}}, {"layer_scale": {"name": "gamma"}}, {"flatten": {}}]' AS attention \gset
SELECT similarity.import_model('attends as named', :file separate), '{2,4}', :'attention') > 0 AS imported;
SELECT similarity.import_model('attends as torchvision', :file fused('in_proj_', 'out_proj.') t), '{2,4}', :'attention', 'torchvision') > 0 AS imported;
SELECT similarity.import_model('attends as timm', :file fused('qkv.', 'proj.') t), '{2,4}', :'attention', 'timm') > 0 AS imported;
SELECT count(*), count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model LIKE 'attends as %';
-- a table of embeddings is not transposed
SELECT similarity.import_model('table ' || layout, safetensors(ARRAY[ROW('ids' || ending, '{3,2}', '{1,2,3,4,5,6}')::tensor]), '{2}',
	'[{"embedding": {"name": "ids", "input_dim": 3, "output_dim": 2}}, {"flatten": {}}]', layout) > 0 AS imported
FROM (VALUES ('keras', '/embeddings'), ('torch', '.weight')) l(layout, ending);
SELECT count(*), count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model LIKE 'table %';
SELECT embed('table torch', '{2,0}'::int[]);
SELECT similarity.import_model('x', :file (SELECT ROW((t).name, CASE WHEN (t).name = 'attn.qkv.weight' THEN '{6,8}' ELSE (t).shape END, (t).data)::tensor AS t FROM fused('qkv.', 'proj.') t) k),
	'{2,4}', :'attention', 'timm');

-- Keras has the parts of attention as layers, and heads as a dimension of their own
CREATE FUNCTION keras_attention(heads integer, before text DEFAULT '') RETURNS SETOF tensor LANGUAGE sql STABLE AS $$
	SELECT ROW(before || CASE WHEN (t).name LIKE 'attn/%'
			THEN replace(regexp_replace((t).name, '_(kernel|bias)$', '/\1'), 'attn/output', 'attn/attention_output') ELSE (t).name END,
		CASE WHEN (t).name LIKE 'attn/output_k%' THEN ARRAY[heads, 4 / heads, 4]
			WHEN (t).name LIKE 'attn/%_kernel' THEN ARRAY[4, heads, 4 / heads]
			WHEN (t).name LIKE 'attn/%' AND (t).name NOT LIKE 'attn/output%' THEN ARRAY[heads, 4 / heads]
			ELSE (t).shape END, (t).data)::tensor FROM separate
$$;
SELECT similarity.import_model('attends as keras', :file keras_attention(2) t), '{2,4}', :'attention') > 0 AS imported;
SELECT similarity.import_model('x', :file keras_attention(2) t), '{2,4}', replace(:'attention', '"num_heads": 2, "key_dim": 2', '"num_heads": 1, "key_dim": 4')::jsonb);

-- What was part of a larger network has its name before the others; what is beside it is found, too.
SELECT similarity.import_model('attends as a part of keras', :file keras_attention(2, 'my_model/') t), '{2,4}', :'attention') > 0 AS imported;
SELECT similarity.import_model('attends as a part of timm', :file (SELECT ROW('_orig_mod.module.' || (t).name, (t).shape, (t).data)::tensor AS t FROM fused('qkv.', 'proj.') t) k),
	'{2,4}', :'attention', 'timm') > 0 AS imported;
SELECT count(*), count(DISTINCT fingerprint) FROM similarity.model_versions WHERE model LIKE 'attends as %';
SELECT similarity.import_model('as backbone', :file (SELECT ROW('backbone.' || (t).name, (t).shape, (t).data)::tensor AS t FROM torch
		UNION ALL SELECT ROW('fc.weight', '{2,3}', '{1,0,0,0,1,0}')::tensor UNION ALL SELECT ROW('fc.bias', '{2}', '{0,0}')::tensor) k),
	'{4,5,2}', layers('[{"dense": {"name": "fc", "units": 2}}]'), 'timm') > 0 AS imported;
-- both of a pair of networks cannot be meant
SELECT similarity.import_model('x', :file (SELECT ROW(network || '.' || (t).name, (t).shape, (t).data)::tensor AS t FROM torch, unnest('{online,target}'::text[]) network) k),
	'{4,5,2}', layers(), 'timm');

-- Positions of 4 x 4 patches and a token for 6 x 3, 3 x 7 and 2 x 2 patches, as
-- torch.nn.functional.interpolate(mode='bicubic', antialias=True) computes them
CREATE FUNCTION patches(positions integer) RETURNS SETOF tensor LANGUAGE sql IMMUTABLE AS $$
	SELECT * FROM unnest(ARRAY[ROW('patch.weight', '{2,1,1,1}', '{0,0}'), ROW('patch.bias', '{2}', '{0,0}'), ROW('cls_token', '{1,1,2}', '{0,0}')]::tensor[])
	UNION ALL SELECT 'pos_embed', ARRAY[1, positions + 1, 2], ARRAY[7, 8] || array_agg(((i * 37 % 64 - 32) / 16.0)::real) FROM generate_series(0, 2 * positions - 1) i
$$;
CREATE FUNCTION vit(positions integer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT format('[{"conv2d": {"name": "patch", "filters": 2, "kernel_size": 1}},
	{"reshape": {"target_shape": [%s, 2]}}, {"class_token": {"name": "cls_token"}}, {"position_embedding": {"name": "pos_embed"}}, {"flatten": {}}]', positions)::jsonb $$;
SELECT similarity.import_model('positions 6 x 3', :file patches(16) t), '{6,3,1}', vit(18), 'timm') > 0 AS imported;
SELECT similarity.import_model('positions 3 x 7', :file patches(16) t), '{3,7,1}', vit(21), 'torchvision') > 0 AS imported;
SELECT similarity.import_model('positions 2 x 2', :file patches(16) t), '{2,2,1}', vit(4), 'torch') > 0 AS imported;
SELECT size, l2_distance(embed('positions ' || size, array_fill(0, ARRAY[dims(torch) / 2 - 1])), torch) < 1e-5 AS as_torch FROM (VALUES
	('6 x 3', '[7, 8, -2.0457661, 0.5298911, -1.2362368, 1.4987522, -0.2100598, -1.0420858, -0.616587, -0.4351949, 0.2767495, 0.5892495, -0.573294, -0.1296862, 0.565334, -0.8071182, 1.5526159, -0.290556, -0.5854522, 0.4165765, -0.7592701, 1.4142568, 0.2605226, 0.141889, 0.6552462, -1.0923645, -0.1693532, 0.9052953, -1.0276792, 0.5441177, 0.0510835, 0.1829403, 0.7295859, -0.1825321, -1.8112525, 0.7828948, -0.8423916, 1.7483217]'::embedding),
	('3 x 7', '[7, 8, -1.3459181, -0.2508094, -1.1314182, -0.0450467, -0.71883, 0.3692486, -0.2827517, 1.0389016, -0.053952, 1.1958127, -0.4359333, -0.3554065, -0.6857226, -1.2981479, -0.3107491, 0.0129205, -0.0425492, 0.3091581, 0.4619399, 0.7057778, 0.9709051, -0.0792026, 1.0913932, -0.8402088, 0.1067166, -0.3516884, -0.4952442, -0.001751, 0.9856484, 0.2766502, 0.0516431, 0.537631, -1.501283, 0.9411387, -1.4801201, 0.6550343, -0.9072533, 0.36893, -0.3453102, 0.7724378, -0.0435384, 1.0334183]'),
	('2 x 2', '[7, 8, -0.3481404, 0.158267, -0.04262, -0.0100873, -0.2449713, 0.5716609, -0.250905, 0.2555025]')) t(size, torch);
-- what is no square of patches, and tokens that are no picture's
SELECT similarity.import_model('x', :file patches(15) t), '{6,3,1}', vit(18), 'timm');
SELECT similarity.import_model('x', safetensors(ARRAY[ROW('pos_embed', '{4,2}', '{1,2,3,4,5,6,7,8}')]::tensor[]), '{9,2}', '[{"position_embedding": {"name": "pos_embed"}}, {"flatten": {}}]', 'timm');

-- Other files of weights are told from ours.
SELECT similarity.import_model('x', convert_to(bytes, 'UTF8'), '{2}', '[{"dense": {"units": 2}}]') FROM (VALUES (E'PK\x03\x04 and more')) f(bytes);
SELECT similarity.import_model('x', '{"metadata": {"total_size": 8}, "weight_map": {}}', '{2}', '[{"dense": {"units": 2}}]');
SELECT similarity.import_model('x', '', '{2}', '[{"dense": {"units": 2}}]');

-- Nothing is stored of a file that does not fit.
SELECT similarity.import_model('x', :file (SELECT t FROM torch WHERE (t).name NOT LIKE 'bn1.running%') k), '{4,5,2}', layers(), 'torchvision');
SELECT similarity.import_model('x', :file keras), '{4,5,2}', layers(), 'torch');
SELECT similarity.import_model('y', :file torch), '{4,5,2}', '[{"flatten": {}}, {"dense": {"units": 2}}]', 'timm');
SELECT similarity.import_model('y', :file torch), '{4,5,2}', '[{"flatten": {}}, {"dense": {"units": 2}}]', 'torch');
SELECT similarity.import_model('y', :file torch), '{4,5,2}', layers(), 'onnx');

SELECT count(similarity.drop_model(model)) FROM similarity.models WHERE model LIKE 'as %' OR model LIKE 'attends as %' OR model LIKE 'table %' OR model LIKE 'positions %' OR model LIKE 'head %' OR model IN ('given', 'again');
DROP TABLE kernels, numbers, attention CASCADE;
DROP FUNCTION keras_attention, patches, vit, fused, layers, safetensors, turned;
DROP TYPE tensor CASCADE;
