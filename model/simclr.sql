-- Learning without labels on Fashion-MNIST, from two views of each picture.
--
--   test/cluster script model/simclr.sql
--
-- Needs Debian's dataset-fashion-mnist.  -v epochs=1 -v steps=100 makes it
-- short, -v method=vicreg -v params='{}' takes another of similarity.methods();
-- EVERY=100 in the environment loads each 100th picture only.
\if :{?epochs} \else \set epochs 4 \endif
\if :{?steps} \else \set steps 300 \endif
\if :{?seed} \else \set seed 42 \endif
\if :{?method} \else \set method simclr \endif
\if :{?params} \else \set params '{"temperature": 0.2}' \endif

-- load: 60,000 pictures to learn from, 10,000 to test
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE items (id int PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-1} "NR % n == 0"'

-- define: the encoder, which is what embed() runs.  It ends with a map of 3 x 3
-- places: where something is tells clothes apart, and a mean over all places, or
-- a dense layer, is too much of what the views are taught to have in common.
SELECT * FROM similarity.create_model('views', '{28,28,1}', '[
	{"rescaling": {"scale": 0.00392156862745098}},
	{"conv2d": {"filters": 32, "kernel_size": 5, "strides": 2, "padding": "same", "use_bias": false}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}},
	{"conv2d": {"filters": 64, "kernel_size": 3, "padding": "same", "use_bias": false}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}}, {"max_pooling2d": {}},
	{"conv2d": {"filters": 128, "kernel_size": 3, "padding": "same", "use_bias": false}},
	{"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}}, {"max_pooling2d": {}},
	{"flatten": {}}]');

-- train: no labels.  Crops are milder than the preset's, which are made for
-- photographs: of clothes an eighth does not tell what they are, and how long
-- they are does.  How bright they are does not.
CALL similarity.train('views', 'SELECT image FROM items WHERE split <> ''test'' ORDER BY id',
	method => :'method', method_params => :'params',
	augmentation => '[{"random_resized_crop": {"min_area": 0.5, "min_ratio": 0.8, "max_ratio": 1.25}}, "horizontal_flip",
		{"color_jitter": {"brightness": 0.8, "contrast": 0.8, "probability": 0.8}}]',
	classes_per_batch => 128, epochs => :epochs, steps_per_epoch => :steps,
	optimizer_params => '{"learning_rate": 0.002}', schedule => '{"cosine": {}}', seed => :seed);

-- evaluate: the nearest of 60,000 pictures; .8863 with the defaults.  Rows of
-- 2 kB stay out of TOAST.
CREATE TABLE gallery (id int PRIMARY KEY, label int, e embedding(1152, half)) WITH (toast_tuple_target = 8160);
INSERT INTO gallery SELECT id, label, embed_batch('views', image) OVER () FROM items WHERE split <> 'test';
SELECT similarity.create_gallery('clothes', 'gallery', embedding => 'e', label => 'label', model => 'views');
SELECT * FROM similarity.evaluate_retrieval('clothes', 'SELECT image, label FROM items WHERE split = ''test''', '{recall@1}');
