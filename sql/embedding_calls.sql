-- Values as clients write them: arrays of any number type, JSON, bits, text in
-- braces, numbers beside vectors.  No cast from or to arrays is implicit.

-- Distances from arrays are those from embeddings, on either side
CREATE TABLE point (id integer, e embedding(3));
INSERT INTO point SELECT i, random_embedding(3, i) FROM generate_series(1, 2000) i;
CREATE INDEX point_e ON point USING similarity_hnsw (e embedding_cosine_ops);
ANALYZE point;
SELECT '[1,2,3]'::embedding <-> '{1,2,5}'::real[] AS reals, '[1,2,3]'::embedding <-> '{1,2,5}'::double precision[] AS doubles,
	'[1,2,3]'::embedding <-> '{1,2,5}'::integer[] AS integers, '[1,2,3]'::embedding <-> '{1,2,5}'::numeric[] AS numerics,
	'[1,2,3]'::embedding <-> '{1,2,5}'::smallint[] AS smallints, '[1,2,3]'::embedding <-> '{1,2,5}'::bigint[] AS bigints,
	ARRAY[1, 2, 5] <-> '[1,2,3]'::embedding AS left, '[1,2,3]'::embedding <-> '{1,2,5}' AS text, '[1,2,3]'::embedding <-> '[1,2,5]' AS own;
SELECT '[1,0]'::embedding <=> ARRAY[0, 1] AS cosine, '[1,2]'::embedding <#> ARRAY[3, 4] AS negative_ip, '[1,2]'::embedding <+> ARRAY[3, 5] AS l1,
	'[1,0]'::embedding(2, bit) <~> ARRAY[0, 1] AS hamming, '[1,1]'::embedding(2, bit) <%> ARRAY[0, 1] AS jaccard;
SELECT ARRAY[0, 1] <=> '[1,0]'::embedding AS cosine, ARRAY[3, 4] <#> '[1,2]'::embedding AS negative_ip, ARRAY[3, 5] <+> '[1,2]'::embedding AS l1,
	ARRAY[0, 1] <~> '[1,0]'::embedding(2, bit) AS hamming, ARRAY[0, 1] <%> '[1,1]'::embedding(2, bit) AS jaccard;
SELECT '[1,2,3]'::embedding <-> '{1,2}'::double precision[];
SELECT '[1]'::embedding <-> '{NULL}'::double precision[];
SELECT '[1]'::embedding <-> '{1e39}'::double precision[];
-- ... and the index serves them, with values and with parameters of any type
EXPLAIN (COSTS OFF) SELECT id FROM point ORDER BY e <=> '{1,2,3}'::double precision[] LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM point ORDER BY e <=> ARRAY[1, 2, 3] LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM point ORDER BY ARRAY[1, 2, 3.5] <=> e LIMIT 3;
SET plan_cache_mode = force_generic_plan;
PREPARE untyped AS SELECT id FROM point ORDER BY e <=> $1 LIMIT 3;
PREPARE doubles(double precision[]) AS SELECT id FROM point ORDER BY e <=> $1 LIMIT 3;
PREPARE reals(real[]) AS SELECT id FROM point ORDER BY e <=> $1 LIMIT 3;
SELECT name, parameter_types FROM pg_prepared_statements ORDER BY name;
EXPLAIN (COSTS OFF) EXECUTE untyped('{1,2,3}');
EXPLAIN (COSTS OFF) EXECUTE doubles('{1,2,3}');
EXPLAIN (COSTS OFF) EXECUTE reals('{1,2,3}');
RESET plan_cache_mode;
DEALLOCATE ALL;
DROP TABLE point;

-- Casts
SELECT '{1,2}'::smallint[]::embedding AS smallints, '{1,9007199254740993}'::bigint[]::embedding AS bigints,
	'[1.5,2.5]'::embedding::smallint[], '[1.5,2.5]'::embedding::bigint[];
SELECT '[40000]'::embedding::smallint[];
SELECT '[1e19]'::embedding::bigint[];
SELECT '101'::bit(3)::embedding(3, bit) AS bits, '101'::bit(3)::embedding AS untyped, '1111111101'::varbit::embedding(10) AS floats,
	'[1,-1,0.5]'::embedding::bit(3), '[1,-1,0.5]'::embedding::varbit;
SELECT ''::varbit::embedding;
SELECT b::embedding::varbit = b AS round_trips FROM (SELECT repeat('1001011', 10)::varbit AS b) s;
SELECT '[1, 2.5,-3e2]'::json::embedding, '[1,2]'::json::embedding(2, 7), '[1,2.5,-1e-20]'::embedding::json;
SELECT '{"a": 1}'::json::embedding;
SELECT '[1, "2"]'::json::embedding;
SELECT to_json('[1,2.5]'::embedding), to_jsonb('[1,2.5]'::embedding), row_to_json(r), json_agg(e)
FROM (SELECT '[1,2.5]'::embedding(2, half) AS e) r GROUP BY r;
SELECT e FROM json_populate_record(NULL::record, '{"e": [1,2]}') AS r (e embedding);
-- A list of lists
SELECT '{{1,2},{3,4}}'::double precision[]::embedding[], '{{1,2},{3,4}}'::real[]::embedding[], '{}'::real[]::embedding[];
SELECT '{1,2}'::double precision[]::embedding[];
SELECT '{{1,NULL}}'::double precision[]::embedding[];
SELECT '{{{1}}}'::double precision[]::embedding[];
CREATE TABLE target (e embedding(2), b bit(2));
INSERT INTO target SELECT unnest('{{1,2},{3,4}}'::double precision[]::embedding[]);
INSERT INTO target VALUES ('{1,2}'::smallint[]), ('{1,2}'::bigint[]), ('[1,2]'::json), ('10'::bit(2)), ('{1,2}'), ('{"1","2"}');
UPDATE target SET b = e;
SELECT * FROM target;
DROP TABLE target;
-- Arrays stay arrays
SELECT ARRAY[1, 2] || ARRAY[3] AS arrays, ARRAY[1, 2] = ARRAY[1, 2] AS equal;
SELECT ARRAY[1, 2] + ARRAY[3, 4];
SELECT castsource::regtype, casttarget::regtype FROM pg_cast
WHERE 'embedding'::regtype IN (castsource, casttarget) AND castcontext = 'i' AND castsource <> casttarget;

-- Numbers beside vectors; the model version stays
SELECT '[1,2,3]'::embedding * 0.5 AS right, 2 * '[1,2,3]'::embedding AS left, '[1,2,3]'::embedding / 2 AS quotient, - '[1,-2,3]'::embedding AS opposite,
	'[1,2,3]'::embedding - '[1,1,1]'::embedding * 2 AS mixed, '[1,2]'::embedding(2, int8) * 2::smallint AS of_int8;
SELECT embedding_model(e * 0.9), embedding_model(0.9 * e), embedding_model(e / 2), embedding_model(-e), e * '[2,2]' AS own_product
FROM (SELECT '[1,2]'::embedding(2, 7) AS e) t;
SELECT '[1]'::embedding / 0;
SELECT '[1e30]'::embedding * 1e30;
SELECT '[1]'::embedding * 'NaN'::double precision;
SELECT '[0]'::embedding * 'infinity'::double precision;

-- pgvector's names
SELECT vector_dims('[1,2,3]'), vector_norm('[3,4]');
