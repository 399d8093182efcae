-- The type embedding: input and output, coercion, casts.

CREATE TYPE embedding;

CREATE FUNCTION embedding_in(cstring, oid, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_out(embedding) RETURNS cstring
	AS 'MODULE_PATHNAME', 'embedding_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_recv(internal, oid, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_send(embedding) RETURNS bytea
	AS 'MODULE_PATHNAME', 'embedding_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'embedding_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION embedding_in(cstring, oid, integer) IS 'I/O: text [1,2.5,-3], or {1,2.5,-3} as arrays are written, of 1 to 16384 finite numbers';
COMMENT ON FUNCTION embedding_out(embedding) IS 'I/O: shortest text that reads back to the same value; without the model tag';
COMMENT ON FUNCTION embedding_recv(internal, oid, integer) IS 'I/O: int16 dimensions, int16 zero, elements as float4 in network order; or a one-dimensional array of numbers in its binary form';
COMMENT ON FUNCTION embedding_send(embedding) IS 'I/O: int16 dimensions, int16 zero, elements as float4 in network order';
COMMENT ON FUNCTION embedding_typmod_in(cstring[]) IS 'I/O: embedding(dimensions [, float | half | int8 | bit] [, model version])';
COMMENT ON FUNCTION embedding_typmod_out(integer) IS 'I/O: embedding(dimensions [, float | half | int8 | bit] [, model version])';

-- Never compressed: floats do not compress, and reading back would cost more
-- than the distance.
CREATE TYPE embedding (
	INPUT = embedding_in,
	OUTPUT = embedding_out,
	RECEIVE = embedding_recv,
	SEND = embedding_send,
	TYPMOD_IN = embedding_typmod_in,
	TYPMOD_OUT = embedding_typmod_out,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE embedding IS 'vector of numbers in float (the default), half, int8 or bit precision, embedding(dimensions [, float | half | int8 | bit] [, model version]), up to 16384 dimensions';

CREATE FUNCTION coercion_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'coercion_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION coercion_support(internal) IS 'leaves out length coercions that change nothing';
CREATE FUNCTION embedding(embedding, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT coercion_support;
COMMENT ON FUNCTION embedding(embedding, integer, boolean) IS 'converts to a column''s precision; checks dimensions and model version, and stamps the version on untagged values';
CREATE CAST (embedding AS embedding) WITH FUNCTION embedding(embedding, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (embedding AS embedding) IS 'coercion to a column''s dimensions, precision and model version';

CREATE FUNCTION array_to_embedding(real[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embedding(double precision[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embedding(integer[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embedding(numeric[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embedding(smallint[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embedding(bigint[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'array_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embeddings(real[]) RETURNS embedding[]
	AS 'MODULE_PATHNAME', 'array_to_embeddings' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION array_to_embeddings(double precision[]) RETURNS embedding[]
	AS 'MODULE_PATHNAME', 'array_to_embeddings' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION json_to_embedding(json, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'json_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bits_to_embedding(bit, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'bits_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bits_to_embedding(bit varying, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'bits_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION jsonb_to_embedding(jsonb, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'jsonb_to_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_real(embedding) RETURNS real[]
	AS 'MODULE_PATHNAME', 'embedding_to_float4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_double(embedding) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'embedding_to_float8_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_integer(embedding) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'embedding_to_int4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_smallint(embedding) RETURNS smallint[]
	AS 'MODULE_PATHNAME', 'embedding_to_int2_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_bigint(embedding) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'embedding_to_int8_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_json(embedding) RETURNS json
	AS 'MODULE_PATHNAME', 'embedding_to_json' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_bit(embedding) RETURNS bit
	AS 'MODULE_PATHNAME', 'embedding_to_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_varbit(embedding) RETURNS bit varying
	AS 'MODULE_PATHNAME', 'embedding_to_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_numeric(embedding) RETURNS numeric[]
	AS 'MODULE_PATHNAME', 'embedding_to_numeric_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_to_jsonb(embedding) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'embedding_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION array_to_embedding(real[], integer, boolean) IS 'cast; the array must be one-dimensional and without nulls';
COMMENT ON FUNCTION array_to_embedding(double precision[], integer, boolean) IS 'cast, rounding to float4; an element beyond its range is an error';
COMMENT ON FUNCTION array_to_embedding(integer[], integer, boolean) IS 'cast, rounding to float4';
COMMENT ON FUNCTION array_to_embedding(numeric[], integer, boolean) IS 'cast, rounding to float4; an element beyond its range is an error';
COMMENT ON FUNCTION array_to_embedding(smallint[], integer, boolean) IS 'cast';
COMMENT ON FUNCTION array_to_embedding(bigint[], integer, boolean) IS 'cast, rounding to float4';
COMMENT ON FUNCTION array_to_embeddings(real[]) IS 'cast; each row of a two-dimensional array becomes an embedding';
COMMENT ON FUNCTION array_to_embeddings(double precision[]) IS 'cast; each row of a two-dimensional array becomes an embedding, rounded to float4';
COMMENT ON FUNCTION json_to_embedding(json, integer, boolean) IS 'cast of an array of numbers, rounding to float4; an element beyond its range is an error';
COMMENT ON FUNCTION bits_to_embedding(bit, integer, boolean) IS 'cast, to bit precision unless the type says another';
COMMENT ON FUNCTION bits_to_embedding(bit varying, integer, boolean) IS 'cast, to bit precision unless the type says another';
COMMENT ON FUNCTION jsonb_to_embedding(jsonb, integer, boolean) IS 'cast of an array of numbers, rounding to float4; an element beyond its range is an error';
COMMENT ON FUNCTION embedding_to_real(embedding) IS 'cast to an array of the elements';
COMMENT ON FUNCTION embedding_to_double(embedding) IS 'cast to an array of the elements, exact';
COMMENT ON FUNCTION embedding_to_integer(embedding) IS 'cast to an array of the elements rounded to nearest, ties to even; one beyond the range of integer is an error';
COMMENT ON FUNCTION embedding_to_smallint(embedding) IS 'cast to an array of the elements rounded to nearest, ties to even; one beyond the range of smallint is an error';
COMMENT ON FUNCTION embedding_to_bigint(embedding) IS 'cast to an array of the elements rounded to nearest, ties to even; one beyond the range of bigint is an error';
COMMENT ON FUNCTION embedding_to_json(embedding) IS 'cast to an array of the shortest decimals that are the elements as real; to_json() and row_to_json() use it';
COMMENT ON FUNCTION embedding_to_bit(embedding) IS 'cast: 1 for elements above 0, else 0';
COMMENT ON FUNCTION embedding_to_varbit(embedding) IS 'cast: 1 for elements above 0, else 0';
COMMENT ON FUNCTION embedding_to_numeric(embedding) IS 'cast to an array of the shortest decimals that are the elements as real';
COMMENT ON FUNCTION embedding_to_jsonb(embedding) IS 'cast to an array of the shortest decimals that are the elements as real';

CREATE CAST (real[] AS embedding) WITH FUNCTION array_to_embedding(real[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (double precision[] AS embedding) WITH FUNCTION array_to_embedding(double precision[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (integer[] AS embedding) WITH FUNCTION array_to_embedding(integer[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (numeric[] AS embedding) WITH FUNCTION array_to_embedding(numeric[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (smallint[] AS embedding) WITH FUNCTION array_to_embedding(smallint[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (bigint[] AS embedding) WITH FUNCTION array_to_embedding(bigint[], integer, boolean) AS ASSIGNMENT;
CREATE CAST (real[] AS embedding[]) WITH FUNCTION array_to_embeddings(real[]);
CREATE CAST (double precision[] AS embedding[]) WITH FUNCTION array_to_embeddings(double precision[]);
CREATE CAST (json AS embedding) WITH FUNCTION json_to_embedding(json, integer, boolean) AS ASSIGNMENT;
CREATE CAST (bit AS embedding) WITH FUNCTION bits_to_embedding(bit, integer, boolean) AS ASSIGNMENT;
CREATE CAST (bit varying AS embedding) WITH FUNCTION bits_to_embedding(bit varying, integer, boolean) AS ASSIGNMENT;
CREATE CAST (jsonb AS embedding) WITH FUNCTION jsonb_to_embedding(jsonb, integer, boolean) AS ASSIGNMENT;
CREATE CAST (embedding AS real[]) WITH FUNCTION embedding_to_real(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS double precision[]) WITH FUNCTION embedding_to_double(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS integer[]) WITH FUNCTION embedding_to_integer(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS smallint[]) WITH FUNCTION embedding_to_smallint(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS bigint[]) WITH FUNCTION embedding_to_bigint(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS json) WITH FUNCTION embedding_to_json(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS bit) WITH FUNCTION embedding_to_bit(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS bit varying) WITH FUNCTION embedding_to_varbit(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS numeric[]) WITH FUNCTION embedding_to_numeric(embedding) AS ASSIGNMENT;
CREATE CAST (embedding AS jsonb) WITH FUNCTION embedding_to_jsonb(embedding) AS ASSIGNMENT;

COMMENT ON CAST (real[] AS embedding) IS 'elements of a one-dimensional array';
COMMENT ON CAST (double precision[] AS embedding) IS 'elements of a one-dimensional array, rounded';
COMMENT ON CAST (integer[] AS embedding) IS 'elements of a one-dimensional array, rounded';
COMMENT ON CAST (numeric[] AS embedding) IS 'elements of a one-dimensional array, rounded';
COMMENT ON CAST (smallint[] AS embedding) IS 'elements of a one-dimensional array';
COMMENT ON CAST (bigint[] AS embedding) IS 'elements of a one-dimensional array, rounded';
COMMENT ON CAST (real[] AS embedding[]) IS 'rows of a two-dimensional array';
COMMENT ON CAST (double precision[] AS embedding[]) IS 'rows of a two-dimensional array, rounded';
COMMENT ON CAST (json AS embedding) IS 'elements of an array of numbers, rounded';
COMMENT ON CAST (bit AS embedding) IS 'bits as elements';
COMMENT ON CAST (bit varying AS embedding) IS 'bits as elements';
COMMENT ON CAST (jsonb AS embedding) IS 'elements of an array of numbers, rounded';
COMMENT ON CAST (embedding AS real[]) IS 'elements as an array';
COMMENT ON CAST (embedding AS double precision[]) IS 'elements as an array';
COMMENT ON CAST (embedding AS integer[]) IS 'elements rounded to an array';
COMMENT ON CAST (embedding AS smallint[]) IS 'elements rounded to an array';
COMMENT ON CAST (embedding AS bigint[]) IS 'elements rounded to an array';
COMMENT ON CAST (embedding AS json) IS 'elements as an array';
COMMENT ON CAST (embedding AS bit) IS 'which elements are above 0';
COMMENT ON CAST (embedding AS bit varying) IS 'which elements are above 0';
COMMENT ON CAST (embedding AS numeric[]) IS 'elements as an array';
COMMENT ON CAST (embedding AS jsonb) IS 'elements as an array';
