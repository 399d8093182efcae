-- Precision is a property of storage: one type, one set of operators
CREATE TABLE precise (f embedding(3), h embedding(3, half), i embedding(3, int8), b embedding(3, bit),
	tagged embedding(3, half, 7));
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'precise'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO precise SELECT e, e, e, e, e FROM (VALUES ('[1,-2,3]'::embedding), ('[0.1,0.2,-0.3]'), ('[0,0,0]')) v(e);
SELECT * FROM precise;
SELECT pg_column_size(f) - pg_column_size(b) AS bit, pg_column_size(f) - pg_column_size(i) AS int8,
	pg_column_size(f) - pg_column_size(h) AS half, embedding_model(tagged) FROM precise LIMIT 1;
-- 16 bytes and 2, 1 or 1/8 a dimension
SELECT pg_column_size(random_embedding(1000, 1)::embedding(1000, half)) AS half,
	pg_column_size(random_embedding(1000, 1)::embedding(1000, int8)) AS int8,
	pg_column_size(random_embedding(1001, 1)::embedding(1001, bit)) AS bit;
SELECT '[1,2]'::embedding(2, HALF), '[1,2]'::embedding(2, "half"), '[1,2]'::embedding(2, float),
	embedding_model('[1,2]'::embedding(2, bit, 3)), '[1,2]'::embedding(2, float, 3);
SELECT '[1,2]'::embedding(2, 3, half);
SELECT '[1,2]'::embedding(2, int4);
SELECT '[1,2]'::embedding(half);
SELECT '[1,2]'::embedding(3, half);

-- Conversions: nearest, ties to even; half overflows, int8 scales, bit is x > 0
SELECT '[65504,65519.99,-65504,0.1,2049,2051,3e-8,2e-8]'::embedding(8, half);
SELECT '[1,65520]'::embedding(2, half);
SELECT '[-1e30]'::embedding(1, half);
INSERT INTO precise (h) SELECT '[1e5,1,1]'::embedding;
SELECT '[-254,3,5,254,0.9]'::embedding(5, int8), '[-127,1,126]'::embedding(3, int8),
	'[3.4028235e38,-3e38]'::embedding(2, int8), '[1e-45,-0]'::embedding(2, int8);
SELECT '[1,-1,0,-0,1e-45,0.5,-3e38,2,1]'::embedding(9, bit);
-- what is stored reads back to the same value, so nothing drifts
SELECT count(*) FILTER (WHERE e::embedding(50, half)::text::embedding(50, half) <> e::embedding(50, half)) AS half,
	count(*) FILTER (WHERE e::embedding(50, int8)::text::embedding(50, int8) <> e::embedding(50, int8)) AS int8,
	count(*) FILTER (WHERE e::embedding(50, bit)::text::embedding(50, bit) <> e::embedding(50, bit)) AS bit
FROM (SELECT random_embedding(50, i) AS e FROM generate_series(1, 300) i) v;
SELECT max(l2_distance(e, e::embedding(50, half)) / l2_norm(e)) < 0.0003 AS half,
	max(l2_distance(e, e::embedding(50, int8)) / l2_norm(e)) < 0.015 AS int8
FROM (SELECT random_embedding(50, i) AS e FROM generate_series(1, 300) i) v;

-- Every operator and function takes every pair of precisions, and computes
-- what it does on the values as float
CREATE TABLE kinds AS
SELECT i, kind, CASE kind WHEN 'float' THEN e WHEN 'half' THEN e::embedding(9, half)
	WHEN 'int8' THEN e::embedding(9, int8) ELSE e::embedding(9, bit) END AS e
FROM (SELECT i, random_embedding(9, i) AS e FROM generate_series(1, 4) i) v, unnest('{float,half,int8,bit}'::text[]) kind;
SELECT count(*), count(*) FILTER (WHERE abs((a.e <-> b.e) - (fa <-> fb)) > 1e-6) AS l2,
	count(*) FILTER (WHERE abs((a.e <=> b.e) - (fa <=> fb)) > 1e-6) AS cosine,
	count(*) FILTER (WHERE abs((a.e <#> b.e) - (fa <#> fb)) > 1e-5) AS product,
	count(*) FILTER (WHERE abs((a.e <+> b.e) - (fa <+> fb)) > 1e-5) AS l1,
	count(*) FILTER (WHERE abs(l2_squared_distance(a.e, b.e) - l2_squared_distance(fa, fb)) > 1e-5) AS l2_squared,
	count(*) FILTER (WHERE abs(inner_product(a.e, b.e) - inner_product(fa, fb)) > 1e-5) AS inner_product,
	count(*) FILTER (WHERE abs(snr_distance(a.e, b.e) - snr_distance(fa, fb)) > 1e-5) AS snr,
	count(*) FILTER (WHERE (a.e <~> b.e) <> (fa <~> fb)) AS hamming,
	count(*) FILTER (WHERE (a.e <%> b.e) <> (fa <%> fb)) AS jaccard,
	count(*) FILTER (WHERE within(a.e, b.e, 3) <> within(fa, fb, 3)) AS inside,
	count(*) FILTER (WHERE a.e + b.e <> fa + fb OR a.e - b.e <> fa - fb OR a.e * b.e <> fa * fb) AS arithmetic,
	count(*) FILTER (WHERE a.e || b.e <> fa || fb) AS concat,
	count(*) FILTER (WHERE embedding_cmp(a.e, b.e) <> embedding_cmp(fa, fb)) AS compare,
	count(*) FILTER (WHERE (a.e < b.e) <> (fa < fb) OR (a.e = b.e) <> (fa = fb)) AS operators
FROM kinds a, LATERAL (SELECT a.e::real[]::embedding AS fa) x, kinds b, LATERAL (SELECT b.e::real[]::embedding AS fb) y;
SELECT count(*), count(*) FILTER (WHERE e <> f OR e::real[] <> f::real[] OR e::text <> f::text) AS value,
	count(*) FILTER (WHERE embedding_hash(e) <> embedding_hash(f)) AS hash,
	count(*) FILTER (WHERE embedding_hash_extended(e, 5) <> embedding_hash_extended(f, 5)) AS hash_extended,
	count(*) FILTER (WHERE l2_norm(e) <> l2_norm(f) OR l2_normalize(e) <> l2_normalize(f)) AS norm,
	count(*) FILTER (WHERE subvector(e, 2, 3) <> subvector(f, 2, 3) OR dims(e) <> dims(f)) AS subvector,
	count(*) FILTER (WHERE binary_quantize(e) <> binary_quantize(f)) AS quantize,
	count(*) FILTER (WHERE embedding_send(e) <> embedding_send(f)) AS send,
	count(*) FILTER (WHERE e::double precision[] <> f::double precision[] OR e::numeric[] <> f::numeric[]
		OR e::integer[] <> f::integer[] OR e::jsonb <> f::jsonb) AS casts
FROM kinds, LATERAL (SELECT e::real[]::embedding AS f) x;
SELECT kind, avg(e) = avg(e::real[]::embedding) AS avg, sum(e) = sum(e::real[]::embedding) AS sum
FROM kinds GROUP BY kind ORDER BY kind;
SELECT avg(e) = avg(e::real[]::embedding) AS mixed FROM kinds;
DROP TABLE kinds;

-- Equal values of different precision are one value
SELECT '[1,0,1]'::embedding(3, bit) = '[1,0,1]'::embedding(3, int8) AS equal,
	'[1,0,1]'::embedding(3, half) < '[1,0.1,1]'::embedding AS less;
CREATE TABLE same (e embedding);
INSERT INTO same VALUES ('[1,0]'), ('[1,0]'::embedding(2, half)), ('[1,-0]'::embedding(2, int8, 3)), ('[1,0]'::embedding(2, bit));
SELECT e, count(*) FROM same GROUP BY e;
SET enable_hashagg = off;
SELECT e, count(*) FROM same GROUP BY e;
RESET enable_hashagg;
CREATE UNIQUE INDEX ON same (e);
DROP TABLE same;

-- Bits
SELECT '[1,0,1,1]'::embedding(4, bit) <~> '[0,0,1,0]'::embedding(4, bit) AS hamming,
	'[1,0,1,1]'::embedding(4, bit) <%> '[0,0,1,0]'::embedding(4, bit) AS jaccard,
	'[1,0]'::embedding(2, bit) <%> '[0,1]' AS disjoint, '[0,0]'::embedding(2, bit) <%> '[-1,0]' AS empty,
	'[3,-1]'::embedding <~> '[1,1]' AS converted;
SELECT binary_quantize('[0.1,-2,0,5]'), pg_column_size(binary_quantize(random_embedding(800, 1)));
SELECT '[1,0]'::embedding(2, bit) <~> '[1]';
SELECT '[1,0]'::embedding(2, bit, 1) <~> '[1,0]'::embedding(2, bit, 2);
SELECT embedding_model(binary_quantize('[1,0]'::embedding(2, 5)));

-- A constant that must become bits is converted once; a variable may change,
-- and gives what bits give
CREATE TABLE questions AS SELECT i, random_embedding(40, i) AS q FROM generate_series(1, 4) i;
CREATE TABLE signs (id int, e embedding(40, bit));
INSERT INTO signs SELECT i, random_embedding(40, 100 + i) FROM generate_series(1, 50) i;
CREATE FUNCTION by_variable(OUT hamming float8, OUT jaccard float8) AS $$
DECLARE
	v embedding;
	w embedding;
BEGIN
	hamming := 0;
	jaccard := 0;
	FOR v IN SELECT q FROM questions ORDER BY i LOOP
		FOR w IN SELECT e FROM signs ORDER BY id LOOP
			hamming := hamming + (w <~> v);
			jaccard := jaccard + (v <%> w);
		END LOOP;
	END LOOP;
END $$ LANGUAGE plpgsql;
CREATE FUNCTION by_constant(OUT hamming float8, OUT jaccard float8) AS $$
DECLARE
	v embedding;
	h float8;
	j float8;
BEGIN
	hamming := 0;
	jaccard := 0;
	FOR v IN SELECT q FROM questions ORDER BY i LOOP
		EXECUTE format('SELECT sum(e <~> %1$L::embedding), sum(%1$L::embedding <%%> e ORDER BY id) FROM signs', v) INTO h, j;
		hamming := hamming + h;
		jaccard := jaccard + j;
	END LOOP;
END $$ LANGUAGE plpgsql;
SELECT v.hamming = c.hamming AND c.hamming = b.hamming AS hamming,
	abs(v.jaccard - b.jaccard) < 1e-9 AND abs(c.jaccard - b.jaccard) < 1e-9 AS jaccard
FROM by_variable() v, by_constant() c,
	(SELECT sum(e <~> binary_quantize(q)) AS hamming, sum(e <%> binary_quantize(q)) AS jaccard FROM signs, questions) b;
SET plan_cache_mode = force_generic_plan;
PREPARE signs_of(embedding) AS SELECT array_agg(id ORDER BY e <~> $1, id) =
	array_agg(id ORDER BY e <~> binary_quantize($1), id) AS same FROM signs;
SELECT q FROM questions WHERE i = 1 \gset first_
SELECT q FROM questions WHERE i = 2 \gset second_
EXECUTE signs_of(:'first_q');
EXECUTE signs_of(:'second_q');
DEALLOCATE signs_of;
RESET plan_cache_mode;
SELECT count(*) FROM signs WHERE e <~> '[1,2]' > 0;
DROP FUNCTION by_variable(), by_constant();
DROP TABLE questions, signs;

-- within: the border belongs to it
SELECT within('[1,2]', '[1,4]', 2), within('[1,2]', '[1,4]', 1.99), within('[1,2]', '[1,2]', 0),
	within('[1,2]', '[9,9]', 'infinity');
SELECT within('[1,2]', '[1,4]', -1);
SELECT within('[1,2]', '[1,4]', 'nan');
SELECT within('[1,2]', '[1]', 1);

-- Random embeddings: the same for the same seed, standard normal
SELECT random_embedding(4, 7) = random_embedding(4, 7) AS same, random_embedding(4, 7) = random_embedding(4, 8) AS other,
	subvector(random_embedding(9, 7), 1, 4) = random_embedding(4, 7) AS prefix;
SELECT abs(avg(x)) < 0.02 AS mean, abs(stddev_pop(x) - 1) < 0.02 AS deviation
FROM generate_series(1, 10) i, unnest(random_embedding(2000, i)::real[]) x;
SELECT random_embedding(0, 1);
SELECT random_embedding(16385, 1);

-- Casts away
SELECT '[1,0.1,-2.5]'::embedding::double precision[], '[1.5,2.5,-0.5]'::embedding::integer[],
	'[0.1,16777216,1e-40]'::embedding::numeric[], '[0.1,16777216,-3]'::embedding::jsonb;
SELECT '[3e9]'::embedding::integer[];
SELECT bool_and(e::numeric[]::embedding = e AND e::jsonb::embedding = e AND e::double precision[]::embedding = e
	AND e::text::embedding = e AND e::real[]::embedding = e) AS round_trips
FROM (SELECT random_embedding(20, i) * random_embedding(20, -i) AS e FROM generate_series(1, 200) i) v;
CREATE TABLE plain (r real[], d double precision[], i integer[], n numeric[], j jsonb);
INSERT INTO plain SELECT e, e, e, e, e FROM (SELECT '[1,2]'::embedding(2, int8) AS e) v;
SELECT * FROM plain;
CREATE TABLE back (r embedding(2, half), d embedding(2, int8), i embedding(2, bit), n embedding(2, half), j embedding(2));
INSERT INTO back SELECT * FROM plain;
SELECT * FROM back;
DROP TABLE plain, back;

-- A column changes its precision as it changes any type
ALTER TABLE precise ALTER f TYPE embedding(3, half);
SELECT f = h AS same FROM precise;
ALTER TABLE precise ALTER h TYPE embedding(3);
CREATE INDEX ON precise USING similarity_hnsw (i embedding_l2_ops);
CREATE INDEX ON precise USING similarity_hnsw (f embedding_cosine_ops);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT i FROM precise ORDER BY i <-> '[1,-2,3]' LIMIT 1;
SELECT i FROM precise ORDER BY i <-> '[1,-2,3]' LIMIT 1;
SELECT f FROM precise ORDER BY f <=> '[1,-2,3]'::embedding(3, int8) LIMIT 1;
RESET enable_seqscan;
DROP TABLE precise;

-- Bytes that no conversion wrote
CREATE CAST (bytea AS embedding) WITHOUT FUNCTION;
SELECT dims('\x02000300000080bf0000000000'::bytea::embedding) AS "bits and a wrong scale";
SELECT '\x020003000000803f00000000c0'::bytea::embedding AS "two bits";
SELECT '\x020003000000803f00000000c1'::bytea::embedding AS "and one too many";
SELECT '\x020002000000003f000000000181'::bytea::embedding AS "int8";
SELECT '\x02000200000000000000000001ff'::bytea::embedding AS "a scale of 0";
SELECT '\x020001000000803f00000000003c00'::bytea::embedding AS "one and a half halves";
SELECT '\x020004000000803f00000000c0'::bytea::embedding AS "no kind";
DROP CAST (bytea AS embedding);
