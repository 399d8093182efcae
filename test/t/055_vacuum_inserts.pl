# Nodes made while a vacuum marks the dead ones may have those as neighbors:
# when the vacuum ends nothing leads to a place that it has freed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('inserts');
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE TABLE item (id integer, e embedding(8));
	INSERT INTO item SELECT i, random_embedding(8, i) FROM generate_series(1, 5000) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_l2_ops);
	DELETE FROM item WHERE id % 2 = 0;
});

# The vacuum sleeps often; rows come in meanwhile, at nodes that are to go.
my $vacuum = IPC::Run::start(
	[ 'psql', '-qX', '-c', 'SET vacuum_cost_delay = 10', '-c', 'SET vacuum_cost_limit = 100', '-c', 'VACUUM item', $node->connstr('postgres') ],
	'<', \'', '>', \my $out, '2>', \my $err);
ok($node->poll_query_until('postgres', "SELECT phase = 'vacuuming indexes' FROM pg_stat_progress_vacuum"), 'the vacuum reads the index');
$node->safe_psql('postgres', 'INSERT INTO item SELECT 10000 + i, random_embedding(8, 10000 + i) FROM generate_series(1, 300) i');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_progress_vacuum'), '1', 'it still does');
$vacuum->finish;
is($err, '', 'it ends without error');

# Freed places are taken by rows from elsewhere.
$node->safe_psql('postgres', 'INSERT INTO item SELECT 20000 + i, random_embedding(8, 20000 + i) FROM generate_series(1, 3000) i');
is($node->safe_psql('postgres', "SELECT * FROM similarity.verify_index('item_e')"), '', 'the index is sound');
$node->stop;
done_testing();
