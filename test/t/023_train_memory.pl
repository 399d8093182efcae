# A training takes the memory that was planned before it began: what the backend
# grew by at its peak lies within 15 % of the plan.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

plan skip_all => 'needs Linux' unless -r '/proc/self/status';

my $node = SimilarityNode::create('train_memory');
# Pages of the buffer cache count as the backend's, too.
$node->append_conf('postgresql.conf', "similarity.threads = 2\nshared_buffers = 4MB\n");
$node->start;

# The peak in bytes that the session has reached
my $peak = q{(SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::bigint * 1024)};

# Growth of a new session, after a training that loaded what any needs, and plan
sub measure
{
	my ($name, $input, $layers, $source, $arguments) = @_;
	my ($measured, $planned) = split /\|/, $node->safe_psql('postgres', <<"SQL");
SELECT FROM similarity.create_model('$name', input => '$input', layers => '$layers');
CALL similarity.train('small', 'SELECT ARRAY[i, i], i % 2 FROM generate_series(1, 20) i', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT $peak AS before \\gset
CALL similarity.train('$name', '$source', epochs => 1, steps_per_epoch => 3, seed => 1, verbose => false, $arguments);
SELECT $peak - :before, metrics->'planned_bytes' FROM similarity.model_versions WHERE model = '$name';
SQL
	my $ratio = $measured / $planned;

	note sprintf '%s: %.1f MB, planned %.1f MB', $name, $measured / 1048576, $planned / 1048576;
	ok($ratio > 0.85 && $ratio < 1.15, sprintf '%s: %.3f of the plan', $name, $ratio);
}

$node->safe_psql('postgres', q{CREATE EXTENSION similarity;
SELECT similarity.create_model('small', input => '{2}', layers => '[{"metric_embedding": {"units": 2}}]')});

my $pictures = q{SELECT decode(repeat(md5(i::text), 49), ''hex''), i %% 10 FROM generate_series(1, %d) i};
my $hello = q{[{"rescaling": {"scale": 0.004}}, {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
	{"flatten": {}}, {"dense": {"units": 64, "activation": "relu"}}, {"metric_embedding": {"units": 64}}]};

measure('activations', '{28,28,1}', $hello, sprintf($pictures, 1000), 'examples_per_class => 16');
measure('weights', '{28,28,1}', $hello, sprintf($pictures, 1000), q{optimizer => 'lamb'});
measure('rows', '{784}', '[{"metric_embedding": {"units": 32}}]', sprintf($pictures, 60000), 'examples_per_class => 2');

$node->stop;
done_testing();
