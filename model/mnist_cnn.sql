-- The notebook's model on Fashion-MNIST: load, train, index, evaluate, query.
--
--   test/cluster script model/mnist_cnn.sql
--
-- Needs Debian's dataset-fashion-mnist.  -v epochs=1 -v steps=100 makes it
-- short; EVERY=100 in the environment loads each 100th picture only.
\if :{?epochs} \else \set epochs 10 \endif
\if :{?steps} \else \set steps 1000 \endif

-- load: 60,000 pictures to learn, of which 2,000 are for calibration, 10,000 to test
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE items (id int PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-1} "NR % n == 0"'

-- define: 327,200 parameters
SELECT * FROM similarity.create_model('mnist_cnn', '{28,28,1}', similarity.architecture('mnist_cnn'));

-- train: batches of 10 classes x 6; the learning rate falls to 0 as a cosine
CALL similarity.train('mnist_cnn', 'SELECT image, label FROM items WHERE split <> ''test'' ORDER BY id',
	loss => 'multi_similarity', optimizer => 'adam', epochs => :epochs, steps_per_epoch => :steps,
	classes_per_batch => 10, examples_per_class => 6, schedule => '{"cosine": {}}', seed => 42);

-- index
CREATE TABLE gallery (id int PRIMARY KEY, label int, e embedding(64));
INSERT INTO gallery SELECT id, label, embed_batch('mnist_cnn', image) OVER () FROM items WHERE split <> 'test';
CREATE INDEX ON gallery USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('clothes', 'gallery', embedding => 'e', label => 'label', model => 'mnist_cnn');

-- evaluate: recall@1 .9224, recall@5 .9601 with the defaults
SELECT * FROM similarity.evaluate_retrieval('clothes', 'SELECT image, label FROM items WHERE split = ''test''', '{recall@1,recall@5}');

-- query: the neighbors of the first test picture
SELECT rank, label, distance::numeric(6, 4), key
FROM similarity.lookup('clothes', (SELECT image FROM items WHERE split = 'test' ORDER BY id LIMIT 1), 5);
