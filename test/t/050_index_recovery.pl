# Indexes after a crash, on a standby and after its promotion; redo gives the
# same pages as the change itself.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $primary = SimilarityNode::create('primary', allows_streaming => 1);
$primary->append_conf('postgresql.conf', qq{
wal_consistency_checking = 'all'
autovacuum = off
max_wal_size = '1GB'
});
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION similarity');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = -1\n");
$standby->start;

# A vector of n deterministic numbers made from the row's number
sub vector
{
	my ($n) = @_;
	return "(SELECT array_agg((hashint8(i::bigint * 1000 + j) % 1000)::real) "
	  . "FROM generate_series(1, $n) j)::embedding";
}

# Ids of 10 neighbors of each of some rows, as text
my $neighbors = q{
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT q.id, (SELECT array_agg(id) FROM
		(SELECT i.id FROM item i ORDER BY i.e <-> q.e LIMIT 10) x)
	FROM (SELECT id, e FROM item ORDER BY id LIMIT 50) q ORDER BY 1};

# What happened to an index, as text
my $history = "SELECT * FROM similarity.index_history('item_l2')";

my @indexes = qw(item_l2 item_cosine long_l2 offset_l2 offset_cosine);

sub check_sound
{
	my ($node, $what) = @_;
	foreach my $index (@indexes)
	{
		is($node->safe_psql('postgres', "SELECT * FROM similarity.verify_index('$index')"),
			'', "$index is sound $what");
	}
}

sub check_standby
{
	my ($what) = @_;
	$primary->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', $neighbors), $primary->safe_psql('postgres', $neighbors),
		"the standby answers the same $what");
	is($standby->safe_psql('postgres', $history), $primary->safe_psql('postgres', $history),
		"the standby tells the same history $what");
	check_sound($standby, "on the standby $what");
}

$primary->safe_psql('postgres', qq{
	CREATE TABLE item (id integer PRIMARY KEY, e embedding(16));
	INSERT INTO item SELECT i, ${\vector(16)} FROM generate_series(1, 1500) i;
	CREATE INDEX item_l2 ON item USING similarity_hnsw (e embedding_l2_ops);
	CREATE INDEX item_cosine ON item USING similarity_hnsw (e embedding_cosine_ops);
	CREATE TABLE long (id integer PRIMARY KEY, e embedding(5000));
	CREATE INDEX long_l2 ON long USING similarity_hnsw (e embedding_l2_ops);
	INSERT INTO long SELECT i, ${\vector(5000)} FROM generate_series(1, 30) i;
	CREATE UNLOGGED TABLE careless (id integer, e embedding(16));
	INSERT INTO careless SELECT i, ${\vector(16)} + array_fill(5000::real, '{16}')::embedding FROM generate_series(1, 100) i;
	CREATE INDEX careless_l2 ON careless USING similarity_hnsw (e embedding_l2_ops);
	CREATE TABLE offset_item (id integer PRIMARY KEY, e embedding(16));
	INSERT INTO offset_item SELECT i, ${\vector(16)} + array_fill(5000::real, '{16}')::embedding FROM generate_series(1, 300) i;
	CREATE INDEX offset_l2 ON offset_item USING similarity_hnsw (e embedding_l2_ops);
	CREATE INDEX offset_cosine ON offset_item USING similarity_hnsw (e embedding_cosine_ops);
	INSERT INTO offset_item SELECT i, ${\vector(16)} FROM generate_series(301, 330) i;
});
check_standby('after the build');

$primary->safe_psql('postgres', qq{
	INSERT INTO item SELECT i, ${\vector(16)} FROM generate_series(1501, 1800) i;
	UPDATE item SET e = ${\vector(16)} FROM generate_series(2001, 2100) i WHERE id = i - 2000;
});
check_standby('after inserts');

$primary->safe_psql('postgres', 'DELETE FROM item WHERE id % 4 = 0; DELETE FROM long WHERE id % 2 = 0');
$primary->safe_psql('postgres', 'VACUUM item');
$primary->safe_psql('postgres', 'VACUUM long');
check_standby('after vacuum');

$primary->safe_psql('postgres', qq{
	INSERT INTO item SELECT i, ${\vector(16)} FROM generate_series(3001, 3300) i;
	INSERT INTO long SELECT i, ${\vector(5000)} FROM generate_series(31, 50) i;
});
check_standby('after using places again');

# verify_index() on the standby while replay changes the index under its hands
$primary->safe_psql('postgres', qq{
	CREATE TABLE busy (id integer, e embedding(16));
	INSERT INTO busy SELECT i, CASE WHEN i % 3 > 0 THEN ${\vector(16)} END FROM generate_series(1, 999) i;
	CREATE INDEX busy_l2 ON busy USING similarity_hnsw (e embedding_l2_ops);
});
$primary->wait_for_catchup($standby);
my $writer = IPC::Run::start([ 'psql', '-qX', $primary->connstr('postgres'), map { (
		'-c', "INSERT INTO busy SELECT i, CASE WHEN i % 3 > 0 THEN ${\vector(16)} END FROM generate_series($_ * 1000, $_ * 1000 + 999) i",
		'-c', "DELETE FROM busy WHERE id < $_ * 1000 - 1000", '-c', 'VACUUM busy') } 1 .. 2 ], '<', \'', '>', \my $out, '2>', \my $err);
my $findings = '';
my $looks = 0;
do
{
	$findings .= $standby->safe_psql('postgres', "SELECT * FROM similarity.verify_index('busy_l2')");
	$looks++;
} while ($primary->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'}) > 1);
$writer->finish;
note("verified $looks times");
is($findings, '', 'no false alarm beside replay');

# Crash with changes in the WAL only, and one transaction under way.
my $before = $primary->safe_psql('postgres', $neighbors);
my $history_before = $primary->safe_psql('postgres', $history);
like($history_before, qr/^build\|.*\nvacuum\|[^\n]*\|1350\|f\|400\|550\|/, 'a build and a vacuum have left their events');
my $session = $primary->background_psql('postgres');
$session->query_safe("BEGIN; INSERT INTO item SELECT i, ${\vector(16)} FROM generate_series(4001, 4100) i");
$primary->stop('immediate');
eval { $session->quit };
$primary->start;
check_sound($primary, 'after a crash');
is($primary->safe_psql('postgres', $neighbors), $before, 'answers are the same after a crash');
is($primary->safe_psql('postgres', $history), $history_before, 'the history is the same after a crash');
is($primary->safe_psql('postgres', q{
		SET enable_seqscan = off;
		SET similarity.search_order = relaxed;
		SELECT count(*) FROM (SELECT id FROM item ORDER BY e <-> (SELECT e FROM item LIMIT 1) LIMIT 10000) x}),
	$primary->safe_psql('postgres', 'SELECT count(*) FROM item'), 'no row is lost');
is($primary->safe_psql('postgres', "SELECT rows FROM similarity.index_info('careless_l2')"),
	'0', 'the index of an unlogged table is empty after a crash');
$primary->safe_psql('postgres',
	"INSERT INTO careless SELECT i, ${\vector(16)} FROM generate_series(1, 100) i");
is($primary->safe_psql('postgres', "SELECT * FROM similarity.verify_index('careless_l2')"),
	'', 'and works again');
is($primary->safe_psql('postgres', "VACUUM careless; SELECT event, rows FROM similarity.index_history('careless_l2')"),
	'vacuum|100', 'its history begins anew');
check_standby('after a crash of the primary');

$standby->promote;
$standby->safe_psql('postgres', "INSERT INTO item SELECT i, ${\vector(16)} FROM generate_series(5001, 5100) i");
check_sound($standby, 'after promotion and inserts');
$standby->safe_psql('postgres',
	"INSERT INTO careless SELECT i, ${\vector(16)} FROM generate_series(1, 10) i");
is($standby->safe_psql('postgres', "SELECT rows FROM similarity.index_info('careless_l2')"),
	'10', 'the index of an unlogged table works after promotion');

foreach my $node ($primary, $standby)
{
	my $log = slurp_file($node->logfile);
	unlike($log, qr/inconsistent page|PANIC|TRAP/, $node->name . ' found no inconsistent page');
	$node->stop;
}
done_testing();
