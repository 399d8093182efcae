-- What the owner of a table has written, in expressions, domains, casts, names,
-- never runs with the rights of whoever maintains a gallery.
SET client_min_messages = error;
\set VERBOSITY terse
CREATE ROLE code_owner;
CREATE ROLE code_other;
CREATE SCHEMA code AUTHORIZATION code_owner;
GRANT CREATE ON SCHEMA code TO code_other;
GRANT USAGE ON SCHEMA code TO PUBLIC;
GRANT CREATE ON SCHEMA similarity TO code_owner;
SELECT count(*) FROM similarity.create_model('code', '{2}', '[{"metric_embedding": {"units": 2}}]');
CREATE PROCEDURE train_code(seed int) LANGUAGE plpgsql AS $$ BEGIN
	CALL similarity.train('code', 'SELECT ARRAY[i % 2, i % 3]::real[], i % 2 FROM generate_series(1, 40) i', epochs => 1, steps_per_epoch => 2, seed => seed, verbose => false);
END $$;
CALL train_code(1);
CALL train_code(2);
SELECT min(version) AS one, max(version) AS two FROM similarity.model_versions WHERE model = 'code' \gset
SELECT similarity.deploy('code', :one);
SELECT similarity.grant_usage('code', 'code_owner');

-- Each function notes as whom it ran.
SET ROLE code_owner;
SET search_path = code, public;
CREATE TABLE ran (what text, who name, path text, restricted boolean);
GRANT INSERT ON ran TO PUBLIC;
-- in a security-restricted operation nobody can become somebody else
CREATE FUNCTION is_restricted() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE 'SET LOCAL ROLE NONE';
	RETURN false;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN true;
END $$;
CREATE FUNCTION note(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO code.ran VALUES (what, current_user, current_setting('search_path'), code.is_restricted());
	RETURN true;
END $$;
CREATE FUNCTION noted(what text, value int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM code.note(what); RETURN value; END $$;
CREATE DOMAIN code_key AS int CHECK (code.note('domain of the key'));
CREATE DOMAIN code_embedding AS embedding(2) CHECK (code.note('domain of the embedding') AND l2_norm(VALUE) < 2);
CREATE TABLE goods (id code_key PRIMARY KEY, label int CHECK (code.noted('constraint', label) >= 0), v real[], e code_embedding,
	made int GENERATED ALWAYS AS (code.noted('generated column', dims(e))) STORED);
INSERT INTO goods SELECT i, i, ARRAY[i % 2, i % 3]::real[], embed(:one, ARRAY[i % 2, i % 3]::real[]) FROM generate_series(1, 20) i;
CREATE INDEX "x ON goods USING btree(id);ALTER ROLE code_owner SUPERUSER--" ON goods (label);
CREATE UNIQUE INDEX " USING " ON goods (code.noted('expression', label) DESC NULLS LAST) INCLUDE (v) WITH (fillfactor = 70) WHERE code.noted('predicate', id) > 0;
CREATE INDEX goods_e ON goods USING similarity_hnsw ((e::embedding(2)) embedding_l2_ops) WITH (m = 8);
CREATE INDEX ON goods (label);
ALTER TABLE goods ADD CONSTRAINT apart EXCLUDE USING btree (label WITH =) DEFERRABLE;
CREATE TABLE definitions AS SELECT indexrelid, pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = 'goods'::regclass;
SELECT similarity.create_gallery('code', 'goods', 'e', 'label', model => 'code');
SELECT similarity.attach('code', 'v');
DELETE FROM ran;

-- Rows change while the table is copied: whenever its index is built, two of them
-- exchange labels; a third changes its key.  Dates are written as its writer likes them.
CREATE TABLE meddled (who name);
CREATE FUNCTION meddle() RETURNS boolean LANGUAGE plpgsql SET search_path = code, public SET datestyle = 'SQL, DMY' AS $$ BEGIN
	IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'code.goods'::regclass AND tgname ~ '^similarity_reembed') AND
		NOT EXISTS (SELECT FROM code.meddled) THEN
		INSERT INTO code.meddled VALUES (current_user);
		UPDATE code.goods SET label = 100 WHERE id = 1;
		UPDATE code.goods SET label = 1 WHERE id = 2;
		UPDATE code.goods SET label = 2 WHERE id = 1;
		UPDATE code.goods SET id = 99 WHERE id = 3;
		UPDATE code.days SET v = '{5,5}' WHERE day = '2001-02-03';
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION meddling(value int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM code.meddle(); RETURN value; END $$;
CREATE TABLE days (day date PRIMARY KEY, label int, v real[], e embedding(2));
INSERT INTO days SELECT '2001-01-01'::date + i, i, ARRAY[i % 2, i % 3]::real[], embed(:one, ARRAY[i % 2, i % 3]::real[]) FROM generate_series(1, 40) i;
CREATE INDEX ON goods (meddling(label));
INSERT INTO definitions SELECT indexrelid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('goods'::regclass, 'days'::regclass)
	AND indexrelid NOT IN (SELECT indexrelid FROM definitions);
SELECT similarity.create_gallery('code_days', 'days', 'e', 'label', model => 'code');
SELECT similarity.attach('code_days', 'v');

-- Others take names, and the owner has triggers of every name.
SET ROLE code_other;
DO $$ BEGIN EXECUTE format('CREATE TABLE code.pg_temp_%s (x int)', 'code.goods'::regclass::oid); END $$;
SET ROLE code_owner;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER similarity_reembed AFTER DELETE ON goods EXECUTE FUNCTION nothing();
CREATE TRIGGER similarity_reembed_truncate AFTER DELETE ON goods EXECUTE FUNCTION nothing();
RESET ROLE;
CALL similarity.reembed('code', :two, batch_rows => 1);
SELECT DISTINCT who, path, restricted FROM code.ran ORDER BY 1;
SELECT DISTINCT what FROM code.ran ORDER BY 1;
SELECT * FROM code.meddled;
SELECT rolsuper FROM pg_roles WHERE rolname = 'code_owner';
SELECT count(*), count(*) FILTER (WHERE embedding_model(e) = :two AND e = embed(:two, v)) AS right, sum(label), max(id), count(made) FROM code.goods;
SELECT count(*), count(*) FILTER (WHERE embedding_model(e) = :two AND e = embed(:two, v)) AS right FROM code.days;
SELECT count(*) AS indexes, count(*) FILTER (WHERE d.definition = pg_get_indexdef(d.indexrelid)) AS same FROM code.definitions d;
SELECT count(*) AS left_over FROM pg_class WHERE relrewrite <> 0 OR relname ~ '^similarity_reembed';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'code.goods'::regclass AND NOT tgisinternal ORDER BY 1;
-- each index holds what the table holds, and enforces what it did
SET enable_seqscan = off;
SELECT id FROM code.goods WHERE label = 2;
SELECT id FROM code.goods WHERE label + 0 < 5 AND id = 99;
INSERT INTO code.goods VALUES (2, 50, '{1,1}');
INSERT INTO code.goods VALUES (50, 2, '{1,1}');
RESET enable_seqscan;
SELECT * FROM similarity.verify_index('code.goods_e');

-- Labels and items: casts of an owner's type are not called
SET ROLE code_owner;
CREATE TYPE mark AS ENUM ('a', 'b');
CREATE TYPE pair AS (x mark, y int);
CREATE FUNCTION to_text(mark) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN code.note('cast to text') THEN 'text' END $$;
CREATE FUNCTION to_json(mark) RETURNS json LANGUAGE sql AS $$ SELECT CASE WHEN code.note('cast to json') THEN '{}'::json END $$;
CREATE CAST (mark AS text) WITH FUNCTION to_text(mark);
CREATE CAST (mark AS json) WITH FUNCTION to_json(mark);
CREATE TABLE marks (id int PRIMARY KEY, label mark, other pair, several mark[], e embedding(2));
INSERT INTO marks VALUES (1, 'a', ('a', 1), '{a,b}', '[1,0]'), (2, 'b', NULL, NULL, '[0,1]');
SELECT similarity.create_gallery('code_marks', 'marks', 'e', 'label');
DELETE FROM ran;
-- the owner's own look-ups call them
SELECT label, item FROM similarity.lookup('code_marks', '[1,0]'::embedding, 1);
DELETE FROM ran;
RESET ROLE;
SELECT label, item FROM similarity.lookup('code_marks', '[1,0]'::embedding, 2);
SELECT name FROM similarity.calibrate('code_marks', 'SELECT e, label FROM code.marks');
SELECT gallery_rows, change FROM similarity.calibration_status('code_marks');
SELECT count(*) FROM similarity.evaluate_retrieval('code_marks', 'SELECT e, label FROM code.marks');
SELECT count(*) FROM code.ran;

-- Looking into an index runs its expressions as the owner.
SET ROLE code_owner;
CREATE FUNCTION noted_embedding(e embedding) RETURNS embedding LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM code.note('expression of an index'); RETURN e; END $$;
CREATE INDEX marks_e ON marks USING similarity_hnsw ((noted_embedding(e)::embedding(2)) embedding_l2_ops);
DELETE FROM ran;
RESET ROLE;
SELECT recall FROM similarity.index_recall('code.marks_e');
SELECT * FROM similarity.verify_index('code.marks_e');
SELECT DISTINCT what, who, path, restricted FROM code.ran;

-- A calibration reads the table as the gallery's owner, and the query as the caller.
SET ROLE code_owner;
CREATE VIEW seen AS SELECT id, label, e FROM marks WHERE note('view');
SELECT similarity.create_gallery('code_seen', 'seen', 'e', 'label');
DELETE FROM ran;
RESET ROLE;
CREATE TABLE secret AS SELECT '[1,0]'::embedding AS e, 'a' AS label;
SELECT name FROM similarity.calibrate('code_seen', 'SELECT e, label FROM secret');
SELECT DISTINCT what, who, path, restricted FROM code.ran;
SELECT current_user = session_user AS same, current_setting('search_path') = 'code, public' AS path;
DROP TABLE secret;

-- Names of every kind, on everything that has a name: quotes, the end of a statement,
-- 63 bytes, letters of more than one byte that a cut would split
RESET ROLE;
SET search_path = public;
CREATE FUNCTION check_names(schema_name text, name text, version int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text := format('%I.%I', schema_name, name);
	l text := left('l' || name, 15);
	source text := format('SELECT %I, %I FROM %s', name, l, t);
	answer text;
BEGIN
	EXECUTE format('CREATE TABLE %s (%I bigint PRIMARY KEY, %I text, %I real[], %I embedding(2), %I bytea)', t,
		left('k' || name, 15), l, left('i' || name, 15), name, left('p' || name, 15));
	EXECUTE format('INSERT INTO %s SELECT i, i %% 2, ARRAY[i %% 2, i %% 3]::real[], embed(%s, ARRAY[i %% 2, i %% 3]::real[]) FROM generate_series(1, 20) i', t, version);
	EXECUTE format('CREATE INDEX %I ON %s (%I, lower(%3$I)) WHERE %3$I <> %4$L', left('x' || name, 15), t, l, name);
	PERFORM similarity.create_gallery(name, t::regclass, name, l, model => 'code', image => left('p' || name, 15), image_shape => '{1,1}');
	PERFORM similarity.attach(name, left('i' || name, 15));
	EXECUTE format('INSERT INTO %s VALUES (21, 1, %L)', t, '{1,2}');
	PERFORM similarity.calibrate(name, source, targets => jsonb_build_object(name, 0.5));
	SELECT m.cutpoint_name INTO answer FROM similarity.match(name, '{1,2}'::real[], name) m;
	IF answer <> name THEN RAISE EXCEPTION 'cut point %', answer; END IF;
	PERFORM similarity.lookup_all(name, source), similarity.evaluate_retrieval(name, source);
	PERFORM similarity.show_neighbors(name, '{1,2}'::real[]), similarity.neighbors_html(name, source);
	SELECT count(*) INTO STRICT answer FROM similarity.galleries WHERE gallery = name AND embedding = name AND label = l;
	IF answer <> '1' THEN RAISE EXCEPTION 'galleries %', answer; END IF;
	SELECT key || ' ' || (item ? l) INTO answer FROM similarity.lookup(name, '{1,2}'::real[], 1);
	RETURN answer;
END $$;
CREATE TABLE names AS SELECT row_number() OVER () AS i, n, s FROM unnest(ARRAY['a"b', 'a''b', 'a;b--', 'a USING b', ' ON "c" USING ', E'a\nb', E'a\\b', 'a%sb%1$I', '$1', 'select',
	repeat('n', 63), repeat('é', 31), repeat('字', 21)], ARRAY['s"b', 's''b', 's;b--', 's USING b', ' ON "s" USING ', E's\nb', E's\\b', 's%sb%1$I', '$2', 'from',
	repeat('s', 63), repeat('ö', 31), repeat('文', 21)]) AS u (n, s);
SELECT format('CREATE SCHEMA %I', s) FROM names ORDER BY i \gexec
SELECT i, check_names(s, n, :two) FROM names ORDER BY i;
CALL similarity.reembed('code', :one);
SELECT count(DISTINCT gallery), count(DISTINCT version), min(version) = :one AS one FROM similarity.galleries WHERE model = 'code';
CREATE FUNCTION versions(t text, c text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE answer text; BEGIN
	EXECUTE format('SELECT count(DISTINCT embedding_model(%I)) || '' '' || count(*) FROM %s', c, t) INTO answer; RETURN answer; END $$;
SELECT DISTINCT versions(format('%I.%I', s, n), n) FROM names;
-- two columns whose triggers would have one name
SELECT similarity.drop_gallery(n) FROM names WHERE i = 11;
SELECT format('ALTER TABLE %I.%I ADD %I embedding(2)', s, n, left(n, 62) || 'm') FROM names WHERE i = 11 \gexec
SELECT similarity.create_gallery('first', format('%I.%I', s, n)::regclass, n, left('l' || n, 15), model => 'code'),
	similarity.create_gallery('second', format('%I.%I', s, n)::regclass, left(n, 62) || 'm', left('l' || n, 15), model => 'code') FROM names WHERE i = 11;
SELECT similarity.attach('first', left('i' || n, 15)), similarity.attach('second', left('i' || n, 15)) FROM names WHERE i = 11;
CREATE VIEW triggers AS SELECT tgname, encode(tgargs, 'escape') ~ 'n{62}m' AS second FROM pg_trigger
	WHERE tgrelid = (SELECT format('%I.%I', s, n)::regclass FROM names WHERE i = 11) ORDER BY 1;
SELECT * FROM triggers;
SELECT similarity.detach('first');
SELECT * FROM triggers;

SELECT similarity.drop_gallery('first'), similarity.drop_gallery('second');

-- Whoever may not choose embeddings is not given the column: a value with the tag
-- of a version may be any vector, as an input may be any input.
CREATE TABLE code.open (id int PRIMARY KEY, label int, v real[], e embedding(2));
SELECT similarity.create_gallery('code_open', 'code.open', 'e', 'label', model => 'code');
SELECT similarity.attach('code_open', 'v');
SELECT similarity.grant_usage('code', 'code_other');
GRANT INSERT (id, label, v), SELECT ON code.open TO code_other;
SET ROLE code_other;
INSERT INTO code.open (id, label, v, e) VALUES (1, 1, '{1,2}', '[9,9]');
INSERT INTO code.open (id, label, v) VALUES (1, 1, '{1,2}');
RESET ROLE;
SELECT embedding_model(e) = :one AS version, e = embed(:one, v) AS right FROM code.open;

-- What a table refuses is refused to the copy; what was begun stays until it is ended.
ALTER TABLE code.open ADD CONSTRAINT of_one CHECK (embedding_model(e) = :one);
CALL similarity.reembed('code', :two);
SELECT relation, filled FROM similarity.reembeddings WHERE relation = 'code.open'::regclass;
ALTER TABLE code.open DROP CONSTRAINT open_pkey, ALTER id DROP NOT NULL;
UPDATE code.open SET id = NULL;
INSERT INTO code.open VALUES (NULL);
ALTER TABLE code.open DISABLE TRIGGER USER;
UPDATE code.open SET id = NULL;
ALTER TABLE code.open ENABLE TRIGGER USER;
CALL similarity.reembed('code', :two);
SELECT similarity.reembed_cancel('code');
UPDATE code.open SET id = NULL;
SELECT count(*) FROM pg_class WHERE relrewrite <> 0;

-- Trigger functions work for the tables that they were made for
SET ROLE code_owner;
SET search_path = code, public;
CREATE TABLE other (k int, e embedding(2), x real[]);
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON other FOR EACH ROW EXECUTE FUNCTION similarity.reembed_changed();
INSERT INTO other VALUES (NULL);
DROP TRIGGER t ON other;
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON other FOR EACH ROW EXECUTE FUNCTION similarity.reembed_changed('k');
INSERT INTO other VALUES (NULL);
DROP TRIGGER t ON other;
CREATE TRIGGER t AFTER TRUNCATE ON other EXECUTE FUNCTION similarity.reembed_changed();
TRUNCATE other;
DROP TRIGGER t ON other;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION similarity.reembed_changed();
INSERT INTO other VALUES (NULL);
DROP TRIGGER t ON other;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION similarity.embed_row('e', 'x');
INSERT INTO other VALUES (1);
DROP TRIGGER t ON other;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION similarity.embed_row();
INSERT INTO other VALUES (1);
RESET ROLE;
RESET search_path;
DROP VIEW triggers;
SELECT count(*) FROM (SELECT similarity.drop_gallery(gallery) FROM similarity.galleries WHERE gallery ~ '^code' OR gallery IN (SELECT n FROM names)) x;
SELECT similarity.drop_model('code');
SELECT format('DROP SCHEMA %I CASCADE', s) FROM names ORDER BY i \gexec
DROP TABLE names;
DROP FUNCTION check_names, versions;
DROP PROCEDURE train_code;
DROP SCHEMA code CASCADE;
REVOKE CREATE ON SCHEMA similarity FROM code_owner;
DROP ROLE code_owner, code_other;
