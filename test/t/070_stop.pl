# Whatever takes long is stopped soon by cancel, terminate and statement_timeout,
# and leaves no thread; the next call works.  (020_train_cancel.pl looks for memory.)
#
# SIMILARITY_STOP_TRIES    each way of each, and the largest inputs, too; else
#                          every call is stopped once, in one of the three ways.
#                          Seven make BENCHMARKS.md's table
# SIMILARITY_STOP_MS       the bound on an answer, 2000 unless told otherwise
# SIMILARITY_STOP_ONLY     a pattern of names
use strict;
use warnings;

# of sessions that watch all of it
BEGIN { $ENV{PG_TEST_TIMEOUT_DEFAULT} ||= 3600 }

use Compress::Zlib;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use SimilarityNode;

my $tries = $ENV{SIMILARITY_STOP_TRIES} // 0;
my $bound = $ENV{SIMILARITY_STOP_MS} // 2000;
my $only = $ENV{SIMILARITY_STOP_ONLY} // '.';
my @ways = qw(cancel terminate timeout);

my $node = SimilarityNode::create('stop');
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
autovacuum = off
max_wal_size = 4GB
similarity.threads = 2
similarity.cache_memory = 2GB
similarity.training_memory = 8GB
maintenance_work_mem = 512MB
CONF
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;

-- a network whose weights take long to move, and one whose layers take long to compute
SELECT similarity.create_model('wide', '{1024}', '[{"dense": {"units": 3072, "activation": "relu"}},
	{"dense": {"units": 3072, "activation": "relu"}}, {"dense": {"units": 2048, "activation": "relu"}}, {"metric_embedding": {"units": 64}}]');
SELECT similarity.create_model('deep', '{224,224,16}', '[{"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
	{"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}, {"conv2d": {"filters": 63, "kernel_size": 5, "activation": "relu"}},
	{"max_pooling2d": {}}, {"conv2d": {"filters": 128, "kernel_size": 3}}, {"global_average_pooling2d": {}}, {"metric_embedding": {"units": 16}}]');
SELECT similarity.create_model('small', '{64}', '[{"dense": {"units": 64}}, {"metric_embedding": {"units": 64}}]');
CREATE TABLE item AS SELECT i AS id, (i % 500)::text AS label, random_embedding(1024, i) AS x FROM generate_series(1, 3000) i;
CREATE TABLE picture AS SELECT i AS id, (i % 2)::text AS label, decode(repeat(md5(i::text), 224 * 224), 'hex') AS x FROM generate_series(1, 4) i;
CREATE TABLE point AS SELECT i AS id, (i % 5000)::text AS label, random_embedding(64, i)::embedding(64) AS x FROM generate_series(1, 20000) i;
ALTER TABLE point ADD PRIMARY KEY (id);
CALL similarity.train('wide', 'SELECT x, label FROM item LIMIT 1000', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, seed => 1, verbose => false);
CALL similarity.train('small', 'SELECT x, label FROM point LIMIT 1000', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
CALL similarity.train('deep', 'SELECT x, label FROM picture', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, examples_per_class => 2,
	seed => 1, verbose => false);
ALTER TABLE point ADD COLUMN e embedding(64);
UPDATE point SET e = v FROM (SELECT id AS i, embed_batch('small', x) OVER () AS v FROM point) b WHERE id = i;
SELECT similarity.create_gallery('g', 'point', 'e', 'label', model => 'small');
SELECT similarity.attach('g', 'x');
SELECT similarity.calibrate('g', 'SELECT x, label FROM point LIMIT 1000');
CALL similarity.train('small', 'SELECT x, label FROM point LIMIT 1000', epochs => 1, steps_per_epoch => 1, seed => 2, verbose => false);
CREATE TABLE file AS SELECT similarity.export_model('wide') AS f;
CREATE TABLE indexed AS SELECT id, x FROM point;
CREATE INDEX indexed_x ON indexed USING similarity_hnsw (x embedding_l2_ops);
CREATE TABLE ranked AS SELECT array_agg(label ORDER BY id) AS q,
	(SELECT array_agg(l) FROM (SELECT array_agg(p.label ORDER BY p.id) AS l FROM point p, generate_series(1, 2000) i WHERE p.id <= 50 GROUP BY i) s) AS r,
	(SELECT array_agg(l) FROM (SELECT array_agg(p.id / 50.0 ORDER BY p.id) AS l FROM point p, generate_series(1, 2000) i WHERE p.id <= 50 GROUP BY i) s) AS d
FROM point WHERE id <= 2000;
VACUUM ANALYZE;

-- Milliseconds from the signal until the backend is idle or gone
CREATE PROCEDURE wait_until_stopped(backend integer) LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_get_activity(backend) WHERE state = 'active') LOOP
		PERFORM pg_sleep(0.001);
		PERFORM pg_stat_clear_snapshot();
		COMMIT;
	END LOOP;
END $$;
SQL

# A black picture in hexadecimal, of one bit a pixel
sub png
{
	my ($side) = @_;
	my $line = pack('C', 0) . "\0" x (($side + 7) / 8);
	my $header = pack('NNCCCCC', $side, $side, 1, 0, 0, 0, 0);
	my @chunks = (IHDR => $header, IDAT => compress($line x $side), IEND => '');
	my $png = "\x89PNG\r\n\x1A\n";

	while (my ($type, $data) = splice @chunks, 0, 2)
	{
		$png .= pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
	}
	return unpack('H*', $png);
}

my $black = png(30000);
$node->safe_psql('postgres', <<"SQL");
SELECT similarity.create_model('tiny', '{8,8,1}', '[{"flatten": {}}, {"metric_embedding": {"units": 4}}]');
CREATE TABLE black AS SELECT decode('$black', 'hex') AS x;
CALL similarity.train('tiny', 'SELECT decode(repeat(md5(i::text), 4), ''hex''), i % 2 FROM generate_series(1, 10) i', epochs => 1,
	steps_per_epoch => 1, verbose => false);
SQL

my $version = $node->safe_psql('postgres', "SELECT max(version) FROM similarity.model_versions WHERE model = 'small'");

# name => a statement that takes long
my @long = (
	[ 'embed, much memory', "SELECT count(embed('wide', x)) FROM item, generate_series(1, 100)" ],
	[ 'embed, many layers', "SELECT count(embed('deep', x)) FROM picture, generate_series(1, 20)" ],
	[ 'embed_batch', "SELECT count(e) FROM (SELECT embed_batch('wide', x) OVER () AS e FROM item, generate_series(1, 20)) s" ],
	[ 'training step, batch of 3,000',
		"CALL similarity.train('wide', 'SELECT x, label FROM item', epochs => 5, steps_per_epoch => 5,"
		  . " classes_per_batch => 500, examples_per_class => 6, seed => 1, verbose => false)" ],
	[ 'training step, pictures',
		"CALL similarity.train('deep', 'SELECT x, label FROM picture', epochs => 50, steps_per_epoch => 5,"
		  . " classes_per_batch => 2, examples_per_class => 2, seed => 1, verbose => false)" ],
	[ 'loss of a batch of 8,000',
		"CALL similarity.train('small', 'SELECT x, label FROM point', loss => 'triplet', epochs => 5, steps_per_epoch => 50,"
		  . " classes_per_batch => 2000, examples_per_class => 4, seed => 1, verbose => false)" ],
	[ 'export_model', "SELECT sum(length(similarity.export_model('wide'))) FROM generate_series(1, 100)" ],
	[ 'import_model', "SELECT similarity.import_model('copy' || i, f) FROM file, generate_series(1, 50) i" ],
	[ 'copy_model', "SELECT similarity.copy_model('wide', 'copied' || i) FROM generate_series(1, 100) i" ],
	[ 'sample_batch', "SELECT count(*) FROM generate_series(1, 100) i, LATERAL similarity.sample_batch('SELECT x, label FROM point', seed => i) s" ],
	[ 'calibrate', "SELECT similarity.calibrate('g', 'SELECT x, label FROM point') FROM generate_series(1, 20)" ],
	[ 'evaluate_retrieval', "SELECT similarity.evaluate_retrieval('g', 'SELECT x, label FROM point', metrics => '{recall\@100,map\@100}') FROM generate_series(1, 20)" ],
	[ 'confusion_matrix', "SELECT similarity.confusion_matrix('g', 'SELECT x, label FROM point') FROM generate_series(1, 50)" ],
	[ 'drift', "SELECT similarity.drift('g', 'SELECT x, label FROM point') FROM generate_series(1, 50)" ],
	[ 'audit', "SELECT similarity.audit('g', 200) FROM generate_series(1, 20)" ],
	[ 'suggest_labels', "SELECT similarity.suggest_labels('g', 10000) FROM generate_series(1, 20)" ],
	[ 'audit, look-ups', "SELECT similarity.audit('g', exact => false) FROM generate_series(1, 20)" ],
	[ 'evaluate, look-ups', "SELECT similarity.evaluate_retrieval('g', 'SELECT x, label FROM point', exact => false) FROM generate_series(1, 20)" ],
	[ 'knn', "SELECT count(*) FROM similarity.knn('point', 'x', (SELECT array_agg(x) FROM point), 100)" ],
	[ 'knn, l1', "SELECT count(*) FROM similarity.knn('point', 'x', (SELECT array_agg(x) FROM point), 100, 'l1')" ],
	[ 'projection, neighbors', "SELECT count(*) FROM generate_series(1, 1000) i, LATERAL similarity.projection((SELECT array_agg(x) FROM point), epochs => 1, seed => i)" ],
	[ 'projection, layout', "SELECT count(*) FROM similarity.projection('g', epochs => 10000)" ],
	[ 'projection, components', "SELECT count(*) FROM generate_series(1, 1000) i, LATERAL similarity.projection('g', 'pca', seed => i)" ],
	[ 'loss(), 8,000 proxies', "SELECT similarity.loss('proxy_anchor', (SELECT array_agg(i - 1) FROM generate_series(1, 8000) i), e, second => e)"
		  . " FROM (SELECT array_agg(x) AS e FROM point WHERE id <= 8000) s, generate_series(1, 20)" ],
	[ 'retrieval_metrics', "SELECT similarity.retrieval_metrics(q, r, metrics => '{recall\@1,precision\@50,ndcg\@50}') FROM ranked, generate_series(1, 100)" ],
	[ 'match_neighbors', "SELECT similarity.match_neighbors(r, d, 'match_majority_vote') FROM ranked, generate_series(1, 100)" ],
	[ 'arrays to embeddings', "SELECT cardinality(array_to_embeddings(a)) FROM (SELECT array_agg(x::real[]) AS a FROM item) s, generate_series(1, 100)" ],
	[ 'lookup_all', "SELECT count(*) FROM similarity.lookup_all('g', 'SELECT x, id FROM point', 10)" ],
	[ 'match_all', "SELECT similarity.match_all('g', 'SELECT x, id FROM point') FROM generate_series(1, 20)" ],
	[ 'neighbors_html', "SELECT length(similarity.neighbors_html('g', 'SELECT x, label FROM point LIMIT 200', 20)) FROM generate_series(1, 50)" ],
	[ 'report', "SELECT length(similarity.report('g', options => '{\"items\": 200, \"k\": 20}')) FROM generate_series(1, 50)" ],
	[ 'index build', 'CREATE INDEX made ON point USING similarity_hnsw (x embedding_l2_ops)' ],
	[ 'index build beyond memory', "SET maintenance_work_mem = '8MB'; CREATE INDEX made ON point USING similarity_hnsw (x embedding_l2_ops)" ],
	[ 'vacuum', 'DELETE FROM indexed WHERE id % 3 = 0; VACUUM indexed' ],
	[ 'verify_index', "SELECT similarity.verify_index('indexed_x') FROM generate_series(1, 100)" ],
	[ 'index_recall', "SELECT similarity.index_recall('indexed_x', sample => 1000) FROM generate_series(1, 100)" ],
	[ 'scan to the end', "SELECT count(*) FROM generate_series(1, 100) g, LATERAL (SELECT id FROM indexed ORDER BY x <-> random_embedding(64, g) OFFSET 0) s" ],
	[ 'reembed', "CALL similarity.reembed('small', $version, rows_per_second => 1000)" ],
	[ 'embed, a PNG of 900 million pixels', "SELECT embed('tiny', x) FROM black" ],
);

# of large inputs, which take minutes to make
if ($tries)
{
	$node->safe_psql('postgres', <<'SQL');
SELECT similarity.create_model('huge', '{16384}', '[{"dense": {"units": 12288, "activation": "relu"}}, {"metric_embedding": {"units": 64}}]');
SELECT similarity.create_model('photo', '{512,512,3}', '[{"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
	{"conv2d": {"filters": 64, "kernel_size": 7, "activation": "relu"}}, {"batch_normalization": {}}, {"layer_normalization": {}},
	{"max_pooling2d": {}}, {"depthwise_conv2d": {"kernel_size": 5}}, {"conv2d": {"filters": 63, "kernel_size": 5}},
	{"generalized_mean_pooling2d": {}}, {"metric_embedding": {"units": 16}}]');
CREATE TABLE big AS SELECT i AS id, (i % 20)::text AS label, random_embedding(16384, i) AS x FROM generate_series(1, 2000) i;
CREATE TABLE photo AS SELECT i AS id, (i % 2)::text AS label, decode(repeat(md5(i::text), 512 * 512 * 3 / 16), 'hex') AS x FROM generate_series(1, 16) i;
CALL similarity.train('huge', 'SELECT x, label FROM big LIMIT 100', optimizer => 'sgd', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2,
	seed => 1, verbose => false);
CALL similarity.train('photo', 'SELECT x, label FROM photo', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, seed => 1, verbose => false);
VACUUM ANALYZE big, photo;
SQL
	my $train = 'epochs => 50, steps_per_epoch => 5, seed => 1, verbose => false';
	push @long, (
		[ 'embed, 200 M weights', "SELECT count(embed('huge', x)) FROM big" ],
		[ 'embed, 512 x 512', "SELECT count(embed('photo', x)) FROM photo, generate_series(1, 10)" ],
		[ 'embed_batch, 512 x 512', "SELECT count(e) FROM (SELECT embed_batch('photo', x) OVER () AS e FROM photo, generate_series(1, 10)) s" ],
		[ 'training step, 512 x 512',
			"CALL similarity.train('photo', 'SELECT x, label FROM photo', classes_per_batch => 2, examples_per_class => 4, $train)" ],
		[ 'training step, LAMB, 200 M weights',
			"CALL similarity.train('huge', 'SELECT x, label FROM big LIMIT 200', optimizer => 'lamb', classes_per_batch => 4, $train)" ],
		[ 'training step, Adam, 200 M weights, 512 rows',
			"CALL similarity.train('huge', 'SELECT x, label FROM big', classes_per_batch => 16, examples_per_class => 32, $train)" ],
		[ 'training step, all triplets of 4,000 rows',
			"CALL similarity.train('small', 'SELECT x, (id % 2)::text FROM point', loss => 'triplet',"
			  . " loss_params => '{\"positive_mining\": \"all\", \"negative_mining\": \"all\"}', classes_per_batch => 2, examples_per_class => 2000, $train)" ],
		[ 'training step, 10,000 proxies',
			"CALL similarity.train('small', 'SELECT x, (id / 2)::text FROM point', loss => 'proxy_anchor', classes_per_batch => 500, $train)" ],
		[ 'loss(), vicreg of 16,384 dimensions', "SELECT similarity.loss('vicreg', NULL, e[1:30], second => e[31:60])"
			  . " FROM (SELECT array_agg(x) AS e FROM big WHERE id <= 60) s, generate_series(1, 20)" ],
		[ 'knn, 16,384 dimensions', "SELECT count(*) FROM similarity.knn('big', 'x', (SELECT array_agg(x) FROM big WHERE id <= 700), 100)" ],
		[ 'knn, l1, 16,384 dimensions', "SELECT count(*) FROM similarity.knn('big', 'x', (SELECT array_agg(x) FROM big WHERE id <= 700), 100, 'l1')" ],
		[ 'export_model, 200 M weights', "SELECT length(similarity.export_model('huge'))" ],
		[ 'copy_model, 200 M weights', "SELECT similarity.copy_model('huge', 'copied' || i) FROM generate_series(1, 5) i" ],
		[ 'index build, 16,384 dimensions', 'CREATE INDEX made ON big USING similarity_hnsw (x embedding_cosine_ops)' ],
	);
}

my $watch = $node->background_psql('postgres');

sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	return ($session, $pid);
}

# Ask the backend to stop, and wait: milliseconds
sub stop_with
{
	my ($pid, $how) = @_;
	my $begin = time;

	$watch->query("SELECT pg_${how}_backend($pid); CALL wait_until_stopped($pid)");
	return 1000 * (time - $begin);
}

# One statement, stopped after some time; undef if it ended by itself
sub stop_once
{
	my ($statement, $how, $after) = @_;
	my ($session, $pid) = session();

	$session->query_safe("SET statement_timeout = '" . int(1000 * $after) . "ms'") if $how eq 'timeout';
	$session->query_until(qr/started/, "\\echo started\n$statement;\n\\warn ended\n");
	sleep($after);
	my $ms = $how eq 'timeout' ? stop_with($pid, 'none') : stop_with($pid, $how);
	if ($how ne 'terminate')
	{
		pump_until($session->{run}, $session->{timeout}, \$session->{stderr}, qr/^ended$/m);
		my $stopped = $session->{stderr} =~ /canceling statement/;
		$session->{stderr} = '';
		$session->query_safe('SET statement_timeout = 0');
		# the same backend goes on: its networks and caches are whole
		is($session->query_safe("SELECT embed('small', x) = e FROM point WHERE id = 7"), 't', 'the next call works')
		  if $stopped && !$tries;
		is(scalar(my @threads = glob("/proc/$pid/task/*")), 1, 'no thread is left') if $stopped && !$tries;
		$session->quit;
		return $stopped ? $ms : undef;
	}
	eval { $session->quit };
	return $ms;
}

$watch->query_safe('CREATE FUNCTION pg_none_backend(integer) RETURNS boolean LANGUAGE sql RETURN true');

sub quantile
{
	my ($share, @values) = @_;
	@values = sort { $a <=> $b } @values;
	return $values[ int($share * $#values + 0.5) ];
}

my $number = 0;
foreach my $long (grep { $_->[0] =~ /$only/ } @long)
{
	my ($name, $statement) = @$long;
	my @all;
	foreach my $how ($tries ? @ways : $ways[ $number++ % @ways ])
	{
		foreach my $try (1 .. $tries || 1)
		{
			my $ms = stop_once($statement, $how, $tries ? 0.1 + rand(0.6) : 0.3);
			if (!defined $ms)
			{
				fail("$name takes long enough to be stopped");
				next;
			}
			push @all, $ms;
		}
	}
	my $most = quantile(0.99, @all);
	cmp_ok($most, '<=', $bound, "$name stops");
	note(sprintf('%-44s %4d stops  median %5.0f ms  99 %% %5.0f ms', $name, scalar @all, quantile(0.5, @all), $most));
}

# Fast shutdown in the middle of a training
my ($session, $pid) = session();
$session->query_until(qr/started/, "\\echo started\n$long[3][1];\n");
sleep(1);
my $begin = time;
$node->stop('fast');
cmp_ok(1000 * (time - $begin), '<=', 10 * $bound, 'fast shutdown');
eval { $session->quit };
eval { $watch->quit };
$node->start;
is($node->safe_psql('postgres', "SELECT count(*) FROM similarity.models WHERE model LIKE 'cop%'"), '0', 'nothing is left of what was stopped');
$node->stop;
done_testing();
