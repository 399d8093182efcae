-- Operators and the functions behind them
SELECT '[1,2,3]'::embedding <-> '[1,2,5]' AS l2, '[1,0]'::embedding <=> '[1,1]' AS cosine,
	'[1,2]'::embedding <#> '[3,4]' AS negative_ip, '[1,2]'::embedding <+> '[3,5]' AS l1;
SELECT l2_distance('[0,0]', '[3,4]'), l2_squared_distance('[0,0]', '[3,4]'),
	cosine_distance('[2,0]', '[0,3]'), inner_product('[1,2]', '[3,4]'), l1_distance('[0,0]', '[3,4]');
SELECT cosine_distance('[1,2]', '[2,4]') = 0 AS same_direction, cosine_distance('[1,2]', '[-1,-2]') = 2 AS opposite;
-- population variance: var(a - b) / var(a) = 2/3 / (2/3)
SELECT snr_distance('[1,2,3]', '[0,0,0]'), snr_distance('[1,2,3]', '[2,2,2]');
SELECT l2_norm('[3,4]'), l2_normalize('[3,4]'), l2_normalize('[0,0]'), dims('[1,2,3]');
SELECT subvector('[1,2,3,4]', 2, 2), subvector('[1,2,3,4]', -1, 4), subvector('[1,2,3,4]', 3, 100);
SELECT subvector('[1,2]', 3, 1);
SELECT subvector('[1,2]', 2147483647, 2147483647);
SELECT '[1,2]'::embedding + '[3,4]', '[1,2]'::embedding - '[3,4]', '[1,2]'::embedding * '[3,4]',
	'[1,2]'::embedding || '[3]';
SELECT '[3e38]'::embedding + '[3e38]';
SELECT '[1e30]'::embedding * '[1e30]';

-- A zero vector has no direction: NaN, which sorts last
SELECT cosine_distance('[0,0]', '[1,2]');
-- Squares that leave float's range are handled
SELECT cosine_distance('[1e25,0]', '[1e25,1e25]'), cosine_distance('[1e-30,0]', '[1e-30,1e-30]');

SELECT l2_distance('[3e30,0]', '[0,4e30]') / 5e30 BETWEEN 0.999999 AND 1.000001 AS l2,
	l2_distance('[3e-30,0]', '[0,4e-30]') / 5e-30 BETWEEN 0.999999 AND 1.000001 AS tiny_l2,
	inner_product('[1e30]', '[1e30]') / 1e60 BETWEEN 0.999999 AND 1.000001 AS inner_product,
	l1_distance('[3e38]', '[-3e38]') / 6e38 BETWEEN 0.999999 AND 1.000001 AS l1;

-- Dimensions and model versions must agree
SELECT '[1,2]'::embedding <-> '[1,2,3]';
SELECT '[1,2]'::embedding + '[1]';
SELECT '[1,2]'::embedding(2, 1) <=> '[1,2]'::embedding(2, 2);
SELECT '[1,2]'::embedding(2, 1) + '[1,2]'::embedding(2, 2);
SELECT '[1,2]'::embedding(2, 1) <-> '[1,2]', embedding_model('[1,2]'::embedding(2, 5) + '[1,2]');

-- Every operator is immutable, strict and parallel safe
SELECT oprname FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode
WHERE oprleft = 'embedding'::regtype AND (provolatile <> 'i' OR NOT proisstrict OR proparallel <> 's');

-- Order and equality: total, blind to the tag
SELECT e FROM (VALUES ('[2,1]'::embedding), ('[1,2]'), ('[1]'), ('[1,1,9]'), ('[-1,5]')) v(e) ORDER BY e;
SELECT '[1,2]'::embedding(2, 1) = '[1,2]'::embedding(2, 2) AS blind, '[0]'::embedding = '[-0]' AS zeros,
	embedding_hash('[0]') = embedding_hash('[-0]') AS hashes, '[1]'::embedding < '[1,0]' AS prefix;
SELECT count(DISTINCT e) FROM (VALUES ('[1,2]'::embedding), ('[1,2]'), ('[2,1]')) v(e);
CREATE TABLE ordered (e embedding(2));
INSERT INTO ordered SELECT ARRAY[i % 10, i]::real[] FROM generate_series(1, 1000) i;
CREATE INDEX ON ordered (e);
CREATE INDEX ON ordered USING hash (e);
SET enable_seqscan = off;
SELECT count(*) FROM ordered WHERE e >= '[9,0]';
SELECT e FROM ordered WHERE e = '[5,15]';
RESET enable_seqscan;

-- Aggregates
SELECT avg(e), sum(e) FROM (VALUES ('[1,2]'::embedding), ('[3,5]'), (NULL)) v(e);
SELECT avg(e), sum(e) FROM ordered WHERE false;
SELECT sum(e) FROM (VALUES ('[3e38]'::embedding), ('[3e38]')) v(e);
SELECT avg(e) FROM (VALUES ('[3e38]'::embedding), ('[3e38]')) v(e);
SELECT avg(e) FROM (VALUES ('[1]'::embedding), ('[1,2]')) v(e);
SELECT avg(e) FROM (VALUES ('[1]'::embedding(1, 1)), ('[1]'::embedding(1, 2))) v(e);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE ordered SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT avg(e), sum(e) FROM ordered;
SELECT avg(e), sum(e) FROM ordered;
DROP TABLE ordered;
