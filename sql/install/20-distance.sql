-- Distances and functions of embeddings.  A distance of embeddings with different
-- dimensions, or made by different model versions, is an error.

CREATE FUNCTION distance_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'distance_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION distance_support(internal) IS 'tells the planner what a distance of so many dimensions costs';
CREATE FUNCTION l2_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_distance(embedding, embedding) IS 'Euclidean distance, sqrt(sum((a - b)^2)), 0 .. infinity';
CREATE FUNCTION l2_squared_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_squared_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_squared_distance(embedding, embedding) IS 'squared Euclidean distance, sum((a - b)^2)';
CREATE FUNCTION cosine_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION cosine_distance(embedding, embedding) IS '1 - a.b / (|a| |b|), 0 .. 2; NaN, which sorts last, if either has no length';
CREATE FUNCTION inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION inner_product(embedding, embedding) IS 'inner product, sum(a * b)';
CREATE FUNCTION negative_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION negative_inner_product(embedding, embedding) IS '-sum(a * b): ascending order puts the largest inner product first';
CREATE FUNCTION l1_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l1_distance(embedding, embedding) IS 'Manhattan distance, sum(|a - b|)';
CREATE FUNCTION snr_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_snr_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION snr_distance(embedding, embedding) IS 'signal-to-noise ratio distance var(a - b) / var(a), population variances; a is the anchor, so it is not symmetric';
CREATE FUNCTION hamming_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_hamming_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION hamming_distance(embedding, embedding) IS 'number of bits that differ; elements of other precisions count as bit 1 if above 0';
CREATE FUNCTION jaccard_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_jaccard_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION jaccard_distance(embedding, embedding) IS '1 - (bits set in both) / (bits set in either), 0 if neither has any; elements of other precisions count as bit 1 if above 0';
CREATE FUNCTION within(e embedding, q embedding, r double precision) RETURNS boolean
	AS 'MODULE_PATHNAME', 'within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION within(embedding, embedding, double precision) IS 'is the Euclidean distance of e from q at most r? r must not be negative or NaN';
CREATE FUNCTION l2_norm(embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION l2_norm(embedding) IS 'Euclidean length, sqrt(sum(e^2))';
CREATE FUNCTION dims(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dims(embedding) IS 'number of dimensions';
CREATE FUNCTION embedding_model(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_model' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_model(embedding) IS 'id of the model version that made the value, 0 if none did';
CREATE FUNCTION l2_normalize(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'similarity_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION l2_normalize(embedding) IS 'the vector scaled to length 1; a zero vector stays zero';
CREATE FUNCTION binary_quantize(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'similarity_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION binary_quantize(embedding) IS 'bit precision: 1 for elements above 0, else 0; keeps the model tag';
CREATE FUNCTION random_embedding(dims integer, seed bigint) RETURNS embedding
	AS 'MODULE_PATHNAME', 'random_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION random_embedding(integer, bigint) IS 'for experiments: elements from the standard normal distribution, the same ones for the same seed';
CREATE FUNCTION subvector(embedding, integer, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'similarity_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
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
CREATE FUNCTION embedding_scale(embedding, double precision) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_scale' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_scale(embedding, double precision) IS 'each element times a number; keeps the model tag; overflow is an error';
CREATE FUNCTION embedding_scale(double precision, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_scale_left' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_scale(double precision, embedding) IS 'each element times a number; keeps the model tag; overflow is an error';
CREATE FUNCTION embedding_divide(embedding, double precision) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_divide' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_divide(embedding, double precision) IS 'each element divided by a number; keeps the model tag; overflow is an error';
CREATE FUNCTION embedding_negate(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_negate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_negate(embedding) IS 'each element with the other sign; keeps the model tag';
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
CREATE OPERATOR * (
	FUNCTION = embedding_scale, LEFTARG = embedding, RIGHTARG = double precision, COMMUTATOR = *
);
COMMENT ON OPERATOR * (embedding, double precision) IS 'element-wise product with a number';
CREATE OPERATOR * (
	FUNCTION = embedding_scale, LEFTARG = double precision, RIGHTARG = embedding, COMMUTATOR = *
);
COMMENT ON OPERATOR * (double precision, embedding) IS 'element-wise product with a number';
CREATE OPERATOR / (
	FUNCTION = embedding_divide, LEFTARG = embedding, RIGHTARG = double precision
);
COMMENT ON OPERATOR / (embedding, double precision) IS 'element-wise quotient with a number';
CREATE OPERATOR - (
	FUNCTION = embedding_negate, RIGHTARG = embedding
);
COMMENT ON OPERATOR - (NONE, embedding) IS 'the opposite vector';
CREATE OPERATOR || (
	FUNCTION = embedding_concat, LEFTARG = embedding, RIGHTARG = embedding
);
COMMENT ON OPERATOR || (embedding, embedding) IS 'concatenation';

-- Distances from arrays, which is what clients make of a list of numbers.  They
-- are inlined as the distance of embeddings, so that an index serves them.  One
-- type of arrays only: every other array of numbers becomes this one by itself,
-- where with two of them real[] and integer[] would be ambiguous.

CREATE FUNCTION array_l2_distance(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <-> $2::embedding;
CREATE FUNCTION array_l2_distance(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <-> $2;
COMMENT ON FUNCTION array_l2_distance(embedding, double precision[]) IS 'l2_distance of an embedding and an array of numbers';
COMMENT ON FUNCTION array_l2_distance(double precision[], embedding) IS 'l2_distance of an array of numbers and an embedding';
CREATE OPERATOR <-> (
	FUNCTION = array_l2_distance, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <->
);
CREATE OPERATOR <-> (
	FUNCTION = array_l2_distance, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (embedding, double precision[]) IS 'Euclidean distance';
COMMENT ON OPERATOR <-> (double precision[], embedding) IS 'Euclidean distance';
CREATE FUNCTION array_cosine_distance(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <=> $2::embedding;
CREATE FUNCTION array_cosine_distance(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <=> $2;
COMMENT ON FUNCTION array_cosine_distance(embedding, double precision[]) IS 'cosine_distance of an embedding and an array of numbers';
COMMENT ON FUNCTION array_cosine_distance(double precision[], embedding) IS 'cosine_distance of an array of numbers and an embedding';
CREATE OPERATOR <=> (
	FUNCTION = array_cosine_distance, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <=>
);
CREATE OPERATOR <=> (
	FUNCTION = array_cosine_distance, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (embedding, double precision[]) IS 'cosine distance; NaN for a zero vector';
COMMENT ON OPERATOR <=> (double precision[], embedding) IS 'cosine distance; NaN for a zero vector';
CREATE FUNCTION array_negative_inner_product(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <#> $2::embedding;
CREATE FUNCTION array_negative_inner_product(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <#> $2;
COMMENT ON FUNCTION array_negative_inner_product(embedding, double precision[]) IS 'negative_inner_product of an embedding and an array of numbers';
COMMENT ON FUNCTION array_negative_inner_product(double precision[], embedding) IS 'negative_inner_product of an array of numbers and an embedding';
CREATE OPERATOR <#> (
	FUNCTION = array_negative_inner_product, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <#>
);
CREATE OPERATOR <#> (
	FUNCTION = array_negative_inner_product, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (embedding, double precision[]) IS 'negative inner product';
COMMENT ON OPERATOR <#> (double precision[], embedding) IS 'negative inner product';
CREATE FUNCTION array_l1_distance(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <+> $2::embedding;
CREATE FUNCTION array_l1_distance(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <+> $2;
COMMENT ON FUNCTION array_l1_distance(embedding, double precision[]) IS 'l1_distance of an embedding and an array of numbers';
COMMENT ON FUNCTION array_l1_distance(double precision[], embedding) IS 'l1_distance of an array of numbers and an embedding';
CREATE OPERATOR <+> (
	FUNCTION = array_l1_distance, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <+>
);
CREATE OPERATOR <+> (
	FUNCTION = array_l1_distance, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (embedding, double precision[]) IS 'Manhattan distance';
COMMENT ON OPERATOR <+> (double precision[], embedding) IS 'Manhattan distance';
CREATE FUNCTION array_hamming_distance(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <~> $2::embedding;
CREATE FUNCTION array_hamming_distance(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <~> $2;
COMMENT ON FUNCTION array_hamming_distance(embedding, double precision[]) IS 'hamming_distance of an embedding and an array of numbers';
COMMENT ON FUNCTION array_hamming_distance(double precision[], embedding) IS 'hamming_distance of an array of numbers and an embedding';
CREATE OPERATOR <~> (
	FUNCTION = array_hamming_distance, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <~>
);
CREATE OPERATOR <~> (
	FUNCTION = array_hamming_distance, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <~>
);
COMMENT ON OPERATOR <~> (embedding, double precision[]) IS 'Hamming distance of bits';
COMMENT ON OPERATOR <~> (double precision[], embedding) IS 'Hamming distance of bits';
CREATE FUNCTION array_jaccard_distance(embedding, double precision[]) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 <%> $2::embedding;
CREATE FUNCTION array_jaccard_distance(double precision[], embedding) RETURNS double precision
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1::embedding <%> $2;
COMMENT ON FUNCTION array_jaccard_distance(embedding, double precision[]) IS 'jaccard_distance of an embedding and an array of numbers';
COMMENT ON FUNCTION array_jaccard_distance(double precision[], embedding) IS 'jaccard_distance of an array of numbers and an embedding';
CREATE OPERATOR <%> (
	FUNCTION = array_jaccard_distance, LEFTARG = embedding, RIGHTARG = double precision[], COMMUTATOR = <%>
);
CREATE OPERATOR <%> (
	FUNCTION = array_jaccard_distance, LEFTARG = double precision[], RIGHTARG = embedding, COMMUTATOR = <%>
);
COMMENT ON OPERATOR <%> (embedding, double precision[]) IS 'Jaccard distance of bits';
COMMENT ON OPERATOR <%> (double precision[], embedding) IS 'Jaccard distance of bits';

-- pgvector's names of dims() and l2_norm().

CREATE FUNCTION vector_dims(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(embedding) IS 'number of dimensions';
CREATE FUNCTION vector_norm(embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'similarity_l2_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 SUPPORT distance_support;
COMMENT ON FUNCTION vector_norm(embedding) IS 'Euclidean length, sqrt(sum(e^2))';
