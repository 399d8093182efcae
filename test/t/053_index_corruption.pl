# Damaged pages give an error that says so, and are found by verify_index().
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('damaged', no_data_checksums => 1);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE TABLE item (id integer, e embedding(8));
	INSERT INTO item SELECT i, (SELECT array_agg((hashint8(i::bigint * 100 + j) % 1000 + 5000)::real)
		FROM generate_series(1, 8) j)::embedding FROM generate_series(1, 500) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_l2_ops);
	CHECKPOINT;
});
my $node_bytes = $node->safe_psql('postgres', "SELECT node_bytes FROM similarity.index_info('item_e')");
# the metapage, the center, pages kept for the root, then nodes
my ($pages, $nodes) = split /\|/, $node->safe_psql('postgres', "SELECT pages, nodes + free_nodes FROM similarity.index_info('item_e')");
my $page = 8192;
my $first = ($pages - $nodes / int(8160 / $node_bytes)) * $page;    # of nodes
my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('item_e')");
$node->stop;
my $sound = slurp_file($path);
my $search = "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM item ORDER BY e <-> '[1,2,3,4,5,6,7,8]' LIMIT 1000) x";

# Write bytes at an offset of a sound file, start, run, stop.
sub with_damaged_file
{
	my ($file, $contents, $bytes, $offset, $run) = @_;
	open my $out, '+<', $file or die "could not open $file: $!";
	print $out $contents;
	seek $out, $offset, 0;
	print $out $bytes;
	close $out;
	$node->start;
	$run->();
	$node->stop;
}

sub with_damage
{
	with_damaged_file($path, $sound, @_);
}

# verify_index must have a finding; the search must end with an error of class
# index_corrupted or, if it survives, without harm to the server.
sub damaged
{
	my ($what, $bytes, $offset, $finding, $error) = @_;
	with_damage($bytes, $offset, sub {
		my ($code, $out, $err) = $node->psql('postgres', $search);
		like($err, $error, "$what: error of a search") if defined $error;
		is($node->safe_psql('postgres', 'SELECT 1'), '1', "$what: the server lives");
		($code, $out, $err) = $node->psql('postgres', "SELECT * FROM similarity.verify_index('item_e')");
		like("$out$err", $finding, "$what: found by verify_index");
		$node->psql('postgres', "INSERT INTO item SELECT 1000, e FROM item WHERE id = 7");
		is($node->safe_psql('postgres', 'SELECT 1'), '1', "$what: the server survives an insert");
	});
}

my $corrupted = qr/index "item_e" is corrupted at block \d+.*HINT:  Please REINDEX it/s;
my $record = $first + 24;    # the first record of the first page of nodes

damaged('magic number', "\0\0\0\0", 24, $corrupted, $corrupted);
damaged('format version', pack('V', 99), 28, qr/format version 99/, qr/format version 99/);
{
	# an index that another version has written: its pages say so as well
	my $meta = substr($sound, 28, $page - 28);
	substr($meta, 0, 4) = pack('V', 3);
	substr($meta, -6, 2) = pack('v', 3);
	damaged('former format version', $meta, 28, qr/has format version 3, this is version \d+.*HINT:  Please REINDEX it/s,
		qr/has format version 3, this is version \d+.*HINT:  Please REINDEX it/s);
}
damaged('center', pack('f<', 1), $page + 24, qr/The center has a wrong checksum/, qr/corrupted at block 1\b.*The center has a wrong checksum.*REINDEX/s);
damaged('page of the center', "\0" x $page, $page, $corrupted, $corrupted);
damaged('pages of the center', pack('V', 2), 76, $corrupted, $corrupted);
damaged('dimensions', pack('V', 999999), 32, $corrupted, $corrupted);
damaged('degree', pack('V', 7), 36, $corrupted, $corrupted);
damaged('entry', pack('V', 123456), 60, qr/the entry does not exist/, undef);
damaged('page id', "\0\0", $first + $page - 2, qr/does not belong/, $corrupted);
damaged('page kind', "\3", $first + $page - 8, qr/of another kind/, $corrupted);
damaged('state', "\7", $record, qr/counts are out of range/, $corrupted);
damaged('number of rows', "\x7f", $record + 1, qr/counts are out of range/, $corrupted);
damaged('bits of codes', pack('V', 3), 44, $corrupted, $corrupted);
damaged('row pointer', "\0" x 8, $record + 8, qr/row pointer is invalid/, $corrupted);
damaged('neighbor beyond the end', pack('V', 99999999), $record + 40, qr/does not exist/, undef);
damaged('neighbor itself', pack('V', 0), $record + 40, qr/its own neighbor|distance/, undef);
damaged('codes', "\xff" x 256, $record + 40 + 260, qr/the code of neighbor \d+ is wrong/, undef);
damaged('vector', "\xff" x 16, $record + 560, qr/the stored vector is damaged/, undef);
damaged('node of zeros', "\0" x 560, $record, qr/neighbor 0 is free.*of the table is not in the index/s, undef);
damaged('row pointer of another row', substr($sound, $record + $node_bytes + 8, 8), $record + 8,
	qr/is in the index twice.*is not in the index|is not in the index.*is in the index twice/s, undef);
damaged('row pointer beyond the table', pack('Q<', 99999 << 16 | 1), $record + 8, qr/row \(99999,1\) is beyond the end of the table/, undef);
damaged('distance', pack('f<', 1e6), $record + 40 + 128, qr/the distance of neighbor \d+ is wrong/, undef);
damaged('page of zeros', "\0" x $page, $first, qr/neighbor \d+ is free|entry/, undef);
damaged('page of noise', join('', map { chr(($_ * 7919) % 251) } 1 .. $page), $first, qr/invalid page|belong/, qr/invalid page|corrupted/);

# A wild pointer is one finding and the row that it hides another; what else is missing are
# rows that were inserted beside damages.
my @findings;
foreach my $bytes ('', pack('Q<', 1 << 63 | 1 << 16 | 1))
{
	with_damage($bytes, $record + 8, sub {
		push @findings, $node->safe_psql('postgres', "SELECT count(*) FROM similarity.verify_index('item_e')");
	});
}
is($findings[1], $findings[0] + 2, 'wild row pointer: two findings');

# Rows without an embedding, in two pages of an index of their own
$node->start;
$node->safe_psql('postgres', q{
	CREATE TABLE gap (id integer, e embedding(4)) WITH (autovacuum_enabled = off);
	INSERT INTO gap SELECT i, CASE WHEN i % 10 = 0 THEN random_embedding(4, i) END FROM generate_series(1, 2500) i;
	CREATE INDEX gap_e ON gap USING similarity_hnsw (e embedding_l2_ops);
	CHECKPOINT;
});
my $gap_path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('gap_e')");
$node->stop;
my $gap = slurp_file($gap_path);
my @nulls = grep { unpack('v', substr($gap, ($_ + 1) * $page - 8, 2)) == 6 } 0 .. length($gap) / $page - 1;
is(scalar @nulls, 2, 'two pages of rows without an embedding');
my ($last) = grep { unpack('V', substr($gap, $_ * $page + 24, 4)) == 0 } @nulls;

# verify_index() must say so, and go on; whoever goes along the pages must come to an end.
sub damaged_nulls
{
	my ($what, $bytes, $offset, $finding, $error) = @_;
	with_damaged_file($gap_path, $gap, $bytes, $last * $page + $offset, sub {
		like($node->safe_psql('postgres', "SELECT finding FROM similarity.verify_index('gap_e')"), $finding, "$what: found by verify_index");
		$node->psql('postgres', 'DELETE FROM gap WHERE id % 100 = 0');
		foreach my $command ("SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM gap ORDER BY e <-> '[1,2,3,4]' LIMIT 1000000) x",
			'VACUUM gap', "SELECT * FROM similarity.index_info('gap_e')")
		{
			my ($code, $out, $err) = $node->psql('postgres', $command, extra_params => ['-v', 'ON_ERROR_STOP=1'], timeout => 60);
			like($err, $error, "$what: error of $command");
		}
	});
}

damaged_nulls('circle of pages', pack('V', $last), 24, qr/the pages of rows without an embedding do not form a list/, qr/corrupted at block \d+.*The pages of nulls do not form a list.*REINDEX/s);
damaged_nulls('page beyond the end', pack('V', 99999), 24, qr/A page of nulls does not exist|do not form a list/, qr/corrupted at block \d+.*A page of nulls does not exist.*REINDEX/s);
damaged_nulls('number of rows without an embedding', pack('V', 99999), 28, qr/A number of rows is out of range.*of the table is not in the index/s, qr/corrupted at block \d+.*A number of rows is out of range.*REINDEX/s);

# Noise anywhere never takes the server down.
srand(1);
foreach my $round (1 .. 15)
{
	my $bytes = join '', map { chr int rand 256 } 1 .. 40;
	with_damage($bytes, $page + int rand(length($sound) - $page - 40), sub {
		$node->psql('postgres', $search);
		$node->psql('postgres', "SELECT * FROM similarity.verify_index('item_e')");
		$node->psql('postgres', 'DELETE FROM item WHERE id % 3 = 0');
		$node->psql('postgres', 'VACUUM item');
		is($node->safe_psql('postgres', 'SELECT 1'), '1', "noise $round: the server lives");
	});
}
$node->start;
$node->safe_psql('postgres', 'REINDEX INDEX item_e');
is($node->safe_psql('postgres', "SELECT * FROM similarity.verify_index('item_e')"), '', 'REINDEX mends it');
$node->stop;
done_testing();
