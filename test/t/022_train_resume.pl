# A training that was cancelled, killed or diverged goes on from its checkpoint
# and ends with the weights, and the log, of one that nobody disturbed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('train_resume');
$node->append_conf('postgresql.conf', "similarity.threads = 2\n");
$node->start;

sub value
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

value(<<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE item AS
SELECT i AS id, i % 6 AS label, decode(repeat(md5((i % 6)::text) || md5(i::text), 8), 'hex') AS image
FROM generate_series(1, 600) i;
CREATE FUNCTION model(name text) RETURNS void LANGUAGE sql AS $$
SELECT similarity.create_model(name, input => '{16,16,1}', layers => '[
  {"rescaling": {"scale": 0.004}}, {"conv2d": {"filters": 8, "kernel_size": 3, "strides": 2}},
  {"batch_normalization": {"momentum": 0.9}}, {"activation": {"activation": "relu"}},
  {"flatten": {}}, {"dropout": {"rate": 0.3}}, {"dense": {"units": 16, "activation": "relu"}},
  {"metric_embedding": {"units": 8}}]') $$;
SELECT model('straight'), model('broken');
CREATE FUNCTION last_version(name text) RETURNS bigint LANGUAGE sql AS
$$ SELECT max(version) FROM similarity.model_versions WHERE model = name $$;

-- A training is stopped as it writes the checkpoint of a certain step.
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.step = current_setting('test.step', true)::bigint THEN
		CASE current_setting('test.how')
			WHEN 'cancel' THEN PERFORM pg_cancel_backend(pg_backend_pid());
			WHEN 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid());
			WHEN 'crash' THEN PERFORM pg_sleep(1000);
			WHEN 'error' THEN RAISE EXCEPTION 'stopped';
		END CASE;
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER stop BEFORE INSERT ON similarity.checkpoint FOR EACH ROW EXECUTE FUNCTION stop();
SQL

sub call
{
	my ($model, $arguments) = @_;
	$arguments =~ s/MODEL/$model/;
	return qq{CALL similarity.train('$model', 'SELECT image, label FROM item ORDER BY id', epochs => 4, steps_per_epoch => 50,
		classes_per_batch => 4, log_steps => 10, verbose => false, $arguments)};
}

# Train, writing a checkpoint at each step, and stop it at one; the step that it
# can go on from
sub interrupt
{
	my ($how, $step, $arguments) = @_;
	my $statement = "SET test.how = '$how';\nSET test.step = $step;\n" . call('broken', "$arguments, checkpoint_interval => '0'");

	if ($how eq 'crash')
	{
		my $session = $node->background_psql('postgres', on_error_stop => 0);

		$session->query_until(qr/started/, "\\echo started\n$statement;\n");
		$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
		  or die 'the training did not get there';
		$node->stop('immediate');
		$node->start;
		eval { $session->quit };
	}
	else
	{
		my (undef, undef, $stderr) = $node->psql('postgres', $statement);

		like($stderr, qr/canceling statement|terminating connection|stopped/, "$how at step $step");
	}
	return value('SELECT checkpoint_step FROM similarity.training_runs ORDER BY run DESC LIMIT 1');
}

# The same for everything that a checkpoint holds
my @cases = (
	[ 'memory of the loss, schedule', 'crash', 'cancel',
		q{loss => 'multi_similarity', loss_params => '{"memory_size": 60, "warmup_steps": 3}', optimizer => 'adam', schedule => '{"warmup_cosine": {"warmup_steps": 100}}'} ],
	[ 'proxies, momentum, clipping', 'terminate', 'crash',
		q{loss => 'proxy_anchor', optimizer => 'sgd', optimizer_params => '{"learning_rate": 0.01, "momentum": 0.9, "nesterov": true, "clipnorm": 1}'} ],
	[ 'several proxies a class', 'error', 'cancel', q{loss => 'sub_center_arcface', optimizer => 'adam'} ],
	[ 'two views, augmentation', 'error', 'terminate', q{loss => 'simclr', optimizer => 'lamb', augmentation => '["mixup", "byol"]'} ],
	[ 'averaged weights', 'crash', 'error', q{method => 'byol', augmentation => '"byol"', method_params => '{"projector_units": 16}', optimizer => 'adam'} ],
	[ 'features of frozen layers', 'cancel', 'crash',
		q{from_version => last_version('MODEL'), trainable => '{"conv2d": false, "dense": 0.5}', optimizer => 'adam'} ]);
my $seed = 10;
foreach my $case (@cases)
{
	my ($name, $first, $second, $arguments) = @$case;

	$seed++;
	value(call('straight', "seed => $seed, $arguments"));
	# in the middle of the first epoch; at the end of one
	is(interrupt($first, 37, "seed => $seed, $arguments"), 36, "$name: the last checkpoint is kept");
	is(interrupt($second, 51, "resume => true, $arguments"), 50, "$name: it goes on from there");
	if ($arguments =~ s/0.5/0.25/r ne $arguments)
	{
		my (undef, undef, $stderr) = $node->psql('postgres', call('broken', 'resume => true, ' . ($arguments =~ s/0.5/0.25/r)));

		like($stderr, qr/with different arguments.*These differ: trainable/s, "$name: not with others");
	}
	value(call('broken', "resume => true, $arguments"));
	is( value("SELECT count(DISTINCT fingerprint) FROM (SELECT DISTINCT ON (model) model, fingerprint
		FROM similarity.model_versions ORDER BY model, version DESC) v"),
		1, "$name: the same weights");
	is( value(q{SELECT string_agg(tensor, ', ' ORDER BY tensor) FROM _similarity.model_weights
		WHERE version = (SELECT max(version) FROM similarity.model_versions WHERE model = 'broken') AND tensor LIKE '%/moving_%'
		AND data NOT IN (decode(repeat('00000000', 8), 'hex'), decode(repeat('0000803f', 8), 'hex'))}),
		'batch_normalization/moving_mean, batch_normalization/moving_variance', "$name: with moving averages among them");
	my $log = q{SELECT count(*), count(DISTINCT (%s)) FROM similarity.%s WHERE run IN (SELECT max(run) FROM similarity.training_runs GROUP BY model)};
	is(value(sprintf($log, 'epoch, loss, learning_rate, avg_positive, min_negative, dist_gap', 'training_log')),
		'8|4', "$name: the same log of epochs");
	is(value(sprintf($log, 'step, epoch, loss, learning_rate, max_positive, avg_negative', 'training_steps')),
		'40|20', "$name: the same log of steps");
	is(value('SELECT count(*) FROM similarity.checkpoint') . value('SELECT count(*) FROM similarity.checkpoint_part'),
		'00', "$name: no checkpoint is left");
	is(value("SELECT string_agg(DISTINCT state, ', ') FROM similarity.training_runs"), 'finished', "$name: all runs finished");
}

# Refusals
my (undef, undef, $stderr) = $node->psql('postgres', call('broken', 'resume => true'));
like($stderr, qr/ERROR:  model "broken" has no interrupted training to resume/, 'nothing to resume');
interrupt('cancel', 9, "seed => 5, loss => 'triplet'");
(undef, undef, $stderr) = $node->psql('postgres', call('broken', "resume => true, seed => 6, loss => 'circle'"));
like($stderr, qr/ERROR:  training cannot be resumed with different arguments\nDETAIL:  These differ: loss, seed\./,
	'other arguments');
value('UPDATE item SET label = label + 1 WHERE id = 600');
(undef, undef, $stderr) = $node->psql('postgres', call('broken', "resume => true, loss => 'triplet'"));
like($stderr, qr/ERROR:  training cannot be resumed with different rows/, 'other rows');
value('UPDATE item SET label = label - 1 WHERE id = 600');
foreach my $damage (
	[ 'SET data = set_byte(data, 100, get_byte(data, 100) # 1)', 'does not match its checksum' ],
	[ q{SET data = data || '\x00'}, 'has another size' ],
	[ 'SET part = part + 1', 'is missing or incomplete' ])
{
	my ($change, $what) = @$damage;
	value("CREATE TABLE sound AS TABLE similarity.checkpoint_part;"
		  . " UPDATE similarity.checkpoint_part $change WHERE name = 'weights'");
	(undef, undef, $stderr) = $node->psql('postgres', call('broken', "resume => true, loss => 'triplet'"));
	like($stderr, qr/ERROR:  checkpoint of training run \d+ is corrupted\nDETAIL:  Its "weights" $what\./,
		"a damaged checkpoint: $what");
	value('TRUNCATE similarity.checkpoint_part;'
		  . ' INSERT INTO similarity.checkpoint_part TABLE sound; DROP TABLE sound');
}

# Interrupted before its first checkpoint, it begins anew with its seed.
value('DELETE FROM similarity.checkpoint');
(undef, undef, $stderr) = $node->psql('postgres', call('broken', "resume => true, loss => 'triplet'"));
like($stderr, qr/NOTICE:  the interrupted training has no checkpoint and starts from the beginning/, 'no checkpoint');
value(call('straight', "seed => 5, loss => 'triplet'"));
is( value("SELECT count(DISTINCT fingerprint) FROM (SELECT DISTINCT ON (model) model, fingerprint
	FROM similarity.model_versions ORDER BY model, version DESC) v"),
	1, 'no checkpoint: the same weights');

# A new training drops the checkpoint of an older one.
interrupt('cancel', 9, "seed => 5, loss => 'triplet'");
is(value('SELECT count(*) FROM similarity.checkpoint'), 1, 'a checkpoint');
value(call('broken', "seed => 5, loss => 'triplet'"));
is(value('SELECT count(*) FROM similarity.checkpoint'), 0, 'is dropped by a new training');

# Divergence names the step; the last good checkpoint is kept.
value(q{SELECT similarity.create_model('plain', input => '{4}', layers => '[{"rescaling": {"scale": 1000}}, {"metric_embedding": {"units": 4}}]')});
(undef, undef, $stderr) = $node->psql('postgres', q{CALL similarity.train('plain',
	'SELECT array_fill(CASE WHEN i = 47 THEN 3e38 ELSE i END::real, ARRAY[4]), i % 4 FROM generate_series(1, 100) i ORDER BY i',
	epochs => 10, steps_per_epoch => 20, seed => 1, checkpoint_interval => '0', verbose => false)});
my ($step) = $stderr =~ /ERROR:  training diverged at step (\d+): the loss is not finite/;
cmp_ok($step, '>', 1, 'divergence');
is(value(q{SELECT state || ' ' || checkpoint_step FROM similarity.training_runs WHERE model = 'plain'}),
	'failed ' . ($step - 1), 'the checkpoint before it is kept');

$node->stop;
done_testing();
