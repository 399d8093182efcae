-- Pictures and charts: lines of text for the terminal, pages of HTML.  Colors are
-- escape sequences, which psql passes on in unaligned output only: end such a
-- statement with \g (format=unaligned tuples_only=on).

CREATE FUNCTION similarity.show_image(image bytea, shape integer[] DEFAULT NULL, columns integer DEFAULT NULL, style text DEFAULT NULL)
	RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_image' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION similarity.show_image(bytea, integer[], integer, text) IS
	'an image, a JPEG or PNG file or raw pixels, as lines of text. shape, of raw pixels: {height,width,channels} with 1 or 3 channels, or {height,width}. columns: the most characters of a line, by default those of similarity.columns. style: plain, color256, truecolor or ascii, by default that of similarity.style';

CREATE FUNCTION similarity.show_neighbors(gallery text, input bytea, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input double precision[], k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input embedding, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input text, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
COMMENT ON FUNCTION similarity.show_neighbors(text, bytea, bigint, text, integer, text) IS
	'an item and its k nearest rows side by side as lines of text: picture, label, distance. label: the item''s own, to mark right and wrong neighbors. columns: the most characters of a line, by default those of similarity.columns. style: plain, color256, truecolor or ascii, by default that of similarity.style';
COMMENT ON FUNCTION similarity.show_neighbors(text, double precision[], bigint, text, integer, text) IS
	'an item and its k nearest rows side by side as lines of text';
COMMENT ON FUNCTION similarity.show_neighbors(text, embedding, bigint, text, integer, text) IS
	'the k nearest rows of an embedding side by side as lines of text';
COMMENT ON FUNCTION similarity.show_neighbors(text, text, bigint, text, integer, text) IS
	'an item given as text, bytea \x..., an array {...} or an embedding [...], and its k nearest rows side by side as lines of text';

CREATE FUNCTION similarity.show_confusion(gallery text, query text DEFAULT NULL, cutpoint text DEFAULT NULL, rows integer DEFAULT 2000,
	seed bigint DEFAULT 0, columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_confusion' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 20;
COMMENT ON FUNCTION similarity.show_confusion(text, text, text, integer, bigint, integer, text) IS
	'what items are and what their nearest rows say they are, as a matrix in lines of text. query: any SELECT of (input, label); by default so many rows of the gallery, chosen by seed, each matched without itself. cutpoint: farther matches count as none of these';

CREATE FUNCTION similarity.show_training(model text, runs bigint DEFAULT 3, columns integer DEFAULT NULL, style text DEFAULT NULL)
	RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_training' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION similarity.show_training(text, bigint, integer, text) IS
	'the last trainings of a model as curves in lines of text: loss, distances, learning rate, recall@1 of the validation by epoch. runs: how many, the newest last';

CREATE FUNCTION similarity.show_histogram(gallery text, query text DEFAULT NULL, rows integer DEFAULT 2000, seed bigint DEFAULT 0,
	bins integer DEFAULT 20, columns integer DEFAULT NULL, style text DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_histogram' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 20;
COMMENT ON FUNCTION similarity.show_histogram(text, text, integer, bigint, integer, integer, text) IS
	'distances of pairs with the same label and of pairs with different ones, and the cut points, as bars in lines of text. query: any SELECT of (input, label) whose items are compared with the rows; by default the rows themselves, at most so many, chosen by seed';

CREATE FUNCTION similarity.neighbors_html(gallery text, query text, k bigint DEFAULT 5, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'neighbors_html' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION similarity.neighbors_html(text, text, bigint, text) IS
	'one self-contained HTML page of items and their k nearest rows. query: any SELECT of (input, label) or (input, label, image) with at most 1000 rows; label may be NULL. Without image, an input of raw pixels, or a JPEG or PNG file, is its own picture';

CREATE FUNCTION similarity.report(gallery text, query text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'report' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION similarity.report(text, text, jsonb) IS
	'everything about a gallery as one self-contained HTML page. query: any SELECT of (input, label) or (input, label, image) whose rows are compared with the gallery; NULL: a sample of the gallery itself, each row without itself. options: rows (2000), seed, k (5), items (50 shown with pictures), augmentation (of the sheet of that name; by default that of the last training)';

CREATE FUNCTION similarity.report_html(gallery text, section text, query text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'report_html' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION similarity.report_html(text, text, text, jsonb) IS
	'one section of similarity.report() as a page of its own. section: neighbors, projector, confusion, retrieval, distances, audit, training and augmentation (of a model''s name as well), index';
