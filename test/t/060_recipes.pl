# Each recipe of model/ runs from end to end, with little data and few steps.
use strict;
use warnings;
use Compress::Zlib;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('recipes');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');

# 384 numbers near one of four directions
my $glosses = PostgreSQL::Test::Utils::tempdir() . '/glosses';
srand(1);
append_to_file($glosses, join '', map {
	my $class = $_ % 4;
	my @x = map { sprintf '%.3f', rand() - 0.5 + ($_ % 4 == $class ? 0.5 : 0) } 0 .. 383;
	join("\t", $_, $_ % 5 == 0 ? 'test' : 'train', "class $class", '[' . join(',', @x) . ']', "gloss $_") . "\n";
} 1 .. 300);
$ENV{GLOSSES} = $glosses;
$ENV{EVERY} = 200;

# A PNG file of noise about one color
sub png
{
	my ($width, $height, @rgb) = @_;
	my $row = sub { join '', map { my $noise = rand(60) - 30; map { chr($_ + $noise) } @rgb } 1 .. $width };
	my $header = pack('NNCCCCC', $width, $height, 8, 2, 0, 0, 0);
	my @chunks = (IHDR => $header, IDAT => compress(join '', map { "\0" . $row->() } 1 .. $height), IEND => '');
	my $png = "\x89PNG\r\n\x1A\n";

	while (my ($type, $data) = splice @chunks, 0, 2)
	{
		$png .= pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
	}
	return $png;
}

# photographs: a folder of JPEG files, and seven of PNG files, of odd sizes
my $photos = PostgreSQL::Test::Utils::tempdir() . '/photos';
mkdir $_ or die "$_: $!" foreach $photos, map { "$photos/$_" } 'a class', 1 .. 7;
foreach my $file (glob('test/fuzz/corpus/picture/jpeg_*'))
{
	my ($name) = $file =~ m{(\w+)$};
	# behind what tells the fuzzer what to do with it
	my ($jpeg) = slurp_file($file) =~ /(\xFF\xD8\xFF.*)/s;
	append_to_file("$photos/a class/$name $_.jpeg", $jpeg) foreach 1 .. 2;
}
foreach my $class (1 .. 7)
{
	append_to_file("$photos/$class/$_.PNG", png(40 + $_, 60 - $class, 30 * $class, 240 - 30 * $class, 128)) foreach 1 .. 10;
}
append_to_file("$photos/1/notes.txt", 'no picture');
$ENV{PHOTOS} = $photos;

my $page = PostgreSQL::Test::Utils::tempdir() . '/tour.html';
foreach my $recipe (sort glob('model/*.sql'))
{
	my ($name) = $recipe =~ m{(\w+)\.sql$};
	my @variables = $name eq 'adapter' ? ('epochs=1', 'steps=30') : ('epochs=1', 'steps=2');
	push @variables, 'pause=0', "page=$page" if $name eq 'tour';

	if ($name !~ /^(adapter|photos|photos_simclr)$/ && !-d ($ENV{FASHION_MNIST} // '/usr/share/datasets/fashion-mnist'))
	{
		note "$recipe: Fashion-MNIST is not installed";
		next;
	}
	# classes in batches as the recipe says, or as many as there are
	my $text = slurp_file($recipe);
	$text =~ s/classes_per_batch => 20/classes_per_batch => 4/;
	my $copy = PostgreSQL::Test::Utils::tempdir() . "/$name.sql";
	append_to_file($copy, $text);
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	my $ran = run_log([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', (map { ('-v', $_) } @variables),
		'-d', $node->connstr($name), '-f', $copy ]);
	ok($ran, "$recipe runs");
}
is($node->safe_psql('adapter', 'SELECT count(*) FROM known WHERE e IS NOT NULL'), 240, 'every row has an embedding');
is($node->safe_psql('photos', 'SELECT count(*), count(e), count(DISTINCT label) FROM photos'), '64|64|8', 'every file but each fifth is in the gallery');
is($node->safe_psql('photos', q{INSERT INTO photos (path, image) SELECT 'new', image FROM tests LIMIT 1 RETURNING e IS NOT NULL}), 't', 'and what comes in later is embedded');
SKIP:
{
	skip 'the tour did not run', 2 unless -e $page;
	like(slurp_file($page), qr{^<!DOCTYPE html>.*</html>\s*$}s, 'the tour ends with a page');
	is($node->safe_psql('tour', 'SELECT count(DISTINCT kind) FROM wardrobe'), 10, 'and with rows of each kind');
}
$node->stop;
done_testing();
