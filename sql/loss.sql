-- Losses by themselves: value and gradient, against golden numbers.
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/test/data/loss_goldens.txt'
CREATE TABLE line (text text, i int GENERATED ALWAYS AS IDENTITY);
COPY line (text) FROM :'file';

-- The numbers of a stream, in rows of eight
CREATE FUNCTION rows_of(seed numeric, n int) RETURNS embedding[] LANGUAGE sql AS $$
	WITH RECURSIVE r (i, s) AS (
		SELECT 0, seed
		UNION ALL
		SELECT i + 1, mod(s * 6364136223846793005 + 1442695040888963407, 2::numeric ^ 64) FROM r WHERE i < 8 * n),
	x AS (SELECT (i - 1) / 8 AS r, array_agg((div(s, 2::numeric ^ 40) / 8388608 - 1)::real ORDER BY i)::embedding AS e
		FROM r WHERE i > 0 GROUP BY 1)
	SELECT array_agg(e ORDER BY r) FROM x
$$;
CREATE TABLE golden AS
WITH block AS (SELECT *, count(*) FILTER (WHERE text ~ '^[a-z]') OVER (ORDER BY i) AS loss FROM line WHERE text !~ '^(#|$)'),
ranked AS (SELECT *, row_number() OVER (PARTITION BY loss ORDER BY i) AS k FROM block WHERE loss > 0)
SELECT loss AS id, max(text) FILTER (WHERE k = 1) AS text, (max(text) FILTER (WHERE k = 2))::float8 AS value,
	string_to_array(string_agg(text, ' ' ORDER BY i) FILTER (WHERE k > 2), ' ')::float8[] AS gradient
FROM ranked GROUP BY 1;
ALTER TABLE golden ADD name text, ADD params jsonb, ADD second embedding[];
UPDATE golden SET name = split_part(text, ' ', 1), params = coalesce((
	SELECT jsonb_object_agg(p[1], CASE WHEN p[2] ~ '^(null$|[-+.\d])' THEN p[2]::jsonb ELSE to_jsonb(p[2]) END)
	FROM regexp_matches(text, '(\w+)=(\S+)', 'g') p), '{}');
UPDATE golden SET second = CASE cardinality(gradient) WHEN 192 THEN rows_of(2, 12) WHEN 136 THEN rows_of(3, 5) WHEN 176 THEN rows_of(3, 10) END;
SELECT count(*) AS losses, count(DISTINCT name) AS names, count(second) AS with_second FROM golden;

-- Gradients come as float4: half a unit in the last place.
CREATE FUNCTION numbers(e embedding[]) RETURNS float8[] LANGUAGE sql RETURN
	(SELECT array_agg(x::float8 ORDER BY i, j) FROM unnest(e) WITH ORDINALITY u (row, i), unnest(row::real[]) WITH ORDINALITY v (x, j));
CREATE TABLE result AS
SELECT g.id, g.text, g.value AS expected, l.value, g.gradient AS expected_gradient,
	numbers(l.gradient) || numbers(l.second_gradient) AS gradient, cardinality(l.gradient) AS rows
FROM golden g, similarity.loss(g.name, '{0,0,0,1,1,1,2,2,2,3,3,4}', rows_of(1, 12), g.params, g.second) l;
SELECT count(*) AS losses, bool_and(rows = 12 AND cardinality(gradient) = cardinality(expected_gradient)) AS sized FROM result;
SELECT text, value, expected FROM result WHERE NOT abs(value - expected) < 1e-12 * greatest(1, abs(expected));
SELECT text, i, x, y FROM result, unnest(gradient, expected_gradient) WITH ORDINALITY u (x, y, i)
WHERE NOT abs(x - y) < 2e-12 + 6e-8 * abs(y);
-- Values of which no gradients are given
SELECT abs(v.expected - l.value) < 1e-9 AS near, cardinality(l.gradient), cardinality(l.second_gradient)
FROM (VALUES ('vicreg', rows_of(2, 12), 31.8721754171::float8), ('cosface', rows_of(3, 5), 62.3165779135),
	('normalized_softmax', rows_of(3, 5), 13.1956047782)) v (name, second, expected),
	similarity.loss(v.name, '{0,0,0,1,1,1,2,2,2,3,3,4}', rows_of(1, 12), second => v.second) l;

-- Defaults, NULL parameters, one class, one row, equal rows; every loss is finite.
SELECT value = 0 AS zero, second_gradient IS NULL AS alone
FROM similarity.loss('multi_similarity', '{1,1}', ARRAY['[1,0]', '[0,1]']::embedding[], NULL);
SELECT round(value::numeric, 6) AS value, gradient FROM similarity.loss('triplet', '{0,1}', ARRAY['[1,0]', '[1,0]']::embedding[]);
SELECT DISTINCT l.loss, x.value IS NOT NULL AS finite
FROM similarity.losses() l, LATERAL similarity.loss(l.loss, '{0,0,1,1}', rows_of(5, 4), second => CASE
	WHEN l.loss IN ('arcface', 'cosface', 'normalized_softmax', 'proxy_anchor', 'proxy_nca') THEN rows_of(6, 2)
	WHEN l.loss = 'sub_center_arcface' THEN rows_of(6, 6)
	WHEN l.loss IN ('barlow', 'multiple_negatives_ranking', 'simclr', 'simsiam', 'vicreg') THEN rows_of(6, 4) END) x
WHERE l.parameter IS NULL ORDER BY 1;
-- A batch has no memory of earlier ones; precisions of the type go.
SELECT count(DISTINCT value) FROM (VALUES ('{}'::jsonb), ('{"memory_size": 1000000}')) p (params),
	similarity.loss('triplet', '{0,0,1,1}', rows_of(5, 4), params);
SELECT abs(a.value - b.value) < 0.01 AS near FROM
	similarity.loss('triplet', '{0,0,1,1}', rows_of(5, 4)) a,
	similarity.loss('triplet', '{0,0,1,1}', (SELECT array_agg(e::embedding(8, half)::embedding ORDER BY i) FROM unnest(rows_of(5, 4)) WITH ORDINALITY u (e, i))) b;

-- Errors name what is accepted.
\pset format unaligned
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;
CREATE FUNCTION loss_fails(arguments text) RETURNS text LANGUAGE sql RETURN fails('SELECT similarity.loss(' || arguments || ')');
\pset tuples_only on
SELECT loss_fails($$'tripled', '{0,1}', '{[1],[2]}'$$);
SELECT loss_fails($$'multi_similarity', '{0,1}', '{[1],[2]}', '{"gamma": 1}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],[2]}', '{"distance": "chebyshev"}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],[2]}', '{"margin": "wide"}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],[2]}', '{"margin": -1e99}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],[2]}', '[]'$$);
SELECT loss_fails($$NULL, '{0,1}', '{[1],[2]}'$$);
SELECT loss_fails($$'triplet', NULL, '{[1],[2]}'$$);
SELECT loss_fails($$'triplet', '{0,1}', NULL$$);
SELECT loss_fails($$'triplet', '{0}', '{[1],[2]}'$$);
SELECT loss_fails($$'triplet', '{{0,1}}', '{[1],[2]}'$$);
SELECT loss_fails($$'triplet', '{0,NULL}', '{[1],[2]}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],NULL}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{"[1,2]",[2]}'$$);
SELECT loss_fails($$'triplet', '{}', '{}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{{[1]},{[2]}}'$$);
SELECT loss_fails($$'triplet', '{0,1}', '{[1],[2]}', second => '{[1],[2]}'$$);
SELECT loss_fails($$'proxy_anchor', '{0,1}', '{[1],[2]}'$$);
SELECT loss_fails($$'proxy_anchor', '{0,2}', '{[1],[2]}', second => '{[1],[2]}'$$);
SELECT loss_fails($$'proxy_anchor', '{0,-1}', '{[1],[2]}', second => '{[1],[2]}'$$);
SELECT loss_fails($$'sub_center_arcface', '{0,1}', '{[1],[2]}', second => '{[1],[2]}'$$);
SELECT loss_fails($$'sub_center_arcface', '{0,1}', '{[1],[2]}', second => '{[1],[2],[3]}'$$);
SELECT loss_fails($$'proxy_anchor', '{0,1}', '{[1],[2]}', second => '{"[1,2]","[2,3]"}'$$);
SELECT loss_fails($$'simclr', '{0,1}', '{[1],[2]}'$$);
SELECT loss_fails($$'simclr', NULL, '{[1],[2]}', second => '{[1]}'$$);
SELECT loss_fails($$'triplet', array_fill(0, ARRAY[100000]), array_fill('[1]'::embedding, ARRAY[100000])$$);

DROP TABLE line, golden, result;
DROP FUNCTION rows_of, numbers, loss_fails, fails;
