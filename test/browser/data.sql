-- Galleries of the pages: pictures, labels that try to be more, rows without any.
CREATE EXTENSION similarity;

-- Six groups on a circle that overlap at their edges; labels that are markup,
-- control characters, text from right to left, and none.
CREATE TABLE glyphs (id int PRIMARY KEY, kind text, e embedding(2), image bytea);
INSERT INTO glyphs
SELECT i, (ARRAY['bar', 'box', '</script><script>window.broken = 1</script>', E'\u202Egpj.exe \u05d0\u05d1', E'a\001b\007"&''\\', NULL])[1 + i % 6],
	ARRAY[cos(i % 6 + (i * 7919 % 97) / 80.0), sin(i % 6 + (i * 7919 % 97) / 80.0)]::embedding,
	CASE WHEN i % 50 > 0 THEN decode(string_agg(lpad(to_hex((i * 37 + p * (i % 6)) % 256), 2, '0') || lpad(to_hex(p * 15 % 256), 2, '0') || '40', '' ORDER BY p), 'hex') END
FROM generate_series(1, 300) i, generate_series(1, 64) p GROUP BY i;
CREATE INDEX ON glyphs USING similarity_hnsw (e embedding_l2_ops);
SELECT similarity.create_gallery('glyphs', 'glyphs', 'e', 'kind', distance => 'euclidean', image => 'image', image_shape => '{8,8,3}');

-- neither labels nor pictures nor key nor index; and not even rows
CREATE TABLE bare (e embedding(2), kind text);
INSERT INTO bare SELECT ARRAY[i, i * i]::embedding FROM generate_series(1, 30) i;
SELECT similarity.create_gallery('bare', 'bare', 'e', 'kind', distance => 'euclidean');
CREATE TABLE empty (e embedding(2), kind text);
SELECT similarity.create_gallery('empty', 'empty', 'e', 'kind', distance => 'euclidean');

-- The sample of a page, as SQL (src/pages/README)
CREATE VIEW glyphs_sample AS
SELECT * FROM glyphs WHERE e IS NOT NULL ORDER BY hashtextextended(id::text, 42) LIMIT 2000;
