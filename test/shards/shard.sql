-- In each shard, once its rows are there
\set ON_ERROR_STOP on
CREATE INDEX items_e ON items USING similarity_hnsw (e embedding_cosine_ops);
VACUUM (ANALYZE, FREEZE) items;
