# Random queries of every shape through the index, held against exact answers.
#
# SIMILARITY_RANDOM_QUERIES    how many, 400 unless told otherwise
# SIMILARITY_RANDOM_SEED       other queries
# SIMILARITY_RANDOM_ONLY       one of them, by its number
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

# Of what an exact search returns, on data that is easy to search
my $least_recall = 0.9;

# Rows that were found too late for their place in the order, of those that a
# scan should have returned; on all data
my $most_lost = 0.01;

my $node = SimilarityNode::create('random');
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');

my $out = SimilarityNode::run_client($node, 'the queries were run', 'index_random.py');
foreach my $line (split /\n/, $out)
{
	my ($shape, $queries, $indexed, $wrong, $recall, $easy) =
	  $line =~ /^shape (\S+) (\d+) (\d+) (\d+) (\S+) (\S+)$/;

	if ($line =~ /^lost (\d+) of (\d+)$/)
	{
		note($line);
		cmp_ok($1, '<=', $most_lost * $2, 'hardly a row is lost by the order');
		next;
	}
	if (!defined $shape)
	{
		diag($line);
		next;
	}
	note("$shape: $queries queries, $indexed by index, recall $recall, of easy data $easy");
	is($wrong, 0, "$shape: every answer is right");
	cmp_ok($indexed, '>', 0, "$shape: the index takes part");
	cmp_ok($easy, '>=', $least_recall, "$shape: recall of easy data") if $easy ne '-';
}
$node->stop;
done_testing();
