# Trainings in background workers: they begin when their transaction is committed,
# run as the caller and nobody else, beside each other; they can be cancelled, and
# one whose worker is gone, however, shows as dead.  How far they are is seen from
# other sessions, and by who waits.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use SimilarityNode;

my $node = SimilarityNode::create('train_background');
$node->append_conf('postgresql.conf', "max_worker_processes = 4\nsimilarity.max_jobs_per_role = 10\nmax_logical_replication_workers = 0\nrestart_after_crash = on\n");
$node->start;

# Rows of a query, as a superuser
sub value
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# What a role is told: its rows and its errors
sub as_role
{
	my ($role, $sql) = @_;
	my ($out, $err);
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return $out . $err;
}

# A statement that starts a long job
sub start_of
{
	my ($model, $more) = @_;
	return "SELECT similarity.train_background('$model', 'SELECT x, label FROM item', epochs => 1000000, steps_per_epoch => 5, seed => 1" . ($more // '') . ')';
}

sub await
{
	my ($job, $state) = @_;
	$node->poll_query_until('postgres', "SELECT state = '$state' FROM similarity.jobs WHERE job = $job")
	  or diag(value("SELECT state, error FROM similarity.jobs WHERE job = $job"));
	return is(value("SELECT state FROM similarity.jobs WHERE job = $job"), $state, "job $job: $state");
}

sub await_workers
{
	my ($n) = @_;
	return ok($node->poll_query_until('postgres', "SELECT count(*) = $n FROM pg_stat_activity WHERE backend_type = 'similarity job'"), "$n workers are left");
}

sub await_no_worker
{
	return await_workers(0);
}

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE ROLE alice LOGIN;
CREATE ROLE eve LOGIN;
CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats;
GRANT CREATE ON SCHEMA similarity TO alice;
CREATE SCHEMA garden AUTHORIZATION alice;
ALTER ROLE alice SET similarity.threads = 2;
SET SESSION AUTHORIZATION alice;
CREATE TABLE garden.item AS SELECT i % 4 AS label, ARRAY[sin(i), cos(i), i % 4, 1]::real[] AS x FROM generate_series(1, 100) i;
SELECT similarity.create_model(name, '{4}', '[{"dense": {"units": 8}}, {"metric_embedding": {"units": 2}}]') FROM unnest('{one,two,three}'::text[]) name;
SQL

# It begins with the commit; names are those of the session, and so is what policies ask for.
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'alice' ]);
$session->query_safe(q{SET search_path = garden; SET garden.season = 'May'; BEGIN});
my $job = $session->query_safe(
	q{SELECT similarity.train_background('one', $$SELECT x, label FROM item WHERE current_setting('garden.season') = 'May'$$, epochs => 3, steps_per_epoch => 2, seed => 1)});
is($session->query_safe("SELECT state FROM similarity.jobs WHERE job = $job"), 'waiting', 'it waits for its transaction');
is(value("SELECT count(*) FROM similarity.jobs"), 0, 'which nobody else sees yet');
is(value(q{SELECT usename, wait_event FROM pg_stat_activity WHERE backend_type = 'similarity job'}), 'alice|transactionid', 'the worker is there as the role');
$session->query_safe('COMMIT');
await($job, 'finished');
is(value("SELECT j.role, r.role, r.options -> 'threads', j.epoch, j.epochs, j.version = m.deployed_version, j.ended >= r.ended
	FROM similarity.jobs j JOIN similarity.training_runs r USING (run) JOIN similarity.models m ON m.model = j.model WHERE job = $job"),
	'alice|alice|2|3|3|t|t', 'the run is the caller\'s, by the settings of its role');
is(value("SELECT string_agg(severity || ' ' || substring(message, '^epoch . of .: loss'), ', ' ORDER BY number) FROM similarity.job_messages WHERE job = $job"),
	'INFO epoch 1 of 3: loss, INFO epoch 2 of 3: loss, INFO epoch 3 of 3: loss', 'what it said is kept');
unlike(slurp_file($node->logfile), qr/INFO:  epoch/, 'and is not in the server\'s log');
is(value(q{SELECT count(*) FROM pg_locks WHERE locktype IN ('object', 'advisory')}), 0, 'no lock is left');

# Rolled back, whole or to a savepoint: as if it had not been.
$session->query_safe('BEGIN');
$session->query_safe(start_of('one'));
$session->query_safe('ROLLBACK');
$session->query_safe('BEGIN; SAVEPOINT s');
$session->query_safe(start_of('one'));
$session->query_safe('ROLLBACK TO s; COMMIT');
await_no_worker();
is(value('SELECT count(*) FROM similarity.job'), 1, 'rolled back: no job');
is(value('SELECT count(*) FROM similarity.training_run'), 1, 'rolled back: no run');

# Several at a time; the same model by one only; no more than there are workers.
my $first = $session->query_safe(start_of('one'));
my $second = $session->query_safe(start_of('two'));
await($_, 'running') foreach $first, $second;
# how far, for members of their role and those who may read all statistics
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM similarity.progress WHERE call = 'train' AND phase = 'training' AND epoch > 0 AND remaining IS NOT NULL});
is(as_role($_->[0], q{SELECT model, epochs, steps, total, done > 0, loss IS NOT NULL, role FROM similarity.progress ORDER BY 1}),
	$_->[1] ? join "\n", map { "$_|1000000|5|5000000|t|t|alice" } qw(one two) : '', "progress as $_->[0]")
  foreach [ alice => 1 ], [ watcher => 1 ], [ eve => 0 ];
is(value("SELECT epoch > 0, step > 0, steps, remaining IS NOT NULL FROM similarity.jobs WHERE job = $first"), 't|t|5|t', 'and in similarity.jobs');
my $same = $session->query_safe(start_of('two'));
await($same, 'failed');
is(value("SELECT sqlstate, error FROM similarity.jobs WHERE job = $same"),
	'55006|model "two" is being trained, deployed or dropped by another session', 'the model is being trained');
my $third = $session->query_safe(start_of('three'));
my $jobs = value('SELECT count(*) FROM similarity.job');
my $answer = as_role('alice', "\\set VERBOSITY verbose\n" . start_of('three') . ' FROM generate_series(1, 10)');
like($answer, qr/ERROR:  53400: no background worker is left.*HINT:  .*max_worker_processes/s, 'too many at a time');
is(value('SELECT count(*) FROM similarity.job'), $jobs, 'and no job is left of them');
# nor of the same role's as it may have, in one transaction or in several
value('ALTER ROLE alice SET similarity.max_jobs_per_role = 3');
my $limited = qr/ERROR:  53400: too many background jobs of role "alice".*DETAIL:  It may have 3 at a time.*HINT:  .*max_jobs_per_role/s;
await_workers(3);
like(as_role('alice', "\\set VERBOSITY verbose\n" . start_of('three')), $limited, 'too many of a role');
like(as_role('alice', "\\set VERBOSITY verbose\nSET similarity.max_jobs_per_role = 4;" . start_of('three')), $limited, 'which cannot let itself have more');
is($session->query_safe("SELECT similarity.cancel_job($third)"), 't', 'one less');
await($third, 'cancelled');
like(as_role('alice', "\\set VERBOSITY verbose\nBEGIN;" . start_of('three') . ' FROM generate_series(1, 2)'), $limited, 'in one transaction');
await_workers(2);
like(as_role('alice', 'BEGIN;' . start_of('three') . ';ROLLBACK'), qr/^\d+$/, 'as many as it may');
value('ALTER ROLE alice RESET similarity.max_jobs_per_role');
await_workers(2);
$third = $session->query_safe(start_of('three'));

# Stopped by who may: not by a stranger.
like(as_role('eve', "SELECT similarity.cancel_job($first)"), qr/permission denied for job/, 'a stranger may not');
is(as_role('eve', 'SELECT count(*) FROM similarity.jobs'), 0, 'nor see it');
is($session->query_safe("SELECT similarity.cancel_job($first)"), 't', 'its role may');
await($first, 'cancelled');
is(value("SELECT sqlstate, error FROM similarity.jobs WHERE job = $first"), '57014|canceling statement due to user request', 'and it says so');
is($session->query_safe("SELECT similarity.cancel_job($_)"), 't', 'the others') foreach $second, $third;
await($_, 'cancelled') foreach $second, $third;
await_no_worker();
is(value("SELECT similarity.cancel_job($first)"), 'f', 'once is enough');
# before it began
$session->query_safe('BEGIN');
$job = $session->query_safe(start_of('one'));
$session->query_safe("SELECT similarity.cancel_job($job)");
$session->query_safe('COMMIT');
await($job, 'cancelled');
# a limit of the role's is one in its workers
$session->query_safe(q{SET statement_timeout = '300ms'});
$job = $session->query_safe(start_of('one'));
await($job, 'cancelled');
is(value("SELECT error FROM similarity.jobs WHERE job = $job"), 'canceling statement due to statement timeout', 'statement_timeout holds');
$session->query_safe('RESET statement_timeout');
$session->quit;

# Whoever is superuser and acts as alice starts a job of alice's, which knows no superuser.
$node->safe_psql('postgres', <<'SQL');
SET SESSION AUTHORIZATION alice;
CREATE FUNCTION garden.who() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'session %, current %', session_user, current_user;
	RESET ROLE;
	RESET SESSION AUTHORIZATION;
	RAISE NOTICE 'session %, current %', session_user, current_user;
	SET ROLE postgres;
	RETURN 'a';
END
$$;
SQL
$job = value(q{SET ROLE alice; SELECT similarity.train_background('one', 'SELECT x, garden.who() FROM garden.item')});
await($job, 'failed');
is(value("SELECT role, sqlstate FROM similarity.jobs WHERE job = $job"), 'alice|42501', 'its code may not become a superuser');
is(value("SELECT string_agg(message, '; ' ORDER BY number) FROM similarity.job_messages WHERE job = $job AND message LIKE 'session %'"),
	'session alice, current alice; session alice, current alice', 'and never was one');

# Its worker is gone without a word: terminated, killed, the server stopped.
sub await_recovery
{
	for (1 .. 1800)
	{
		return if slurp_file($node->logfile) =~ /reinitializing.*ready to accept connections/s;
		sleep 0.1;
	}
	die 'the server did not come back';
}

sub dead
{
	my ($how, $kill) = @_;
	my $job = value('SET ROLE alice; SET search_path = garden; ' . start_of('one', ", checkpoint_interval => '0'"));
	await($job, 'running');
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM similarity.training_runs WHERE checkpoint_step > 0 AND state = 'running'")
	  or die 'no checkpoint';
	$kill->(value("SELECT pid FROM similarity.jobs WHERE job = $job"));
	await($job, 'dead');
	is(value("SELECT error, pid IS NULL FROM similarity.jobs WHERE job = $job"),
		'the worker was terminated or crashed, or the server was restarted|t', $how);
	is(value('SELECT state FROM similarity.training_runs ORDER BY run DESC LIMIT 1'), 'failed', "$how: its run failed");
	is(value("SELECT similarity.cancel_job($job)"), 'f', "$how: there is nobody to cancel");
}
dead('terminated', sub { value("SELECT pg_terminate_backend($_[0])") });
dead('killed', sub { kill 'KILL', $_[0]; await_recovery() });
dead('restarted', sub { $node->restart });

# Where it was, another goes on.
$job = value(q{SET ROLE alice; SET search_path = garden; } . start_of('one', ', resume => true'));
$node->poll_query_until('postgres', "SELECT run IS NOT NULL FROM similarity.jobs WHERE job = $job");
value("SELECT similarity.cancel_job($job)");
await($job, 'cancelled');
is(value("SELECT count(DISTINCT run) FROM similarity.jobs WHERE job >= $job - 1"), 1, 'resumed: the same run');

# Whoever waits for a long call is told now and then.
sub lines
{
	my ($interval, $more) = @_;
	return scalar(my @lines = as_role('alice', "SET similarity.progress_interval = '$interval';
		CALL similarity.train('two', 'SELECT x, label || pg_sleep(0.003)::text FROM garden.item', epochs => 1, steps_per_epoch => 1 $more)") =~
	  /INFO:  train: reading rows, \d+ (?:of about \d+ )?rows, \d+ s/mg);
}
cmp_ok(lines('50ms', ''), '>', 0, 'INFO of a call that lasts');
is(lines('50ms', ', verbose => false'), 0, 'not if it is not to be verbose');
is(lines('0', ''), 0, 'nor without an interval');
like(as_role('alice', <<'SQL'), qr/INFO:  train: embedding, \d+ of about 3000 rows/, 'also while frozen layers run');
SET similarity.threads = 1;
SET similarity.progress_interval = '1ms';
SELECT FROM similarity.create_model('wide', '{256}', '[{"dense": {"name": "wide_1", "units": 2048}},
	{"dense": {"name": "wide_2", "units": 2048}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('wide', 'SELECT array_fill((i % 4)::real, ''{256}''), i % 4 FROM generate_series(1, 3000) i',
	trainable => '{"wide_*": false}', epochs => 1, steps_per_epoch => 100, classes_per_batch => 4, examples_per_class => 8);
SQL

# What no function of the user's runs within: seen from outside, again and again.
value(q{
	CREATE TABLE point (id integer PRIMARY KEY, label integer, e embedding(4));
	INSERT INTO point SELECT i, i % 3, random_embedding(4, i) FROM generate_series(1, 2000) i;
	CREATE INDEX point_e ON point USING similarity_hnsw (e embedding_l2_ops);
	SELECT similarity.create_gallery('points', 'point', 'e', 'label', distance => 'euclidean');
	SELECT count(*) FROM similarity.calibrate('points', 'SELECT e, label FROM point LIMIT 10', drop_closest => true)});
foreach (
	[ q{(similarity.index_info('point_e')).rows}, 'index_info', 'point_e', 'reading rows', 'following lists' ],
	[ q{(similarity.index_degrees('point_e')).nodes}, 'index_degrees', 'point_e', 'reading rows' ],
	[ q{(similarity.calibration_status('points')).gallery_rows}, 'calibration', 'point', 'reading rows' ])
{
	my ($call, $name, $relation, @phases) = @$_;
	my $session = IPC::Run::start([ 'psql', '-qX', '-c', "SELECT $call FROM generate_series(1, 1000000)", $node->connstr('postgres') ],
		'<', \'', '>', \my $out, '2>', \my $err);
	foreach my $phase (@phases)
	{
		ok($node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM similarity.progress WHERE call = '$name' AND phase = '$phase'"
			  . " AND relation = '$relation'::regclass AND total BETWEEN 1900 AND 2100)"), "$name: $phase");
	}
	value('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE $$%1000000%$$');
	$session->finish;
}

# A shutdown does not wait for it.
value('SET ROLE alice; SET search_path = garden; ' . start_of('one'));
$node->stop('fast');
done_testing();
