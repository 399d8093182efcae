-- What training tells: metrics of steps and epochs, validation.
SET similarity.threads = 2;
CREATE TABLE item AS
SELECT i AS id, i % 6 AS label, i / 6 % 4 = 0 AS held_out,
	(SELECT array_agg((0.5 * cos(i % 6 * j) + 0.4 * (abs(hashint4(i * 7 + j) % 1000) / 1000.0 - 0.5))::real ORDER BY j) FROM generate_series(1, 6) j) AS input
FROM generate_series(1, 600) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('m', input => '{6}',
	layers => '[{"dense": {"units": 12, "activation": "relu"}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('m', 'SELECT input, label FROM item WHERE NOT held_out ORDER BY id', epochs => 3, steps_per_epoch => 50, seed => 1,
	known_classes => '{0,1,2,4}', validation => 'SELECT input, label FROM item WHERE held_out ORDER BY id', log_steps => 25, verbose => false);

-- Epochs: distances between extremes, a gap, a gradient
SELECT epoch, min_positive <= avg_positive AND avg_positive <= max_positive AS positive,
	min_negative <= avg_negative AND avg_negative <= max_negative AS negative,
	dist_gap >= 0 AS gap, gradient_norm > 0 AS gradient, images_per_second > 0 AS speed
FROM similarity.training_log ORDER BY epoch;
-- Steps: every 25th, of one batch each; the epoch's extremes are at least theirs.
SELECT s.step, s.epoch, s.min_positive >= l.min_positive AND s.max_positive <= l.max_positive
	AND s.min_negative >= l.min_negative AND s.max_negative <= l.max_negative AS within,
	abs(s.dist_gap - abs(s.min_negative - s.max_positive)) < 1e-12 AS gap, s.gradient_norm >= 0 AS gradient, s.images_per_second > 0 AS speed
FROM similarity.training_steps s JOIN similarity.training_log l USING (run, epoch) ORDER BY 1;

-- Validation is the share of rows whose nearest other row has their label:
-- as SQL finds it, with the last epoch's weights; known and unknown classes apart.
CREATE TABLE held_out AS SELECT id, label, embed('m', input) AS e FROM item WHERE held_out;
CREATE VIEW expected AS
SELECT q.label IN (0, 1, 2, 4) AS known, (n.label = q.label)::int AS hit
FROM held_out q, LATERAL (SELECT label FROM held_out r WHERE r.id <> q.id ORDER BY r.e <=> q.e LIMIT 1) n;
SELECT epoch, (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(validation) key) AS keys FROM similarity.training_log WHERE epoch = 1;
SELECT validation->'rows' AS rows, validation->'rows_known_classes' AS known, validation->'rows_unknown_classes' AS unknown,
	abs((validation->>'recall@1')::float8 - (SELECT avg(hit) FROM expected)) < 1e-6 AS recall,
	abs((validation->>'recall@1_known_classes')::float8 - (SELECT avg(hit) FROM expected WHERE known)) < 1e-6 AS recall_known,
	abs((validation->>'recall@1_unknown_classes')::float8 - (SELECT avg(hit) FROM expected WHERE NOT known)) < 1e-6 AS recall_unknown,
	validation->'recall@1' = validation->'binary_accuracy' AS accuracy,
	validation->'recall@1_known_classes' = validation->'binary_accuracy_known_classes' AS accuracy_known,
	(validation->>'recall@1_known_classes')::float8 > 0.9 AS learned
FROM similarity.training_log WHERE epoch = 3;
SELECT v.metrics->'validation' = l.validation AS kept FROM similarity.model_versions v, similarity.training_log l WHERE l.epoch = 3;

-- Validation changes nothing: the same weights without it.
CALL similarity.train('m', 'SELECT input, label FROM item WHERE NOT held_out ORDER BY id', epochs => 3, steps_per_epoch => 50, seed => 1,
	known_classes => '{0,1,2,4}', log_steps => NULL, verbose => false);
SELECT count(DISTINCT fingerprint) AS weights FROM similarity.model_versions;
SELECT count(*) AS steps FROM similarity.training_steps WHERE run = (SELECT max(run) FROM similarity.training_runs);
-- Without unknown classes there is nothing to tell of them; equal rows are each other's nearest.
CALL similarity.train('m', 'SELECT input, label FROM item ORDER BY id', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false,
	validation => 'SELECT input, label FROM item WHERE id < 4 UNION ALL SELECT input, label FROM item WHERE id < 4');
SELECT validation FROM similarity.training_log ORDER BY run DESC LIMIT 1;
-- Errors
CALL similarity.train('m', 'SELECT input, label FROM item', validation => 'SELECT input FROM item');
CALL similarity.train('m', 'SELECT input, label FROM item', validation => 'SELECT input, label FROM item LIMIT 1');
CALL similarity.train('m', 'SELECT input, label FROM item', validation => 'SELECT input, label FROM item WHERE false');
CALL similarity.train('m', 'SELECT input, label FROM item', validation => 'SELECT ARRAY[1,2]::real[], label FROM item');
CALL similarity.train('m', 'SELECT input, label FROM item', log_steps => -1);
CALL similarity.train('m', 'SELECT input, label FROM item', checkpoint_interval => '-1 second');
CALL similarity.train('m', 'SELECT input, label FROM item', resume => NULL);
CALL similarity.train('m', 'SELECT input, label FROM item', resume => true);

SELECT similarity.drop_model('m');
SELECT count(*) AS steps FROM similarity.training_step;
DROP VIEW expected;
DROP TABLE item, held_out;

-- What goes wrong without an error is told: labels that say nothing about the
-- rows, and the hardest negatives, make all embeddings the same.
CREATE TABLE riddle AS
SELECT i AS id, abs(hashint4(i)) % 4 AS label,
	ARRAY[abs(hashint4(i * 10 + 1) % 1000), abs(hashint4(i * 10 + 2) % 1000)]::real[] AS input
FROM generate_series(0, 399) i;
SELECT count(*) > 0 AS created FROM similarity.create_model('collapsing', input => '{2}', layers => '[
	{"rescaling": {"scale": 0.001}}, {"dense": {"units": 16, "activation": "relu"}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('collapsing', 'SELECT input, label FROM riddle', loss => 'triplet',
	loss_params => '{"negative_mining": "hard", "margin": 0.2}', epochs => 2, steps_per_epoch => 500, seed => 1, verbose => false);
SELECT epoch, abs(loss - 0.2) < 0.004 AS at_margin, verdict FROM similarity.training_log WHERE model = 'collapsing' AND epoch = 2;
SELECT count(verdict) AS others FROM similarity.training_log WHERE model <> 'collapsing';
SELECT similarity.drop_model('collapsing');
DROP TABLE riddle;
