-- Pages of sections: what stands on them, for whom, and what they cannot be made do.
\pset format unaligned
CREATE TABLE glyphs (id int PRIMARY KEY, kind text, e embedding(2), image bytea);
INSERT INTO glyphs
SELECT i, (ARRAY['bar', 'box', '</script><script>alert(1)</script>', E'\u202Egpj.exe', E'a\001"&''\\'])[1 + i % 5],
	ARRAY[cos(i % 5 + (i * 7919 % 97) / 90.0), sin(i % 5 + (i * 7919 % 97) / 90.0)]::embedding,
	decode(repeat(lpad(to_hex(i * 37 % 256), 2, '0') || 'ff00', 16), 'hex')
FROM generate_series(1, 60) i;
INSERT INTO glyphs VALUES (61, NULL, '[1,1]', NULL), (62, 'bar', '[-1,1]', '\x0102'), (63, 'box', NULL, NULL);
SELECT similarity.create_gallery('glyphs', 'glyphs', 'e', 'kind', distance => 'euclidean', image => 'image', image_shape => '{4,4,3}');

SELECT similarity.report('glyphs') AS page \gset
SELECT left(:'page', 15) AS doctype, right(:'page', 16) AS ending, :'page' !~ '[^\n\t -~]' AS ascii;
-- Nothing is fetched; pictures are part of the page, and scripts are ours.
SELECT substring(:'page', 'Content-Security-Policy" content="([^"]*)"') AS policy \gset
SELECT regexp_replace(:'policy', '( ?''sha256-[^'']*'')+', ' ...', 'g') AS policy;
-- by their hashes: each script and style sheet of the page has one, and each hash is of one of them
SELECT count(*) > 5 AS several, bool_and(position(format('''sha256-%s''', hash) IN :'policy') > 0) AS named,
	count(*) = (SELECT count(*) FROM regexp_matches(:'policy', 'sha256-', 'g')) AS no_other
FROM regexp_matches(:'page', '<s[ct][a-z]+?>(.*?)</s[ct]', 'g') m (f), encode(sha256(convert_to(f[1], 'UTF8')), 'base64') AS hash;
SELECT :'page' ~ '(src|href)="(?!data:image/(png|jpeg);base64,|#)' AS foreign, :'page' ~ 'https?://(?!www.w3.org/2000/svg)' AS addresses,
	:'page' ~ '<script>alert' AS markup_of_users, :'page' ~ 'gpj\.exe' AND :'page' !~* '202e|8238' AS harmless;
SELECT regexp_matches(:'page', '<h2[^>]*>(Neighbors)</h2>\s*<p class="basis"><bdi>([^<]*)</bdi>');

-- The sample is a query that anybody can repeat; a seed takes another.
CREATE VIEW sampled AS SELECT e, kind, image FROM glyphs WHERE e IS NOT NULL ORDER BY hashtextextended(id::text, 42) LIMIT 7;
SELECT array_agg(m[1] ORDER BY n) = (SELECT array_agg(id::text ORDER BY hashtextextended(id::text, 42)) FROM glyphs WHERE e IS NOT NULL AND hashtextextended(id::text, 42) <= (SELECT max(h) FROM (SELECT hashtextextended(id::text, 42) AS h FROM glyphs WHERE e IS NOT NULL ORDER BY 1 LIMIT 7) t)) AS same
FROM regexp_matches(similarity.report_html('glyphs', 'neighbors', options => '{"rows": 7}'), 'class="query">.*?<small>([^<]*)</small>', 'g') WITH ORDINALITY s(m, n);
SELECT similarity.report_html('glyphs', 'neighbors', options => '{"rows": 7}') = similarity.report_html('glyphs', 'neighbors', options => '{"rows": 7, "seed": 42}') AS same,
	similarity.report_html('glyphs', 'neighbors', options => '{"rows": 7}') = similarity.report_html('glyphs', 'neighbors', options => '{"rows": 7, "seed": 43}') AS other;

-- Neighbors: a row is not its own; what is not shown is said.
SELECT regexp_matches(similarity.report_html('glyphs', 'neighbors', options => '{"items": 5}'), '<dt>(items shown|nearest is right)</dt><dd><bdi>([^<]*)', 'g');
SELECT regexp_matches(similarity.report_html('glyphs', 'neighbors', options => '{"items": 5}'), 'class="note">([^<]*)', 'g');
SELECT count(*) FROM regexp_matches(similarity.report_html('glyphs', 'neighbors', options => '{"rows": 4, "k": 3}'), '<figure class="(right|wrong|unmarked)"', 'g');
SELECT regexp_matches(similarity.report_html('glyphs', 'neighbors', $$SELECT '[1,0]'::embedding, 'bar' FROM generate_series(1, 3)$$, '{"rows": 2}'), '<p class="basis"><bdi>([^<]*)</bdi>');
-- With a query that holds rows of the gallery they are their own neighbors, as the caller wants it.
SELECT regexp_matches(similarity.report_html('glyphs', 'neighbors', 'SELECT e, kind FROM sampled'), '<dt>(nearest is right)</dt><dd><bdi>([^<]*)', 'g');

-- Confusion and retrieval: the numbers are those of SQL over the same rows.
SELECT similarity.report_html('glyphs', 'confusion') AS page \gset
SELECT (SELECT array_agg(m[1]::bigint ORDER BY m[1]::bigint) FROM regexp_matches(:'page', 'data-cell="[^"]*" style="[^"]*">([0-9]+)<', 'g') m)
	= (SELECT array_agg(count ORDER BY count) FROM similarity.confusion_matrix('glyphs', 'SELECT e, kind FROM glyphs WHERE e IS NOT NULL AND kind IS NOT NULL', cutpoint => NULL, drop_closest => true)) AS same;
SELECT regexp_matches(:'page', 'class="note">([^<]*)', 'g');
SELECT jsonb_array_length(substring(:'page', 'data-name="labels">([^<]*)')::jsonb) AS labels, jsonb_array_length(substring(:'page', 'data-name="pairs">([^<]*)')::jsonb) > 10 AS pairs,
	strpos(substring(:'page', 'data-name="labels">([^<]*)'), '"\u003C/script\u003E\u003Cscript\u003Ealert(1)') > 0 AS escaped;
SELECT similarity.report_html('glyphs', 'retrieval') AS page \gset
SELECT metric, round(value::numeric, 4) = (SELECT round(((k -> 'values') ->> place)::numeric, 4) FROM jsonb_array_elements(substring(:'page', 'data-name="metrics">([^<]*)')::jsonb) k WHERE k ->> 'name' = replace(metric, at, 'k')) AS same
FROM similarity.evaluate_retrieval('glyphs', 'SELECT e, kind FROM glyphs WHERE e IS NOT NULL AND kind IS NOT NULL', '{recall@1,precision@5,map@10}', drop_closest => true),
	LATERAL (SELECT split_part(metric, '@', 2) AS at) a, LATERAL (SELECT array_position('{1,2,3,5,10,20,50}', at::int) - 1 AS place) p;
-- What only some of the rows have, or none.
SELECT regexp_matches(similarity.report_html('glyphs', 'retrieval', $$SELECT e, 'new' FROM glyphs WHERE id < 3$$), '<dt>([^<]*)</dt><dd><bdi>([^<]*)', 'g');
SELECT regexp_matches(similarity.report_html('glyphs', 'confusion', 'SELECT e, NULL FROM glyphs WHERE id < 3'), 'class="note">([^<]*)', 'g');

-- Nothing to show is a sentence.
CREATE TABLE bare (e embedding(2), kind text);
SELECT similarity.create_gallery('bare', 'bare', 'e', 'kind', distance => 'euclidean');
SELECT regexp_matches(similarity.report_html('bare', 'neighbors'), 'class="note">([^<]*)', 'g');
INSERT INTO bare SELECT ARRAY[i, i * i]::embedding FROM generate_series(1, 5) i;
SELECT regexp_matches(similarity.report_html('bare', 'neighbors'), 'class="(note|basis)">(?:<bdi>)?([^<]*)', 'g');
SELECT regexp_matches(similarity.report_html('bare', 'neighbors', 'SELECT e, kind FROM bare WHERE false'), 'class="(note|basis)">(?:<bdi>)?([^<]*)', 'g');

-- Errors name what there is.
\set VERBOSITY terse
SELECT similarity.report_html('glyphs', 'neighbours');
SELECT :'LAST_ERROR_SQLSTATE';
SELECT similarity.report('glyphs', options => '{"rowz": 5}');
\set VERBOSITY default
DO $$
DECLARE hint text;
BEGIN
	PERFORM similarity.report_html('glyphs', 'neighbours');
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	ASSERT hint LIKE 'Sections are %neighbors%', hint;
END $$;
SELECT similarity.report('glyphs', options => '{"rows": 0}');
SELECT similarity.report('glyphs', options => '[1]');
SELECT similarity.report('nothing');
SELECT similarity.report(NULL);
SELECT similarity.report('glyphs', 'DELETE FROM glyphs');
SELECT similarity.report('glyphs', 'SELECT e FROM glyphs');

-- The caller's rights, and the rows that the caller sees.
CREATE ROLE regress_page_reader;
SET ROLE regress_page_reader;
SELECT similarity.report('glyphs');
RESET ROLE;
GRANT SELECT ON glyphs TO regress_page_reader;
ALTER TABLE glyphs ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_ten ON glyphs TO regress_page_reader USING (id <= 10);
SET ROLE regress_page_reader;
SELECT regexp_matches(similarity.report('glyphs'), '<p class="basis"><bdi>([^<]*)</bdi>');
RESET ROLE;
\pset format aligned
SELECT similarity.drop_gallery('glyphs'), similarity.drop_gallery('bare');
DROP TABLE glyphs, bare CASCADE;
DROP ROLE regress_page_reader;
