# Inserts, updates, deletes, searches and vacuum at the same time.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('busy');
$node->append_conf('postgresql.conf', qq{
autovacuum = off
fsync = off
shared_buffers = '128MB'
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE FUNCTION vector(i bigint) RETURNS embedding LANGUAGE sql IMMUTABLE AS
		$$ SELECT array_agg((hashint8(i * 100 + j) % 1000)::real)::embedding FROM generate_series(1, 8) j $$;
	CREATE TABLE item (id bigint, e embedding(8));
	CREATE SEQUENCE ids START 1001;
	INSERT INTO item SELECT i, vector(i) FROM generate_series(1, 1000) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_l2_ops) WITH (m = 8, ef_construction = 40);
	CREATE TABLE empty (id bigint, e embedding(8));
	CREATE INDEX empty_e ON empty USING similarity_hnsw (e embedding_l2_ops) WITH (m = 8, ef_construction = 40);
});

my $seconds = $ENV{SIMILARITY_TEST_SECONDS} // 8;
my %work = (
	'020_insert@5' => q{
		INSERT INTO item SELECT i, vector(i) FROM (SELECT nextval('ids') AS i) x;
		INSERT INTO empty SELECT i, vector(i % 50) FROM (SELECT nextval('ids') AS i) x;},
	'021_delete@3' => q{
		DELETE FROM item WHERE ctid IN (SELECT ctid FROM item ORDER BY random() LIMIT 2);
		DELETE FROM empty WHERE ctid IN (SELECT ctid FROM empty ORDER BY random() LIMIT 2);},
	'022_update@2' => q{
		UPDATE item SET e = vector(id + 1000000) WHERE ctid IN (SELECT ctid FROM item ORDER BY random() LIMIT 1);},
	'023_select@5' => q{
		SET enable_seqscan = off;
		\set i random(1, 100000)
		SELECT id FROM item ORDER BY e <-> vector(:i) LIMIT 10;
		SELECT id FROM empty ORDER BY e <-> vector(:i) LIMIT 10;},
	'024_vacuum@1' => q{
		VACUUM (SKIP_LOCKED) item;
		VACUUM (SKIP_LOCKED) empty;});
$node->pgbench("--no-vacuum --client=6 --jobs=2 --time=$seconds", 0,
	[qr{actually processed}], [qr{^(?!.*ERROR)}s], 'a busy time without errors', \%work);

# The rows that a scan of the whole index gives
sub count_found
{
	my ($table, $order) = @_;

	return $node->safe_psql('postgres', qq{
		SET enable_seqscan = off;
		SET similarity.search_order = $order;
		SELECT count(*) FROM (SELECT id FROM $table ORDER BY e <-> vector(1) LIMIT 1000000) x});
}

foreach my $table (qw(item empty))
{
	is($node->safe_psql('postgres', "SELECT * FROM similarity.verify_index('${table}_e')"),
		'', "the index of $table is sound");
	my $rows = $node->safe_psql('postgres', "SELECT count(*) FROM $table");
	is(count_found($table, 'relaxed'), $rows, "no row of $table is lost");
	# In strict order a row found later than it belongs is left out.
	cmp_ok(count_found($table, 'strict'), '>=', 0.99 * $rows - 1,
		"hardly a row of $table is lost by the order");
}

# The graph is as good as a fresh one, within a point.
my $found = q{
	SET enable_seqscan = off;
	SELECT avg((id = (SELECT i.id FROM item i ORDER BY i.e <-> q.e, i.id LIMIT 1))::integer)
	FROM (SELECT * FROM item ORDER BY id LIMIT 300) q};
my $after = $node->safe_psql('postgres', $found);
cmp_ok($after, '>=', 0.99, 'rows find themselves');
$node->safe_psql('postgres', 'VACUUM item');
is($node->safe_psql('postgres', "SELECT dead_nodes FROM similarity.index_info('item_e')"),
	'0', 'vacuum leaves no dead node');

# A build that is cancelled leaves nothing and no thread.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe("SET statement_timeout = '50ms'");
$node->safe_psql('postgres', 'CREATE TABLE big (id, e) AS SELECT i, vector(i) FROM generate_series(1, 30000) i');
$node->safe_psql('postgres', 'ALTER TABLE big ALTER e TYPE embedding(8)');
$session->query('CREATE INDEX big_e ON big USING similarity_hnsw (e embedding_l2_ops)');
like($session->{stderr}, qr/canceling statement/, 'a build is cancelled');
$session->{stderr} = '';
is($session->query_safe("SELECT count(*) FROM pg_class WHERE relname = 'big_e'"),
	'0', 'a cancelled build leaves no index');
my @threads = glob("/proc/$pid/task/*");
is(scalar(@threads), 1, 'nor a thread');
$session->query_safe("SET statement_timeout = 0");
is($session->query_safe("SELECT count(*) FROM item") > 0, 1, 'the session goes on');
$session->quit;
$node->stop;
done_testing();
