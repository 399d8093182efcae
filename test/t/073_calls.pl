# Everything that SQL can call, called with hostile arguments by a plain role.
#
# SIMILARITY_CALLS          how many, 2,000 unless told otherwise
# SIMILARITY_CALLS_SEED     others
# SIMILARITY_CALLS_ONLY     one batch of 1,000, by its number
# SIMILARITY_CALLS_PRINT    1: its statements as they run
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

# Of a process of the server: what is asked for beyond is an error, and the
# machine stays usable.
my $memory = 4 * 1024 * 1024 * 1024;

# Arguments are hostile, but not so that nothing is reached.
my $least_successes = 0.3;

my $node = SimilarityNode::create('calls');
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
autovacuum = off
restart_after_crash = on
log_statement = none
log_line_prefix = '%m [%p] %e '
temp_file_limit = '1GB'
similarity.threads = 2
similarity.cache_memory = '16MB'
similarity.training_memory = '64MB'
CONF
$node->start;
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
command_ok([ 'prlimit', '--pid', $postmaster, "--as=$memory" ], 'the memory of its processes is limited');

my $out = SimilarityNode::run_client($node, 'the calls were made', 'calls_random.py');
my ($calls, $objects, $never, $successes, @bad) = (0, 0, 0, 0);
foreach my $line (split /\n/, $out)
{
	if ($line =~ /^calls (\d+)$/)
	{
		$calls = $1;
	}
	elsif ($line =~ /^state (\S+) (\d+)$/)
	{
		note($line);
		$successes = $2 if $1 eq '00000';
	}
	elsif ($line =~ /^object (.*) (\d+) (\d+)$/)
	{
		$objects++;
		$never++ if $2 == 0;
		note("never successful in $2 calls: $1") if $3 == 0;
	}
	else
	{
		push @bad, $line;
	}
}
is(join("\n", @bad), '', 'no internal error, no lost session, no call that hangs');
note("$calls calls of $objects objects");
cmp_ok($objects, '>', 200, 'the objects of the extension are known');
is($never, 0, 'each of them was called');
cmp_ok($successes, '>=', $least_successes * $calls, 'many calls succeed');

my $log = slurp_file($node->logfile);
unlike($log, qr/terminated by signal|PANIC|TRAP|assert/i, 'no process of the server ended');
unlike($log, qr{ XX00[012] }, 'no internal error in the log');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server works');
$node->stop;
done_testing();
