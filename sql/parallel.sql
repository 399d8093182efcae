-- Parallel plans: what may run in a worker does, and what must stay in the leader works below a Gather.
SET client_min_messages = warning;

-- Functions are labeled by what they do.  One that runs a query of the user's may do
-- anything; one that reads a table or an index of the user's cannot do so in a worker,
-- since it may be temporary; one that writes cannot run beside workers at all.
WITH f AS (
	SELECT p.oid, proname, provolatile, proparallel, coalesce(proargnames[1:pronargs], '{}') AS arguments
	FROM pg_proc p JOIN pg_depend d ON classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity')
), labeled AS (
	SELECT *, CASE
		WHEN arguments && '{query,source}' THEN 'u'
		WHEN proname IN ('index_info', 'index_degrees', 'index_stats', 'index_history', 'running_calls', 'settings') THEN 'r'
		WHEN provolatile = 'v' THEN 'u'
		WHEN arguments && '{gallery,relation}' THEN 'r'
		ELSE 's' END AS expected
	FROM f)
SELECT oid::regprocedure, proparallel, expected FROM labeled WHERE proparallel <> expected ORDER BY 1;

-- Points of a circle and a model that turns them about, made within one transaction
CREATE SCHEMA parallel;
SET search_path = parallel, public;
CREATE FUNCTION point(i integer) RETURNS real[] IMMUTABLE PARALLEL SAFE
RETURN ARRAY[cos(i), sin(i)]::real[];
CREATE TABLE item (id integer, kind integer, v real[]);
INSERT INTO item SELECT i, i % 6, point(i % 6) FROM generate_series(1, 600) i;
ANALYZE item;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;

BEGIN;
SELECT count(*) FROM similarity.create_model('turn', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('turn', 'SELECT v, kind FROM item', epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
-- workers see the model that nobody else sees yet
EXPLAIN (COSTS OFF) SELECT count(embed('turn', v)) FROM item;
SELECT count(embed('turn', v)) FROM item;
COMMIT;
SELECT deployed_version AS version FROM similarity.models WHERE model = 'turn' \gset

-- Workers embed what the leader embeds, by name and by version, as whoever the query runs as.
SET max_parallel_workers_per_gather = 0;
CREATE TABLE alone AS SELECT kind, embed('turn', v) AS e FROM item WHERE id <= 6;
SET max_parallel_workers_per_gather = 2;
SELECT count(*) FROM item i JOIN alone a USING (kind) WHERE embed('turn', v) = e AND embed(:version, v) = e;
CREATE ROLE similarity_parallel_owner;
CREATE ROLE similarity_parallel_reader;
SELECT similarity.set_model_owner('turn', 'similarity_parallel_owner');
GRANT USAGE ON SCHEMA parallel TO similarity_parallel_owner, similarity_parallel_reader;
GRANT SELECT ON item TO similarity_parallel_owner, similarity_parallel_reader;
CREATE FUNCTION embed_as_owner(v real[]) RETURNS embedding LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
AS $$ BEGIN RETURN public.embed('turn', v); END $$;
ALTER FUNCTION embed_as_owner(real[]) OWNER TO similarity_parallel_owner;
SET ROLE similarity_parallel_reader;
SELECT count(embed_as_owner(v)) FROM item;
\set VERBOSITY terse
SELECT count(embed('turn', v)) FROM item;
\set VERBOSITY default
RESET ROLE;
SELECT similarity.grant_usage('turn', 'similarity_parallel_reader');
SET ROLE similarity_parallel_reader;
SELECT count(embed('turn', v)) FROM item;
SELECT output FROM item, similarity.model_summary('turn') GROUP BY 1;
RESET ROLE;

-- An expression index is built in parallel.
SET min_parallel_index_scan_size = 0;
ALTER TABLE item SET (parallel_workers = 2);
CREATE INDEX item_embedded ON item ((embed(:version, v)));
SET enable_seqscan = off;
SELECT count(*) FROM item WHERE embed(:version, v) = (SELECT e FROM alone WHERE kind = 3);
RESET enable_seqscan;
DROP INDEX item_embedded;

-- Look-ups of a gallery with a model stay in the leader, below the Gather of the items.
CREATE TABLE store (id integer PRIMARY KEY, kind integer, e embedding(2));
INSERT INTO store SELECT id, kind, embed('turn', v) FROM item WHERE id <= 60;
SELECT similarity.create_gallery('store', 'store', 'e', 'kind', model => 'turn', distance => 'euclidean');
SELECT count(*) FROM similarity.calibrate('store', 'SELECT v, kind FROM item');
EXPLAIN (COSTS OFF) SELECT i.kind, l.label FROM item i, similarity.lookup('store', i.v, 1) l WHERE i.id <= 6;
SELECT i.kind, l.label FROM item i, similarity.lookup('store', i.v, 1) l WHERE i.id <= 6 ORDER BY 1;
SELECT i.kind, m.label FROM item i, similarity.match('store', i.v) m WHERE i.id <= 6 ORDER BY 1;
SELECT count(*), count(DISTINCT i.kind) FROM item i, similarity.match('store', embed('turn', i.v)) m WHERE m.label = i.kind::text;
SELECT count(*) FROM item i, similarity.lookup('store', i.v, 3) l WHERE l.label <> i.kind::text;
SELECT change FROM item i, similarity.calibration_status('store') WHERE i.id = 3;
SELECT count(*) FROM item i, similarity.knn('store', 'e', ARRAY[embed('turn', i.v)], 2) WHERE i.id <= 3;
SELECT count(*) FROM item i, similarity.show_neighbors('store', i.v, 1) WHERE i.id <= 3;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT label FROM item i, similarity.match('store', i.v) WHERE i.id = 5;
COMMIT;

-- a temporary table is the leader's alone
CREATE TEMPORARY TABLE visit (id integer PRIMARY KEY, kind integer, e embedding(2));
INSERT INTO visit SELECT * FROM store;
CREATE INDEX visit_e ON visit USING similarity_hnsw (e embedding_l2_ops);
SELECT count(*) FROM item i, similarity.index_info('visit_e') WHERE rows = 60;
SELECT count(*) FROM item i, similarity.index_stats('visit_e') WHERE ef_search > 0;

-- a query of the user's may do what no parallel plan allows
CREATE SEQUENCE visitor;
SELECT count(DISTINCT a.query_key) FROM item i
JOIN similarity.lookup_all('store', 'SELECT v, nextval(''visitor'') FROM item WHERE id <= 6', 1) a ON a.label = i.kind::text;
SELECT count(*) FROM item i, similarity.evaluate_retrieval('store', 'SELECT v, nextval(''visitor'') % 6 FROM item') WHERE i.id = 1;

-- Indexes are searched by workers, and vacuumed by them.
CREATE INDEX store_e ON store USING similarity_hnsw (e embedding_l2_ops);
CREATE INDEX store_cosine ON store USING similarity_hnsw (e embedding_cosine_ops);
ANALYZE store;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT count(*) FILTER (WHERE n.kind = i.kind), count(*) FROM item i,
	LATERAL (SELECT kind FROM store s ORDER BY s.e <-> embed('turn', i.v) LIMIT 1) n;
RESET enable_sort;
RESET enable_seqscan;
DELETE FROM store WHERE kind = 1;
VACUUM (PARALLEL 2) store;
SELECT rows, nodes, dead_nodes FROM similarity.index_info('store_e');
SELECT * FROM similarity.verify_index('store_cosine');

SELECT similarity.drop_gallery('store');
SELECT similarity.drop_model('turn');
DROP SCHEMA parallel CASCADE;
DROP ROLE similarity_parallel_owner;
DROP ROLE similarity_parallel_reader;
