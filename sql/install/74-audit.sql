-- Labels, looked at: which are wrong, and which to give next.

CREATE FUNCTION similarity.audit(gallery text, k bigint DEFAULT NULL, least_sure double precision DEFAULT 0.5,
	duplicate_distance double precision DEFAULT NULL, exact boolean DEFAULT true)
	RETURNS TABLE (key text, label text, suggested_label text, sure double precision, duplicate_of text, duplicate_distance double precision)
	AS 'MODULE_PATHNAME', 'gallery_audit' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 100;
COMMENT ON FUNCTION similarity.audit(text, bigint, double precision, double precision, boolean) IS
	'rows whose label their neighbors contradict, surest first: the label that the k nearest labeled rows suggest, and how sure it is that the row''s own is wrong (0 to 1). k: NULL: of 50, 25, 12 and 6 the number by which neighbors say best what labels rows have, fewer where classes have few rows. least_sure: leave out what is less sure; 0: all rows with a label. Rows with a near-duplicate are there in any case: the nearest labeled row, if it is within duplicate_distance (NULL: a tenth of the median distance to the nearest row, a hundredth where distances are squares, as cosine). key: the gallery''s, else the row''s ctid. exact: by the true neighbors, else by what look-ups find, for large galleries with an index';

CREATE FUNCTION similarity.suggest_labels(gallery text, n bigint DEFAULT 20, k bigint DEFAULT 10, exact boolean DEFAULT true)
	RETURNS TABLE (rank integer, key text, label text, suggested_label text, sure double precision)
	AS 'MODULE_PATHNAME', 'gallery_suggest_labels' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 20;
COMMENT ON FUNCTION similarity.suggest_labels(text, bigint, bigint, boolean) IS
	'the n rows to label next, best first: of the rows without label those about which their k nearest labeled rows agree least, each for many like it; where every row has a label, those whose label is most doubtful. suggested_label: what the neighbors say; sure: their share of the votes, or for a row with a label how sure it is that this is wrong (0 to 1). key, exact: as in audit';
