-- The way in: help() leads, and knows whatever there is.
\pset format unaligned
\pset tuples_only on
-- settings first: the session has called nothing of the library yet
\c
-- where every plan is parallel by force, the library would come first in a worker, which cannot take what is SET
SET max_parallel_workers_per_gather = 0;
SELECT setting, "default", unit FROM similarity.settings() WHERE setting IN ('maintenance_work_mem', 'similarity.threads', 'similarity.training_memory') ORDER BY 1;
SET similarity.cache_memory = '64MB';
SELECT value, "default", unit FROM similarity.settings() WHERE setting = 'similarity.cache_memory';
SELECT count(*) FROM pg_settings WHERE name LIKE 'similarity.%' AND name NOT IN (SELECT setting FROM similarity.settings() WHERE meaning <> '');

SELECT similarity.help();
SELECT similarity.help('choices') LIMIT 3;
SELECT similarity.help(' SHOW_IMAGE ');
SELECT similarity.help('embed');
SELECT l FROM similarity.help('train') l WHERE l ~ 'CALL|epochs|seed';
SELECT similarity.help('nosuch');

-- Each topic has entries; each function that people call stands in one of them, and each view.
CREATE TEMPORARY TABLE topic AS SELECT (regexp_match(l, '^  (\w+) +\w'))[1] AS name FROM similarity.help() WITH ORDINALITY h(l, n) WHERE n > (SELECT max(n) FROM similarity.help() WITH ORDINALITY h(l, n) WHERE l LIKE 'More:%');
SELECT name FROM topic WHERE name IS NOT NULL AND (SELECT count(*) FROM similarity.help(name)) < 3;
CREATE TEMPORARY TABLE entry AS SELECT DISTINCT (regexp_match(l, '^  (?:similarity\.)?(\w+)'))[1] AS name FROM topic, similarity.help(topic.name) l WHERE topic.name IS NOT NULL;
SELECT proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity')
WHERE (pronamespace = 'similarity'::regnamespace OR proname ~ '^embed(_batch|_image)?$') AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	AND proname NOT IN (SELECT name FROM entry WHERE name IS NOT NULL);
SELECT relname FROM pg_class WHERE relnamespace = 'similarity'::regnamespace AND relkind = 'v' AND relname NOT IN (SELECT name FROM entry WHERE name IS NOT NULL);
-- lists fit into a terminal; so do the descriptions of functions, but for names and defaults
SELECT max(length(l)) <= 100 AS narrow FROM topic, similarity.help(topic.name) l WHERE topic.name NOT IN ('nosuch');
SELECT bool_and(length(l) <= 80) AS narrow FROM entry, similarity.help(entry.name) l WHERE entry.name IS NOT NULL AND l !~ '^  ';
