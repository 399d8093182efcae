-- Distances and functions of embeddings.  A distance of embeddings with different
-- dimensions, or made by different model versions, is an error.

CREATE FUNCTION distance_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'distance_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION distance_support(internal) IS 'tells the planner what a distance of so many dimensions costs';
CREATE FUNCTION l2_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_distance(embedding, embedding) IS 'Euclidean distance, sqrt(sum((a - b)^2)), 0 .. infinity';
CREATE FUNCTION l2_squared_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'l2_squared_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_squared_distance(embedding, embedding) IS 'squared Euclidean distance, sum((a - b)^2)';
CREATE FUNCTION cosine_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION cosine_distance(embedding, embedding) IS '1 - a.b / (|a| |b|), 0 .. 2; NaN, which sorts last, if either has no length';
CREATE FUNCTION inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION inner_product(embedding, embedding) IS 'inner product, sum(a * b)';
CREATE FUNCTION negative_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION negative_inner_product(embedding, embedding) IS '-sum(a * b): ascending order puts the largest inner product first';
CREATE FUNCTION l1_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l1_distance(embedding, embedding) IS 'Manhattan distance, sum(|a - b|)';
CREATE FUNCTION snr_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'snr_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION snr_distance(embedding, embedding) IS 'signal-to-noise ratio distance var(a - b) / var(a), population variances; a is the anchor, so it is not symmetric';
CREATE FUNCTION hamming_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hamming_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION hamming_distance(embedding, embedding) IS 'number of bits that differ; elements of other precisions count as bit 1 if above 0';
CREATE FUNCTION jaccard_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'jaccard_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION jaccard_distance(embedding, embedding) IS '1 - (bits set in both) / (bits set in either), 0 if neither has any; elements of other precisions count as bit 1 if above 0';
CREATE FUNCTION within(e embedding, q embedding, r double precision) RETURNS boolean
	AS 'MODULE_PATHNAME', 'within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION within(embedding, embedding, double precision) IS 'is the Euclidean distance of e from q at most r? r must not be negative or NaN';
CREATE FUNCTION l2_norm(embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_norm(embedding) IS 'Euclidean length, sqrt(sum(e^2))';
CREATE FUNCTION dims(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dims(embedding) IS 'number of dimensions';
CREATE FUNCTION embedding_model(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_model' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_model(embedding) IS 'id of the model version that made the value, 0 if none did';
CREATE FUNCTION l2_normalize(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION l2_normalize(embedding) IS 'the vector scaled to length 1; a zero vector stays zero';
CREATE FUNCTION binary_quantize(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION binary_quantize(embedding) IS 'bit precision: 1 for elements above 0, else 0; keeps the model tag';
CREATE FUNCTION random_embedding(dims integer, seed bigint) RETURNS embedding
	AS 'MODULE_PATHNAME', 'random_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION random_embedding(integer, bigint) IS 'for experiments: elements from the standard normal distribution, the same ones for the same seed';
CREATE FUNCTION subvector(embedding, integer, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(embedding, integer, integer) IS 'subvector(e, start, count): elements start .. start + count - 1, numbered from 1; what lies outside is left out';
CREATE FUNCTION embedding_add(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_add(embedding, embedding) IS 'element-wise sum; overflow is an error';
CREATE FUNCTION embedding_subtract(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_subtract(embedding, embedding) IS 'element-wise difference; overflow is an error';
CREATE FUNCTION embedding_multiply(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_multiply' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_multiply(embedding, embedding) IS 'element-wise product; overflow is an error';
CREATE FUNCTION embedding_concat(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_concat(embedding, embedding) IS 'both one behind the other; the result has no model tag';

CREATE OPERATOR <-> (
	FUNCTION = l2_distance, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (embedding, embedding) IS 'Euclidean distance';
CREATE OPERATOR <=> (
	FUNCTION = cosine_distance, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (embedding, embedding) IS 'cosine distance; NaN for a zero vector';
CREATE OPERATOR <#> (
	FUNCTION = negative_inner_product, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (embedding, embedding) IS 'negative inner product';
CREATE OPERATOR <+> (
	FUNCTION = l1_distance, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (embedding, embedding) IS 'Manhattan distance';
CREATE OPERATOR <~> (
	FUNCTION = hamming_distance, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <~>
);
COMMENT ON OPERATOR <~> (embedding, embedding) IS 'Hamming distance of bits';
CREATE OPERATOR <%> (
	FUNCTION = jaccard_distance, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = <%>
);
COMMENT ON OPERATOR <%> (embedding, embedding) IS 'Jaccard distance of bits';
CREATE OPERATOR + (
	FUNCTION = embedding_add, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = +
);
COMMENT ON OPERATOR + (embedding, embedding) IS 'element-wise sum';
CREATE OPERATOR - (
	FUNCTION = embedding_subtract, LEFTARG = embedding, RIGHTARG = embedding
);
COMMENT ON OPERATOR - (embedding, embedding) IS 'element-wise difference';
CREATE OPERATOR * (
	FUNCTION = embedding_multiply, LEFTARG = embedding, RIGHTARG = embedding, COMMUTATOR = *
);
COMMENT ON OPERATOR * (embedding, embedding) IS 'element-wise product';
CREATE OPERATOR || (
	FUNCTION = embedding_concat, LEFTARG = embedding, RIGHTARG = embedding
);
COMMENT ON OPERATOR || (embedding, embedding) IS 'concatenation';
