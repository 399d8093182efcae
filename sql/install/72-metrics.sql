-- The metrics as plain functions over arrays: what evaluate_retrieval, match
-- and calibrate compute from a gallery.

CREATE FUNCTION similarity.retrieval_metrics(query_labels text[], neighbor_labels text[],
	neighbor_distances double precision[] DEFAULT NULL, relevant bigint[] DEFAULT NULL, metrics text[] DEFAULT '{recall@1}',
	average text DEFAULT 'micro', drop_closest boolean DEFAULT false, distance_threshold double precision DEFAULT 'Infinity')
	RETURNS TABLE (metric text, value double precision)
	AS 'MODULE_PATHNAME', 'metrics_retrieval' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 2;
COMMENT ON FUNCTION similarity.retrieval_metrics(text[], text[], double precision[], bigint[], text[], text, boolean, double precision) IS
	'retrieval metrics of ranked neighbors. neighbor_labels: {queries x neighbors}, nearest first; a null is nobody''s label. neighbor_distances: the same shape, nulls at the end of a row: it has fewer neighbors. relevant: the number of rows of each query''s label, which map@k, map@r and r_precision need. The rest as in evaluate_retrieval';

CREATE FUNCTION similarity.match_neighbors(neighbor_labels text[], neighbor_distances double precision[],
	matcher text DEFAULT 'match_nearest')
	RETURNS TABLE (query integer, label text, distance double precision)
	AS 'MODULE_PATHNAME', 'metrics_match' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION similarity.match_neighbors(text[], double precision[], text) IS
	'one label and distance of each query''s neighbors {queries x neighbors}, nearest first. matcher: match_nearest, or match_majority_vote (ties to the nearest, mean distance of all)';

CREATE FUNCTION similarity.classification_counts(labels text[], predicted text[], distances double precision[],
	thresholds double precision[])
	RETURNS TABLE (threshold double precision, tp bigint, fp bigint, tn bigint, fn bigint)
	AS 'MODULE_PATHNAME', 'metrics_count' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION similarity.classification_counts(text[], text[], double precision[], double precision[]) IS
	'at each of ascending thresholds: matches with the right label within it (tp) and beyond (fn), with another within it (fp) and beyond (tn)';

CREATE FUNCTION similarity.classification_metrics(tp bigint[], fp bigint[], tn bigint[], fn bigint[], queries bigint DEFAULT NULL)
	RETURNS TABLE (threshold integer, "precision" double precision, recall double precision, f1 double precision,
		binary_accuracy double precision, npv double precision, fpr double precision)
	AS 'MODULE_PATHNAME', 'metrics_classification' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION similarity.classification_metrics(bigint[], bigint[], bigint[], bigint[], bigint) IS
	'classification metrics of counts at ascending thresholds, numbered from 1. queries: tp + fp + tn + fn unless given';
