# embed_batch() in the middle of a cancel, a timeout and an early end: no
# thread and no memory is left, and the next statement works.  The cache of
# networks keeps to similarity.cache_memory.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('embed_batch');
$node->append_conf('postgresql.conf', "similarity.threads = 3\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
SELECT similarity.create_model('pictures', '{16,16,1}', '[{"conv2d": {"filters": 64, "kernel_size": 5}},
	{"flatten": {}}, {"metric_embedding": {"units": 16}}]');
CREATE TABLE pictures AS SELECT i, i % 5 AS label, decode(repeat(md5(i::text), 16), 'hex') AS image
FROM generate_series(1, 20000) i;
SELECT similarity.create_model('wide', '{16,16,1}', '[{"flatten": {}}, {"dense": {"units": 8000}}, {"metric_embedding": {"units": 16}}]');
CALL similarity.train('wide', 'SELECT image, label FROM pictures WHERE i <= 100', epochs => 1, steps_per_epoch => 2, verbose => false);
CALL similarity.train('pictures', 'SELECT image, label FROM pictures WHERE i <= 100', epochs => 1, steps_per_epoch => 2, verbose => false);
SQL

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

sub threads
{
	my @tasks = glob("/proc/$pid/task/*");
	return scalar @tasks;
}

# Memory contexts of the session, in kB
sub memory
{
	return $session->query('SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts');
}

my $all = "SELECT count(e) FROM (SELECT embed_batch('pictures', image) OVER () AS e FROM pictures, generate_series(1, 1000)) t";

is($session->query("SELECT count(e) FROM (SELECT embed_batch('pictures', image) OVER () AS e FROM pictures WHERE i <= 3000) t"),
	'3000', 'embeds in batches');
is(threads(), 1, 'no thread afterwards');
my $memory = memory();

$session->query("SET statement_timeout = '1s'");
my $start = time;
$session->query($all);
cmp_ok(time - $start, '<', 10, 'statement_timeout ends it');
$session->query('RESET statement_timeout');
is(threads(), 1, 'no thread after a timeout');

for my $round (1 .. 3)
{
	$session->{stdin} .= "$all;\n";
	$session->{run}->pump_nb;
	$node->poll_query_until('postgres',
		"SELECT state = 'active' AND query LIKE '%embed_batch%' FROM pg_stat_activity WHERE pid = $pid");
	my $busy = 0;
	for (1 .. 500)
	{
		$busy = threads();
		last if $busy > 1;
		select undef, undef, undef, 0.01;
	}
	cmp_ok($busy, '>', 1, "threads while it runs, round $round");
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	is($session->query('SELECT 1'), '1', "the next statement works after cancel $round");
	is(threads(), 1, "no thread after cancel $round");
}
is($session->query("SELECT count(e) FROM (SELECT embed_batch('pictures', image) OVER () AS e FROM pictures LIMIT 700) t"),
	'700', 'an early end');
is(threads(), 1, 'no thread after an early end');

# 20,000 single rows and as many in batches, many partitions
is($session->query("SELECT count(e) FROM (SELECT embed_batch('pictures', image) OVER (PARTITION BY i / 50) AS e FROM pictures WHERE i < 4000) t"),
	'3999', 'many partitions');
is($session->query("SELECT count(embed('pictures', image)) FROM pictures WHERE i <= 2000"), '2000', 'single rows');
cmp_ok(memory() - $memory, '<', 1024, 'memory is what it was before');

# Two networks of which the cache holds one: each drops the other, unless a
# batch is running on it.
my $networks = "SELECT string_agg(used_bytes / 1000000 || ' MB', ' ') FROM pg_backend_memory_contexts WHERE name = 'network of a model'";
$session->query("SET similarity.cache_memory = '9MB'");
is($session->query("SELECT count(embed('wide', image)) FROM pictures WHERE i = 1"), '1', 'a network within the limit runs');
like($session->query($networks), qr/^[89] MB$/, 'and is the only one kept');
is($session->query("SELECT count(embed('pictures', image)) FROM pictures WHERE i = 1"), '1', 'the other one');
is($session->query($networks), '0 MB', 'takes its place');
is($session->query("SELECT count(*), max(a <-> b) < 1e-5 FROM (SELECT embed_batch('wide', image) OVER () AS a, embed('pictures', image) AS c,
	embed('wide', image) AS b FROM pictures WHERE i <= 300) t WHERE embedding_model(a) <> embedding_model(c)"),
	'300|t', 'both in one query');
is($session->query("SELECT count(embed('pictures', image)) FROM pictures WHERE i = 2"), '1', 'once more');
is($session->query($networks), '0 MB', 'the limit holds after the batch');
$session->query("SET similarity.cache_memory = '1MB'");
is($session->query("SELECT count(embed('wide', image)) FROM pictures WHERE i = 1"), '', 'one above the limit does not');
$session->quit;

like($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"), qr/^0$/, 'the backend ended');
$node->stop;
done_testing();
