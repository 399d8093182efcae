# Each recipe of model/ runs from end to end, with little data and few steps.
use strict;
use warnings;
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

foreach my $recipe (sort glob('model/*.sql'))
{
	my ($name) = $recipe =~ m{(\w+)\.sql$};
	my @variables = $name eq 'adapter' ? ('epochs=1', 'steps=30') : ('epochs=1', 'steps=2');

	if ($name ne 'adapter' && !-d ($ENV{FASHION_MNIST} // '/usr/share/datasets/fashion-mnist'))
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
$node->stop;
done_testing();
