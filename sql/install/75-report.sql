-- Pictures: lines of half blocks for the terminal, pages of HTML.  Colors are
-- escape sequences, which psql passes on in unaligned output only (psql -At).

CREATE FUNCTION similarity.show_image(image bytea, shape integer[] DEFAULT NULL, columns integer DEFAULT 80, style text DEFAULT 'plain')
	RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_image' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION similarity.show_image(bytea, integer[], integer, text) IS
	'an image, a JPEG or PNG file or raw pixels, as lines of text. shape, of raw pixels: {height,width,channels} with 1 or 3 channels, or {height,width}. columns: the most characters of a line. style: plain, color256, truecolor or ascii';

CREATE FUNCTION similarity.show_neighbors(gallery text, input bytea, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT 120, style text DEFAULT 'plain') RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input double precision[], k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT 120, style text DEFAULT 'plain') RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input embedding, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT 120, style text DEFAULT 'plain') RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
CREATE FUNCTION similarity.show_neighbors(gallery text, input text, k bigint DEFAULT 5, label text DEFAULT NULL,
	columns integer DEFAULT 120, style text DEFAULT 'plain') RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'show_neighbors' LANGUAGE C STABLE PARALLEL RESTRICTED COST 2000 ROWS 20;
COMMENT ON FUNCTION similarity.show_neighbors(text, bytea, bigint, text, integer, text) IS
	'an item and its k nearest rows side by side as lines of text: picture, label, distance. label: the item''s own, to mark right and wrong neighbors. columns: the most characters of a line. style: plain, color256, truecolor or ascii';
COMMENT ON FUNCTION similarity.show_neighbors(text, double precision[], bigint, text, integer, text) IS
	'an item and its k nearest rows side by side as lines of text';
COMMENT ON FUNCTION similarity.show_neighbors(text, embedding, bigint, text, integer, text) IS
	'the k nearest rows of an embedding side by side as lines of text';
COMMENT ON FUNCTION similarity.show_neighbors(text, text, bigint, text, integer, text) IS
	'an item given as text, bytea \x..., an array {...} or an embedding [...], and its k nearest rows side by side as lines of text';

CREATE FUNCTION similarity.neighbors_html(gallery text, query text, k bigint DEFAULT 5, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'neighbors_html' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION similarity.neighbors_html(text, text, bigint, text) IS
	'one self-contained HTML page of items and their k nearest rows. query: any SELECT of (input, label) or (input, label, image) with at most 1000 rows; label may be NULL. Without image, an input of raw pixels, or a JPEG or PNG file, is its own picture';

CREATE FUNCTION similarity.report(gallery text, query text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'report' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION similarity.report(text, text, jsonb) IS
	'everything about a gallery as one self-contained HTML page. query: any SELECT of (input, label) or (input, label, image) whose rows are compared with the gallery; NULL: a sample of the gallery itself, each row without itself. options: rows (2000), seed, k (5), items (50 shown with pictures)';

CREATE FUNCTION similarity.report_html(gallery text, section text, query text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'report_html' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION similarity.report_html(text, text, text, jsonb) IS
	'one section of similarity.report() as a page of its own. section: neighbors, distances, training (of a model''s name as well), index';
