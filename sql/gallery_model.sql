-- Galleries whose model embeds raw input: four pixels become a point of a circle.
SET client_min_messages = warning;
SELECT count(*) FROM similarity.create_model('pixels', '{2,2,1}', '[{"rescaling": {"scale": 0.00392156862745098}}, {"flatten": {}}, {"metric_embedding": {"units": 4}}]');
CREATE TABLE lesson AS SELECT k AS kind, set_byte(p, 1, (get_byte(p, 1) + 256 - i) % 256) AS image
FROM (VALUES ('right', '\x00ff00ff'::bytea), ('left', '\xff00ff00'), ('top', '\xffff0000'), ('light', '\xffffffff')) v (k, p), generate_series(0, 5) i;
CALL similarity.train('pixels', 'SELECT image, kind FROM lesson', epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
CALL similarity.train('pixels', 'SELECT image, kind FROM lesson', epochs => 1, steps_per_epoch => 2, seed => 2, verbose => false);
RESET client_min_messages;
SELECT min(version) AS first, max(version) AS second FROM similarity.model_versions WHERE model = 'pixels' \gset
SELECT similarity.deploy('pixels', :first);
CREATE TABLE tiles (id int PRIMARY KEY, kind text, image bytea, e embedding(4));
INSERT INTO tiles SELECT i, k, p, embed('pixels', p)
FROM (VALUES (1, 'right', '\x00ff00ff'::bytea), (2, 'left', '\xff00ff00'), (3, 'top', '\xffff0000'), (4, 'light', '\xffffffff')) v (i, k, p);
SELECT similarity.create_gallery('tiles', 'tiles', 'e', 'kind', model => 'pixels', distance => 'euclidean', image => 'image');
SELECT gallery, model, version = :first AS first, image, image_shape FROM similarity.galleries;
SELECT similarity.create_gallery('plain', 'tiles', 'e', 'kind', distance => 'euclidean');

-- raw input, pixels or numbers, and embeddings: the same rows at the same distances
SELECT rank, label, item, abs(l.distance - (t.e <-> embed('pixels', '\xff30ff00'::bytea))) < 1e-6 AS distance
FROM similarity.lookup('tiles', '\xff30ff00'::bytea, 4) l JOIN tiles t ON t.ctid = l.id WHERE l.label = 'left';
SELECT count(*) FROM similarity.lookup('tiles', '\xff30ff00'::bytea) a
JOIN similarity.lookup('tiles', '{255,48,255,0}'::real[]) b USING (rank, label)
JOIN similarity.lookup('tiles', embed('pixels', '\xff30ff00'::bytea)) c USING (rank, label)
WHERE abs(a.distance - b.distance) < 1e-6 AND abs(a.distance - c.distance) < 1e-6;
SELECT label, distance < 1e-6 AS same FROM similarity.lookup('tiles', '\xffff0000'::bytea, 1);

-- Calibration and evaluation run the network on batches: three items in four are
-- the gallery's own, the fourth is of a kind that it does not have.
CREATE VIEW shots AS SELECT i, image, CASE WHEN id = 3 THEN 'other' ELSE kind END AS kind FROM tiles, generate_series(1, 100) i;
SELECT name, value > 0.85 AS high, distance < 1e-6 AS near
FROM similarity.calibrate('tiles', 'SELECT image, kind FROM shots');
SELECT queries FROM similarity.galleries WHERE gallery = 'tiles';
SELECT (similarity.match('tiles', image, k => 1)).cutpoint_name, count(*) FROM shots GROUP BY 1;
SELECT similarity.calibrate('tiles', 'SELECT image, kind FROM shots', k => 2) IS NULL AS missing;
SELECT label FROM similarity.match('tiles', '\xff00ff00'::bytea, k => 1);
SELECT label FROM similarity.match('tiles', '{0,255,0,255}'::real[], k => 1);
SELECT metric, round(value::numeric, 6) AS value FROM similarity.evaluate_retrieval('tiles', 'SELECT image, kind FROM shots', average => 'macro');
SELECT value FROM similarity.evaluate_retrieval('plain', 'SELECT embed(''pixels'', image), kind FROM shots');
SELECT label, predicted, count FROM similarity.confusion_matrix('tiles', 'SELECT image, kind FROM shots', cutpoint => NULL) ORDER BY 1, 2;
\pset format unaligned
SELECT similarity.show_neighbors('tiles', '\xff00ff00'::bytea, k => 1, label => 'left', style => 'ascii');
\pset format aligned
SELECT regexp_replace(substring(similarity.neighbors_html('tiles', 'SELECT image, kind FROM tiles ORDER BY id', k => 1),
	'<dt>model.*</dl>'), 'version [0-9]+', 'version') AS facts;

-- errors: the wrong size in a batch names the rows
\set SHOW_CONTEXT always
SELECT * FROM similarity.lookup('tiles', '\x00'::bytea);
SELECT * FROM similarity.calibrate('tiles', 'SELECT CASE WHEN i = 77 THEN ''\x00''::bytea ELSE image END, kind FROM shots ORDER BY i, kind');
\set SHOW_CONTEXT errors

-- the column says or shows which version made it; another model's is refused
ALTER TABLE tiles ALTER e TYPE embedding;
SET client_min_messages = warning;
SELECT count(*) FROM similarity.create_model('other', '{2,2,1}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]');
SELECT similarity.create_gallery('wrong', 'tiles', 'e', 'kind', model => 'other');
CALL similarity.train('other', 'SELECT image, kind FROM lesson', epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
RESET client_min_messages;
\set VERBOSITY terse
SELECT similarity.create_gallery('wrong', 'tiles', 'e', 'kind', model => 'other');
\set VERBOSITY default
CREATE TABLE narrow (kind text, e embedding(3));
SELECT similarity.create_gallery('narrow', 'narrow', 'e', 'kind', model => 'pixels');

-- a gallery keeps its version and its model
\set VERBOSITY sqlstate
SELECT similarity.deploy('pixels', :second);
SELECT similarity.drop_model('pixels');
\set VERBOSITY default
SELECT similarity.drop_gallery('tiles');
SELECT similarity.deploy('pixels', :second);
-- its embeddings are still those of the first version
SELECT similarity.create_gallery('tiles', 'tiles', 'e', 'kind', model => 'pixels', distance => 'euclidean');
SELECT version = :first AS first FROM similarity.galleries WHERE gallery = 'tiles';
SELECT label FROM similarity.lookup('tiles', '\xffff0000'::bytea, 1);
-- no longer deployed, and still not to be dropped
\set VERBOSITY sqlstate
SELECT similarity.drop_version('pixels', :first);
\set VERBOSITY terse
SELECT count(*) FROM similarity.lookup('tiles', embed('pixels', '\xffff0000'::bytea));
\set VERBOSITY default

-- raw input needs the right to use the model, embeddings do not
CREATE ROLE similarity_visitor;
GRANT SELECT ON tiles, shots TO similarity_visitor;
SET ROLE similarity_visitor;
SELECT label FROM similarity.lookup('plain', (SELECT e FROM tiles WHERE id = 3), 1);
SELECT label FROM similarity.lookup('tiles', (SELECT e FROM tiles WHERE id = 3), 1);
SELECT label FROM similarity.lookup('tiles', '\xffff0000'::bytea, 1);
SELECT value FROM similarity.evaluate_retrieval('tiles', 'SELECT image, kind FROM shots');
RESET ROLE;
SELECT similarity.grant_usage('pixels', 'similarity_visitor');
SET ROLE similarity_visitor;
SELECT label FROM similarity.lookup('tiles', '\xffff0000'::bytea, 1);
RESET ROLE;

SELECT similarity.drop_gallery('plain');
SELECT similarity.drop_gallery('tiles');
SELECT similarity.drop_model('pixels');
SELECT similarity.drop_model('other');
DROP VIEW shots;
DROP TABLE tiles, narrow, lesson;
DROP ROLE similarity_visitor;
