-- What is drawn in the terminal: confusion, trainings, distances, marks.
CREATE TABLE fruit (id int PRIMARY KEY, kind text, e embedding(2));
INSERT INTO fruit SELECT i, (ARRAY['apple', 'pear', 'plum'])[1 + i % 3], ARRAY[i % 3 + (i / 3 % 10) * 0.06, 0]::real[]::embedding FROM generate_series(1, 90) i;
SELECT similarity.create_gallery('fruits', 'fruit', 'e', 'kind', 'id', distance => 'l2');
\pset format unaligned
\pset tuples_only on
SET similarity.style = 'ascii';
SET similarity.columns = 72;

-- rows of the gallery, each without itself; no cut point yet
SELECT similarity.show_confusion('fruits');
SELECT similarity.show_histogram('fruits', bins => 8);
-- items of a query: two are what they are not said to be, one is far from everything
CREATE VIEW items AS SELECT e, kind FROM fruit WHERE id <= 40 UNION ALL SELECT '[0,0]', 'plum' UNION ALL SELECT '[1.1,0]', 'plum' UNION ALL SELECT '[50,0]', 'apple';
SELECT count(*) FROM similarity.calibrate('fruits', 'SELECT e, kind FROM items');
SELECT similarity.show_confusion('fruits', 'SELECT e, kind FROM items', cutpoint => 'optimal', style => 'plain');
SELECT similarity.show_confusion('fruits', 'SELECT e, kind FROM items', columns => 40);
SELECT similarity.show_histogram('fruits', 'SELECT e, kind FROM items WHERE e <-> ''[0,0]'' < 9', bins => 8, style => 'plain');
-- as many rows as asked for, the same ones again
SELECT similarity.show_confusion('fruits', rows => 20) LIMIT 1;
SELECT array_agg(a) = array_agg(b) AS again FROM similarity.show_confusion('fruits', rows => 20, seed => 7) a, similarity.show_confusion('fruits', rows => 20, seed => 7) b WHERE a = b;
-- numbers are in the order of numbers
CREATE VIEW numbered AS SELECT e, id % 3 * 9 + 1 AS n FROM fruit;
SELECT similarity.create_gallery('numbered', 'numbered', 'e', 'n', distance => 'l2');
SELECT similarity.show_confusion('numbered') OFFSET 4 LIMIT 4;

-- Neighbors beyond the cut point are neither right nor wrong.
SELECT similarity.show_neighbors('fruits', '[-0.2,0]'::embedding, k => 3, label => 'apple');
SELECT similarity.show_neighbors('fruits', '[50,0]'::embedding, k => 2, label => 'apple', style => 'plain');
-- Colors come with the setting as well, and say nothing that signs do not.
SET similarity.style = 'color256';
SELECT string_agg(regexp_replace(l, E'\x1b\\[[0-9;]*m', '', 'g'), E'\n') FROM similarity.show_neighbors('fruits', '[50,0]'::embedding, k => 1) l;
SELECT count(*) FROM similarity.show_confusion('fruits') l WHERE l ~ E'\x1b\\[48;5;[0-9]+m.*\x1b\\[0m';
RESET similarity.style;

-- Trainings: what each epoch logged, known classes apart from others
CREATE VIEW rows AS SELECT ARRAY[id % 3, id % 7, 1]::real[] AS x, kind FROM fruit;
SELECT count(*) FROM similarity.create_model('tree', '{3}', '[{"metric_embedding": {"units": 2}}]');
SELECT similarity.show_training('tree');
CALL similarity.train('tree', 'SELECT x, kind FROM rows', epochs => 5, steps_per_epoch => 3, seed => 1, verbose => false);
CALL similarity.train('tree', 'SELECT x, kind FROM rows', epochs => 3, steps_per_epoch => 3, seed => 1, verbose => false, known_classes => '{apple,pear}', validation => 'SELECT x, kind FROM rows');
CREATE FUNCTION curves(style text, runs bigint DEFAULT 3) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(regexp_replace(l, 'run \d+', 'run N'), 'version \d+', 'version N'), ' +-?[0-9.]+(e-?\d+)?( %)? to +-?[0-9.]+(e-?\d+)?', ' x\2 to x')
	FROM similarity.show_training('tree', runs, style => style) l $$;
SELECT regexp_replace(l, '[▁▂▃▄▅▆▇█]', '-', 'g') FROM curves('plain') l;
SELECT count(*) FROM curves('ascii', 1) l WHERE l ~ 'to x  [0-9]{3}$';

-- Nothing of labels is a command of the terminal.
INSERT INTO fruit VALUES (100, E'\x1b[31m\u202e<script>', '[9,9]'), (101, repeat('long ', 100), '[9,9.5]');
SELECT count(*) FILTER (WHERE l ~ E'[\x01-\x1f\u202e]') AS commands, max(length(l)) <= 72 AS fits
FROM similarity.show_confusion('fruits') l;

-- Errors
\set SHOW_CONTEXT never
SELECT similarity.show_confusion('fruits', columns => 39);
SELECT similarity.show_confusion('fruits', style => 'baroque');
SELECT similarity.show_confusion('fruits', rows => 0);
SELECT similarity.show_confusion('fruits', seed => NULL);
SELECT similarity.show_confusion('fruits', cutpoint => 'nosuch');
SELECT similarity.show_confusion('numbered', cutpoint => 'optimal');
SELECT similarity.show_confusion('fruits', 'SELECT 1');
SELECT similarity.show_confusion('nosuch');
SELECT similarity.show_histogram('fruits', bins => 1);
SELECT similarity.show_histogram('fruits', 'DELETE FROM fruit');
SELECT similarity.show_training('nosuch');
SELECT similarity.show_training('tree', 0);
SELECT similarity.show_training(NULL);
SET similarity.style = 'baroque';
SET similarity.columns = -1;
RESET similarity.columns;

SELECT similarity.drop_gallery('fruits');
SELECT similarity.drop_gallery('numbered');
SELECT similarity.drop_model('tree');
DROP VIEW items, numbered, rows;
DROP TABLE fruit;
DROP FUNCTION curves;
