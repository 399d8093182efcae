-- Calibration and metrics against the same computed in plain SQL.  Probes of
-- kind 5 are to match nothing; the notice that says so is tested in gallery_doubt.
SET client_min_messages = warning;
SELECT setseed(0.5);
CREATE TABLE stock AS
SELECT i AS id, i % 5 AS kind, ARRAY[i % 5 + 1.5 * random(), random() - 0.5 * (i % 5)]::real[]::embedding AS e
FROM generate_series(1, 400) i;
CREATE TABLE probe AS
SELECT i AS id, i % 6 AS kind, ARRAY[i % 6 + 1.5 * random(), random() - 0.5 * (i % 6)]::real[]::embedding AS e
FROM generate_series(1, 300) i;
SELECT similarity.create_gallery('stock', 'stock', 'e', 'kind', key => 'id', distance => 'euclidean');

-- the five nearest of each probe
CREATE TABLE near AS
SELECT p.id, p.kind, s.rank, s.kind AS found, s.distance
FROM probe p, LATERAL (SELECT row_number() OVER (ORDER BY s.e <-> p.e) AS rank, s.kind, s.e <-> p.e AS distance
	FROM stock s ORDER BY s.e <-> p.e LIMIT 5) s;

-- Both matchers: what each probe is answered with k neighbors.
CREATE FUNCTION answers(matcher text, k int) RETURNS TABLE (kind int, found int, distance float8) LANGUAGE sql AS $$
	SELECT n.kind, n.found, n.distance FROM near n WHERE rank = 1 AND matcher = 'match_nearest'
	UNION ALL
	SELECT min(v.kind), (array_agg(v.found ORDER BY v.votes DESC, v.first))[1], min(v.mean)
	FROM (SELECT n.id, n.found, min(n.kind) AS kind, count(*) AS votes, min(n.rank) AS first, min(m.mean) AS mean
		FROM near n JOIN (SELECT id, avg(near.distance) AS mean FROM near WHERE rank <= k GROUP BY id) m USING (id)
		WHERE n.rank <= k GROUP BY n.id, n.found) v
	WHERE matcher = 'match_majority_vote' GROUP BY v.id
$$;

-- Every metric at every distance of k neighbors.
CREATE FUNCTION curve(matcher text, k int) RETURNS TABLE (n bigint, distance float8, "precision" float8, recall float8,
	f1 float8, binary_accuracy float8, npv float8, fpr float8) LANGUAGE sql AS $$
	SELECT row_number() OVER (ORDER BY t.distance), t.distance,
		CASE WHEN tp + fp > 0 THEN tp / (tp + fp) WHEN t.distance = min(t.distance) OVER () THEN 1 ELSE 0 END,
		coalesce(tp / nullif(tp + fn, 0), 0), coalesce(2 * tp / nullif(2 * tp + fp + fn, 0), 0),
		tp / (tp + fp + fn + tn), coalesce(tn / nullif(tn + fn, 0), 0), coalesce(fp / nullif(fp + tn, 0), 0)
	FROM (SELECT DISTINCT near.distance FROM near WHERE rank <= k) t,
		LATERAL (SELECT count(*) FILTER (WHERE a.kind = a.found AND a.distance <= t.distance)::float8 AS tp,
				count(*) FILTER (WHERE a.kind <> a.found AND a.distance <= t.distance)::float8 AS fp,
				count(*) FILTER (WHERE a.kind = a.found AND a.distance > t.distance)::float8 AS fn,
				count(*) FILTER (WHERE a.kind <> a.found AND a.distance > t.distance)::float8 AS tn
			FROM answers(matcher, k) a) c
$$;

-- Compare the curve that was stored with ours: thresholds and the largest difference.
CREATE FUNCTION compare(matcher text, k int) RETURNS TABLE (same_thresholds boolean, within_1e_6 boolean) LANGUAGE sql AS $$
	SELECT count(*) = count(c.n) AND count(*) = count(s.n),
		max(greatest(abs(c.distance - s.distance), abs(c.precision - s.precision), abs(c.recall - s.recall), abs(c.f1 - s.f1),
			abs(c.binary_accuracy - s.binary_accuracy), abs(c.npv - s.npv), abs(c.fpr - s.fpr))) < 1e-6
	FROM curve(matcher, k) c FULL JOIN
		(SELECT row_number() OVER (ORDER BY distance) AS n, * FROM similarity.calibration_curve WHERE gallery = 'stock') s USING (n)
$$;

-- optimal is the last best; targets the first of a rising, the last of a falling metric
SELECT c.name, abs(c.value - o.f1) < 1e-6 AS value, abs(c.distance - o.distance) < 1e-6 AS distance
FROM similarity.calibrate('stock', 'SELECT e, kind FROM probe') c,
	(SELECT * FROM curve('match_nearest', 1) ORDER BY f1 DESC, distance DESC LIMIT 1) o;
SELECT * FROM compare('match_nearest', 1);
SELECT c.name, abs(c.distance - o.distance) < 1e-6 AS distance
FROM similarity.calibrate('stock', 'SELECT e, kind FROM probe', '{"half": 0.5, "most": 0.9}', k => 3, calibration_metric => 'recall') c
JOIN (SELECT 'half', min(distance) FROM curve('match_nearest', 3) WHERE recall >= 0.5
	UNION ALL SELECT 'most', min(distance) FROM curve('match_nearest', 3) WHERE recall >= 0.9
	UNION ALL SELECT 'optimal', max(distance) FROM curve('match_nearest', 3) WHERE recall = 1) o (name, distance) USING (name)
ORDER BY name;
SELECT * FROM compare('match_nearest', 3);
SELECT c.name, abs(c.distance - o.distance) < 1e-6 AS distance
FROM similarity.calibrate('stock', 'SELECT e, kind FROM probe', '{"good": 0.7}', k => 5, calibration_metric => 'precision',
	matcher => 'match_majority_vote') c
JOIN (SELECT 'good', max(distance) FROM curve('match_majority_vote', 5) WHERE "precision" >= 0.7) o (name, distance) USING (name);
SELECT * FROM compare('match_majority_vote', 5);

-- evaluations of the same neighbors
SELECT e.name, e.tp = c.tp AND e.fp = c.fp AND e.tn = c.tn AND e.fn = c.fn AS counts
FROM similarity.evaluate_classification('stock', 'SELECT e, kind FROM probe') e,
	LATERAL (SELECT count(*) FILTER (WHERE kind = found AND a.distance <= e.distance) AS tp,
		count(*) FILTER (WHERE kind <> found AND a.distance <= e.distance) AS fp,
		count(*) FILTER (WHERE kind <> found AND a.distance > e.distance) AS tn,
		count(*) FILTER (WHERE kind = found AND a.distance > e.distance) AS fn
	FROM answers('match_majority_vote', 5) a) c;
SELECT count(*) AS different_cells
FROM similarity.confusion_matrix('stock', 'SELECT e, kind FROM probe', cutpoint => NULL) m
FULL JOIN (SELECT kind::text AS label, found::text AS predicted, count(*) FROM near WHERE rank = 1 GROUP BY 1, 2) n USING (label, predicted)
WHERE m.count IS DISTINCT FROM n.count;
WITH ours AS (
	SELECT max(CASE WHEN found = kind AND rank = 1 THEN 1.0 ELSE 0 END) AS "recall@1",
		max(CASE WHEN found = kind THEN 1.0 ELSE 0 END) AS "recall@5",
		count(*) FILTER (WHERE found = kind) / 5.0 AS "precision@5",
		coalesce(1.0 / min(rank) FILTER (WHERE found = kind), 0) AS "mrr@5",
		coalesce(sum(1 / ln(rank + 1)) FILTER (WHERE found = kind) /
			(SELECT sum(1 / ln(i + 1)) FROM generate_series(1, count(*) FILTER (WHERE found = kind)) i), 0) AS "ndcg@5",
		kind
	FROM near GROUP BY id, kind),
micro AS (SELECT avg("recall@1") a, avg("recall@5") b, avg("precision@5") c, avg("mrr@5") d, avg("ndcg@5") e FROM ours),
macro AS (SELECT avg(a) a, avg(b) b, avg(c) c, avg(d) d, avg(e) e FROM
	(SELECT avg("recall@1") a, avg("recall@5") b, avg("precision@5") c, avg("mrr@5") d, avg("ndcg@5") e FROM ours GROUP BY kind) k)
SELECT average, metric, abs(value - expected) < 1e-6 AS agrees
FROM (SELECT 'micro', unnest('{recall@1,recall@5,precision@5,mrr@5,ndcg@5}'::text[]), unnest(ARRAY[a, b, c, d, e]) FROM micro
	UNION ALL SELECT 'macro', unnest('{recall@1,recall@5,precision@5,mrr@5,ndcg@5}'::text[]), unnest(ARRAY[a, b, c, d, e]) FROM macro) w (average, metric, expected)
CROSS JOIN LATERAL (SELECT value FROM similarity.evaluate_retrieval('stock', 'SELECT e, kind FROM probe', ARRAY[metric], average => average)) v
ORDER BY average DESC, metric;

-- map@r and r_precision of the gallery on itself
WITH near AS (
	SELECT p.id, p.kind, s.rank, s.kind = p.kind AS rel, 79 AS r
	FROM stock p, LATERAL (SELECT row_number() OVER (ORDER BY s.e <-> p.e) AS rank, s.kind
		FROM stock s WHERE s.id <> p.id ORDER BY s.e <-> p.e LIMIT 79) s),
ranked AS (SELECT *, count(*) FILTER (WHERE rel) OVER (PARTITION BY id ORDER BY rank)::float8 / rank AS p FROM near),
ours AS (SELECT sum(p) FILTER (WHERE rel) / 79 AS map, count(*) FILTER (WHERE rel) / 79.0 AS precision FROM ranked GROUP BY id)
SELECT metric, abs(value - CASE metric WHEN 'map@r' THEN (SELECT avg(coalesce(map, 0)) FROM ours) ELSE (SELECT avg(precision) FROM ours) END) < 1e-6 AS agrees
FROM similarity.evaluate_retrieval('stock', 'SELECT e, kind FROM stock', '{map@r,r_precision}', drop_closest => true);

-- Per class: each label's own mean, and the mean of them is macro.
SELECT p.label, p.queries, abs(p.value - w.value) < 1e-6 AS value
FROM similarity.evaluate_retrieval('stock', 'SELECT e, kind FROM probe', '{precision@5}', per_class => true) p
JOIN (SELECT kind::text, avg((found = kind)::int) FROM near GROUP BY kind) w (label, value) USING (label) ORDER BY label;
SELECT count(*) FILTER (WHERE label IS NULL) AS every, max(queries) FILTER (WHERE label IS NULL) = sum(queries) FILTER (WHERE label IS NOT NULL) AS queries,
	abs(max(value) FILTER (WHERE label IS NULL) - avg(value) FILTER (WHERE label IS NOT NULL)) < 1e-12 AS macro
FROM similarity.evaluate_retrieval('stock', 'SELECT e, kind FROM probe', '{map@r}', average => 'macro', per_class => true);
SELECT c.name, count(*), bool_and(c.queries = w.queries AND c.tp = w.tp AND c.fp = w.fp AND c.fn = w.fn) AS same
FROM similarity.evaluate_classification('stock', 'SELECT e, kind FROM probe', k => 1, matcher => 'match_nearest', per_class => true) c,
	LATERAL (SELECT count(*) AS queries, count(*) FILTER (WHERE a.kind = a.found AND a.distance <= c.distance) AS tp,
			count(*) FILTER (WHERE a.kind <> a.found AND a.distance <= c.distance) AS fp,
			count(*) FILTER (WHERE a.kind = a.found AND a.distance > c.distance) AS fn
		FROM answers('match_nearest', 1) a WHERE c.label IS NULL OR a.kind::text = c.label) w
GROUP BY c.name ORDER BY c.name;

-- The same by look-ups one by one, which are exact without an index, for every
-- distance and in memory for a few queries at a time.  (Not for cosine, which
-- in two dimensions often ties, in any order.)
SET maintenance_work_mem = '1MB';
SET similarity.threads = 1;
SELECT similarity.create_gallery('stock_' || d, 'stock', 'e', 'kind', key => 'id', distance => d)
FROM unnest('{squared_euclidean,manhattan,inner_product,snr}'::text[]) d;
SELECT g.gallery, count(*), bool_and(abs(e.value - l.value) < 1e-9) AS same, min(l.index_recall) AS index_recall
FROM similarity.galleries g,
	similarity.evaluate_retrieval(g.gallery, 'SELECT e, kind FROM probe', '{recall@1,precision@300,map@r,ndcg@20,mrr@9}', per_class => true) e
JOIN LATERAL similarity.evaluate_retrieval(g.gallery, 'SELECT e, kind FROM probe', '{recall@1,precision@300,map@r,ndcg@20,mrr@9}', exact => false, per_class => true) l
	ON e.metric = l.metric AND e.label IS NOT DISTINCT FROM l.label
GROUP BY g.gallery ORDER BY g.gallery;
SELECT count(*) FILTER (WHERE e.count IS DISTINCT FROM l.count) AS different
FROM similarity.confusion_matrix('stock', 'SELECT e, kind FROM probe') e
FULL JOIN similarity.confusion_matrix('stock', 'SELECT e, kind FROM probe', exact => false) l
	ON e.label = l.label AND e.predicted IS NOT DISTINCT FROM l.predicted;
SELECT similarity.drop_gallery(gallery) FROM similarity.galleries WHERE gallery LIKE 'stock\_%';
RESET maintenance_work_mem;
RESET similarity.threads;

-- More rows than one batch; a repeated calibration replaces the last one.
SELECT name FROM similarity.calibrate('stock', 'SELECT p.e, p.kind FROM probe p, generate_series(1, 3)');
SELECT matcher, k, metric, queries FROM similarity.galleries;
SELECT count(*) FROM similarity.cutpoints;

SELECT similarity.drop_gallery('stock');
DROP FUNCTION compare, curve, answers;
DROP TABLE stock, probe, near;
