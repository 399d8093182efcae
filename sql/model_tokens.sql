-- Tokens: attention and what goes with it, and tables that ids look up

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

-- Ids: a row is a user and three things of his, of which 0 stands for none
SELECT layer, output, parameters, connected_to FROM similarity.create_model('taste', input => '{4,1}', layers => '[
  {"select": {"index": 0, "name": "user"}},
  {"embedding": {"input_dim": 12, "output_dim": 4}},
  {"flatten": {"name": "who"}},
  {"flatten": {"inputs": "input", "name": "all"}},
  {"embedding_bag": {"input_dim": 30, "output_dim": 4, "padding_idx": 0, "name": "what"}},
  {"concatenate": {"inputs": ["who", "what"]}},
  {"metric_embedding": {"units": 4}}]');
-- users and things of one taste are even, those of the other odd
CREATE TABLE tastes AS
SELECT i AS id, i % 2 AS label, ARRAY[i % 12, 2 + (i * 7 % 14) * 2 + i % 2, CASE WHEN i % 3 > 0 THEN 2 + (i * 5 % 14) * 2 + i % 2 ELSE 0 END, 0] AS input
FROM generate_series(1, 120) i;
CALL similarity.train('taste', 'SELECT input, label FROM tastes ORDER BY id', loss => 'multi_similarity',
	optimizer => 'adam', optimizer_params => '{"learning_rate": 0.02}', epochs => 2, steps_per_epoch => 50,
	classes_per_batch => 2, examples_per_class => 10, seed => 1, verbose => false);
SELECT avg((SELECT (b.label = a.label)::integer FROM tastes b WHERE b.id <> a.id
	ORDER BY embed('taste', b.input) <=> embed('taste', a.input), b.id LIMIT 1)) > 0.95 AS learned FROM tastes a;
SELECT embed('taste', '{3,5,0,0}'::float8[]) = embed('taste', '\x03050000'::bytea) AS same,
	embed('taste', '{3,5,7,0}'::int[]) <-> embed('taste', '{3,7,5,0}'::bigint[]) < 1e-6 AS whatever_order;

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
SELECT similarity.create_model('bad', '{8}', '[{"rescaling": {"scale": 2}}, {"embedding_bag": {"input_dim": 4, "output_dim": 2}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{2,2,2,2}', '[{"embedding": {"input_dim": 4, "output_dim": 2}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8}', '[{"embedding": {"output_dim": 2}}, {"flatten": {}}, {"metric_embedding": {"units": 2}}]');
SELECT similarity.create_model('bad', '{8}', '[{"embedding_bag": {"input_dim": 4, "output_dim": 2, "mode": "median"}}, {"metric_embedding": {"units": 2}}]');
SELECT embed('taste', '{12,1,2,3}'::int[]);
SELECT embed('taste', '{1,2,30,3}'::int[]);
SELECT embed('taste', '{1,2,2.5,3}'::numeric[]);
SELECT embed('taste', '[1,2,-1,3]'::embedding);
SELECT embed('taste', '\x0102ff00'::bytea);
SELECT count(e) FROM (SELECT embed_batch('taste', CASE WHEN id = 77 THEN '{1,2,31,0}' ELSE input END) OVER () AS e FROM tastes) t;
CALL similarity.train('taste', 'SELECT CASE WHEN id = 77 THEN ''{1,2,31,0}'' ELSE input END, label FROM tastes ORDER BY id', epochs => 1, seed => 1);
\set VERBOSITY terse

SELECT similarity.drop_model('transformer');
SELECT similarity.drop_model('copy');
SELECT similarity.drop_model('taste');
DROP TABLE sequences, tastes;
