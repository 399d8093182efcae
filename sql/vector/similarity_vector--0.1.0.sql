-- Casts between the types of the extension vector and embedding.  An extension of
-- its own, so that neither of the two needs the other.
\echo Use "CREATE EXTENSION similarity_vector" to load this file. \quit

CREATE CAST (vector AS embedding) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (vector AS embedding) IS 'the same value';
CREATE CAST (halfvec AS embedding) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS embedding) IS 'the same value';

-- An embedding may be of another precision; where its column says that it is not,
-- the planner leaves these out.
CREATE FUNCTION embedding_to_vector(embedding, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'similarity_vector_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_coercion_support;
COMMENT ON FUNCTION embedding_to_vector(embedding, integer, boolean) IS 'in single precision';
CREATE FUNCTION embedding_to_halfvec(embedding, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'similarity_halfvec_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT vector_coercion_support;
COMMENT ON FUNCTION embedding_to_halfvec(embedding, integer, boolean) IS 'in half precision';
CREATE CAST (embedding AS vector) WITH FUNCTION embedding_to_vector(embedding, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS vector) IS 'in single precision';
CREATE CAST (embedding AS halfvec) WITH FUNCTION embedding_to_halfvec(embedding, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS halfvec) IS 'in half precision';
