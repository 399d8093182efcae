-- Pictures in the terminal and on a page.
CREATE TABLE glyphs (id int PRIMARY KEY, kind text, e embedding(1), image bytea);
INSERT INTO glyphs VALUES
	(1, 'bar', '[1]', decode('00ff00' || '00ff00' || '00ff00' || '00ff00', 'hex')),
	(2, 'box', '[2]', decode('ffffff' || 'ff00ff' || 'ff00ff' || 'ffffff', 'hex')),
	(3, '<b>"&''', '[4]', decode('ff0000' || '00ff00' || '0000ff' || '000000', 'hex')),
	(4, NULL, '[8]', NULL);
SELECT similarity.create_gallery('glyphs', 'glyphs', 'e', 'kind', distance => 'euclidean',
	image => 'image', image_shape => '{4,3}');
\pset format unaligned
SELECT similarity.show_image(image, '{4,3,1}') FROM glyphs WHERE id = 2;
SELECT similarity.show_image('\xff0000ffffff', '{1,2,3}', style => 'truecolor') = E'\x1b[38;2;255;0;0m▀\x1b[38;2;255;255;255m▀\x1b[0m' AS colors;
SELECT similarity.show_neighbors('glyphs', '[1.9]'::embedding, k => 4, label => 'box', columns => 90);
SELECT similarity.show_neighbors('glyphs', '[1.9]'::embedding, k => 2);
SELECT count(*) FROM similarity.show_neighbors('glyphs', NULL::embedding);

-- The page: pictures of gallery and query, marks, nothing of a user is markup.
SELECT similarity.neighbors_html('glyphs', 'SELECT e, kind, image FROM glyphs ORDER BY id', k => 2, title => 'a < b') AS page \gset
SELECT left(:'page', 15) AS doctype, right(:'page', 16) AS ending,
	:'page' LIKE '%<h1><bdi>a &lt; b</bdi></h1>%' AS title,
	position('<script' IN :'page') AS scripts,
	:'page' ~ 'src="(?!data:image/png;base64,)' AS foreign_pictures;
SELECT regexp_matches(:'page', '<dt>([^<]*)</dt><dd><bdi>([^<]*)</bdi></dd>', 'g');
SELECT substring(f, '^ class="([a-z]*)"') AS class, f LIKE '%<img%' AS picture,
	substring(f, '<b>(.*)</b>') AS label, substring(f, '<small>(.*)</small>') AS note
FROM regexp_split_to_table(:'page', '<figure') WITH ORDINALITY AS s(f, n) WHERE n > 1 ORDER BY n;
-- A picture that is none says so in its place, also the query's own.
INSERT INTO glyphs VALUES (5, 'short', '[16]', '\x0102'), (6, 'empty', '[17]', '');
SELECT similarity.show_neighbors('glyphs', '[16]'::embedding, k => 3);
SELECT regexp_matches(similarity.neighbors_html('glyphs', 'SELECT e, kind, image FROM glyphs WHERE id IN (3, 5) ORDER BY id', k => 2), 'class="none">([^<]*)<', 'g');
SELECT similarity.show_neighbors('glyphs', '[16]'::embedding, columns => -2147483648);
\pset format aligned
SELECT similarity.drop_gallery('glyphs');
DROP TABLE glyphs;
