-- What is shown to whom: nothing of a table to who may not read it, nothing of
-- rows to whom a policy hides them, nothing of a training's rows to who may only
-- use the model.
SET client_min_messages = error;
CREATE ROLE shown_owner;
CREATE ROLE shown_user;
CREATE ROLE shown_reader;
CREATE ROLE shown_stranger;
CREATE SCHEMA shown AUTHORIZATION shown_owner;
GRANT USAGE ON SCHEMA shown TO PUBLIC;
GRANT CREATE ON SCHEMA similarity TO shown_owner, shown_user, shown_stranger;
SET ROLE shown_owner;
CREATE TABLE shown.secret (id int PRIMARY KEY, label text, owner text, x real[], e embedding(2));
INSERT INTO shown.secret
SELECT i, 'secret' || i % 3, CASE WHEN i <= 3 THEN 'shown_reader' ELSE 'shown_owner' END, ARRAY[i % 3 + 0.5, i % 2]::real[] FROM generate_series(1, 40) i;
SELECT count(*) FROM similarity.create_model('shown', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('shown', 'SELECT x, label FROM shown.secret', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false,
	validation => 'SELECT x, label FROM shown.secret');
SELECT deployed_version AS v FROM similarity.models WHERE model = 'shown' \gset
UPDATE shown.secret SET e = embed('shown', x);
CREATE INDEX secret_e ON shown.secret USING similarity_hnsw (e embedding_l2_ops);
SELECT similarity.create_gallery('shown', 'shown.secret', 'e', 'label', model => 'shown', distance => 'l2');
SELECT count(*) FROM similarity.calibrate('shown', 'SELECT e, label FROM shown.secret', targets => '{"topsecret": 0.9}', drop_closest => true);
ANALYZE shown.secret;

-- A stranger learns that there is a gallery of that name, as of any table
SET ROLE shown_stranger;
SELECT similarity.match('shown', '[1,0]'::embedding);
SELECT similarity.match('shown', '[1,0]'::embedding, 'nosuch');
SELECT similarity.match('shown', '{1,0}'::real[], 'nosuch');
SELECT similarity.match_all('shown', $$SELECT '[1,0]'::embedding, 1$$, 'nosuch');
SELECT similarity.lookup('shown', '[1,0]'::embedding);
SELECT similarity.drift('shown', $$SELECT '[1,0]'::embedding$$, 'nosuch');
SELECT similarity.calibration_status('shown');
SELECT similarity.confusion_matrix('shown', $$SELECT '[1,0]'::embedding, 1$$, 'nosuch');
SELECT similarity.neighbors_html('shown', $$SELECT '[1,0]'::embedding, 'a'$$);
SELECT similarity.show_neighbors('shown', '[1,0]'::embedding);
SELECT similarity.attach('shown', 'nosuch');
SELECT similarity.create_gallery('mine', 'shown.secret', 'e', 'label');
SELECT similarity.create_gallery('mine', 'shown.secret', 'e', 'nosuch');
SELECT similarity.index_info('shown.secret_e');
SELECT similarity.index_stats('shown.secret_e');
SELECT similarity.index_recall('shown.secret_e');
SELECT similarity.verify_index('shown.secret_e');
SELECT count(*) FROM similarity.galleries WHERE gallery = 'shown';
SELECT count(*) FROM similarity.cutpoints WHERE gallery = 'shown';
SELECT count(*) FROM similarity.calibration_curve WHERE gallery = 'shown';
-- also where columns are gone
RESET ROLE;
ALTER TABLE shown.secret RENAME label TO renamed;
SET ROLE shown_stranger;
SELECT similarity.lookup('shown', '[1,0]'::embedding);
RESET ROLE;
ALTER TABLE shown.secret RENAME renamed TO label;
-- nor whose model a version is of
\set by_version 'embed(' :v ', ''{1,2}''::real[])'
CREATE FUNCTION shown.told(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN NULL;
EXCEPTION WHEN insufficient_privilege THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN regexp_replace(sqlerrm, '[0-9]+', '...') || ': ' || hint;
END $$;
SET ROLE shown_stranger;
SELECT shown.told(:'by_version');

-- USAGE of a model: not how many rows and classes it was trained with, nor by way of a copy
RESET ROLE;
SELECT similarity.grant_usage('shown', 'shown_user');
SELECT array_agg(key ORDER BY key) FROM similarity.model_versions, jsonb_object_keys(metrics) key WHERE model = 'shown';
SET ROLE shown_user;
SELECT array_agg(key ORDER BY key) FROM similarity.model_versions, jsonb_object_keys(metrics) key WHERE model = 'shown';
SELECT loss IS NOT NULL AS loss, validation FROM similarity.training_log WHERE model = 'shown';
SELECT count(*) FROM similarity.training_runs WHERE model = 'shown';
SELECT similarity.copy_model('shown', 'copied');
SELECT array_agg(key ORDER BY key) FROM similarity.model_versions, jsonb_object_keys(metrics) key WHERE model = 'copied';
SELECT similarity.drop_model('copied');

-- SELECT on the table: what is known of it
RESET ROLE;
GRANT SELECT ON shown.secret TO shown_reader;
SET ROLE shown_reader;
SELECT "rows", bytes > 0 AS bytes, index, queries, cutpoints ? 'topsecret' AS cutpoints FROM similarity.galleries;
SELECT gallery_rows, current_rows, change FROM similarity.calibration_status('shown');
SELECT queries FROM similarity.drift('shown', 'SELECT e FROM shown.secret LIMIT 5');
SELECT rows FROM similarity.index_info('shown.secret_e');

-- Row-level security: three rows of 40, and nothing that tells of the others
RESET ROLE;
ALTER TABLE shown.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shown.secret USING (owner = current_user);
SET ROLE shown_reader;
SELECT count(*) FROM shown.secret;
SELECT count(*) FROM similarity.lookup('shown', '[1,0]'::embedding, 100);
SELECT count(*) FROM similarity.lookup_all('shown', $$SELECT '[1,0]'::embedding, 1$$, 100);
SELECT count(*) FROM similarity.knn('shown.secret', 'e', ARRAY['[1,0]']::embedding[], 100, 'l2');
SELECT regexp_count(similarity.neighbors_html('shown', 'SELECT e, label FROM shown.secret LIMIT 1', 100), '<figure') AS figures;
SELECT sum(queries) FROM similarity.evaluate_retrieval('shown', 'SELECT e, label FROM shown.secret', '{map@r}');
SELECT sum(count) FROM similarity.confusion_matrix('shown', 'SELECT e, label FROM shown.secret');
SELECT count(*) FROM similarity.match('shown', '[1,0]'::embedding);
SELECT similarity.calibration_status('shown');
SELECT similarity.drift('shown', 'SELECT e FROM shown.secret');
SELECT similarity.index_info('shown.secret_e');
SELECT similarity.index_stats('shown.secret_e');
SELECT similarity.index_recall('shown.secret_e');
SELECT gallery, "rows", bytes, index, index_bytes, index_recall, queries FROM similarity.galleries;
SELECT name, distance IS NOT NULL AS distance, value, recall, f1 FROM similarity.cutpoints;
SELECT count(*) FROM similarity.calibration_curve;

-- also where the policy is below a view, which reads as whoever asks
RESET ROLE;
CREATE VIEW shown.view WITH (security_invoker) AS SELECT * FROM shown.secret;
ALTER VIEW shown.view OWNER TO shown_owner;
GRANT SELECT ON shown.view TO shown_reader;
SET ROLE shown_owner;
SELECT similarity.create_gallery('of_view', 'shown.view', 'e', 'label', distance => 'l2');
SELECT count(*) FROM similarity.calibrate('of_view', 'SELECT e, label FROM shown.secret', drop_closest => true);
SELECT "rows", bytes, queries FROM similarity.galleries WHERE gallery = 'of_view';
SELECT gallery_rows, current_rows FROM similarity.calibration_status('of_view');
SET ROLE shown_reader;
SELECT count(*) FROM similarity.lookup('of_view', '[1,0]'::embedding, 100);
SELECT "rows", bytes, queries FROM similarity.galleries WHERE gallery = 'of_view';
SELECT similarity.calibration_status('of_view');
SELECT similarity.drift('of_view', 'SELECT e FROM shown.secret');
SELECT count(*) FROM similarity.calibration_curve;

-- The owner of a gallery sees the calibration that rests on what he sees, and no more
RESET ROLE;
GRANT CREATE ON SCHEMA similarity TO shown_reader;
SET ROLE shown_reader;
SELECT similarity.create_gallery('of_reader', 'shown.secret', 'e', 'label', distance => 'l2');
SELECT count(*) FROM similarity.calibrate('of_reader', 'SELECT e, label FROM shown.secret');
SELECT gallery_rows, current_rows FROM similarity.calibration_status('of_reader');
SELECT "rows", bytes, index, queries FROM similarity.galleries WHERE gallery = 'of_reader';
-- whoever calibrates it
RESET ROLE;
SELECT count(*) FROM similarity.calibrate('of_reader', 'SELECT e, label FROM shown.secret');
SELECT gallery_rows FROM similarity.calibration WHERE gallery = (SELECT id FROM similarity.gallery WHERE name = 'of_reader');
-- also after he may read the table no more
REVOKE SELECT ON shown.secret FROM shown_reader;
SET ROLE shown_reader;
SELECT gallery, "rows", bytes, index, queries FROM similarity.galleries ORDER BY gallery;
SELECT similarity.lookup('of_reader', '[1,0]'::embedding);
RESET ROLE;

-- No function vouches that it tells nothing of its arguments.
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity') AND p.proleakproof;

DROP SCHEMA shown CASCADE;
SELECT similarity.drop_model('shown');
REVOKE CREATE ON SCHEMA similarity FROM shown_owner, shown_user, shown_reader, shown_stranger;
DROP ROLE shown_owner, shown_user, shown_reader, shown_stranger;
