# Look-ups in the catalog are never compiled: with enable_seqscan = off they
# seem to cost enough, and each took a second.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('jit');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE TABLE item (id integer PRIMARY KEY, label text, e embedding(2));
	INSERT INTO item SELECT i, i, ARRAY[i, 1] FROM generate_series(1, 10) i;
	SELECT similarity.create_gallery('items', 'item', 'e', 'label');
});

# auto_explain tells of each plan, also of those within functions, whether it was compiled
my ($code, $out, $err) = $node->psql('postgres', q{
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	SET auto_explain.log_level = notice;
	SET jit = on;
	SET jit_above_cost = 0;
	SELECT key FROM similarity.lookup('items', '[3,1]'::embedding, 1);
});
is($out, 3, 'the gallery is looked up');
SKIP:
{
	skip 'no JIT here', 2 unless $err =~ /^JIT:/m;
	my @catalog = grep { /similarity\.gallery g/ } split /NOTICE:/, $err;
	cmp_ok(scalar @catalog, '>', 0, 'its catalog is read');
	is(scalar(grep { /^JIT:/m } @catalog), 0, 'by a plan that is not compiled');
}
$node->stop;
done_testing();
