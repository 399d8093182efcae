# A PostgreSQL::Test::Cluster node that finds the staged extension.
package SimilarityNode;

use strict;
use warnings;
use PostgreSQL::Test::Cluster;

# SimilarityNode::create('name', allows_streaming => 1): initialized, not started
sub create
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%options);
	$node->append_conf('postgresql.conf',
		"extension_destdir = '$ENV{SIMILARITY_STAGE}'\n");
	return $node;
}

1;
