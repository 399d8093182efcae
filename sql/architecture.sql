-- Ready-made architectures, and what they are as their libraries count them:
-- trained parameters without a head, dimensions of the features at 224 x 224
SELECT a.name, layout, max(parameters) FILTER (WHERE layer = 'total') AS total,
	max(parameters) FILTER (WHERE layer = 'trainable') AS trainable, max(output) FILTER (WHERE layer = 'total') AS output
FROM similarity.architecture a, similarity.create_model(a.name || ' as ' || layout, input,
	similarity.architecture(a.name, layout => layout, head => CASE WHEN input[1] = 224 THEN '[]'::jsonb END))
GROUP BY a.name, layout ORDER BY a.name, layout;

-- a block of each; the layers have the library's names
SELECT layer, type, output, parameters, connected_to FROM similarity.model_summary('resnet18 as torchvision')
WHERE layer LIKE 'layer2.0%' OR layer = 'maxpool';
SELECT layer, type, output, parameters, connected_to FROM similarity.model_summary('efficientnet_b0 as timm') WHERE layer LIKE 'blocks.1.1%';
SELECT array_agg(layer) FROM similarity.model_summary('mobilenet_v3_small as keras') WHERE layer LIKE 'expanded\_conv\_3\_%';
SELECT array_agg(layer) FROM similarity.model_summary('efficientnet_b0 as torchvision') WHERE layer LIKE 'features.2.0%';

-- Pictures of other sizes, embeddings of other dimensions, a head of one's own
SELECT layer, output FROM similarity.create_model('faces', '{40,56,3}', similarity.architecture('mobilenet_v3_small', embedding => 16))
WHERE layer IN ('avg_pool', 'metric_embedding');
SELECT layer, type, output FROM similarity.create_model('own head', '{32,32,3}', similarity.architecture('mobilenet_v3_small',
	head => '[{"dropout": {"rate": 0.2}}, {"dense": {"units": 24, "activation": "relu"}}, {"metric_embedding": {"units": 8}}]'))
WHERE type IN ('dropout', 'dense', 'metric_embedding');

-- It learns two kinds of pictures, from bytes (in one thread: so many small
-- layers mostly wait for each other).
SET similarity.threads = 1;
CREATE TABLE squares AS
SELECT i AS id, i % 2 AS label, decode(string_agg(lpad(to_hex((CASE WHEN i % 2 = 0 THEN x ELSE y END / 8 % 2 * 200 + hashint4(i * 10000 + p) & 31) & 255), 2, '0'), '' ORDER BY p), 'hex') AS image
FROM generate_series(1, 16) i, generate_series(0, 32 * 32 * 3 - 1) p, LATERAL (SELECT p / 3 % 32 AS x, p / 96 AS y) xy
GROUP BY i;
CALL similarity.train('own head', 'SELECT image, label FROM squares ORDER BY id', loss => 'multi_similarity', epochs => 3, steps_per_epoch => 6,
	optimizer_params => '{"learning_rate": 0.001}', classes_per_batch => 2, examples_per_class => 4, seed => 1, verbose => false);
SELECT max(loss) FILTER (WHERE epoch = 3) < max(loss) FILTER (WHERE epoch = 1) AS learned FROM similarity.training_log WHERE model = 'own head';

-- Mistakes
SELECT similarity.architecture('resnet');
SELECT similarity.architecture('resnet50', layout => 'keras');
SELECT similarity.architecture('resnet50', embedding => 3, head => '[]');
SELECT similarity.architecture('resnet50', head => '{}');
SELECT similarity.create_model('gray', '{32,32,1}', similarity.architecture('resnet18'));

SELECT count(similarity.drop_model(model)) FROM similarity.models WHERE model LIKE '% as %' OR model IN ('faces', 'own head');
DROP TABLE squares;
