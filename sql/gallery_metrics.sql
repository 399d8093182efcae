-- The metrics as functions over arrays, with the values of TensorFlow
-- Similarity's own tests: classification and retrieval metrics, matchers,
-- evaluators, search.

\pset format unaligned
\pset tuples_only on

-- ---- distances (cosine normalizes here) ----

WITH pair (name, q, k, expected) AS (VALUES
	('cosine', '[0.1,0.3,0.2]'::embedding, '[0.1,0.3,0.2]'::embedding, 0), ('cosine', '[0.1,0.3,0.2]', '[0,0.1,0.5]', 0.31861484),
	('inner_product', '[0.1,0.3,0.2]', '[0.1,0.3,0.2]', 1), ('inner_product', '[0.1,0.3,0.2]', '[0,0.1,0.5]', 0.68138516),
	('inner_product', '[0,1]', '[1,0]', 0), ('inner_product', '[0,1]', '[0,1]', 1),
	('euclidean', '[0,3]', '[4,0]', 5), ('euclidean', '[0,1]', '[2,1]', 2), ('euclidean', '[1,1]', '[2,1]', 1), ('euclidean', '[1,1]', '[1,1]', 0),
	('euclidean', '[0,1]', '[0,-1]', 2), ('manhattan', '[0,1]', '[0,-1]', 2), ('manhattan', '[1,1]', '[1,1]', 0),
	('manhattan', '[0,0]', '[1,1]', 2), ('manhattan', '[0,1]', '[3,0]', 4), ('manhattan', '[3,0]', '[1,1]', 3))
SELECT name, count(*), bool_and(abs(CASE name WHEN 'cosine' THEN q <=> k WHEN 'euclidean' THEN q <-> k WHEN 'manhattan' THEN q <+> k
	ELSE inner_product(l2_normalize(q), l2_normalize(k)) END - expected) <= 1.2e-7) AS same
FROM pair GROUP BY name ORDER BY name;
-- all pairs, a row for each query
SELECT array_agg(row ORDER BY i) FROM (SELECT i, array_agg(q <-> k ORDER BY j) AS row
	FROM unnest('{"[0,1]","[0,1]","[1,1]"}'::embedding[]) WITH ORDINALITY a (q, i), unnest('{"[2,1]","[1,1]"}'::embedding[]) WITH ORDINALITY b (k, j) GROUP BY i) m;
SELECT array_agg(row ORDER BY i) FROM (SELECT i, array_agg(q <+> k ORDER BY j) AS row
	FROM unnest('{"[0,0]","[0,1]","[1,1]","[3,0]"}'::embedding[]) WITH ORDINALITY a (q, i), unnest('{"[0,1]","[1,1]","[3,0]"}'::embedding[]) WITH ORDINALITY b (k, j) GROUP BY i) m;
-- upstream does not normalize here and clips; where ours has no cosine it is NaN
SELECT array_agg(row ORDER BY i) FROM (SELECT i, array_agg(round((q <=> k)::numeric, 7) ORDER BY j) AS row
	FROM unnest('{"[0,0]","[0,1]","[1,1]","[3,0]"}'::embedding[]) WITH ORDINALITY a (q, i), unnest('{"[0,1]","[1,1]","[3,0]"}'::embedding[]) WITH ORDINALITY b (k, j) GROUP BY i) m;
-- sums over all pairs
SELECT sum(q <-> k) AS euclidean_345 FROM unnest('{"[0,3]","[4,0]"}'::embedding[]) q, unnest('{"[0,3]","[4,0]"}'::embedding[]) k;
SELECT sum(q <-> k) AS euclidean, sum(q <+> k) AS manhattan FROM unnest('{"[0,1]","[0,-1]"}'::embedding[]) q, unnest('{"[0,1]","[0,-1]"}'::embedding[]) k;
SELECT sum(inner_product(q, k)) AS inner_product FROM unnest('{"[0,1]","[1,0]"}'::embedding[]) q, unnest('{"[0,1]","[1,0]"}'::embedding[]) k;

-- ---- classification metrics: each with the counts and values of a test ----

CREATE TEMP TABLE classification (test text, metric text, tp bigint[], fp bigint[], tn bigint[], fn bigint[], queries bigint, expected double precision[]);
INSERT INTO classification VALUES
	('binary_accuracy.decent', 'binary_accuracy', '{10,20}', '{1,2}', '{10,9}', '{15,5}', 36, '{0.277778,0.555556}'),
	('binary_accuracy.perfect', 'binary_accuracy', '{1,1}', '{0,0}', '{1,1}', '{0,0}', 2, '{0.5,0.5}'),
	('binary_accuracy.single', 'binary_accuracy', '{1}', '{0}', '{1}', '{0}', 2, '{0.5}'),
	('f1.perfect', 'f1', '{1,1}', '{0,0}', '{1,1}', '{0,0}', 2, '{1,1}'),
	('fpr.decent', 'fpr', '{10,20}', '{1,2}', '{10,9}', '{15,5}', 36, '{0.090909,0.181818}'),
	('fpr.inverted', 'fpr', '{0,0}', '{1,1}', '{0,0}', '{1,1}', 2, '{1,1}'),
	('fpr.single', 'fpr', '{1}', '{0}', '{1}', '{0}', 2, '{0}'),
	('npv.decent', 'npv', '{10,20}', '{1,2}', '{10,9}', '{15,5}', 36, '{0.4,0.642857}'),
	('npv.inverted', 'npv', '{0,0}', '{1,1}', '{0,0}', '{1,1}', 2, '{0,0}'),
	('npv.perfect', 'npv', '{1,1}', '{0,0}', '{1,1}', '{0,0}', 2, '{1,1}'),
	('precision.decent', 'precision', '{10,20}', '{1,2}', '{10,9}', '{15,5}', 36, '{0.909091,0.909091}'),
	('precision.inverted', 'precision', '{0,0}', '{1,1}', '{0,0}', '{1,1}', 2, '{0,0}'),
	('recall.inverted', 'recall', '{0,0}', '{1,1}', '{0,0}', '{1,1}', 2, '{0,0}'),
	('recall.single', 'recall', '{1}', '{0}', '{1}', '{0}', 2, '{1}');
SELECT c.test, bool_and(abs((to_jsonb(m) ->> c.metric)::double precision - c.expected[m.threshold]) <= 1e-5 * c.expected[m.threshold]) AS same,
	count(*) = max(cardinality(c.expected)) AS complete
FROM classification c, similarity.classification_metrics(c.tp, c.fp, c.tn, c.fn, c.queries) m
GROUP BY c.test ORDER BY c.test COLLATE "C";

-- ---- retrieval metrics ----

SELECT metric, round(value::numeric, 7) FROM similarity.retrieval_metrics('{1,1,1,0}', '{{1,1,x},{1,1,x},{1,1,x},{x,x,0}}',
	'{{0,0.1,0.2},{0,0.1,0.2},{0,0.1,0.2},{0,0.1,0.2}}', '{3,3,3,10}', '{precision@3,map@3,recall@2,recall@3,mrr@3}');
SELECT metric, round(value::numeric, 7) FROM similarity.retrieval_metrics('{1,1,1,0}', '{{1,1,x},{1,1,x},{1,1,x},{x,x,0}}',
	'{{0,0.1,0.2},{0,0.1,0.2},{0,0.1,0.2},{0,0.1,0.2}}', '{3,3,3,10}', '{precision@3,ndcg@2,recall@1}', 'macro');
SELECT metric, value FROM similarity.retrieval_metrics('{0,1}', '{{x,x,x,0},{x,x,x,1}}', NULL, '{4,3}', '{map@r,r_precision}');
-- fewer neighbors than k: those that are missing are not relevant
SELECT value FROM similarity.retrieval_metrics('{1,1}', '{{1,1,x,x},{1,x,x,1}}', NULL, NULL, '{precision@5}');
-- drop the closest, and refuse what is far
SELECT metric, round(value::numeric, 7) FROM similarity.retrieval_metrics('{a,b}', '{{a,a,b},{b,a,b}}', '{{0,1,2},{0,1,2}}', '{2,2}',
	'{recall@1,precision@2,map@2,ndcg@2,mrr@2}', drop_closest => true);
SELECT metric, round(value::numeric, 7) FROM similarity.retrieval_metrics('{a,b}', '{{b,a,b},{a,a,b}}', '{{0,1,2},{0,1,2}}', '{2,2}',
	'{recall@3,precision@3,ndcg@3,mrr@3}', distance_threshold => 1);
-- rows of different length
SELECT value FROM similarity.retrieval_metrics('{0,2}', '{{1,0,2},{2,3,4}}', '{{0,1,NULL},{0,1,2}}', NULL, '{recall@3}');
SELECT value FROM similarity.retrieval_metrics('{2,2}', '{{1,0,2},{2,3,4}}', '{{0,1,NULL},{0,1,2}}', NULL, '{recall@3}');

-- ---- matchers ----

SELECT * FROM similarity.match_neighbors('{{10,12},{20,13},{30,14},{40,15}}', '{{1,1.5},{1,1.7},{2,2.1},{2,2.2}}');
SELECT * FROM similarity.match_neighbors('{{a,b,b},{a,b,c},{b,a,a}}', '{{1,2,3},{1,2,6},{0,0,3}}', 'match_majority_vote');
SELECT * FROM similarity.match_neighbors('{{a,NULL},{NULL,a}}', '{{1,NULL},{1,2}}', 'match_majority_vote');
-- a match is right if the label is, and accepted if the distance is <= the threshold
SELECT * FROM similarity.classification_counts('{10,20,10,20}', '{10,20,30,40}', '{1,1,2,2}', '{1,2}');
SELECT * FROM similarity.classification_counts('{10,20,10,20}', '{10,20,30,NULL}', '{1,2,NaN,2}', '{0.5,1,Infinity}');

-- ---- evaluators ----

-- two queries and two rows, all the same: both match the row seen first
SELECT m.binary_accuracy, round(m.f1::numeric, 6)
FROM similarity.classification_counts('{1,2}', '{1,1}', '{0,0}', '{0}') c,
	similarity.classification_metrics(ARRAY[c.tp], ARRAY[c.fp], ARRAY[c.tn], ARRAY[c.fn]) m;

CREATE TABLE tf_search (id integer PRIMARY KEY, label integer NOT NULL, data text, e embedding(3) NOT NULL);
SELECT similarity.create_gallery('tf_cosine', 'tf_search', 'e', 'label');
SELECT similarity.create_gallery('tf_l2', 'tf_search', 'e', 'label', distance => 'l2');
INSERT INTO tf_search VALUES (0, 0, 'test', '[1,1,3]'), (1, 1, 'test2', '[3,1,2]');
SELECT rank, label, key, item ->> 'data', distance < 0.016 FROM similarity.lookup('tf_cosine', '[1,1,2]'::embedding, 5);
SELECT rank, key FROM similarity.lookup('tf_l2', '[1,1,2]'::embedding, 2);
INSERT INTO tf_search VALUES (3, 3, NULL, '[3,3,3]');
SELECT rank, key FROM similarity.lookup('tf_cosine', '[1,1,2]'::embedding, 1);
TRUNCATE tf_search;
INSERT INTO tf_search VALUES (0, 0, NULL, '[4,2,1]'), (1, 1, NULL, '[2,3,5]');
SELECT rank, key FROM similarity.lookup('tf_cosine', '[1,2,3]'::embedding, 2);
TRUNCATE tf_search;
INSERT INTO tf_search VALUES (0, 0, NULL, '[2,3,5]'), (1, 1, NULL, '[4,2,1]');
SELECT rank, key FROM similarity.lookup('tf_cosine', '[1,2,3]'::embedding, 2);

-- the confusion matrix of given answers: item i is answered by the row at i
TRUNCATE tf_search;
INSERT INTO tf_search SELECT i, (ARRAY[0,1,2,4,3,0,1,4,4,4])[i], NULL, ARRAY[cos(i), sin(i), 0]::real[]::embedding FROM generate_series(1, 10) i;
SELECT label, predicted, count, count / sum(count) OVER (PARTITION BY label) AS normalized
FROM similarity.confusion_matrix('tf_cosine', $$SELECT ARRAY[cos(i), sin(i), 0]::real[]::embedding, (ARRAY[0,1,2,3,4,0,1,2,3,4])[i] FROM generate_series(1, 10) i$$, cutpoint => NULL)
ORDER BY label, predicted;
SELECT value FROM similarity.evaluate_retrieval('tf_cosine', $$SELECT ARRAY[cos(i), sin(i), 0]::real[]::embedding, (ARRAY[0,1,2,3,4,0,1,2,3,4])[i] FROM generate_series(1, 10) i$$);
SELECT similarity.drop_gallery('tf_cosine'), similarity.drop_gallery('tf_l2');
DROP TABLE tf_search;

-- ---- bad input ----

\set VERBOSITY default
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{1,1}');
SELECT * FROM similarity.retrieval_metrics('{1,2,3,4}', '{{1,1},{1,1}}');
SELECT * FROM similarity.retrieval_metrics(NULL, '{{1,1},{1,1}}');
SELECT * FROM similarity.retrieval_metrics('{1,NULL}', '{{1,1},{1,1}}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', '{{1,2}}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', '{{1,2},{2,1}}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', NULL, NULL, '{map@2}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', NULL, '{1,-1}', '{map@2}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', metrics => '{accuracy}');
SELECT * FROM similarity.retrieval_metrics('{1,1}', '{{1,1},{1,1}}', average => 'mean');
SELECT * FROM similarity.match_neighbors('{{1,1}}', '{{1,2}}', 'first');
SELECT * FROM similarity.classification_counts('{1}', '{1}', '{1}', '{2,1}');
SELECT * FROM similarity.classification_counts('{1}', '{1,2}', '{1}', '{2}');
SELECT * FROM similarity.classification_metrics('{1}', '{1,2}', '{1}', '{1}');
SELECT * FROM similarity.classification_metrics('{}', '{}', '{}', '{}');
