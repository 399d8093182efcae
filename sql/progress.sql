-- How far a long call is: looked at from within, by functions of its own query, and
-- from another session in test/t/024_train_background.pl.
SET client_min_messages = error;
CREATE TABLE item AS SELECT i AS id, i % 4 AS label, ARRAY[sin(i), cos(i)]::real[] AS x FROM generate_series(1, 40) i;
ALTER TABLE item ADD PRIMARY KEY (id), ADD e embedding(2);
ANALYZE item;
SELECT count(*) FROM similarity.create_model('m', '{2}', '[{"metric_embedding": {"units": 2}}]');
-- What the view shows of this session
CREATE FUNCTION looks() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	shown text;
BEGIN
	PERFORM pg_stat_clear_snapshot();
	SELECT concat_ws(', ', p.call, p.phase, p.model, p.relation, 'of ' || p.total, 'epoch ' || p.epoch) INTO shown
	FROM similarity.progress p WHERE pid = pg_backend_pid() AND role = current_user AND started <= clock_timestamp();
	RETURN coalesce(shown, 'nothing');
END
$$;
-- The same as a number that others can be added to, for queries of (input, label)
CREATE FUNCTION looked() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '%', looks();
	RETURN 0;
END
$$;
\pset format unaligned
\pset tuples_only on
SELECT looks();
SET client_min_messages = notice;

-- a training, with its validation
CALL similarity.train('m', 'SELECT x, label + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', epochs => 1, steps_per_epoch => 2, seed => 1,
	validation => 'SELECT x, label + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', verbose => false);
SELECT looks();

-- batches that are only shown
SELECT count(*) FROM similarity.sample_batch('SELECT x, label + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', 2, 2, batches => 2);
SELECT similarity.batch_class_ratio('SELECT x, label + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', 2, 2, num_batches => 2);
SELECT looks();

-- embed_batch: rows as the planner expects them of its window
UPDATE item i SET e = b.e FROM (SELECT id, embed_batch('m', x) OVER () AS e FROM item) b WHERE i.id = b.id;
SELECT DISTINCT looks() FROM (SELECT embed_batch('m', x) OVER () AS e FROM item) b WHERE e IS NOT NULL;
SELECT looks();

-- evaluations and look-ups; what is within one belongs to it
SELECT similarity.create_gallery('g', 'item', 'e', 'label', model => 'm');
SELECT count(*) > 0 FROM similarity.evaluate_retrieval('g', 'SELECT embed_batch(''m'', x) OVER (), label + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', drop_closest => true);
SELECT count(*) FROM similarity.lookup_all('g', 'SELECT e, id + CASE WHEN id = 40 THEN looked() ELSE 0 END FROM item', 1);
CREATE ROLE progress_user;
GRANT SELECT ON item TO progress_user;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY looks ON item USING (CASE WHEN id = 40 THEN looked() = 0 ELSE true END);
SET ROLE progress_user;
SELECT count(*) FROM similarity.knn('item', 'e', ARRAY['[1,0]', '[0,1]']::embedding[], 1, 'l2');
RESET ROLE;
SELECT looks();

-- an index that is measured: its expression looks, in the passes over the table and in look-ups
CREATE FUNCTION seen(e embedding, id integer) RETURNS embedding LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF id = 40 AND current_setting('progress.looks', true) = 'yes' THEN
		RAISE NOTICE '%', public.looks();
	END IF;
	RETURN e;
END
$$;
CREATE INDEX item_seen ON item USING similarity_hnsw ((seen(e, id)::embedding(2)) embedding_l2_ops);
SET progress.looks = 'yes';
SELECT sample FROM similarity.index_recall('item_seen', 1, 2, seed => 1);
RESET progress.looks;
SELECT looks();
DROP INDEX item_seen;

-- PostgreSQL's own commands keep their place
CREATE FUNCTION copies() RETURNS text LANGUAGE sql BEGIN ATOMIC
	SELECT looks() || ', ' || (SELECT count(*) FROM pg_stat_progress_copy WHERE pid = pg_backend_pid()) || ' COPY'; END;
COPY (SELECT DISTINCT copies() FROM (SELECT embed_batch('m', x) OVER () AS e FROM item) b WHERE e IS NOT NULL) TO STDOUT;

-- an error ends it, also in a subtransaction, and so does a cursor that is closed
SELECT count(*) FROM similarity.lookup_all('g', 'SELECT e, id / (40 - id) FROM item', 1);
SELECT looks();
BEGIN;
DECLARE c CURSOR FOR SELECT embed_batch('m', x) OVER () FROM item;
FETCH 1 FROM c \g /dev/null
SELECT looks();
CLOSE c;
SELECT looks();
COMMIT;

-- nothing to see where PostgreSQL is told not to look
SET track_activities = off;
SELECT DISTINCT looks() FROM (SELECT embed_batch('m', x) OVER () AS e FROM item) b WHERE e IS NOT NULL;
RESET track_activities;
SELECT similarity.drop_gallery('g');
SELECT similarity.drop_model('m');
DROP FUNCTION looks, looked, copies, seen CASCADE;
DROP TABLE item;
DROP ROLE progress_user;
