-- Order, equality and hashing of embeddings: total, blind to the model tag.

CREATE FUNCTION embedding_lt(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_lt(embedding, embedding) IS 'less than in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_le(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_le(embedding, embedding) IS 'less than or equal in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_eq(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_eq(embedding, embedding) IS 'equal in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_ne(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_ne(embedding, embedding) IS 'not equal in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_ge(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_ge(embedding, embedding) IS 'greater than or equal in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_gt(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'embedding_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_gt(embedding, embedding) IS 'greater than in lexicographic order; blind to the model tag';
CREATE FUNCTION embedding_cmp(embedding, embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_cmp(embedding, embedding) IS 'btree comparison: -1, 0 or 1 in lexicographic order';
CREATE FUNCTION embedding_hash(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_hash(embedding) IS 'hash of the elements';
CREATE FUNCTION embedding_hash_extended(embedding, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'embedding_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION embedding_hash_extended(embedding, bigint) IS 'hash of the elements with a seed';

CREATE OPERATOR < (
	FUNCTION = embedding_lt, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (embedding, embedding) IS 'less than';
CREATE OPERATOR <= (
	FUNCTION = embedding_le, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (embedding, embedding) IS 'less than or equal';
CREATE OPERATOR = (
	FUNCTION = embedding_eq, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (embedding, embedding) IS 'equal';
CREATE OPERATOR <> (
	FUNCTION = embedding_ne, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (embedding, embedding) IS 'not equal';
CREATE OPERATOR >= (
	FUNCTION = embedding_ge, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (embedding, embedding) IS 'greater than or equal';
CREATE OPERATOR > (
	FUNCTION = embedding_gt, LEFTARG = embedding, RIGHTARG = embedding,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (embedding, embedding) IS 'greater than';

CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 embedding_cmp(embedding, embedding);
COMMENT ON OPERATOR CLASS embedding_ops USING btree IS 'lexicographic order of the elements';
COMMENT ON OPERATOR FAMILY embedding_ops USING btree IS 'lexicographic order of the elements';
CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 embedding_hash(embedding),
	FUNCTION 2 embedding_hash_extended(embedding, bigint);
COMMENT ON OPERATOR CLASS embedding_ops USING hash IS 'equality of the elements';
COMMENT ON OPERATOR FAMILY embedding_ops USING hash IS 'equality of the elements';
