# Binary embeddings as a client sends and receives them.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('binary');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');

my ($out, $err);
{
	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => 'postgres');
	ok( IPC::Run::run(
			[ '/usr/bin/python3', dirname(__FILE__) . '/binary_client.py' ],
			'>', \$out, '2>', \$err),
		'the client ends well') or diag($err);
}
foreach my $line (split /\n/, $out)
{
	my ($failed, $name) = $line =~ /^(not )?ok (.*)$/;
	ok(!$failed, $name // $line);
}
$node->stop;
done_testing();
