-- Training: what it leaves behind, where it runs, and that it can be repeated.
SET similarity.threads = 2;

-- Four classes at the corners of a square, and two dimensions of noise.
CREATE FUNCTION noise(i int, stream int) RETURNS real IMMUTABLE LANGUAGE sql
	RETURN 0.6 * (abs(hashint4(i * 10 + stream) % 1000) / 1000.0 - 0.5);
CREATE TABLE point AS
SELECT i AS id, 'corner ' || i % 4 AS label,
	ARRAY[i % 2 + noise(i, 1), i / 2 % 2 + noise(i, 2), noise(i, 3), noise(i, 4)]::real[] AS input
FROM generate_series(0, 399) i;

CREATE FUNCTION small_model(name text, input int[] DEFAULT '{4}') RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM similarity.create_model(name, input => input, layers =>
		'[{"dense": {"units": 16, "activation": "relu"}}, {"metric_embedding": {"units": 4}}]'));

-- What a training made: nothing that depends on floating point or on speed.
CREATE VIEW trained AS
SELECT model, (metrics->>'rows')::int AS rows, (metrics->>'classes')::int AS classes,
	(metrics->>'epochs')::int AS epochs, (metrics->>'steps')::int AS steps, deployed
FROM similarity.model_versions ORDER BY version;

-- Plain CALL: a version with metrics, deployed; a run; a row per epoch.
SELECT small_model('corners') > 0 AS created;
CALL similarity.train('corners', 'SELECT input, label FROM point', epochs => 3, steps_per_epoch => 100,
	seed => 1, verbose => false);
SELECT * FROM trained;
SELECT model, state, role = current_user AS mine, message, source, version IS NOT NULL AS has_version,
	ended >= started AS ended, options - 'threads' AS options
FROM similarity.training_runs;
SELECT epoch, loss > 0 AS has_loss, learning_rate, avg_positive < avg_negative AS apart, images_per_second > 0 AS timed
FROM similarity.training_log ORDER BY epoch;

-- It learns: the loss falls, and nearest neighbors are of the same class.
SELECT (SELECT loss FROM similarity.training_log WHERE epoch = 3) <
	(SELECT loss FROM similarity.training_log WHERE epoch = 1) AS falls;
WITH e AS (SELECT id, label, embed('corners', input) AS e FROM point)
SELECT avg((q.label = n.label)::int) > 0.95 AS neighbors_agree
FROM e q, LATERAL (SELECT label FROM e WHERE e.id <> q.id ORDER BY e.e <=> q.e LIMIT 1) n
WHERE q.id < 100;

-- The same seed gives the same weights to the bit, another seed others.
SELECT small_model('again') > 0 AS created;
CALL similarity.train('again', 'SELECT input, label FROM point', epochs => 3, steps_per_epoch => 100,
	seed => 1, verbose => false);
SELECT small_model('other') > 0 AS created;
CALL similarity.train('other', 'SELECT input, label FROM point', epochs => 3, steps_per_epoch => 100,
	seed => 2, verbose => false);
SELECT o.model, bool_and(embed('corners', input)::real[] = embed(o.model, input)::real[]) AS equal
FROM point, (VALUES ('again'), ('other')) o (model) GROUP BY 1 ORDER BY 1;

-- Training again makes a new version from new weights and deploys it; the old one stays.
CALL similarity.train('again', 'SELECT input, label FROM point', epochs => 1, steps_per_epoch => 10,
	seed => 3, verbose => false);
SELECT * FROM trained WHERE model = 'again';

-- Defaults: a random seed, recorded; as many classes in a batch as there are.
CALL similarity.train('other', 'SELECT input, label FROM point', epochs => 1, steps_per_epoch => 5, verbose => false);
CALL similarity.train('other', 'SELECT input, label FROM point', epochs => 1, steps_per_epoch => 5, verbose => false);
SELECT count(DISTINCT options->>'seed') AS seeds, max(options->>'classes_per_batch') AS classes
FROM similarity.training_runs WHERE model = 'other' AND options->'epochs' = '1';

-- Other losses and optimizers, with parameters.
CALL similarity.train('other', 'SELECT input, label FROM point', loss => 'triplet', loss_params => '{"margin": 0.2}',
	optimizer => 'sgd', optimizer_params => '{"learning_rate": 0.05, "momentum": 0.9}',
	epochs => 1, steps_per_epoch => 5, classes_per_batch => 3, examples_per_class => 4, verbose => false);
SELECT options - 'seed' - 'threads' AS options FROM similarity.training_runs ORDER BY run DESC LIMIT 1;

-- Known classes: rows of other classes are left out.
CALL similarity.train('other', 'SELECT input, label FROM point', known_classes => '{corner 3,corner 1,corner 3}',
	epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false);
SELECT * FROM trained ORDER BY 1 DESC, 2 LIMIT 1;

-- Inputs: bytes, embeddings, domains; labels of any type and size.
CREATE DOMAIN pixels AS bytea;
SELECT count(*) > 0 AS created FROM similarity.create_model('bytes', input => '{2,2,1}',
	layers => '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('bytes', $$SELECT set_byte('\x00000000', i % 4, 200)::pixels, i % 4 FROM generate_series(1, 100) i$$,
	epochs => 1, steps_per_epoch => 5, verbose => false);
CALL similarity.train('other', 'SELECT input::embedding, row(label, label) FROM point',
	epochs => 1, steps_per_epoch => 5, verbose => false);
CALL similarity.train('other', 'SELECT ARRAY[[input[1], input[2]], [input[3], input[4]]], repeat(label, 1000) FROM point',
	epochs => 1, steps_per_epoch => 5, verbose => false);
-- A class of one row is drawn twice; queries of other forms.
CREATE TABLE few AS SELECT input, label FROM point WHERE id IN (0, 1, 2);
CALL similarity.train('other', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
CALL similarity.train('other', 'WITH f AS (SELECT * FROM few) SELECT * FROM f UNION ALL TABLE few;',
	epochs => 1, steps_per_epoch => 5, verbose => false);
SELECT * FROM trained ORDER BY model, rows, classes, steps, deployed;

-- In a transaction block everything belongs to the transaction.
SELECT count(*) AS runs FROM similarity.training_runs \gset before_
SELECT count(*) AS versions FROM similarity.model_versions \gset before_
BEGIN;
INSERT INTO few SELECT input, 'new' FROM point WHERE id = 3;
CALL similarity.train('other', 'TABLE few', epochs => 2, steps_per_epoch => 5, seed => 1, verbose => false);
SELECT rows, classes, deployed FROM trained WHERE deployed AND model = 'other';
SELECT embedding_model(embed('other', few.input)) = deployed_version AS embeds
FROM few, similarity.models WHERE model = 'other' AND label = 'new';
ROLLBACK;
SELECT count(*) - :before_runs AS more_runs FROM similarity.training_runs;
SELECT count(*) - :before_versions AS more_versions FROM similarity.model_versions;

-- In a function or under an exception handler it may not commit, and need not.
DO $$
BEGIN
	BEGIN
		CALL similarity.train('other', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'undone';
	END;
END
$$;
SELECT count(*) - :before_versions AS more_versions FROM similarity.model_versions;

-- In a DO block, in a procedure, twice; each commits, so that a later error undoes nothing.
CREATE TABLE note (model text);
DO $$
BEGIN
	INSERT INTO note VALUES ('before');
	CALL similarity.train('other', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
	INSERT INTO note VALUES ('after');
	RAISE EXCEPTION 'too late';
END
$$;
CREATE PROCEDURE train_all() LANGUAGE plpgsql AS $$
DECLARE
	m text;
BEGIN
	FOR m IN SELECT name FROM (VALUES ('again'), ('other')) v (name) LOOP
		CALL similarity.train(m, 'TABLE few', epochs => 2, steps_per_epoch => 5, verbose => false);
		INSERT INTO note VALUES (m);
	END LOOP;
END
$$;
CALL train_all();
TABLE note;
SELECT count(*) - :before_versions AS more_versions FROM similarity.model_versions;
SELECT format('CALL similarity.train(%L, %L, epochs => 1, steps_per_epoch => 5, verbose => false)', name, 'TABLE few')
FROM (VALUES ('again'), ('other')) v (name) \gexec
SELECT count(*) - :before_versions AS more_versions FROM similarity.model_versions;

-- The query runs as the invoker: privileges, search_path and row-level security are the user's.
CREATE ROLE regress_trainer;
GRANT CREATE, USAGE ON SCHEMA public TO regress_trainer;
GRANT CREATE ON SCHEMA similarity TO regress_trainer;
ALTER TABLE few ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_one ON few USING (label <> 'corner 1');
SET ROLE regress_trainer;
SELECT count(*) > 0 AS created FROM similarity.create_model('theirs', input => '{4}',
	layers => '[{"metric_embedding": {"units": 4}}]');
CALL similarity.train('theirs', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
CALL similarity.train('corners', 'SELECT ARRAY[1,2,3,4]::real[], 1', epochs => 1, steps_per_epoch => 5, verbose => false);
RESET ROLE;
GRANT SELECT ON few TO regress_trainer;
SET ROLE regress_trainer;
CALL similarity.train('theirs', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
SELECT model, metrics->'rows' AS rows, metrics->'classes' AS classes FROM similarity.model_versions;
-- An operator planted in the user's schema is not used by the catalog's statements.
CREATE FUNCTION public.hijack(int, int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'hijacked by %', current_user;
END
$$;
CREATE OPERATOR public.= (LEFTARG = int, RIGHTARG = int, FUNCTION = public.hijack);
SET search_path = public, pg_catalog;
CALL similarity.train('theirs', 'TABLE few', epochs => 1, steps_per_epoch => 5, verbose => false);
RESET search_path;
DROP OPERATOR public.= (int, int);
RESET ROLE;

SELECT similarity.drop_model(model) FROM similarity.models ORDER BY model;
SELECT count(*) AS runs FROM similarity.training_runs;
DROP PROCEDURE train_all;
DROP VIEW trained;
DROP TABLE few, note, point;
DROP DOMAIN pixels;
DROP FUNCTION small_model, noise, hijack;
REVOKE ALL ON SCHEMA public FROM regress_trainer;
REVOKE CREATE ON SCHEMA similarity FROM regress_trainer;
DROP ROLE regress_trainer;
