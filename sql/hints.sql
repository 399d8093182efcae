-- What is written often and cannot work is told apart from other errors.
CREATE TABLE dot (a integer, b integer, label text, x real[], e embedding(2), PRIMARY KEY (a, b));
INSERT INTO dot SELECT i, 0, i % 2, ARRAY[i % 2, i], ARRAY[i % 2, i] FROM generate_series(1, 10) i;
SELECT count(*) FROM similarity.create_model('dots', '{2}', '[{"metric_embedding": {"units": 2}}]');

-- A gallery's key is one column
SELECT similarity.create_gallery('dots', 'dot', embedding => 'e', label => 'label');
SELECT key IS NULL AS none FROM similarity.lookup('dots', '[1,1]', 1);
SELECT similarity.drop_gallery('dots');
SELECT similarity.create_gallery('dots', 'dot', embedding => 'e', label => 'label', key => 'a');
SELECT key FROM similarity.lookup('dots', '[1,1]', 1);

-- A table's name is no query, wherever one is asked for
CALL similarity.train('dots', 'dot');
CALL similarity.train('dots', 'public.dot');
CALL similarity.train('dots', '"dot"');
CALL similarity.train('dots', 'SELECT x, label FROM dot', validation => 'dot');
SELECT * FROM similarity.sample_batch('dot');
SELECT similarity.batch_class_ratio('dot');
SELECT * FROM similarity.calibrate('dots', 'dot');
SELECT * FROM similarity.lookup_all('dots', 'dot');
SELECT * FROM similarity.evaluate_retrieval('dots', 'dot');
SELECT similarity.neighbors_html('dots', 'dot');
-- ... but this is one
SELECT count(*) FROM similarity.lookup_all('dots', 'SELECT(e),a FROM"dot"', 1);
SELECT count(*) FROM similarity.lookup_all('dots', 'VALUES(random_embedding(2,1),1)', 1);
SELECT * FROM similarity.lookup_all('dots', 'SELECT e, a FORM dot');

-- Nothing can be written in a read-only transaction
BEGIN READ ONLY;
SAVEPOINT s;
CALL similarity.train('dots', 'SELECT x, label FROM dot');
ROLLBACK TO s;
SELECT similarity.create_model('more', '{2}', '[{"metric_embedding": {"units": 2}}]');
ROLLBACK TO s;
SELECT * FROM similarity.calibrate('dots', 'SELECT e, label FROM dot');
ROLLBACK TO s;
SELECT similarity.drop_gallery('dots');
ROLLBACK;
SELECT similarity.drop_gallery('dots');
SELECT similarity.drop_model('dots');
DROP TABLE dot;
