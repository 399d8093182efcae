-- Text form: exact round trip, clear errors with the position
SELECT '[1,2.5,-3]'::embedding, ' [ 1 , 2e-3,+.5 ] '::embedding;
SELECT '[0.1,3.4028235e38,1e-45,-0,123456789,0.30000001]'::embedding;
SELECT e::text::embedding = e FROM (VALUES ('[0.1,1e-40,3.1415927,16777217]'::embedding)) v(e);
SELECT '1,2'::embedding;
SELECT '[1,,2]'::embedding;
SELECT '[1,2'::embedding;
SELECT '[1,2]x'::embedding;
SELECT '[1 2]'::embedding;
SELECT '[]'::embedding;
SELECT '[1,nan]'::embedding;
SELECT '[infinity]'::embedding;
SELECT '[1,-1e39]'::embedding;
SELECT dims(('[' || repeat('1,', 16383) || '1]')::embedding);
SELECT ('[' || repeat('1,', 16384) || '1]')::embedding;

-- Type modifier
CREATE TABLE typmod (e embedding(3), tagged embedding(2, 7));
SELECT attname, format_type(atttypid, atttypmod), attstorage FROM pg_attribute
WHERE attrelid = 'typmod'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO typmod VALUES ('[1,2,3]', '[1,2]');
SELECT e, embedding_model(e), tagged, embedding_model(tagged) FROM typmod;
INSERT INTO typmod VALUES ('[1,2]');
INSERT INTO typmod SELECT tagged FROM typmod;
SELECT tagged::embedding(2, 8) FROM typmod;
SELECT tagged::embedding(2, 7) <-> '[1,3]' FROM typmod;
SELECT '[1,2]'::embedding(2, float);
SELECT '[1,2]'::embedding(2, half);
SELECT '[1,2]'::embedding(0);
SELECT '[1,2]'::embedding(16385);
SELECT '[1,2]'::embedding(2, 32768);
SELECT '[1,2]'::embedding(two);
SELECT '[1,2]'::embedding(2, 1, 1);

-- Binary form: that of pgvector's vector (test/t/010_binary.pl has the rest)
SELECT embedding_send('[1,-2]');

-- Casts
SELECT '{1,2.5}'::real[]::embedding, '{1,2}'::integer[]::embedding,
	'{1,2.1}'::numeric[]::embedding, '{1,2.1}'::double precision[]::embedding(2);
SELECT '[1,2.5]'::embedding::real[];
SELECT ARRAY[1, NULL]::real[]::embedding;
SELECT '{{1,2},{3,4}}'::real[]::embedding;
SELECT '{}'::real[]::embedding;
SELECT '{1,nan}'::real[]::embedding;
SELECT '{1,inf}'::double precision[]::embedding;
SELECT '{1,1e300}'::double precision[]::embedding;
SELECT '{1,1e300}'::numeric[]::embedding;
-- Tiny numbers are 0, as they are in text.
SELECT '{1,1e-300}'::double precision[]::embedding, '{1,-1e-60}'::numeric[]::embedding, '[1,1e-60]'::jsonb::embedding;
SELECT '{1,2}'::real[]::embedding(3);
SELECT '[1, 2.5, -3e2]'::jsonb::embedding, '[1,2]'::jsonb::embedding(2, 7);
SELECT '[]'::jsonb::embedding;
SELECT '7'::jsonb::embedding;
SELECT '{"a": 1}'::jsonb::embedding;
SELECT '[1, "2"]'::jsonb::embedding;
SELECT '[1, [2]]'::jsonb::embedding;
SELECT '[1, null]'::jsonb::embedding;
SELECT '[1, 1e39]'::jsonb::embedding;
SELECT '[1]'::jsonb::embedding(2);

-- Bytes that are no embedding are found out before they are used
CREATE CAST (bytea AS embedding) WITHOUT FUNCTION;
SELECT ''::bytea::embedding;
SELECT dims('\x02000000'::bytea::embedding);
SELECT '\x02000000000000000000000000000000'::bytea::embedding <-> '[1]';
SELECT '\x0100010000000000000000000000000000000000'::bytea::embedding = '[1]';
SELECT '\x00000000000000000000000000000000'::bytea::embedding::real[];
SELECT sum('\x0141000000000000000000000000000000000000'::bytea::embedding);
DROP CAST (bytea AS embedding);

-- A value is stored as it is, never compressed, and out of line when wide
CREATE TABLE stored (e embedding(1000));
INSERT INTO stored SELECT array_agg(i)::embedding FROM generate_series(1, 1000) i;
SELECT pg_column_size(e), dims(e), pg_relation_size(reltoastrelid) > 4000 AS toasted
FROM stored, pg_class WHERE pg_class.oid = 'stored'::regclass;
DROP TABLE stored;
DROP TABLE typmod;
