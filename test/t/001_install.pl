# The extension installs, and a second session sees it.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('install');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');
is($node->safe_psql('postgres',
		"SELECT extversion FROM pg_extension WHERE extname = 'similarity'"),
	'0.1.0', 'version of the installed extension');
$node->stop;
done_testing();
