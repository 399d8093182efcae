-- avg and sum of embeddings.

CREATE FUNCTION embedding_accumulate(internal, embedding) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_accumulate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION embedding_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION embedding_sum_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'embedding_sum_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_sum_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'embedding_sum_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_avg_final(internal) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_avg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION embedding_sum_final(internal) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_sum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION embedding_accumulate(internal, embedding) IS 'aggregate: adds a row to the state, in double precision';
COMMENT ON FUNCTION embedding_combine(internal, internal) IS 'aggregate: adds two partial states';
COMMENT ON FUNCTION embedding_sum_serialize(internal) IS 'aggregate: state as bytes';
COMMENT ON FUNCTION embedding_sum_deserialize(bytea, internal) IS 'aggregate: state from bytes';
COMMENT ON FUNCTION embedding_avg_final(internal) IS 'aggregate: mean of the rows';
COMMENT ON FUNCTION embedding_sum_final(internal) IS 'aggregate: sum of the rows';

CREATE AGGREGATE avg(embedding) (
	SFUNC = embedding_accumulate, STYPE = internal, COMBINEFUNC = embedding_combine,
	SERIALFUNC = embedding_sum_serialize, DESERIALFUNC = embedding_sum_deserialize,
	FINALFUNC = embedding_avg_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(embedding) IS 'element-wise mean; NULL without rows; rows of different dimensions or model versions are an error';
CREATE AGGREGATE sum(embedding) (
	SFUNC = embedding_accumulate, STYPE = internal, COMBINEFUNC = embedding_combine,
	SERIALFUNC = embedding_sum_serialize, DESERIALFUNC = embedding_sum_deserialize,
	FINALFUNC = embedding_sum_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(embedding) IS 'element-wise sum; NULL without rows; overflow is an error';
