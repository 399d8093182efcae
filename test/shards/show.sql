-- In the cluster in front: what a table over shards does, statement by statement.
\set ON_ERROR_STOP on
\pset footer off
\set VERBOSITY terse
\set ECHO queries

-- The rows are at the shards, and one statement counts them.
SELECT tableoid::regclass AS shard, count(*) FROM items GROUP BY 1 ORDER BY 1;

-- A look-up is the SQL of one server.  Each shard sorts; PostgreSQL merges.
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, label FROM items ORDER BY e <=> (SELECT e FROM query WHERE id = 1) LIMIT 5;
SELECT id, label, e <=> (SELECT e FROM query WHERE id = 1) AS distance FROM items ORDER BY distance LIMIT 5;

-- With a filter, which the shards apply
SELECT id, kind, label, e <=> (SELECT e FROM query WHERE id = 1) AS distance FROM items WHERE kind = 3 ORDER BY distance LIMIT 5;

-- A gallery over all of them: it asks each shard for k rows, all at the same time.
SELECT similarity.create_gallery('shelf', 'items', embedding => 'e', label => 'label', key => 'id');
SELECT rank, label, distance, key FROM similarity.lookup('shelf', (SELECT e FROM query WHERE id = 1), 5);
SELECT name, distance, precision, recall FROM similarity.calibrate('shelf', 'SELECT e, label FROM query WHERE id <= 500', calibration_metric => 'f1');
SELECT label, distance, accepted FROM similarity.match('shelf', (SELECT e FROM query WHERE id = 501));
SELECT metric, value, index_recall FROM similarity.evaluate_retrieval('shelf', 'SELECT e, label FROM query WHERE id > 500', '{recall@1,precision@10}', exact => false);

-- Rows that are inserted find their shard.
INSERT INTO items SELECT 1000000000 + id, 0, -1, e FROM query;
SELECT tableoid::regclass AS shard, count(*) FROM items WHERE id > 1000000000 GROUP BY 1 ORDER BY 1;
SELECT rank, label, distance, key FROM similarity.lookup('shelf', (SELECT e FROM query WHERE id = 1), 2);
DELETE FROM items WHERE id > 1000000000;

-- A model is trained here, and one statement brings it to every shard.
SELECT * FROM similarity.create_model('m', '{128}', '[{"dense": {"units": 64}}, {"metric_embedding": {"units": 32}}]');
CALL similarity.train('m', 'SELECT e, label % 20 FROM query', epochs => 1, steps_per_epoch => 20, seed => 1, verbose => false);
SELECT srvname AS shard, version FROM pg_foreign_server,
	dblink(srvname, format('SELECT similarity.import_model(%L, %L)', 'm', similarity.export_model('m'))) AS t (version int) ORDER BY 1;
SELECT shard, embedded = (SELECT embed('m', e)::text FROM query WHERE id = 1) AS embeds_the_same
FROM (SELECT srvname, format('SELECT embed(%L, %L::embedding)::text', 'm', e) FROM pg_foreign_server, query WHERE id = 1) AS s (shard, ask),
	dblink(shard, ask) AS t (embedded text) ORDER BY 1;
