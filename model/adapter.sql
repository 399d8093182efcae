-- An adapter over vectors that are there already: load, train, index,
-- evaluate, query.  WordNet's glosses as vectors of 384 dimensions (TF-IDF and
-- SVD) become embeddings of 64 that follow the lexicographer files
-- (noun.animal, verb.motion, ...).
--
--   test/cluster script model/adapter.sql
--
-- Needs Debian's wordnet-base, python3-sklearn and python3-numpy.  -v epochs=1
-- -v steps=100 makes it short; GLOSSES in the environment names a file that
-- test/data/wordnet printed.
\if :{?epochs} \else \set epochs 4 \endif
\if :{?steps} \else \set steps 1000 \endif

-- load
CREATE EXTENSION IF NOT EXISTS similarity;
CREATE TABLE glosses (id int PRIMARY KEY, split text, label text, vector embedding(384), gloss text);
\copy glosses FROM PROGRAM 'if [ -n "$GLOSSES" ]; then cat "$GLOSSES"; else test/data/wordnet; fi'

-- define
SELECT * FROM similarity.create_model('adapter', '{384}', similarity.architecture('adapter'));

-- train: batches of 20 classes x 8
CALL similarity.train('adapter', 'SELECT vector, label FROM glosses WHERE split = ''train'' ORDER BY id',
	loss => 'multi_similarity', optimizer => 'adam', epochs => :epochs, steps_per_epoch => :steps,
	classes_per_batch => 20, examples_per_class => 8, seed => 42);

-- index: the embeddings are a further column
ALTER TABLE glosses ADD e embedding(64);
UPDATE glosses SET e = a.e FROM (SELECT id, embed_batch('adapter', vector) OVER () AS e FROM glosses) a WHERE a.id = glosses.id;
CREATE TABLE known AS SELECT id, label, vector, e, gloss FROM glosses WHERE split = 'train';
CREATE INDEX ON known USING similarity_hnsw (e embedding_cosine_ops);

-- evaluate: recall@1 of what was not trained on, before and after, by exact
-- search: .4317 and .4671 with the defaults
CREATE TABLE questions AS SELECT row_number() OVER (ORDER BY id)::int AS n, label, vector, e FROM glosses WHERE split = 'test';
SELECT 'raw vectors' AS space, avg((k.label = q.label)::int)::numeric(5, 4) AS "recall@1"
FROM similarity.knn('known', 'vector', (SELECT array_agg(vector ORDER BY n) FROM questions), 1, 'cosine') f
JOIN known k ON k.ctid = f.id JOIN questions q ON q.n = f.query
UNION ALL
SELECT 'adapter', avg((k.label = q.label)::int)::numeric(5, 4)
FROM similarity.knn('known', 'e', (SELECT array_agg(e ORDER BY n) FROM questions), 1, 'cosine') f
JOIN known k ON k.ctid = f.id JOIN questions q ON q.n = f.query;

-- query: what is near the first question
SELECT label, gloss FROM known ORDER BY e <=> (SELECT e FROM questions WHERE n = 1) LIMIT 5;
