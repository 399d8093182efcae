-- Bad input of galleries: each a clear error, and nothing changed.
\set SHOW_CONTEXT never
CREATE TABLE wares (id int PRIMARY KEY, kind text, e embedding(2), note text, image bytea);
INSERT INTO wares VALUES (1, 'a', '[0,0]', '', '\x0001'), (2, 'b', '[1,0]', '', '\x00');

-- create_gallery
SELECT similarity.create_gallery(NULL, 'wares', 'e', 'kind');
SELECT similarity.create_gallery('', 'wares', 'e', 'kind');
SELECT similarity.create_gallery(repeat('x', 64), 'wares', 'e', 'kind');
SELECT similarity.create_gallery('wares', 'nothing', 'e', 'kind');
SELECT similarity.create_gallery('wares', NULL, 'e', 'kind');
SELECT similarity.create_gallery('wares', 'wares_pkey', 'e', 'kind');
SELECT similarity.create_gallery('wares', 'wares', 'embedding', 'kind');
SELECT similarity.create_gallery('wares', 'wares', 'note', 'kind');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'label');
SELECT similarity.create_gallery('wares', 'wares', 'e', NULL);
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', key => 'code');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', distance => 'chebyshev');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', model => 'none');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image => 'note', image_shape => '{1,1}');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image => 'image');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image_shape => '{1,1,2}');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image_shape => '{0,1}');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image_shape => '{1}');
SELECT count(*) FROM similarity.galleries;
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', image => 'image', image_shape => '{1,2}', distance => 'euclidean');
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind');

-- look-up
SELECT * FROM similarity.lookup('nothing', '[0,0]'::embedding);
SELECT * FROM similarity.lookup('wares', '[0,0,0]'::embedding);
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding, 0);
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding, 100001);
SELECT * FROM similarity.lookup('wares', '\x0001'::bytea);
SELECT * FROM similarity.lookup('wares', '{0,0}'::real[]);

-- calibrate
SELECT * FROM similarity.calibrate('nothing', 'SELECT e, kind FROM wares');
SELECT * FROM similarity.calibrate('wares', NULL);
SELECT * FROM similarity.calibrate('wares', 'SELECT e FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind, id FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT note, kind FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT image, kind FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares; DROP TABLE wares');
SELECT * FROM similarity.calibrate('wares', 'DELETE FROM wares');
SELECT * FROM similarity.calibrate('wares', 'DELETE FROM wares RETURNING e, kind');
SELECT * FROM similarity.calibrate('wares', 'WITH d AS (DELETE FROM wares RETURNING e, kind) SELECT * FROM d');
SELECT * FROM similarity.calibrate('wares', 'EXPLAIN SELECT 1');
SELECT * FROM similarity.calibrate('wares', '');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares WHERE false');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, NULL FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT nullif(e, ''[1,0]''), kind FROM wares ORDER BY id');
SELECT * FROM similarity.calibrate('wares', 'SELECT ''[1]''::embedding, kind FROM wares');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', k => 0);
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', calibration_metric => 'accuracy');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', matcher => 'nearest');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', targets => '[]');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', targets => '{"a": "high"}');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', targets => '{"a": {"b": 1}}');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', targets => '{"a": 1.5}');
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', targets => '{"optimal": 1}');
SELECT * FROM similarity.match('wares', '[0,0]'::embedding);
SELECT * FROM similarity.evaluate_classification('wares', 'SELECT e, kind FROM wares');
SELECT * FROM similarity.confusion_matrix('wares', 'SELECT e, kind FROM wares');
SELECT count(*) FROM similarity.cutpoints;

-- an unreachable target is told and left out
SELECT name FROM similarity.calibrate('wares', 'SELECT e, ''a'' FROM wares', '{"high": 0.9, "low": 0.5}', calibration_metric => 'precision');
SELECT name FROM similarity.calibrate('wares', 'SELECT e, ''a'' FROM wares', '{"high": 0.9, "low": 0.5}', calibration_metric => 'binary_accuracy');

-- match and evaluations
SELECT * FROM similarity.match('wares', '[0,0]'::embedding, 'high');
SELECT * FROM similarity.match('wares', '[0,0]'::embedding, NULL);
SELECT * FROM similarity.match('wares', '[0,0]'::embedding, k => -1);
SELECT * FROM similarity.match('wares', '[0,0]'::embedding, matcher => 'vote');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM wares', '{recall}');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM wares', '{recall@1,NULL}');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM wares', '{}');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM wares', average => 'weighted');

-- fewer rows than k: all of them, and what is missing is not relevant
SELECT rank, label FROM similarity.lookup('wares', '[0,0]'::embedding, 5);
SELECT name FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares', k => 5, matcher => 'match_majority_vote');
SELECT label, distance FROM similarity.match('wares', '[0,0]'::embedding, k => 5);
SELECT metric, value FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM wares', '{recall@5,precision@5,map@5,ndcg@5,mrr@5}');
SELECT name, tp + fn AS hits, queries FROM similarity.evaluate_classification('wares', 'SELECT e, kind FROM wares', k => 5, matcher => 'match_nearest');

-- reports
SELECT * FROM similarity.show_image('\x00', '{2,2}');
SELECT * FROM similarity.show_image('\x00', '{1,1}', style => 'baroque');
SELECT * FROM similarity.show_image('\x00', '{1,1}', columns => 0);
SELECT * FROM similarity.show_neighbors('wares', '[0,0]'::embedding, k => 1);
SELECT * FROM similarity.show_neighbors('wares', '[1,0]'::embedding, k => 1);
SELECT * FROM similarity.show_neighbors('wares', '[0,0]'::embedding, k => 1, columns => 10);
SELECT similarity.neighbors_html('wares', 'SELECT e FROM wares');
SELECT similarity.neighbors_html('wares', 'SELECT e, kind, note FROM wares');
SELECT similarity.neighbors_html('wares', 'SELECT ''[0,0]''::embedding, ''a'' FROM generate_series(1, 1001)', k => 1);

-- an empty gallery: nothing found, but nothing to match or evaluate either
TRUNCATE wares;
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding);
SELECT * FROM similarity.match('wares', '[0,0]'::embedding);
SELECT * FROM similarity.lookup_all('wares', 'SELECT ''[0,0]''::embedding, 1');
SELECT * FROM similarity.match_all('wares', 'SELECT ''[0,0]''::embedding, 1');
SELECT * FROM similarity.calibrate('wares', 'SELECT ''[0,0]''::embedding, ''a''');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT ''[0,0]''::embedding, ''a''');
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT ''[0,0]''::embedding, ''a''', exact => false);
SELECT * FROM similarity.evaluate_classification('wares', 'SELECT ''[0,0]''::embedding, ''a''');
SELECT * FROM similarity.confusion_matrix('wares', 'SELECT ''[0,0]''::embedding, ''a''', cutpoint => NULL, exact => false);
SELECT ks FROM similarity.drift('wares', 'SELECT ''[0,0]''::embedding');
SELECT count(*) FROM similarity.cutpoints;

-- tables and columns that changed
ALTER TABLE wares RENAME kind TO sort;
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding);
SELECT * FROM similarity.calibrate('wares', 'SELECT ''[0,0]''::embedding, ''a''');
ALTER TABLE wares RENAME sort TO kind;
ALTER TABLE wares RENAME e TO vector;
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding);
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT ''[0,0]''::embedding, ''a''');
ALTER TABLE wares RENAME vector TO e;
-- pictures alone need the column of images
ALTER TABLE wares ALTER image TYPE text;
SELECT * FROM similarity.show_neighbors('wares', '[0,0]'::embedding, k => 1);
SELECT similarity.neighbors_html('wares', 'SELECT ''[0,0]''::embedding, ''a''', 1);
SELECT rank FROM similarity.lookup('wares', '[0,0]'::embedding, 1);
ALTER TABLE wares DROP image;
SELECT rank FROM similarity.lookup('wares', '[0,0]'::embedding, 1);
SELECT * FROM similarity.show_neighbors('wares', '[0,0]'::embedding, k => 1);
ALTER TABLE wares ALTER e TYPE text;
SELECT * FROM similarity.lookup('wares', '[0,0]'::embedding);
ALTER TABLE wares ALTER e TYPE embedding USING e::embedding;
DROP TABLE wares;
SELECT * FROM similarity.match('wares', '[0,0]'::embedding);
SELECT similarity.drop_gallery('wares');

-- Privileges: the invoker's own on the table, ownership to calibrate and drop.
CREATE ROLE similarity_keeper;
CREATE ROLE similarity_guest;
CREATE TABLE wares (id int PRIMARY KEY, kind text, e embedding(2), secret text);
INSERT INTO wares VALUES (1, 'a', '[0,0]', 's'), (2, 'b', '[9,0]', 's');
GRANT SELECT (id, kind, e) ON wares TO similarity_keeper;
GRANT CREATE ON SCHEMA similarity TO similarity_keeper;
SET ROLE similarity_guest;
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind');
SELECT * FROM similarity.gallery;
SELECT * FROM similarity.cutpoint;
SELECT * FROM similarity.calibration;
RESET ROLE;
SET ROLE similarity_keeper;
SELECT similarity.create_gallery('wares', 'wares', 'e', 'kind', distance => 'euclidean');
SELECT name FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares');
SELECT label FROM similarity.match('wares', '[0,0]'::embedding);
SELECT label FROM similarity.lookup('wares', '[0,0]'::embedding);
RESET ROLE;
SET ROLE similarity_guest;
SELECT count(*) FROM similarity.galleries;
SELECT count(*) FROM similarity.cutpoints;
SELECT count(*) FROM similarity.calibration_curve;
SELECT * FROM similarity.match('wares', '[0,0]'::embedding);
SELECT * FROM similarity.calibrate('wares', 'SELECT ''[0,0]''::embedding, ''a''');
SELECT similarity.drop_gallery('wares');
RESET ROLE;
GRANT SELECT ON wares TO similarity_guest;
SET ROLE similarity_guest;
SELECT gallery, owner FROM similarity.galleries;
SELECT label FROM similarity.match('wares', '[0,0]'::embedding);
SELECT * FROM similarity.calibrate('wares', 'SELECT e, kind FROM wares');
RESET ROLE;

-- Row security holds, and a search path full of traps changes nothing.
ALTER TABLE wares ENABLE ROW LEVEL SECURITY;
CREATE POLICY bs ON wares TO similarity_guest USING (kind = 'b');
SET ROLE similarity_guest;
SELECT rank, label FROM similarity.lookup('wares', '[0,0]'::embedding);
RESET ROLE;
CREATE SCHEMA trap;
CREATE TABLE trap.wares (id int, kind text, e embedding(2));
CREATE FUNCTION trap.l2_distance(embedding, embedding) RETURNS float8 LANGUAGE sql AS 'SELECT -1::float8';
CREATE FUNCTION trap.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$SELECT '"trap"'::jsonb$$;
CREATE FUNCTION trap.count() RETURNS bigint LANGUAGE sql AS 'SELECT 99::bigint';
CREATE OPERATOR trap.<-> (FUNCTION = trap.l2_distance, LEFTARG = embedding, RIGHTARG = embedding);
CREATE OPERATOR trap.= (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
SET search_path = trap, public, pg_catalog;
SELECT rank, label, distance, item FROM similarity.lookup('wares', '[0,0]'::embedding);
SELECT label, distance FROM similarity.match('wares', '[0,0]'::embedding);
SELECT * FROM similarity.evaluate_retrieval('wares', 'SELECT e, kind FROM public.wares', '{r_precision}');
SELECT gallery, relation FROM similarity.galleries;
RESET search_path;
DROP SCHEMA trap CASCADE;

SELECT similarity.drop_gallery('wares');
DROP TABLE wares;
REVOKE CREATE ON SCHEMA similarity FROM similarity_keeper;
DROP ROLE similarity_keeper;
DROP ROLE similarity_guest;
