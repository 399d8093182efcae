# A training that is stopped in the middle, however, leaves no half version,
# no thread, no memory and no lock, and the next statement works.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use SimilarityNode;

my $node = SimilarityNode::create('train_cancel');
$node->append_conf('postgresql.conf', "similarity.threads = 3\n");
$node->start;

# One text value of one row
sub value
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE item AS
SELECT i % 10 AS label, decode(repeat(md5((i % 10)::text) || md5(i::text), 25), 'hex') AS image
FROM generate_series(1, 2000) i;
SELECT similarity.create_model('m', input => '{20,40,1}', layers => '[
  {"rescaling": {"scale": 0.004}}, {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}},
  {"flatten": {}}, {"metric_embedding": {"units": 16}}]');
CALL similarity.train('m', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 10, seed => 1);
SQL

my $train = q{CALL similarity.train('m', 'SELECT image, label FROM item', epochs => 1000, steps_per_epoch => 5, seed => 1)};
my $embeds = q{SELECT embed('m', image)::text FROM item LIMIT 1};
my $first = value($embeds);

sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('SET client_min_messages = warning');
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	return ($session, $pid);
}

sub threads
{
	my ($pid) = @_;
	my @tasks = glob("/proc/$pid/task/*");

	return scalar @tasks;
}

sub blocked_signals
{
	my ($pid) = @_;
	my ($blocked) = slurp_file("/proc/$pid/status") =~ /^SigBlk:\s*(\w+)/m;

	return $blocked;
}

# Start a statement that trains and wait until it has computed for a second.
sub start_training
{
	my ($session, $pid, $statement) = @_;

	$session->query_until(qr/started/, "\\echo started\n$statement;\n\\warn ended\n");
	$node->poll_query_until('postgres',
		"SELECT query LIKE 'similarity.train m: epoch %' FROM pg_stat_activity WHERE pid = $pid")
	  or die 'the training did not start';
}

# Wait for its end; what it wrote on stderr
sub end_training
{
	my ($session) = @_;

	pump_until($session->{run}, $session->{timeout}, \$session->{stderr}, qr/^ended$/m);
	my $stderr = $session->{stderr};
	$session->{stderr} = '';
	return $stderr;
}

my $blocked;

# What must hold in a session whose training was stopped
sub check_session
{
	my ($session, $pid, $name) = @_;

	is(threads($pid), 1, "$name: no thread is left");
	is(blocked_signals($pid), $blocked, "$name: the same signals are blocked as before");
	is($session->query_safe('SELECT 1e-310::float8 * 0.5 > 0'), 't', "$name: denormal numbers are kept");
	is($session->query_safe(
			"SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'similarity %'"),
		0, "$name: no memory context is left");
	is(value("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND pid = $pid"), 0, "$name: no lock is left");
	is(value('SELECT count(*) FROM similarity.model_versions'), 1, "$name: no version is left");
	is($session->query_safe($embeds), $first, "$name: the old version answers");
}

my ($session, $pid) = session();
$blocked = blocked_signals($pid);

# Cancelled, three times: the first brings caches into memory.
my (@latency, @memory);
foreach my $round (1 .. 3)
{
	start_training($session, $pid, $train);
	if ($round == 1)
	{
		is(threads($pid), 3, 'the pool has its threads while training');
		is(value("SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = $pid"),
			't', 'no snapshot is held while training');
		like(value("SELECT query FROM pg_stat_activity WHERE pid = $pid"),
			qr{^similarity\.train m: epoch \d+ of 1000, step \d+ of 5, loss [\d.]+, \d+ images/s$},
			'pg_stat_activity tells how it goes');
		is(value('SELECT state FROM similarity.training_runs ORDER BY run DESC LIMIT 1'),
			'running', 'the run is visible');
	}
	my $start = time;
	kill 'INT', $pid;
	my $stderr = end_training($session);
	push @latency, time - $start;
	like($stderr, qr/INFO:  epoch 1 of 1000: loss [\d.]+, positive distance [\d.]+ \([\d.]+ to [\d.]+\), negative distance [\d.]+ \([\d.]+ to [\d.]+\), gap [\d.]+, gradient norm [\d.e+-]+, \d+ images/,
		'INFO line per epoch');
	like($stderr, qr/ERROR:  canceling statement due to user request/, 'cancelled');
	check_session($session, $pid, "cancel $round");
	is(value(q{SELECT state || ': ' || message FROM similarity.training_runs ORDER BY run DESC LIMIT 1}),
		'cancelled: canceling statement due to user request', 'the run tells that it was cancelled');
	like(value("SELECT query FROM pg_stat_activity WHERE pid = $pid"), qr/embed\('m'/, 'pg_stat_activity shows statements again');
	push @memory, $session->query_safe('SELECT sum(used_bytes) FROM pg_backend_memory_contexts');
}
my ($fastest) = sort { $a <=> $b } @latency;
note sprintf('a cancel was answered within %s ms', join(', ', map { int(1000 * $_) } @latency));
cmp_ok($fastest, '<', 0.2, 'a cancel is answered within 200 ms');
cmp_ok($memory[2] - $memory[1], '<', 16384, 'memory does not grow');

# statement_timeout
$session->query_safe("SET statement_timeout = '2s'");
start_training($session, $pid, $train);
like(end_training($session), qr/ERROR:  canceling statement due to statement timeout/, 'timed out');
$session->query_safe('RESET statement_timeout');
check_session($session, $pid, 'timeout');

# In a DO block; in a transaction block, where nothing is recorded
start_training($session, $pid, "DO \$\$ BEGIN $train; END \$\$");
kill 'INT', $pid;
like(end_training($session), qr/ERROR:  canceling statement due to user request/, 'cancelled in a DO block');
check_session($session, $pid, 'DO block');

my $runs = value('SELECT count(*) FROM similarity.training_runs');
start_training($session, $pid, "BEGIN;\nSAVEPOINT s;\n$train");
kill 'INT', $pid;
like(end_training($session), qr/ERROR:  canceling statement due to user request/, 'cancelled in a transaction block');
is(threads($pid), 1, 'no thread is left in the failed transaction');
$session->query('ROLLBACK TO SAVEPOINT s');
$session->{stderr} = '';
check_session($session, $pid, 'savepoint');
$session->query_safe('COMMIT');
check_session($session, $pid, 'transaction block');
is(value('SELECT count(*) FROM similarity.training_runs'), $runs, 'no run is left');

# One training of a model at a time, and no dropping under it
my ($other, $other_pid) = session();
start_training($other, $other_pid, $train);
foreach my $statement ($train, "SELECT similarity.drop_model('m')")
{
	my ($code, $stdout, $stderr) = $node->psql('postgres', $statement);

	like($stderr, qr/ERROR:  model "m" is being trained/, 'the model is in use');
}

# Terminated: the backend is gone with its threads, and the next training says what became of the run.
kill 'TERM', $other_pid;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $other_pid")
  or die 'the backend did not end';
eval { $other->quit };
for (my $i = 0; $i < 100 && -e "/proc/$other_pid/task"; $i++)
{
	sleep 0.1;
}
ok(!-e "/proc/$other_pid/task", 'the terminated backend is gone');
is(value('SELECT count(*) FROM similarity.model_versions'), 1, 'terminate: no version is left');
is(value("SELECT count(*) FROM pg_locks WHERE locktype = 'object'"), 0, 'terminate: no lock is left');
is(value(q{SELECT state || ': ' || message FROM similarity.training_runs ORDER BY run DESC LIMIT 1}),
	'failed: the session ended', 'the run tells that its session ended');
$session->query_safe(q{CALL similarity.train('m', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 10, seed => 1, verbose => false)});
is(value(q{SELECT string_agg(state || coalesce(': ' || message, ''), ', ' ORDER BY id)
	FROM (SELECT * FROM similarity.training_run ORDER BY id DESC LIMIT 2) r}),
	'failed: the session ended, finished', 'the abandoned run is closed');
is(value('SELECT count(*) FROM similarity.model_versions'), 2, 'the next training works');
is($session->query_safe(q{SELECT embed('m', image)::text FROM item LIMIT 1}), $first, 'and gives the same weights');

# A hundred trainings in one session: the process does not grow (shared memory apart).
sub resident_kb
{
	my ($size) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s*(\d+) kB/m;
	return $size;
}
my $small = q{CALL similarity.train('m', 'SELECT image, label FROM item LIMIT 100', epochs => 1, steps_per_epoch => 1, verbose => false)};
$session->query_safe("$small;" x 20);
my $before = resident_kb();
$session->query_safe("$small;" x 100);
my $growth = resident_kb() - $before;
note "a hundred trainings took $growth kB";
cmp_ok($growth, '<', 1024, 'a hundred trainings do not grow the process');

# Stopped at any point: while reading, computing, writing, committing.
my $versions = value('SELECT count(*) FROM _similarity.model_version');
my $done = value("SELECT count(*) FROM similarity.training_run WHERE state = 'finished'");
foreach my $timeout (map { 20 + 2 * $_ } 0 .. 49)
{
	$session->query_safe("SET statement_timeout = $timeout");
	$session->query(
		q{CALL similarity.train('m', 'SELECT image, label FROM item LIMIT 100', epochs => 20, steps_per_epoch => 1, verbose => false)});
	# A timeout at its very end is told in place of the next statement.
	$session->query('SET statement_timeout = 0') foreach 1 .. 2;
	$session->{stderr} = '';
}
is(value("SELECT count(*) FROM similarity.training_run WHERE state NOT IN ('finished', 'cancelled', 'failed')"),
	0, 'every run tells how it ended');
is(value('SELECT count(*) FROM _similarity.model_version') - $versions,
	value("SELECT count(*) FROM similarity.training_run WHERE state = 'finished'") - $done,
	'as many versions as trainings that finished');
note value("SELECT string_agg(format('%s %s', n, state), ', ') FROM (SELECT state, count(*) AS n FROM similarity.training_run GROUP BY 1) s");

# The model's row goes under the training, past drop_model and its lock.
$versions = value('SELECT count(*) FROM _similarity.model_version');
start_training($session, $pid, $train);
$node->safe_psql('postgres', "DELETE FROM _similarity.model WHERE name = 'm'");
like(end_training($session), qr/ERROR:  model "m" was dropped while it was being trained/, 'the model is gone');
is(threads($pid), 1, 'model gone: no thread is left');
is(value("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND pid = $pid"), 0, 'model gone: no lock is left');
is(value('SELECT count(*) FROM _similarity.model_version'), $versions, 'model gone: no version is made');
$session->quit;
$node->stop;
done_testing();
