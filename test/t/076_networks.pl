# The known networks give what PyTorch computes with the same weights.
#
# torchvision builds them with random weights; their tensors are written under
# the names and in the layout of torchvision, timm and Keras.
use strict;
use warnings;
use IPC::Run;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

plan skip_all => 'in make test-all only, or with SIMILARITY_TORCH=1' unless $ENV{SIMILARITY_TORCH};
plan skip_all => 'python3-torchvision is not installed'
  unless IPC::Run::run([ '/usr/bin/python3', '-c', 'import torchvision' ], '2>', \my $none);

my $node = SimilarityNode::create('networks');
my $folder = PostgreSQL::Test::Utils::tempdir();
my $out;

$node->append_conf('postgresql.conf', "similarity.cache_memory = '1GB'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');
ok( IPC::Run::run([ '/usr/bin/python3', '-B', dirname(__FILE__) . '/networks.py', $folder ], '>', \$out),
	'the networks are written');
foreach my $line (split /\n/, $out)
{
	my ($name, $layout, $shape, $head, $file, $picture, $expected) = split /\t/, $line;
	my ($rc, $stdout, $stderr) = $node->psql('postgres',
		"SELECT similarity.import_model('$file', pg_read_binary_file('$folder/$file'), '$shape',"
		  . " similarity.architecture('$name', layout => '$layout', head => '[]'), '$layout') > 0");

	is($stdout, 't', "$name of $layout for $shape is imported") or diag($stderr);
	like($stderr, qr/^[^\n]*NOTICE:  $head of the file (is|are) not used\n/, '... without its head') if $head;
	my $distance = $node->safe_psql('postgres',
		"SELECT l2_distance(e, t) / l2_norm(t) FROM (SELECT embed('$file', pg_read_binary_file('$folder/$picture')) AS e,"
		  . " pg_read_file('$folder/$expected')::embedding AS t) x");
	cmp_ok($distance, '<', 1e-4, "... and embeds as PyTorch: $distance");
	unlink "$folder/$file";
}
$node->stop;
done_testing();
