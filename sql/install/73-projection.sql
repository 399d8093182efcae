-- Embeddings as points in the plane.

CREATE FUNCTION similarity.projection(gallery text, method text DEFAULT 'umap', "rows" integer DEFAULT 10000,
	seed bigint DEFAULT 42, neighbors integer DEFAULT 15, min_dist double precision DEFAULT 0.1,
	spread double precision DEFAULT 1, epochs integer DEFAULT NULL)
	RETURNS TABLE (key text, label text, x double precision, y double precision)
	AS 'MODULE_PATHNAME', 'gallery_projection' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10000;
COMMENT ON FUNCTION similarity.projection(text, text, integer, bigint, integer, double precision, double precision, integer) IS
	'rows of a gallery as points in the plane. method: umap, a neighbor embedding, in which what is near stays near; or pca, the two principal components. rows: the most that are taken, others are left out at random by seed. neighbors, min_dist, spread, epochs: of umap; how many nearest rows hold a point, how near points may come in units of spread, and how long it is laid out (NULL: 500, 200 beyond 10,000 rows). With the distance cosine, of directions. The same rows and seed give the same points, whatever the number of threads; memory is maintenance_work_mem';

CREATE FUNCTION similarity.projection(embeddings embedding[], method text DEFAULT 'umap', distance text DEFAULT 'cosine',
	seed bigint DEFAULT 42, neighbors integer DEFAULT 15, min_dist double precision DEFAULT 0.1,
	spread double precision DEFAULT 1, epochs integer DEFAULT NULL)
	RETURNS TABLE (item integer, x double precision, y double precision)
	AS 'MODULE_PATHNAME', 'embeddings_projection' LANGUAGE C STABLE PARALLEL SAFE COST 1000000 ROWS 10000;
COMMENT ON FUNCTION similarity.projection(embedding[], text, text, bigint, integer, double precision, double precision, integer) IS
	'embeddings as points in the plane, numbered from 1. method, seed, neighbors, min_dist, spread and epochs as of a gallery. distance: as of create_gallery()';
