# A PostgreSQL::Test::Cluster node that finds the staged extension.
package SimilarityNode;

use strict;
use warnings;
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use Test::More;

# SimilarityNode::create('name', allows_streaming => 1): initialized, not started.
# A test that writes into pages asks for no_data_checksums => 1: from PostgreSQL 18
# on the server would refuse them before the extension sees them.
sub create
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%options);
	$node->append_conf('postgresql.conf',
		"$ENV{SIMILARITY_SETTINGS}\nsimilarity.progress_interval = 0\n");
	return $node;
}

# Run a Python client of this folder against the node's database postgres, as a
# test of that name; what it printed
sub run_client
{
	my ($node, $name, $script, @arguments) = @_;
	my ($out, $err);
	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => 'postgres');

	ok( IPC::Run::run(
			[ '/usr/bin/python3', '-B', dirname(__FILE__) . "/$script", @arguments ],
			'>', \$out, '2>', \$err),
		$name) or diag($err);
	return $out;
}

1;
