-- A small residual net on Fashion-MNIST: load, train with augmentation, train the
-- last layers without, index, evaluate, query.
--
--   test/cluster script model/fashion_resnet.sql
--
-- Needs Debian's dataset-fashion-mnist.  -v epochs=1 -v last_epochs=1 -v
-- steps=100 makes it short, -v layers='[...]' takes another net; EVERY=100 in
-- the environment loads each 100th picture only.  -v asked=validation keeps
-- 5,000 of the training pictures and asks for those instead of the test's, to
-- choose by.
\if :{?epochs} \else \set epochs 10 \endif
\if :{?last_epochs} \else \set last_epochs 12 \endif
\if :{?steps} \else \set steps 500 \endif
\if :{?seed} \else \set seed 42 \endif
\if :{?asked} \else \set asked test \endif

-- load: 60,000 pictures to learn, 10,000 to test
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE items (id int PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-1} "NR % n == 0"'
UPDATE items SET split = 'train' WHERE split <> 'test';
UPDATE items SET split = 'validation'
FROM (SELECT id FROM items WHERE split = 'train' ORDER BY md5(id::text) LIMIT 5000) v
WHERE :'asked' = 'validation' AND items.id = v.id;

-- define: pooled early, since most of the work lies where pictures are large,
-- and flattened at the end, so that the last layers see all that there is
\if :{?layers} \else
SELECT '[
	{"rescaling": {"scale": 0.00784313725490196, "offset": -1}},
	{"conv2d": {"filters": 32, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}},
	{"max_pooling2d": {}},

	{"conv2d": {"filters": 64, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu", "name": "wide"}},
	{"conv2d": {"filters": 64, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}},
	{"conv2d": {"filters": 64, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu", "name": "wide_change"}},
	{"add": {"inputs": ["wide_change", "wide"]}},
	{"max_pooling2d": {}},

	{"conv2d": {"filters": 128, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu", "name": "narrow"}},
	{"conv2d": {"filters": 128, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}},
	{"conv2d": {"filters": 128, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal"}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu", "name": "narrow_change"}},
	{"add": {"inputs": ["narrow_change", "narrow"]}},
	{"max_pooling2d": {}},

	{"conv2d": {"filters": 256, "kernel_size": 3, "padding": "same", "use_bias": false, "kernel_initializer": "he_normal", "name": "last_conv"}},
	{"batch_normalization": {"momentum": 0.9, "name": "last_normalization"}}, {"activation": {"activation": "relu"}},
	{"flatten": {}}, {"metric_embedding": {"units": 64, "name": "last"}}]' AS layers \gset
\endif
SELECT * FROM similarity.create_model('residual', '{28,28,1}', :'layers') WHERE layer IS NULL OR parameters > 0;

-- train: pictures flipped and shifted by a pixel at most
CALL similarity.train('residual', 'SELECT image, label FROM items WHERE split = ''train'' ORDER BY id',
	loss => 'normalized_softmax', loss_params => '{"temperature": 0.1, "proxy_learning_rate_multiplier": 1}',
	augmentation => '["horizontal_flip", {"translate": {"x": 0.036, "y": 0.036}}]',
	optimizer => 'adamw', optimizer_params => '{"learning_rate": 0.003, "weight_decay": 0.02}', schedule => '{"cosine": {}}',
	epochs => :epochs, steps_per_epoch => :steps, classes_per_batch => 10, examples_per_class => 12, seed => :seed);
SELECT version AS augmented FROM similarity.model_versions WHERE model = 'residual' AND deployed \gset

-- and then the last layers on pictures as they are, by features that are
-- computed once.  Augmentation keeps a net from learning its rows by heart;
-- those that it has not learnt lie among rows of another label, where they
-- answer wrongly: the nearest row decides.
CALL similarity.train('residual', 'SELECT image, label FROM items WHERE split = ''train'' ORDER BY id', from_version => :augmented,
	trainable => '{"*": false, "last*": true}',
	loss => 'normalized_softmax', loss_params => '{"temperature": 0.1, "proxy_learning_rate_multiplier": 1}',
	optimizer => 'adamw', optimizer_params => '{"learning_rate": 0.002, "weight_decay": 0}', schedule => '{"cosine": {}}',
	epochs => :last_epochs, steps_per_epoch => :steps, classes_per_batch => 10, examples_per_class => 12, seed => :seed + 1);

-- index
CREATE TABLE gallery (id int PRIMARY KEY, label int, e embedding(64));
INSERT INTO gallery SELECT id, label, embed_batch('residual', image) OVER () FROM items WHERE split = 'train';
CREATE INDEX ON gallery USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('clothes', 'gallery', embedding => 'e', label => 'label', model => 'residual');

-- evaluate: by exact search
SELECT * FROM similarity.evaluate_retrieval('clothes', format('SELECT image, label FROM items WHERE split = %L', :'asked'), '{recall@1,recall@5}');

-- query: the neighbors of the first of them
SELECT rank, label, distance::numeric(6, 4), key
FROM similarity.lookup('clothes', (SELECT image FROM items WHERE split = :'asked' ORDER BY id LIMIT 1), 5);
