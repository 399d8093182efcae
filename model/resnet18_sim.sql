-- ResNet-18 on Fashion-MNIST: load, train, index, evaluate, query.
--
--   test/cluster script model/resnet18_sim.sql
--
-- Pictures of 28 x 28 x 1 fit as well as the 32 x 32 x 3 that the network was
-- made for: every layer takes any size.  Needs Debian's dataset-fashion-mnist.
-- -v epochs=1 -v steps=10 makes it short; EVERY=100 in the environment loads
-- each 100th picture only.
\if :{?epochs} \else \set epochs 2 \endif
\if :{?steps} \else \set steps 200 \endif

-- load
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE items (id int PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist | awk -v n=${EVERY:-1} "NR % n == 0"'

-- define: embeddings of 64 dimensions instead of 128
SELECT layer, output, parameters FROM similarity.create_model('resnet18_sim', '{28,28,1}',
	similarity.architecture('resnet18_sim', embedding => 64)) WHERE type IS NULL OR type LIKE '%pooling%';

-- train: batches of 10 classes x 4
CALL similarity.train('resnet18_sim', 'SELECT image, label FROM items WHERE split <> ''test'' ORDER BY id',
	loss => 'multi_similarity', optimizer => 'adam', epochs => :epochs, steps_per_epoch => :steps,
	classes_per_batch => 10, examples_per_class => 4, seed => 42);

-- index: 5,000 of the pictures, since a network of this size embeds some hundred a second
CREATE TABLE gallery (id int PRIMARY KEY, label int, e embedding(64));
INSERT INTO gallery SELECT id, label, embed_batch('resnet18_sim', image) OVER ()
FROM (SELECT * FROM items WHERE split <> 'test' ORDER BY id LIMIT 5000) i;
CREATE INDEX ON gallery USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('clothes', 'gallery', embedding => 'e', label => 'label', model => 'resnet18_sim');

-- evaluate
SELECT * FROM similarity.evaluate_retrieval('clothes',
	'SELECT image, label FROM items WHERE split = ''test'' ORDER BY id LIMIT 1000', '{recall@1,recall@5}');

-- query: the neighbors of the first test picture
SELECT rank, label, distance::numeric(6, 4), key
FROM similarity.lookup('clothes', (SELECT image FROM items WHERE split = 'test' ORDER BY id LIMIT 1), 5);
