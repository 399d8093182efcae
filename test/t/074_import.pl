# Model files, changed at random, given to import_model().
#
# SIMILARITY_IMPORTS        how many, 400 unless told otherwise
# SIMILARITY_IMPORT_SEED    others
# SIMILARITY_IMPORT_ONLY    one of them, by its number
# SIMILARITY_IMPORT_KEEP    where to write it
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

# Of a process of the server
my $memory = 4 * 1024 * 1024 * 1024;

# What a session may keep of all that it was given: caches of the catalog, and the
# networks of similarity.cache_memory
my $most_kept = 24 * 1024 * 1024;

my $node = SimilarityNode::create('import');
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nlog_statement = none\nsimilarity.threads = 1\n");
$node->start;
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
command_ok([ 'prlimit', '--pid', $postmaster, "--as=$memory" ], 'the memory of its processes is limited');
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');

my $out = SimilarityNode::run_client($node, 'the files were given', 'import_random.py', dirname(__FILE__) . '/../data');
my ($files, $accepted, $kept, @bad) = (0, 0);
foreach my $line (split /\n/, $out)
{
	if ($line =~ /^files (\d+) (\d+)$/)
	{
		($files, $accepted) = ($1, $2);
	}
	elsif ($line =~ /^memory (-?\d+)$/)
	{
		$kept = $1;
	}
	elsif ($line =~ /^state /)
	{
		note($line);
	}
	else
	{
		push @bad, $line;
	}
}
is(join("\n", @bad), '', 'no internal error, no lost session, nothing left behind');
note("$files files, $accepted accepted, $kept bytes kept");
cmp_ok($accepted, '>', $files / 20, 'some files are accepted');
cmp_ok($accepted, '<', $files / 2, 'most are not');
cmp_ok($kept, '<', $most_kept, 'memory is given back');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|assert/i, 'no process of the server ended');
$node->stop;
done_testing();
