# Binary embeddings as a client sends and receives them.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('binary');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');

my $out = SimilarityNode::run_client($node, 'the client ends well', 'binary_client.py');
foreach my $line (split /\n/, $out)
{
	my ($failed, $name) = $line =~ /^(not )?ok (.*)$/;
	ok(!$failed, $name // $line);
}
$node->stop;
done_testing();
