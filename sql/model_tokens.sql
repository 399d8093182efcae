-- Sequences of tokens: attention and what goes with it

-- Eight numbers as a sequence of eight tokens, read by a small transformer
SELECT layer, output, parameters, connected_to FROM similarity.create_model('transformer', input => '{8}', layers => '[
  {"reshape": {"target_shape": [8, 1]}},
  {"dense": {"units": 8}},
  {"class_token": {}},
  {"position_embedding": {"name": "tokens"}},
  {"layer_normalization": {"epsilon": 1e-6}},
  {"multi_head_attention": {"num_heads": 2, "key_dim": 4, "dropout": 0.1}},
  {"layer_scale": {"init_values": 0.5}},
  {"add": {"inputs": ["layer_scale", "tokens"], "name": "sum"}},
  {"layer_normalization": {"epsilon": 1e-6}},
  {"dense": {"units": 16, "activation": "gelu"}},
  {"dense": {"units": 8}},
  {"add": {"inputs": ["dense_2", "sum"]}},
  {"select": {"index": 0}},
  {"metric_embedding": {"units": 4}}]');

-- It learns to tell whether the one large number stands in the first or in the second half, wherever it does
CREATE TABLE sequences AS
SELECT i AS id, i % 8 / 4 AS label,
	(SELECT array_agg((p = i % 8)::integer + hashint4(i * 8 + p) % 100 / 500.0 ORDER BY p)::real[] FROM generate_series(0, 7) p) AS input
FROM generate_series(1, 160) i;
CALL similarity.train('transformer', 'SELECT input, label FROM sequences WHERE id <= 80 ORDER BY id', loss => 'multi_similarity',
	optimizer => 'adam', optimizer_params => '{"learning_rate": 0.01}', epochs => 4, steps_per_epoch => 100,
	classes_per_batch => 2, examples_per_class => 10, seed => 1, verbose => false);
SELECT avg((SELECT (b.label = a.label)::integer FROM sequences b WHERE b.id <= 80
	ORDER BY embed('transformer', b.input) <=> embed('transformer', a.input), b.id LIMIT 1)) > 0.9 AS learned
FROM sequences a WHERE id > 80;
-- exported and imported, embeddings are the same to the bit
SELECT similarity.import_model('copy', similarity.export_model('transformer')) > 0 AS imported;
SELECT bool_and(embed('transformer', input) = embed('copy', input)) AS same FROM sequences;

-- Mistakes
\set VERBOSITY default
SELECT similarity.create_model('bad', '{8,8,2}', '[{"multi_head_attention": {"num_heads": 2, "key_dim": 4}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8}', '[{"class_token": {}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8}', '[{"position_embedding": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,2}', '[{"select": {"index": 8}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8}', '[{"select": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,2}', '[{"multi_head_attention": {"num_heads": 2}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,2}', '[{"multi_head_attention": {"num_heads": 0, "key_dim": 4}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8,2}', '[{"multi_head_attention": {"num_heads": 2, "key_dim": 4, "dropout": 1}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{100000,2}', '[{"multi_head_attention": {"num_heads": 1024, "key_dim": 4096}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
\set VERBOSITY terse

SELECT similarity.drop_model('transformer');
SELECT similarity.drop_model('copy');
DROP TABLE sequences;
