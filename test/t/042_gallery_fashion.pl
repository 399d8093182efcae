# Fashion-MNIST with a model that was trained on 6 of the 10 classes: what
# calibration, evaluation and matching say, against the same computed here.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

if (!-d ($ENV{FASHION_MNIST} // '/usr/share/datasets/fashion-mnist'))
{
	plan skip_all => 'Fashion-MNIST is not installed';
}

my $node = SimilarityNode::create('gallery_fashion');
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = '256MB'\nlog_statement = none\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE items (id int, split text, label int, image bytea);
SELECT similarity.create_model('fashion', input => '{28,28,1}', layers => '[
  {"rescaling": {"scale": 0.00392156862745098}},
  {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
  {"flatten": {}},
  {"dense": {"units": 64, "activation": "relu"}},
  {"metric_embedding": {"units": 64}}]');
SQL
my $connection = $node->connstr('postgres');
system("test/data/fashion-mnist | awk '\$1 <= 12000 || \$1 > 60000' | psql -X -q -d \"$connection\" -c 'COPY items FROM STDIN'") == 0
  or die 'could not load the images';

my @known = (0, 1, 2, 3, 5, 6);
$node->safe_psql('postgres', <<'SQL');
CALL similarity.train('fashion', 'SELECT image, label FROM items WHERE id BETWEEN 2001 AND 12000 ORDER BY id', epochs => 1,
	steps_per_epoch => 400, classes_per_batch => 6, examples_per_class => 4, known_classes => '{0,1,2,3,5,6}', seed => 42, verbose => false);
CREATE TABLE indexed AS
SELECT id, label, (embed_batch('fashion', image) OVER ())::embedding(64) AS e
FROM (SELECT *, row_number() OVER (PARTITION BY label ORDER BY id) AS n FROM items WHERE id BETWEEN 1001 AND 2000) i WHERE n <= 20;
CREATE TABLE calibration AS SELECT id, label, embed_batch('fashion', image) OVER () AS e FROM items WHERE id <= 1000;
CREATE TABLE test AS SELECT id, label, embed_batch('fashion', image) OVER () AS e FROM items WHERE split = 'test';
SELECT similarity.create_gallery('wardrobe', 'indexed', 'e', 'label', key => 'id', model => 'fashion');
SQL
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT label) FROM indexed'), '200|10', '20 rows of each class are indexed');

# Rows of (label, label of the nearest, its distance), by no function of galleries
sub nearest
{
	my ($table) = @_;

	return map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', <<"SQL");
SET extra_float_digits = 3;
SELECT q.label, n.label, n.d FROM $table q, LATERAL (SELECT i.label, i.e <=> q.e AS d FROM indexed i ORDER BY 2 LIMIT 1) n
SQL
}

# True and false positives and negatives at a distance, and the metrics of them
sub metrics
{
	my ($distance, @rows) = @_;
	my ($tp, $fp, $tn, $fn) = (0, 0, 0, 0);

	foreach my $row (@rows)
	{
		my ($label, $found, $d) = @$row;
		$d <= $distance ? ($label == $found ? $tp++ : $fp++) : ($label == $found ? $fn++ : $tn++);
	}
	my $precision = $tp + $fp ? $tp / ($tp + $fp) : 0;
	my $recall = $tp + $fn ? $tp / ($tp + $fn) : 0;
	return (tp => $tp, fp => $fp, tn => $tn, fn => $fn, precision => $precision, recall => $recall,
		f1 => $precision + $recall ? 2 * $precision * $recall / ($precision + $recall) : 0,
		binary_accuracy => $tp / @rows);
}

sub near
{
	my ($a, $b) = @_;
	return abs($a - $b) < 1e-6;
}

# Calibration: the last of the best distances.
my @calibration = nearest('calibration');
is(scalar(@calibration), 1000, 'calibration with 1,000 rows');
my ($best, $optimum) = (-1, 0);
my %seen;
foreach my $distance (sort { $a <=> $b } grep { !$seen{$_}++ } map { $_->[2] } @calibration)
{
	my %m = metrics($distance, @calibration);
	($best, $optimum) = ($m{f1}, $distance) if $m{f1} >= $best - 1e-12;
}
my %ours = metrics($optimum, @calibration);
my @got = split /\|/, $node->safe_psql('postgres',
	q{SELECT distance, f1, "precision", recall, binary_accuracy FROM similarity.calibrate('wardrobe', 'SELECT e, label FROM calibration')});
note "optimal: distance $got[0], f1 $got[1], precision $got[2], recall $got[3], binary accuracy $got[4]";
ok(near($got[0], $optimum), 'the distance of the optimum');
ok(near($got[1], $ours{f1}), 'its f1');
ok(near($got[2], $ours{precision}), 'its precision');
ok(near($got[3], $ours{recall}), 'its recall');
ok(near($got[4], $ours{binary_accuracy}), 'its binary accuracy');

# Evaluation and confusion of the 10,000 test images at that distance.
my @test = nearest('test');
is(scalar(@test), 10000, '10,000 test images');
%ours = metrics($optimum, @test);
my @columns = qw(tp fp tn fn precision recall f1 binary_accuracy);
@got = split /\|/, $node->safe_psql('postgres',
	q{SELECT tp, fp, tn, fn, "precision", recall, f1, binary_accuracy FROM similarity.evaluate_classification('wardrobe', 'SELECT e, label FROM test')});
foreach my $i (0 .. $#columns)
{
	ok(near($got[$i], $ours{ $columns[$i] }), "$columns[$i] of the test images");
}

my %confusion;
$confusion{ $_->[0] . '|' . ($_->[2] <= $optimum ? $_->[1] : '') }++ foreach @test;
is_deeply(
	{ map { /^(.*)\|(\d+)$/; $1 => $2 } split /\n/, $node->safe_psql('postgres',
			q{SELECT label, predicted, count FROM similarity.confusion_matrix('wardrobe', 'SELECT e, label FROM test')}) },
	\%confusion, 'confusion matrix');

# Matching: classes that the model was trained on, and others, apart.
my %right = (t => 0, f => 0);
my %all = (t => 0, f => 0);
my %is_known = map { $_ => 1 } @known;
foreach my $row (@test)
{
	my $group = $is_known{ $row->[0] } ? 't' : 'f';
	$all{$group}++;
	$right{$group}++ if $row->[2] <= $optimum && $row->[0] == $row->[1];
}
my %matched = map { /^(.)\|(.*)\|(.*)$/; ($1 => "$2|$3") } split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT t.label IN (0, 1, 2, 3, 5, 6), count(*), count(*) FILTER (WHERE m.label = t.label::text)
FROM similarity.match_all('wardrobe', 'SELECT e, id FROM test') m JOIN test t ON t.id = m.key::int GROUP BY 1
SQL
is($matched{t}, "$all{t}|$right{t}", 'match_all on classes that the model was trained on');
is($matched{f}, "$all{f}|$right{f}", 'and on others');
note sprintf('right: %.4f of known classes, %.4f of unknown ones', $right{t} / $all{t}, $right{f} / $all{f});
cmp_ok($right{t} / $all{t}, '>', 0.6, 'known classes are recognized');
cmp_ok($right{f} / $all{f}, '>', 0.5, 'unknown ones as well, from 20 rows each');
done_testing();
