-- Exact search for many queries at once.

CREATE FUNCTION similarity.knn(relation regclass, embedding_column text, queries embedding[], k bigint DEFAULT 10,
	metric text DEFAULT 'l2',
	OUT query integer, OUT rank integer, OUT id tid, OUT distance double precision, OUT part regclass)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'similarity_knn' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION similarity.knn(regclass, text, embedding[], bigint, text) IS
	'the exact k nearest rows of each query, by one pass over the table for as many as maintenance_work_mem holds. queries: of one dimension, numbered from 1; a list of lists is cast, $1::double precision[]::embedding[]. k: 1 .. 10000. metric: l2 or euclidean, squared_euclidean, cosine, inner_product (negative, as <#>), l1 or manhattan, snr, hamming, jaccard. id: the row''s ctid in part, which is relation itself unless that has partitions or children. Rows without embedding are passed over; equal distances rank in the order of the scan';

CREATE FUNCTION similarity.distances()
	RETURNS TABLE (distance text, aliases text[], operator text, function text, operator_class text)
	AS 'MODULE_PATHNAME', 'list_distances' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 8;
COMMENT ON FUNCTION similarity.distances() IS 'each distance by name: its other names, its operator or function, and the operator class of similarity_hnsw that serves it';
