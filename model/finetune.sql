-- Fine-tuning on Fashion-MNIST: an encoder that has learnt six kinds of
-- clothes, and a head that learns all ten from five pictures of each.
--
--   test/cluster script model/finetune.sql
--
-- Needs Debian's dataset-fashion-mnist.  -v epochs=1 -v steps=100 makes it
-- short; EVERY=100 in the environment loads each 100th picture only.
\if :{?epochs} \else \set epochs 5 \endif
\if :{?steps} \else \set steps 1000 \endif

-- load: 60,000 pictures to learn, 10,000 to test
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE items (id int PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-1} "NR % n == 0"'

-- the few that the head learns from: five of each class
CREATE TABLE few AS
SELECT id, label, image FROM (SELECT *, row_number() OVER (PARTITION BY label ORDER BY id) AS n FROM items WHERE split <> 'test') i
WHERE n <= 5;

-- define: the notebook's network with names for its two parts
SELECT * FROM similarity.create_model('clothes', '{28,28,1}', '[
	{"rescaling": {"scale": 0.00392156862745098}},
	{"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu", "name": "encoder_1"}},
	{"max_pooling2d": {}},
	{"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu", "name": "encoder_2"}},
	{"max_pooling2d": {}},
	{"flatten": {}},
	{"dense": {"units": 128, "activation": "relu", "name": "hidden"}},
	{"metric_embedding": {"units": 64, "name": "head"}}]');

-- the encoder: classes 0 to 5, of which there are many pictures
CALL similarity.train('clothes', 'SELECT image, label FROM items WHERE split <> ''test'' ORDER BY id',
	known_classes => '{0,1,2,3,4,5}', classes_per_batch => 6, examples_per_class => 6,
	epochs => :epochs, steps_per_epoch => :steps, schedule => '{"cosine": {}}', seed => 42);
SELECT version AS pretrained FROM similarity.model_versions WHERE model = 'clothes' AND deployed \gset

-- the head: all classes, five pictures of each, whose features, 1,600 numbers,
-- are computed once: half a second
\timing on
CALL similarity.train('clothes', 'SELECT image, label FROM few ORDER BY id', from_version => :pretrained,
	trainable => '{"encoder*": false}', optimizer_params => '{"learning_rate": 0.0001}', classes_per_batch => 10, examples_per_class => 5,
	epochs => :epochs, steps_per_epoch => (:steps + 9) / 10, seed => 42);
\timing off
SELECT version AS tuned FROM similarity.model_versions WHERE model = 'clothes' AND deployed \gset

-- for comparison: all of the network from scratch, at the rate that suits it
CALL similarity.train('clothes', 'SELECT image, label FROM few ORDER BY id',
	classes_per_batch => 10, examples_per_class => 5,
	epochs => :epochs, steps_per_epoch => (:steps + 9) / 10, seed => 42);
SELECT version AS scratch FROM similarity.model_versions WHERE model = 'clothes' AND deployed \gset

-- evaluate: recall@1 of the test pictures among the fifty: .7640, .8070, .6942
-- with the defaults
CREATE FUNCTION recall_of(version int) RETURNS numeric LANGUAGE sql AS $$
	WITH known AS (SELECT label, embed_batch(version, image) OVER () AS e FROM few),
	asked AS (SELECT id, label, embed_batch(version, image) OVER () AS e FROM items WHERE split = 'test'),
	nearest AS (SELECT DISTINCT ON (a.id) a.label = k.label AS hit FROM asked a, known k ORDER BY a.id, a.e <=> k.e)
	SELECT avg(hit::int)::numeric(5, 4) FROM nearest $$;
SELECT name, recall_of(version) AS "recall@1"
FROM (VALUES ('pretrained', :pretrained), ('head tuned', :tuned), ('from scratch', :scratch)) v (name, version);

-- query: what a picture is
SELECT similarity.deploy('clothes', :tuned);
SELECT label, (embed('clothes', image) <=> (SELECT embed('clothes', image) FROM items WHERE split = 'test' ORDER BY id LIMIT 1))::numeric(6, 4) AS distance
FROM few ORDER BY 2 LIMIT 5;
