-- The index access method similarity_hnsw and its operator classes.  None is
-- the default: an index says which distance it is for.

CREATE FUNCTION similarity_hnsw_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'similarity_hnsw_handler' LANGUAGE C;
COMMENT ON FUNCTION similarity_hnsw_handler(internal) IS 'handler of the access method similarity_hnsw';

CREATE ACCESS METHOD similarity_hnsw TYPE INDEX HANDLER similarity_hnsw_handler;
COMMENT ON ACCESS METHOD similarity_hnsw IS 'proximity graph for nearest-neighbor search; WITH (m = 16, ef_construction = 100, ef_search = 40 or target_recall = 0.99)';

CREATE FUNCTION hnsw_l2_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_l2_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_cosine_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_cosine_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_ip_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_ip_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_l1_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_l1_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_hamming_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_hamming_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hnsw_jaccard_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hnsw_jaccard_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION hnsw_hamming_support(internal) IS 'which distance an operator class of similarity_hnsw is for';
COMMENT ON FUNCTION hnsw_jaccard_support(internal) IS 'which distance an operator class of similarity_hnsw is for';
COMMENT ON FUNCTION hnsw_l2_support(internal) IS 'which distance an operator class of similarity_hnsw is for';
COMMENT ON FUNCTION hnsw_cosine_support(internal) IS 'which distance an operator class of similarity_hnsw is for';
COMMENT ON FUNCTION hnsw_ip_support(internal) IS 'which distance an operator class of similarity_hnsw is for';
COMMENT ON FUNCTION hnsw_l1_support(internal) IS 'which distance an operator class of similarity_hnsw is for';

CREATE OPERATOR CLASS embedding_l2_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <-> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_l2_support(internal);
COMMENT ON OPERATOR CLASS embedding_l2_ops USING similarity_hnsw IS 'ORDER BY Euclidean distance, <->';
COMMENT ON OPERATOR FAMILY embedding_l2_ops USING similarity_hnsw IS 'ORDER BY Euclidean distance, <->';

CREATE OPERATOR CLASS embedding_cosine_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <=> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_cosine_support(internal);
COMMENT ON OPERATOR CLASS embedding_cosine_ops USING similarity_hnsw IS 'ORDER BY cosine distance, <=>';
COMMENT ON OPERATOR FAMILY embedding_cosine_ops USING similarity_hnsw IS 'ORDER BY cosine distance, <=>';

CREATE OPERATOR CLASS embedding_ip_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <#> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_ip_support(internal);
COMMENT ON OPERATOR CLASS embedding_ip_ops USING similarity_hnsw IS 'ORDER BY negative inner product, <#>';
COMMENT ON OPERATOR FAMILY embedding_ip_ops USING similarity_hnsw IS 'ORDER BY negative inner product, <#>';

CREATE OPERATOR CLASS embedding_l1_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <+> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_l1_support(internal);
COMMENT ON OPERATOR CLASS embedding_l1_ops USING similarity_hnsw IS 'ORDER BY Manhattan distance, <+>';
COMMENT ON OPERATOR FAMILY embedding_l1_ops USING similarity_hnsw IS 'ORDER BY Manhattan distance, <+>';

CREATE OPERATOR CLASS embedding_hamming_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <~> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_hamming_support(internal);
COMMENT ON OPERATOR CLASS embedding_hamming_ops USING similarity_hnsw IS 'ORDER BY Hamming distance of bits, <~>';
COMMENT ON OPERATOR FAMILY embedding_hamming_ops USING similarity_hnsw IS 'ORDER BY Hamming distance of bits, <~>';

CREATE OPERATOR CLASS embedding_jaccard_ops FOR TYPE embedding USING similarity_hnsw AS
	OPERATOR 1 <%> (embedding, embedding) FOR ORDER BY pg_catalog.float_ops,
	FUNCTION 1 hnsw_jaccard_support(internal);
COMMENT ON OPERATOR CLASS embedding_jaccard_ops USING similarity_hnsw IS 'ORDER BY Jaccard distance of bits, <%>';
COMMENT ON OPERATOR FAMILY embedding_jaccard_ops USING similarity_hnsw IS 'ORDER BY Jaccard distance of bits, <%>';

CREATE FUNCTION similarity.index_info(
	index regclass,
	OUT distance text, OUT dims integer, OUT m integer, OUT ef_construction integer, OUT ef_search integer,
	OUT rows bigint, OUT nodes bigint, OUT dead_nodes bigint, OUT free_nodes bigint,
	OUT mean_neighbors double precision, OUT pages bigint, OUT node_bytes integer, OUT format_version integer,
	OUT unreachable_nodes bigint, OUT target_recall double precision, OUT root_nodes integer, OUT centered boolean,
	OUT passes integer, OUT first_pass_recall double precision, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hnsw_index_info' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000 ROWS 1;
COMMENT ON FUNCTION similarity.index_info(regclass) IS 'what an index of similarity_hnsw is and holds; reads all of it. Of a partitioned index: each partition''s, which part names';

CREATE FUNCTION similarity.index_degrees(
	index regclass,
	OUT neighbors integer, OUT nodes bigint, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hnsw_index_degrees' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10000 ROWS 32;
COMMENT ON FUNCTION similarity.index_degrees(regclass) IS 'how many nodes of an index of similarity_hnsw have how many neighbors; reads all of it. Of a partitioned index: each partition''s';

CREATE FUNCTION similarity.index_stats(
	index regclass,
	OUT ef_search integer, OUT expansions double precision, OUT pages_per_expansion double precision,
	OUT target_recall double precision, OUT target_ef_search integer,
	OUT recall double precision, OUT recall_k integer, OUT recall_ef_search integer, OUT recall_sample integer,
	OUT recall_rows bigint, OUT recall_time timestamptz, OUT rows_for_ten double precision, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hnsw_index_stats' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10 ROWS 1;
COMMENT ON FUNCTION similarity.index_stats(regclass) IS 'what was measured of an index of similarity_hnsw, by its build, vacuums, and index_recall(); reads one page. Of a partitioned index: each partition''s';

CREATE FUNCTION similarity.index_history(
	index regclass,
	OUT event text, OUT ended timestamptz, OUT count bigint, OUT seconds double precision,
	OUT rows bigint, OUT rows_estimated boolean, OUT rows_inserted bigint, OUT rows_removed bigint, OUT nodes_freed bigint,
	OUT lists_repaired bigint, OUT entry_changes bigint, OUT root_changes bigint, OUT bytes bigint,
	OUT expansions double precision, OUT recall double precision, OUT recall_k bigint, OUT recall_ef_search bigint,
	OUT recall_sample bigint, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hnsw_index_history' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10 ROWS 20;
COMMENT ON FUNCTION similarity.index_history(regclass) IS 'what happened to an index of similarity_hnsw since its build, the oldest first: build, vacuums (count of them as one row, the older the more) and measurements of index_recall() by its owner; reads one page. Of a partitioned index: each partition''s';

CREATE FUNCTION similarity.index_recall(
	index regclass, INOUT sample bigint DEFAULT 100, INOUT k bigint DEFAULT 10, INOUT ef_search bigint DEFAULT NULL,
	seed bigint DEFAULT 1,
	OUT recall double precision, OUT rows bigint, OUT expansions double precision, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hnsw_index_recall' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1;
COMMENT ON FUNCTION similarity.index_recall(regclass, bigint, bigint, bigint, bigint) IS 'share of the true k nearest that an index of similarity_hnsw finds, for a sample of its rows; reads the table twice. Of a partitioned index: each partition''s';

CREATE FUNCTION similarity.verify_index(index regclass)
	RETURNS TABLE (block bigint, node bigint, finding text)
	AS 'MODULE_PATHNAME', 'hnsw_verify_index' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION similarity.verify_index(regclass) IS 'what is wrong with an index of similarity_hnsw, one row each; none if it is sound; for its owner. A partitioned index is verified partition by partition, and a finding begins with the name of the partition''s index';
