# A connection remembers in which buffers an index's pages were.  With few
# buffers others move in all the time: what is found must be the same.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('eviction');
$node->append_conf('postgresql.conf', "shared_buffers = '64MB'\nmax_parallel_maintenance_workers = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE TABLE item (id integer, e embedding(64)) WITH (autovacuum_enabled = off);
	INSERT INTO item SELECT i, random_embedding(64, i) FROM generate_series(1, 2500) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_l2_ops);
	CREATE TABLE other AS SELECT i, repeat('x', 1000) AS filling FROM generate_series(1, 4000) i;
	VACUUM ANALYZE item, other;
});

# Searches of one connection, with scans of another table and inserts between
my $searches = join '', map { qq{
	SELECT array_agg(id) FROM (SELECT id FROM item ORDER BY e <-> random_embedding(64, -$_) LIMIT 10) x;
	SELECT count(filling) FROM other WHERE i % 10 = $_;
} } 1 .. 20;
my $search = "SET enable_seqscan = off; $searches";

my $roomy = $node->safe_psql('postgres', $search);
like($roomy, qr/^\{\d+(,\d+){9}\}$/m, 'searches find rows');
$node->append_conf('postgresql.conf', "shared_buffers = '1MB'\n");
$node->restart;
is($node->safe_psql('postgres', $search), $roomy, 'the same is found with 128 buffers');

# The file is another one and its pages may stand in remembered buffers.
my ($before, $after) = split /---\n/, $node->safe_psql('postgres', "$search SELECT '---'; REINDEX INDEX item_e; $searches");
is("$after\n", $before, 'the same is found after REINDEX in the connection');

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|terminated by signal|is corrupted/, 'nothing was corrupted');
$node->stop;
done_testing();
