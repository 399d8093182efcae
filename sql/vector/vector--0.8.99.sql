-- The extension vector: pgvector's names on the types, the distances and the index
-- of similarity.so.  Stands alone: whoever asks for it runs CREATE EXTENSION vector
-- and nothing else.  See README.
\echo Use "CREATE EXTENSION vector" to load this file. \quit

-- What the functions of the types and of the planner share.

CREATE FUNCTION vector_coercion_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'coercion_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_coercion_support(internal) IS 'leaves out length coercions that change nothing';
CREATE FUNCTION vector_distance_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'distance_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_distance_support(internal) IS 'tells the planner what a distance costs';

-- The type vector.

CREATE TYPE vector;

CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_in(cstring, oid, integer) IS 'text form, [1,2,3]';
CREATE FUNCTION vector_out(vector) RETURNS cstring
	AS 'MODULE_PATHNAME', 'embedding_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_out(vector) IS 'text form, [1,2,3]';
CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_recv(internal, oid, integer) IS 'binary form';
CREATE FUNCTION vector_send(vector) RETURNS bytea
	AS 'MODULE_PATHNAME', 'embedding_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_send(vector) IS 'binary form';
CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'similarity_vector_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_in(cstring[]) IS 'number of dimensions';
CREATE FUNCTION vector_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'similarity_vector_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_out(integer) IS 'number of dimensions';

CREATE TYPE vector (
	INPUT = vector_in,
	OUTPUT = vector_out,
	RECEIVE = vector_recv,
	SEND = vector_send,
	TYPMOD_IN = vector_typmod_in,
	TYPMOD_OUT = vector_typmod_out,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE vector IS 'vector of single precision numbers; vector(n): of n dimensions';

-- The type halfvec.

CREATE TYPE halfvec;

CREATE FUNCTION halfvec_in(cstring, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_in(cstring, oid, integer) IS 'text form, [1,2,3]';
CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring
	AS 'MODULE_PATHNAME', 'embedding_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_out(halfvec) IS 'text form, [1,2,3]';
CREATE FUNCTION halfvec_recv(internal, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_recv(internal, oid, integer) IS 'binary form';
CREATE FUNCTION halfvec_send(halfvec) RETURNS bytea
	AS 'MODULE_PATHNAME', 'similarity_halfvec_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_send(halfvec) IS 'binary form';
CREATE FUNCTION halfvec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'similarity_halfvec_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_typmod_in(cstring[]) IS 'number of dimensions';
CREATE FUNCTION halfvec_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'similarity_vector_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_typmod_out(integer) IS 'number of dimensions';

CREATE TYPE halfvec (
	INPUT = halfvec_in,
	OUTPUT = halfvec_out,
	RECEIVE = halfvec_recv,
	SEND = halfvec_send,
	TYPMOD_IN = halfvec_typmod_in,
	TYPMOD_OUT = halfvec_typmod_out,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE halfvec IS 'vector of half precision numbers; halfvec(n): of n dimensions';

-- Casts.

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_coercion_support;
COMMENT ON FUNCTION vector(vector, integer, boolean) IS 'checks the number of dimensions';
CREATE FUNCTION halfvec_to_vector(halfvec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_vector(halfvec, integer, boolean) IS 'halfvec in single precision';
CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(integer[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(real[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(double precision[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(numeric[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME', 'embedding_to_float4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_float4(vector, integer, boolean) IS 'the elements';
CREATE FUNCTION vector_to_float8(vector, integer, boolean) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'embedding_to_float8_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_float8(vector, integer, boolean) IS 'the elements';
CREATE FUNCTION halfvec(halfvec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_coercion_support;
COMMENT ON FUNCTION halfvec(halfvec, integer, boolean) IS 'checks the number of dimensions';
CREATE FUNCTION vector_to_halfvec(vector, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_halfvec(vector, integer, boolean) IS 'vector in half precision';
CREATE FUNCTION array_to_halfvec(integer[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_array_to_halfvec' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(integer[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_halfvec(real[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_array_to_halfvec' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(real[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_halfvec(double precision[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_array_to_halfvec' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(double precision[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION array_to_halfvec(numeric[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_array_to_halfvec' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(numeric[], integer, boolean) IS 'of an array of one dimension';
CREATE FUNCTION halfvec_to_float4(halfvec, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME', 'embedding_to_float4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_float4(halfvec, integer, boolean) IS 'the elements';

CREATE CAST (vector AS vector) WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS vector) IS 'checks the number of dimensions';
CREATE CAST (vector AS halfvec) WITH FUNCTION vector_to_halfvec(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS halfvec) IS 'by rounding';
CREATE CAST (integer[] AS vector) WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS vector) IS 'of an array of one dimension';
CREATE CAST (real[] AS vector) WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS vector) IS 'of an array of one dimension';
CREATE CAST (double precision[] AS vector) WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS vector) IS 'of an array of one dimension';
CREATE CAST (numeric[] AS vector) WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS vector) IS 'of an array of one dimension';
CREATE CAST (vector AS real[]) WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS real[]) IS 'the elements';
CREATE CAST (halfvec AS halfvec) WITH FUNCTION halfvec(halfvec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (halfvec AS halfvec) IS 'checks the number of dimensions';
CREATE CAST (halfvec AS vector) WITH FUNCTION halfvec_to_vector(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS vector) IS 'exactly';
CREATE CAST (integer[] AS halfvec) WITH FUNCTION array_to_halfvec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS halfvec) IS 'of an array of one dimension';
CREATE CAST (real[] AS halfvec) WITH FUNCTION array_to_halfvec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS halfvec) IS 'of an array of one dimension';
CREATE CAST (double precision[] AS halfvec) WITH FUNCTION array_to_halfvec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS halfvec) IS 'of an array of one dimension';
CREATE CAST (numeric[] AS halfvec) WITH FUNCTION array_to_halfvec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS halfvec) IS 'of an array of one dimension';
CREATE CAST (halfvec AS real[]) WITH FUNCTION halfvec_to_float4(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS real[]) IS 'the elements';

-- Distances and functions.

CREATE FUNCTION l2_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(vector, vector) IS 'Euclidean distance';
CREATE FUNCTION inner_product(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(vector, vector) IS 'inner product';
CREATE FUNCTION cosine_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS 'cosine distance; NaN of a zero vector';
CREATE FUNCTION l1_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(vector, vector) IS 'Manhattan distance';
CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS 'negative inner product, which sorts the largest product first';
CREATE FUNCTION vector_l2_squared_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_squared_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_l2_squared_distance(vector, vector) IS 'squared Euclidean distance';
CREATE FUNCTION vector_dims(vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS 'number of dimensions';
CREATE FUNCTION vector_norm(vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_norm(vector) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION l2_normalize(vector) IS 'of length 1; zeros stay zeros';
CREATE FUNCTION subvector(vector, integer, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS 'so many elements from one on, counted from 1';
CREATE FUNCTION binary_quantize(vector) RETURNS bit
	AS 'MODULE_PATHNAME', 'embedding_to_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION binary_quantize(vector) IS '1 for elements above 0';
CREATE FUNCTION vector_add(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'embedding_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_add(vector, vector) IS 'sum, element by element';
CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'embedding_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_sub(vector, vector) IS 'difference, element by element';
CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'embedding_multiply' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_mul(vector, vector) IS 'product, element by element';
CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_concat(vector, vector) IS 'one behind the other';

CREATE OPERATOR <-> (
	FUNCTION = l2_distance, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS 'Euclidean distance';
CREATE OPERATOR <=> (
	FUNCTION = cosine_distance, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS 'cosine distance';
CREATE OPERATOR <#> (
	FUNCTION = vector_negative_inner_product, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS 'negative inner product';
CREATE OPERATOR <+> (
	FUNCTION = l1_distance, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS 'Manhattan distance';
CREATE OPERATOR + (
	FUNCTION = vector_add, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS 'sum, element by element';
CREATE OPERATOR - (
	FUNCTION = vector_sub, LEFTARG = vector, RIGHTARG = vector
);
COMMENT ON OPERATOR - (vector, vector) IS 'difference, element by element';
CREATE OPERATOR * (
	FUNCTION = vector_mul, LEFTARG = vector, RIGHTARG = vector, COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS 'product, element by element';
CREATE OPERATOR || (
	FUNCTION = vector_concat, LEFTARG = vector, RIGHTARG = vector
);
COMMENT ON OPERATOR || (vector, vector) IS 'one behind the other';

CREATE FUNCTION l2_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(halfvec, halfvec) IS 'Euclidean distance';
CREATE FUNCTION inner_product(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(halfvec, halfvec) IS 'inner product';
CREATE FUNCTION cosine_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(halfvec, halfvec) IS 'cosine distance; NaN of a zero vector';
CREATE FUNCTION l1_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(halfvec, halfvec) IS 'Manhattan distance';
CREATE FUNCTION halfvec_negative_inner_product(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION halfvec_negative_inner_product(halfvec, halfvec) IS 'negative inner product, which sorts the largest product first';
CREATE FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_squared_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT vector_distance_support;
COMMENT ON FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) IS 'squared Euclidean distance';
CREATE FUNCTION vector_dims(halfvec) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(halfvec) IS 'number of dimensions';
CREATE FUNCTION l2_norm(halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION l2_norm(halfvec) IS 'Euclidean norm';
CREATE FUNCTION l2_normalize(halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION l2_normalize(halfvec) IS 'of length 1; zeros stay zeros';
CREATE FUNCTION subvector(halfvec, integer, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(halfvec, integer, integer) IS 'so many elements from one on, counted from 1';
CREATE FUNCTION binary_quantize(halfvec) RETURNS bit
	AS 'MODULE_PATHNAME', 'embedding_to_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION binary_quantize(halfvec) IS '1 for elements above 0';
CREATE FUNCTION halfvec_add(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_add(halfvec, halfvec) IS 'sum, element by element';
CREATE FUNCTION halfvec_sub(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_sub(halfvec, halfvec) IS 'difference, element by element';
CREATE FUNCTION halfvec_mul(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_multiply' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_mul(halfvec, halfvec) IS 'product, element by element';
CREATE FUNCTION halfvec_concat(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_concat(halfvec, halfvec) IS 'one behind the other';

CREATE OPERATOR <-> (
	FUNCTION = l2_distance, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (halfvec, halfvec) IS 'Euclidean distance';
CREATE OPERATOR <=> (
	FUNCTION = cosine_distance, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (halfvec, halfvec) IS 'cosine distance';
CREATE OPERATOR <#> (
	FUNCTION = halfvec_negative_inner_product, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (halfvec, halfvec) IS 'negative inner product';
CREATE OPERATOR <+> (
	FUNCTION = l1_distance, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (halfvec, halfvec) IS 'Manhattan distance';
CREATE OPERATOR + (
	FUNCTION = halfvec_add, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = +
);
COMMENT ON OPERATOR + (halfvec, halfvec) IS 'sum, element by element';
CREATE OPERATOR - (
	FUNCTION = halfvec_sub, LEFTARG = halfvec, RIGHTARG = halfvec
);
COMMENT ON OPERATOR - (halfvec, halfvec) IS 'difference, element by element';
CREATE OPERATOR * (
	FUNCTION = halfvec_mul, LEFTARG = halfvec, RIGHTARG = halfvec, COMMUTATOR = *
);
COMMENT ON OPERATOR * (halfvec, halfvec) IS 'product, element by element';
CREATE OPERATOR || (
	FUNCTION = halfvec_concat, LEFTARG = halfvec, RIGHTARG = halfvec
);
COMMENT ON OPERATOR || (halfvec, halfvec) IS 'one behind the other';

-- Distances of strings of bits.

CREATE FUNCTION hamming_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'bit_hamming_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hamming_distance(bit, bit) IS 'number of bits that differ';
CREATE FUNCTION jaccard_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'bit_jaccard_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION jaccard_distance(bit, bit) IS '1 minus the share of common bits; 0 for two strings without any';
CREATE OPERATOR <~> (
	FUNCTION = hamming_distance, LEFTARG = bit, RIGHTARG = bit, COMMUTATOR = <~>
);
COMMENT ON OPERATOR <~> (bit, bit) IS 'Hamming distance';
CREATE OPERATOR <%> (
	FUNCTION = jaccard_distance, LEFTARG = bit, RIGHTARG = bit, COMMUTATOR = <%>
);
COMMENT ON OPERATOR <%> (bit, bit) IS 'Jaccard distance';

-- Order and equality.

CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_lt(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_le(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_eq(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_ne(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_ge(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_gt(vector, vector) IS 'lexicographic, a prefix first';
CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION vector_cmp(vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR < (
	FUNCTION = vector_lt, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR <= (
	FUNCTION = vector_le, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR = (
	FUNCTION = vector_eq, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR = (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR <> (
	FUNCTION = vector_ne, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR >= (
	FUNCTION = vector_ge, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR > (
	FUNCTION = vector_gt, LEFTARG = vector, RIGHTARG = vector,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (vector, vector) IS 'lexicographic, a prefix first';
CREATE OPERATOR CLASS vector_ops DEFAULT FOR TYPE vector USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 vector_cmp(vector, vector);
COMMENT ON OPERATOR CLASS vector_ops USING btree IS 'lexicographic order of vector';
COMMENT ON OPERATOR FAMILY vector_ops USING btree IS 'lexicographic order of vector';

CREATE FUNCTION halfvec_lt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_lt(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_le(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_le(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_eq(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_eq(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_ne(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_ne(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_ge(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_ge(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_gt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_gt(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE FUNCTION halfvec_cmp(halfvec, halfvec) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION halfvec_cmp(halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR < (
	FUNCTION = halfvec_lt, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR <= (
	FUNCTION = halfvec_le, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR = (
	FUNCTION = halfvec_eq, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR = (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR <> (
	FUNCTION = halfvec_ne, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR >= (
	FUNCTION = halfvec_ge, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR > (
	FUNCTION = halfvec_gt, LEFTARG = halfvec, RIGHTARG = halfvec,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (halfvec, halfvec) IS 'lexicographic, a prefix first';
CREATE OPERATOR CLASS halfvec_ops DEFAULT FOR TYPE halfvec USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 halfvec_cmp(halfvec, halfvec);
COMMENT ON OPERATOR CLASS halfvec_ops USING btree IS 'lexicographic order of halfvec';
COMMENT ON OPERATOR FAMILY halfvec_ops USING btree IS 'lexicographic order of halfvec';

-- avg and sum.

CREATE FUNCTION vector_sum_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_sum_combine(internal, internal) IS 'two partial sums';
CREATE FUNCTION vector_sum_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'embedding_sum_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sum_serialize(internal) IS 'a partial sum on its way';
CREATE FUNCTION vector_sum_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_sum_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sum_deserialize(bytea, internal) IS 'a partial sum that came';
CREATE FUNCTION vector_accumulate(internal, vector) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_accumulate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_accumulate(internal, vector) IS 'one more row';
CREATE FUNCTION vector_avg_final(internal) RETURNS vector
	AS 'MODULE_PATHNAME', 'embedding_avg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_avg_final(internal) IS 'mean, element by element';
CREATE AGGREGATE avg(vector) (
	SFUNC = vector_accumulate, STYPE = internal, COMBINEFUNC = vector_sum_combine,
	SERIALFUNC = vector_sum_serialize, DESERIALFUNC = vector_sum_deserialize,
	FINALFUNC = vector_avg_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS 'mean, element by element';
CREATE FUNCTION vector_sum_final(internal) RETURNS vector
	AS 'MODULE_PATHNAME', 'embedding_sum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_sum_final(internal) IS 'sum, element by element';
CREATE AGGREGATE sum(vector) (
	SFUNC = vector_accumulate, STYPE = internal, COMBINEFUNC = vector_sum_combine,
	SERIALFUNC = vector_sum_serialize, DESERIALFUNC = vector_sum_deserialize,
	FINALFUNC = vector_sum_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS 'sum, element by element';
CREATE FUNCTION halfvec_accumulate(internal, halfvec) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_accumulate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_accumulate(internal, halfvec) IS 'one more row';
CREATE FUNCTION halfvec_avg_final(internal) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_avg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_avg_final(internal) IS 'mean, element by element';
CREATE AGGREGATE avg(halfvec) (
	SFUNC = halfvec_accumulate, STYPE = internal, COMBINEFUNC = vector_sum_combine,
	SERIALFUNC = vector_sum_serialize, DESERIALFUNC = vector_sum_deserialize,
	FINALFUNC = halfvec_avg_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(halfvec) IS 'mean, element by element';
CREATE FUNCTION halfvec_sum_final(internal) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_sum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_sum_final(internal) IS 'sum, element by element';
CREATE AGGREGATE sum(halfvec) (
	SFUNC = halfvec_accumulate, STYPE = internal, COMBINEFUNC = vector_sum_combine,
	SERIALFUNC = vector_sum_serialize, DESERIALFUNC = vector_sum_deserialize,
	FINALFUNC = halfvec_sum_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(halfvec) IS 'sum, element by element';

-- The access methods and their operator classes.

CREATE FUNCTION vector_hnsw_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'similarity_vector_hnsw_handler' LANGUAGE C;
COMMENT ON FUNCTION vector_hnsw_handler(internal) IS 'handler of the access method hnsw';
CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER vector_hnsw_handler;
COMMENT ON ACCESS METHOD hnsw IS 'proximity graph for nearest-neighbor search; WITH (m = 16, ef_construction = 100)';

CREATE FUNCTION vector_ivfflat_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'similarity_vector_ivfflat_handler' LANGUAGE C;
COMMENT ON FUNCTION vector_ivfflat_handler(internal) IS 'handler of the access method ivfflat';
CREATE ACCESS METHOD ivfflat TYPE INDEX HANDLER vector_ivfflat_handler;
COMMENT ON ACCESS METHOD ivfflat IS 'another name of hnsw, which takes the option lists';

CREATE FUNCTION vector_hnsw_l2_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_l2_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_l2_support(internal) IS 'an operator class of the Euclidean distance';
CREATE FUNCTION vector_hnsw_cosine_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_cosine_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_cosine_support(internal) IS 'an operator class of the cosine distance';
CREATE FUNCTION vector_hnsw_ip_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_ip_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_ip_support(internal) IS 'an operator class of the negative inner product';
CREATE FUNCTION vector_hnsw_l1_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_l1_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_l1_support(internal) IS 'an operator class of the Manhattan distance';
CREATE FUNCTION vector_hnsw_hamming_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_hamming_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_hamming_support(internal) IS 'an operator class of the Hamming distance';
CREATE FUNCTION vector_hnsw_jaccard_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_jaccard_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hnsw_jaccard_support(internal) IS 'an operator class of the Jaccard distance';

CREATE OPERATOR CLASS vector_l2_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l2_support(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING hnsw IS 'ORDER BY Euclidean distance, <->';
COMMENT ON OPERATOR FAMILY vector_l2_ops USING hnsw IS 'ORDER BY Euclidean distance, <->';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_cosine_support(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING hnsw IS 'ORDER BY cosine distance, <=>';
COMMENT ON OPERATOR FAMILY vector_cosine_ops USING hnsw IS 'ORDER BY cosine distance, <=>';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_ip_support(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING hnsw IS 'ORDER BY negative inner product, <#>';
COMMENT ON OPERATOR FAMILY vector_ip_ops USING hnsw IS 'ORDER BY negative inner product, <#>';
CREATE OPERATOR CLASS vector_l1_ops FOR TYPE vector USING hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l1_support(internal);
COMMENT ON OPERATOR CLASS vector_l1_ops USING hnsw IS 'ORDER BY Manhattan distance, <+>';
COMMENT ON OPERATOR FAMILY vector_l1_ops USING hnsw IS 'ORDER BY Manhattan distance, <+>';
CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l2_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING hnsw IS 'ORDER BY Euclidean distance, <->';
COMMENT ON OPERATOR FAMILY halfvec_l2_ops USING hnsw IS 'ORDER BY Euclidean distance, <->';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_cosine_support(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING hnsw IS 'ORDER BY cosine distance, <=>';
COMMENT ON OPERATOR FAMILY halfvec_cosine_ops USING hnsw IS 'ORDER BY cosine distance, <=>';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_ip_support(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING hnsw IS 'ORDER BY negative inner product, <#>';
COMMENT ON OPERATOR FAMILY halfvec_ip_ops USING hnsw IS 'ORDER BY negative inner product, <#>';
CREATE OPERATOR CLASS halfvec_l1_ops FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l1_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l1_ops USING hnsw IS 'ORDER BY Manhattan distance, <+>';
COMMENT ON OPERATOR FAMILY halfvec_l1_ops USING hnsw IS 'ORDER BY Manhattan distance, <+>';
CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_hamming_support(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING hnsw IS 'ORDER BY Hamming distance, <~>';
COMMENT ON OPERATOR FAMILY bit_hamming_ops USING hnsw IS 'ORDER BY Hamming distance, <~>';
CREATE OPERATOR CLASS bit_jaccard_ops FOR TYPE bit USING hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_jaccard_support(internal);
COMMENT ON OPERATOR CLASS bit_jaccard_ops USING hnsw IS 'ORDER BY Jaccard distance, <%>';
COMMENT ON OPERATOR FAMILY bit_jaccard_ops USING hnsw IS 'ORDER BY Jaccard distance, <%>';

CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l2_support(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivfflat IS 'ORDER BY Euclidean distance, <->';
COMMENT ON OPERATOR FAMILY vector_l2_ops USING ivfflat IS 'ORDER BY Euclidean distance, <->';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_cosine_support(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivfflat IS 'ORDER BY cosine distance, <=>';
COMMENT ON OPERATOR FAMILY vector_cosine_ops USING ivfflat IS 'ORDER BY cosine distance, <=>';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_ip_support(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivfflat IS 'ORDER BY negative inner product, <#>';
COMMENT ON OPERATOR FAMILY vector_ip_ops USING ivfflat IS 'ORDER BY negative inner product, <#>';
CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_l2_support(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING ivfflat IS 'ORDER BY Euclidean distance, <->';
COMMENT ON OPERATOR FAMILY halfvec_l2_ops USING ivfflat IS 'ORDER BY Euclidean distance, <->';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_cosine_support(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING ivfflat IS 'ORDER BY cosine distance, <=>';
COMMENT ON OPERATOR FAMILY halfvec_cosine_ops USING ivfflat IS 'ORDER BY cosine distance, <=>';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_ip_support(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING ivfflat IS 'ORDER BY negative inner product, <#>';
COMMENT ON OPERATOR FAMILY halfvec_ip_ops USING ivfflat IS 'ORDER BY negative inner product, <#>';
CREATE OPERATOR CLASS bit_hamming_ops FOR TYPE bit USING ivfflat AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 vector_hnsw_hamming_support(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING ivfflat IS 'ORDER BY Hamming distance, <~>';
COMMENT ON OPERATOR FAMILY bit_hamming_ops USING ivfflat IS 'ORDER BY Hamming distance, <~>';
