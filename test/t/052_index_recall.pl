# recall@10 of the index at its default ef_search on images of Fashion-MNIST.
use strict;
use warnings;
use IO::Uncompress::Gunzip;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $directory = $ENV{FASHION_MNIST} // '/usr/share/datasets/fashion-mnist';
my $rows = 10000;
my $queries = 100;

plan skip_all => "no Fashion-MNIST in $directory" unless -d $directory;

# The first n images of a file, as rows for COPY
sub images
{
	my ($name, $n) = @_;
	my $in = IO::Uncompress::Gunzip->new("$directory/$name-images-idx3-ubyte.gz")
	  or die "could not read $name";
	my $rows = '';
	$in->read(my $head, 16);
	foreach my $i (1 .. $n)
	{
		$in->read(my $pixels, 784);
		$rows .= "$i\t[" . join(',', unpack('C*', $pixels)) . "]\n";
	}
	return $rows;
}

my $node = SimilarityNode::create('recall');
$node->append_conf('postgresql.conf', "maintenance_work_mem = '256MB'\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE TABLE item (id integer, e embedding(784)) WITH (toast_tuple_target = 8160);
	CREATE TABLE query (id integer, e embedding(784)) WITH (toast_tuple_target = 8160);
});
foreach ([ item => 'train', $rows ], [ query => 't10k', $queries ])
{
	my ($table, $name, $n) = @$_;
	my $file = $node->basedir . "/$table";
	append_to_file($file, images($name, $n));
	$node->safe_psql('postgres', "COPY $table FROM '$file'");
}

# Share of the ten nearest by the exact scan that the index finds
sub recall
{
	my ($operator) = @_;
	my $nearest = "SELECT q.id, i.id AS item, i.rank FROM query q,
		LATERAL (SELECT id, row_number() OVER () AS rank FROM
			(SELECT id FROM item ORDER BY e $operator q.e LIMIT 10) x) i";
	return $node->safe_psql('postgres', qq{
		SET enable_indexscan = off;
		CREATE TEMPORARY TABLE truth AS $nearest;
		SET enable_indexscan = on; SET enable_seqscan = off; SET enable_sort = off;
		CREATE TEMPORARY TABLE found AS $nearest;
		SELECT count(*) / (10.0 * $queries) FROM truth JOIN found USING (id, item)});
}

foreach ([ l2 => '<->' ], [ cosine => '<=>' ])
{
	my ($metric, $operator) = @$_;
	$node->safe_psql('postgres',
		"CREATE INDEX item_$metric ON item USING similarity_hnsw (e embedding_${metric}_ops)");
	my $recall = recall($operator);
	note("$metric: recall\@10 is $recall at ef_search 40");
	cmp_ok($recall, '>=', 0.99, "recall by $metric");
}
$node->stop;
done_testing();
