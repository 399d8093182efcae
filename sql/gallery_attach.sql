-- Embeddings kept current by a trigger; another model version for all of them.
SELECT count(*) FROM similarity.create_model('line', '{2}', '[{"metric_embedding": {"units": 2}}]');
CREATE FUNCTION train_line(seed int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	CALL similarity.train('line', 'SELECT ARRAY[i % 2, i % 3]::real[], i % 2 FROM generate_series(1, 40) i', epochs => 1,
		steps_per_epoch => 2, seed => seed, verbose => false);
END $$;
SELECT train_line(1);
SELECT min(version) AS one FROM similarity.model_versions WHERE model = 'line' \gset
CREATE TABLE goods (id int PRIMARY KEY, kind text, v real[], e embedding(2), h embedding(2, half), w real[]);
INSERT INTO goods VALUES (1, 'a', '{1,0}', NULL, NULL, NULL);
SELECT similarity.create_gallery('goods', 'goods', 'e', 'kind', model => 'line');
SELECT similarity.create_gallery('halves', 'goods', 'h', 'kind', model => 'line');
SELECT similarity.attach('goods', 'v'), similarity.attach('halves', 'w');
SELECT gallery, input FROM similarity.galleries ORDER BY 1;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'goods'::regclass ORDER BY 1;

-- rows are embedded when they come and when their input changes; a new class is found at once
INSERT INTO goods (id, kind, v) VALUES (2, 'b', '{0,1}'), (3, 'c', NULL);
CREATE VIEW state AS SELECT id, kind, embedding_model(e) - :one AS version, e = embed(embedding_model(e)::int, v) AS right, embedding_model(h) - :one AS half,
	l2_distance(h, embed(embedding_model(h)::int, w)) < 0.001 AS near FROM goods ORDER BY id;
SELECT * FROM state;
SELECT key, label FROM similarity.lookup('goods', '{0,1}'::real[], 1);
INSERT INTO goods (id, kind, v, w) VALUES (4, 'new', '{-1,-1}', '{1,1}');
SELECT key, label FROM similarity.lookup('goods', '{-1,-1}'::real[], 1);
UPDATE goods SET v = '{1,1}' WHERE id = 2;
UPDATE goods SET v = v, w = '{1,0}' WHERE id IN (1, 2);
UPDATE goods SET w = NULL WHERE id = 2;
SELECT * FROM state;
-- nothing is computed for other columns, nor where the value is given with its input
UPDATE goods SET e = embed(:one, '{0.5,0.25}'::real[]) WHERE id = 1;
UPDATE goods SET kind = 'z' WHERE id = 1;
SELECT e = embed(:one, '{0.5,0.25}'::real[]) AS kept FROM goods WHERE id = 1;
UPDATE goods SET v = '{1,0}', e = embed(:one, '{0.5,0.5}'::real[]) WHERE id = 1;
SELECT e = embed(:one, '{0.5,0.5}'::real[]) AS given FROM goods WHERE id = 1;
-- a value of no version is not believed
UPDATE goods SET e = '[3,4]' WHERE id = 1;
COPY goods (id, kind, v, e) FROM stdin;
5	b	{0,1}	[7,7]
\.
SELECT * FROM state;

-- whoever writes the table must be allowed to use the model
CREATE ROLE attach_writer;
GRANT SELECT, INSERT ON goods TO attach_writer;
SET ROLE attach_writer;
\set VERBOSITY sqlstate
INSERT INTO goods (id, kind, v) VALUES (6, 'd', '{1,2}');
\set VERBOSITY default
RESET ROLE;
SELECT similarity.grant_usage('line', 'attach_writer');
SET ROLE attach_writer;
INSERT INTO goods (id, kind, v) VALUES (6, 'd', '{1,2}');
SELECT similarity.attach('goods', 'v');
SELECT similarity.detach('goods');
CALL similarity.reembed('line', 1);
-- but the trigger is of no use elsewhere
CREATE TEMP TABLE thief (v real[], e embedding(2));
CREATE TRIGGER t BEFORE INSERT ON thief FOR EACH ROW EXECUTE FUNCTION similarity.embed_row('e', 'v');
INSERT INTO thief VALUES ('{1,2}', NULL);
DROP TABLE thief;
RESET ROLE;
SELECT embedding_model(e) - :one AS version FROM goods WHERE id = 6;

-- Another version for both galleries at once.
SET client_min_messages = warning;
SELECT train_line(2);
RESET client_min_messages;
SELECT max(version) AS two FROM similarity.model_versions WHERE model = 'line' \gset
CREATE VIEW goods_of_a AS SELECT id, e FROM goods WHERE kind = 'b';
CREATE TABLE orders (good int REFERENCES goods);
INSERT INTO orders VALUES (2);
SELECT 'goods'::regclass::oid AS before \gset
SELECT name, "precision" FROM similarity.calibrate('goods', 'SELECT v, kind FROM goods WHERE e IS NOT NULL');
SELECT label FROM similarity.match('goods', '{0,1}'::real[]);
CALL similarity.reembed('line', :two);
SELECT * FROM state;
SELECT gallery, version - :one AS version FROM similarity.galleries ORDER BY 1;
SELECT deployed FROM similarity.model_versions WHERE version = :two;
SELECT 'goods'::regclass::oid = :before AS same, count(*) FROM goods_of_a;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'goods'::regclass AND NOT tgisinternal ORDER BY 1;
INSERT INTO goods (id, kind, v) VALUES (7, 'b', '{0,1}');
INSERT INTO goods (id) VALUES (7);
DELETE FROM goods WHERE id = 2;
SELECT key, label FROM similarity.lookup('goods', '{0,1}'::real[], 1);
SELECT count(*) FROM similarity.reembeddings;
-- there already: nothing to do but what is left of it
CALL similarity.reembed('line', :two);

-- cut points of another version are not used
\set VERBOSITY terse
SELECT label FROM similarity.match('goods', '{0,1}'::real[]);
\set VERBOSITY default
SELECT change FROM similarity.calibration_status('goods');

-- A column bound to one version is bound to the other.
DROP VIEW state, goods_of_a;
SELECT similarity.drop_gallery('halves');
ALTER TABLE goods DROP h;
ALTER TABLE goods ALTER e TYPE embedding(2, :two);
CREATE INDEX ON goods USING similarity_hnsw (e embedding_l2_ops);
CALL similarity.reembed('line', :one);
SELECT (SELECT min(embedding_model(e)) FROM goods) = :one AS version, format_type(atttypid, atttypmod) = 'embedding(2,' || :one || ')' AS typmod
FROM pg_attribute WHERE attrelid = 'goods'::regclass AND attname = 'e';
SELECT count(*) FROM similarity.match('goods', '{0,1}'::real[]);
INSERT INTO goods (id, kind, v) VALUES (8, 'b', '{0,1}');
SELECT similarity.create_gallery('again', 'goods', 'e', 'kind', model => 'line');
SELECT similarity.attach('again', 'v'), similarity.drop_gallery('again');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'goods'::regclass AND NOT tgisinternal ORDER BY 1;
CALL similarity.reembed('line', :two);

-- Bad input.
SELECT similarity.attach('goods', 'nothing');
SELECT similarity.attach('goods', 'kind');
SELECT similarity.attach('goods', 'e');
SELECT similarity.attach('nothing', 'v');
SELECT similarity.detach('goods');
CALL similarity.reembed('line', :one);
BEGIN;
CALL similarity.reembed('line', :one);
ROLLBACK;
CALL similarity.reembed('line', 30000);
SET default_transaction_isolation = 'repeatable read';
CALL similarity.reembed('line', :one);
RESET default_transaction_isolation;
CALL similarity.reembed('nothing', 1);
CALL similarity.reembed('line', NULL);
CALL similarity.reembed('line', :one, batch_rows => 0);
CALL similarity.reembed('line', :one, rows_per_second => 0);
SELECT similarity.attach('goods', 'v');
ALTER TABLE goods DISABLE TRIGGER similarity_embed_e;
UPDATE goods SET v = NULL WHERE id = 1;
CALL similarity.reembed('line', :one);
ALTER TABLE goods ENABLE TRIGGER similarity_embed_e;
ALTER TABLE goods RENAME v TO input;
INSERT INTO goods (id) VALUES (9);
ALTER TABLE goods RENAME input TO v;
UPDATE goods SET v = '{1,0}' WHERE id = 1;
ALTER TABLE orders DROP CONSTRAINT orders_good_fkey;
ALTER TABLE goods DROP CONSTRAINT goods_pkey;
CALL similarity.reembed('line', :one);
SELECT similarity.reembed_cancel('line');
SELECT count(*), min(embedding_model(e)) = :two AS version FROM goods;
SELECT similarity.drop_gallery('goods'), similarity.drop_model('line');
INSERT INTO goods (id, kind, v) VALUES (10, 'b', '{0,1}');
DROP TABLE goods, orders;
DROP FUNCTION train_line;
DROP ROLE attach_writer;
