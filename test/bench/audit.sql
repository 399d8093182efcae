-- How well wrong labels are found, and what labels that are asked for are worth, on
-- Fashion-MNIST.  Run by test/bench/audit.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET client_min_messages = warning;
SET similarity.progress_interval = 0;
CREATE EXTENSION similarity;
CREATE TABLE items (id bigint PRIMARY KEY, split text, label int, image bytea);
\copy items FROM PROGRAM 'test/data/fashion-mnist'

-- ---- wrong labels: exchanged by a hash, for any of the nine others ----

CREATE FUNCTION exchanged(id bigint, label int, rate float8) RETURNS int LANGUAGE sql IMMUTABLE
RETURN CASE WHEN hashtextextended('a' || id, 0) & 1048575 < rate * 1048576 THEN (label + 1 + (hashtextextended('b' || id, 0) & 1048575) % 9) % 10 ELSE label END;
\set layers '[{"rescaling": {"scale": 0.00392156862745098}}, {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}, {"flatten": {}}, {"dense": {"units": 64, "activation": "relu"}}, {"metric_embedding": {"units": 64}}]'
\set training 'loss => ''multi_similarity'', optimizer => ''adam'', epochs => 5, steps_per_epoch => 1000, classes_per_batch => 10, examples_per_class => 2, seed => 42, verbose => false'
SELECT count(*) FROM similarity.create_model('noisy5', '{28,28,1}', :'layers'), similarity.create_model('noisy20', '{28,28,1}', :'layers'),
	similarity.create_model('clean', '{28,28,1}', :'layers') \g /dev/null
CALL similarity.train('noisy5', 'SELECT image, exchanged(id, label, 0.05) FROM items WHERE id <= 60000 ORDER BY id', :training);
CALL similarity.train('noisy20', 'SELECT image, exchanged(id, label, 0.2) FROM items WHERE id <= 60000 ORDER BY id', :training);
CALL similarity.train('clean', 'SELECT image, label FROM items WHERE id <= 60000 ORDER BY id', :training);

CREATE TABLE measured (embeddings text, exchanged text, wrong bigint, precision_at_wrong numeric, suspected bigint, "precision" numeric, recall numeric);
CREATE PROCEDURE measure(what text, rate float8, embedding text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE audited AS SELECT id, label AS truth, exchanged(id, label, %s) AS given, %s AS e FROM items WHERE id <= 60000', rate, embedding);
	PERFORM similarity.create_gallery('audited', 'audited', 'e', 'given', key => 'id', distance => CASE what WHEN 'raw pixels' THEN 'euclidean' ELSE 'cosine' END);
	INSERT INTO measured
	WITH suspect AS (SELECT a.sure, given <> truth AS wrong, row_number() OVER (ORDER BY a.sure DESC) AS n
		FROM similarity.audit('audited', least_sure => 0) a JOIN audited ON id = a.key::bigint),
	of AS (SELECT count(*) AS wrong FROM audited WHERE given <> truth)
	SELECT what, 100 * rate || ' %', of.wrong, round(avg(s.wrong::int) FILTER (WHERE n <= of.wrong), 3), count(*) FILTER (WHERE sure >= 0.5),
		round(avg(s.wrong::int) FILTER (WHERE sure >= 0.5), 3), round((count(*) FILTER (WHERE s.wrong AND sure >= 0.5))::numeric / of.wrong, 3)
	FROM suspect s, of GROUP BY of.wrong;
	PERFORM similarity.drop_gallery('audited');
	DROP TABLE audited;
END $$;
CALL measure('model of these labels', 0.05, $$embed_batch('noisy5', image) OVER ()$$);
CALL measure('model of these labels', 0.2, $$embed_batch('noisy20', image) OVER ()$$);
CALL measure('model of right labels', 0.05, $$embed_batch('clean', image) OVER ()$$);
CALL measure('model of right labels', 0.2, $$embed_batch('clean', image) OVER ()$$);
\set pixels '(SELECT array_agg(get_byte(image, i)::real ORDER BY i)::embedding FROM generate_series(0, 783) i)'
CALL measure('raw pixels', 0.05, :'pixels');
CALL measure('raw pixels', 0.2, :'pixels');
TABLE measured;

-- ---- what to label next: accuracy on 5,000 images by the nearest labeled of 5,000 others ----

CREATE TABLE pool AS SELECT id, label AS truth, NULL::int AS label, embed_batch('noisy5', image) OVER () AS e FROM items WHERE id BETWEEN 60001 AND 65000;
CREATE TABLE test AS SELECT id, label AS truth, embed_batch('noisy5', image) OVER () AS e FROM items WHERE id > 65000;
SELECT similarity.create_gallery('pool', 'pool', 'e', 'label', key => 'id');
\ir choice.sql
