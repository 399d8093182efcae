# A PostgreSQL::Test::Cluster node that finds the staged extension.
package SimilarityNode;

use strict;
use warnings;
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
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

# Where pg_upgrade finds programs, and they the staged library.  From PostgreSQL 18 on
# it asks for libraries by LOAD, which takes $libdir for the server's own directory
# alone; a server finds its directories beside where it lies, so that one that is
# copied has another $libdir, of links to all that the first has and to the stage's.
sub programs_of
{
	my ($node) = @_;
	my ($bin, $lib, $share) = map { $node->config_data("--$_") } qw(bindir pkglibdir sharedir);
	return $bin if $node->pg_version < 18;
	my $place = PostgreSQL::Test::Utils::tempdir();
	system_or_bail('mkdir', '-p', map { $place . dirname($_) } $bin, "$lib/similarity.so", $share);
	system_or_bail('cp', '-RL', $bin, "$place$bin");
	system_or_bail('ln', '-s', glob("$lib/*"), "$place$lib");
	system_or_bail('ln', '-sf', "$ENV{SIMILARITY_STAGE}$lib/similarity.so", "$place$lib");
	system_or_bail('ln', '-s', $share, "$place$share");
	return "$place$bin";
}

# pg_upgrade of a stopped node into one that is initialized, as a test
sub upgrade
{
	my ($old, $new) = @_;
	my $programs = programs_of($old);

	# it leaves scripts where it is run
	chdir PostgreSQL::Test::Utils::tempdir() or die "could not change directory: $!";
	$new->command_ok(
		[
			'pg_upgrade', '--no-sync', '--old-datadir', $old->data_dir,
			'--new-datadir', $new->data_dir, '--old-bindir', $programs,
			'--new-bindir', $programs, '--socketdir', $old->host,
			'--old-port', $old->port, '--new-port', $new->port
		],
		'pg_upgrade');
	return;
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
