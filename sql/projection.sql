-- Embeddings as points in the plane: projection() of a gallery and of an array.
SET client_min_messages = warning;

-- three kinds of things, each about a direction of its own; some without embedding or label
CREATE TABLE thing (id integer PRIMARY KEY, kind text, e embedding(8));
INSERT INTO thing
SELECT i, 'kind ' || i % 3, l2_normalize(random_embedding(8, i % 3) + random_embedding(8, 1000 + i) * array_fill(0.2::real, '{8}')::embedding)
FROM generate_series(1, 300) i;
INSERT INTO thing VALUES (301, 'no embedding', NULL), (302, NULL, random_embedding(8, 0));
SELECT similarity.create_gallery('things', 'thing', embedding => 'e', label => 'kind', key => 'id');

-- every row with an embedding has a place, by its key
CREATE TABLE place AS SELECT * FROM similarity.projection('things');
SELECT count(*), count(DISTINCT key), count(label) AS labeled, count(x) AS x, count(y) AS y FROM place;
SELECT label FROM place WHERE key = '302';
SELECT count(*) FROM place p JOIN thing t ON t.id = p.key::integer WHERE p.label IS DISTINCT FROM t.kind;

-- the nearest in the picture is of the same kind
CREATE FUNCTION share_of_kind(places regclass) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE share numeric;
BEGIN
	EXECUTE format('SELECT avg((n.label = p.label)::integer) FROM %1$s p, LATERAL (SELECT label FROM %1$s q
		WHERE q.key <> p.key ORDER BY (p.x - q.x) ^ 2 + (p.y - q.y) ^ 2 LIMIT 1) n WHERE p.label IS NOT NULL', places) INTO share;
	RETURN share;
END $$;
SELECT share_of_kind('place') > 0.99 AS kept;
CREATE TABLE plan AS SELECT * FROM similarity.projection('things', 'PCA');
SELECT share_of_kind('plan') > 0.95 AS kept, count(*) FROM plan;

-- components: centered, the first of more variance, not correlated
SELECT abs(avg(x)) < 1e-6 AS center_x, abs(avg(y)) < 1e-6 AS center_y, var_samp(x) > var_samp(y) AS first, abs(corr(x, y)) < 1e-4 AS apart FROM plan;

-- the same seed, the same points, whatever the threads and the order of rows; another seed, others
SET similarity.threads = 3;
SELECT count(*) FROM place JOIN similarity.projection('things') p USING (key, x, y);
RESET similarity.threads;
CREATE TABLE other (LIKE thing);
INSERT INTO other SELECT * FROM thing ORDER BY id DESC;
SELECT similarity.create_gallery('others', 'other', embedding => 'e', label => 'kind', key => 'id');
SELECT count(*) FROM place JOIN similarity.projection('others') p USING (key, x, y);
SELECT count(*) < 10 AS others FROM place JOIN similarity.projection('things', seed => 1) p USING (key, x, y);

-- a sample is by chance, and the same in both tables; of the rows that are not there it says nothing
SELECT count(*), min(key::integer) < 60 AND max(key::integer) > 240 AS scattered FROM similarity.projection('things', 'pca', rows => 50);
SELECT count(*) FROM similarity.projection('things', 'pca', rows => 50) JOIN similarity.projection('others', 'pca', rows => 50) p USING (key);
SELECT count(*) < 40 AS others FROM similarity.projection('things', 'pca', rows => 50) JOIN similarity.projection('things', 'pca', rows => 50, seed => 1) p USING (key);

-- options of the neighbor embedding: no points as close
CREATE TABLE loose AS SELECT * FROM similarity.projection('things', min_dist => 0.8);
CREATE FUNCTION distance_of_nearest(places regclass) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE distance double precision;
BEGIN
	EXECUTE format('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d) FROM %1$s p, LATERAL (SELECT min(|/ ((p.x - q.x) ^ 2 + (p.y - q.y) ^ 2)) AS d
		FROM %1$s q WHERE q.key <> p.key) n', places) INTO distance;
	RETURN distance;
END $$;
SELECT distance_of_nearest('loose') > 1.7 * distance_of_nearest('place') AS farther;
SELECT count(*) FROM similarity.projection('things', neighbors => 2, epochs => 1);

-- arrays: numbered from 1, the distance of choice
SELECT item, x IS NOT NULL AND y IS NOT NULL AS placed FROM similarity.projection('{"[1,2]","[3,4]","[5,7]"}'::embedding[]);
SELECT item, round(x::numeric, 3) AS x, round(y::numeric, 3) AS y FROM similarity.projection('{"[1,0]","[3,0]","[5,0]","[7,1]"}'::embedding[], 'pca', 'euclidean');
SELECT item, round(x::numeric, 3) AS x, y FROM similarity.projection('{"[1]","[3]","[8]"}'::embedding[], 'pca', distance => 'euclidean');
SELECT count(*) FROM similarity.projection('{}'::embedding[]);
SELECT count(*) FROM similarity.projection('{"[1,2]"}'::embedding[]);
SELECT count(*), count(DISTINCT x) > 1 AS apart FROM similarity.projection(array_fill('[0,0,0]'::embedding, '{50}'));
SELECT d AS distance, count(*), count(x) AS placed FROM unnest('{euclidean,squared_euclidean,manhattan,inner_product,snr}'::text[]) d,
	similarity.projection(ARRAY(SELECT e FROM thing WHERE id <= 60), distance => d) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM similarity.projection(ARRAY(SELECT e::embedding(8, int8) FROM thing WHERE id <= 60));

-- what cannot be
SELECT * FROM similarity.projection('things', 'tsne');
SELECT * FROM similarity.projection('nothing');
SELECT * FROM similarity.projection('things', rows => 0);
SELECT * FROM similarity.projection('things', neighbors => 1);
SELECT * FROM similarity.projection('things', min_dist => 2);
SELECT * FROM similarity.projection('things', spread => 'NaN');
SELECT * FROM similarity.projection('things', epochs => 0);
SELECT * FROM similarity.projection('things', seed => NULL);
SELECT * FROM similarity.projection('{"[1,2]",NULL}'::embedding[]);
SELECT * FROM similarity.projection('{"[1,2]","[1,2,3]"}'::embedding[]);
SELECT * FROM similarity.projection('{"[1,2]"}'::embedding[], distance => 'hamming');
SELECT * FROM similarity.projection(NULL::embedding[]);
-- (how much it is depends on the machine)
SET maintenance_work_mem = '1MB';
DO $$
BEGIN
	PERFORM FROM similarity.projection('things');
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE WARNING '%', regexp_replace(SQLERRM, 'need \d+', 'need N');
END
$$;
RESET maintenance_work_mem;
DELETE FROM other;
SELECT * FROM similarity.projection('others');

-- as the caller: what policies hide has no place
CREATE ROLE similarity_projection_reader;
GRANT SELECT ON thing TO similarity_projection_reader;
ALTER TABLE thing ENABLE ROW LEVEL SECURITY;
CREATE POLICY first ON thing USING (kind = 'kind 1');
SET ROLE similarity_projection_reader;
SELECT label, count(*) FROM similarity.projection('things', 'pca') GROUP BY 1;
SELECT count(*) FROM similarity.projection('others');
RESET ROLE;

SELECT similarity.drop_gallery('things'), similarity.drop_gallery('others');
DROP TABLE thing, other, place, plan, loose;
DROP FUNCTION share_of_kind, distance_of_nearest;
DROP ROLE similarity_projection_reader;
