# Labels of any bytes, in databases of any encoding: no control character and
# none that turns or hides text reaches a terminal, columns stay in line, and a
# label that cannot be shown costs no page.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('encodings');
$node->start;

my %labels = (
	UTF8 => [
		q{E'\x1b]0;title\x07'}, q{U&'C1:\009b31m\0085\0090'}, q{U&'rtl:\202egpj.exe\202c'},
		q{U&'\2066\2069\061c\feff\200b\+0e0041hidden'}, q{repeat('é', 100000)}, q{repeat('字', 20)},
		q{U&'e' || repeat(U&'\0301', 500)}, q{U&'\2028\2029'}, q{E'a\nb\r\tc\x7f'}
	],
	LATIN1 => [ q{E'C1:\x9b31m\x85\x90\xad'}, q{E'gro\xdf'}, q{E'\x1b[2J'} ],
	EUC_JP => [
		q{E'\xc6\xfc\xcb\xdc'}, q{E'\x8e\xb1'}, q{E'\x8f\xa2\xaf'}, q{E'\x8f\xfe\xfe'}, q{E'\xfe\xfe'},
		q{repeat(E'\xc6\xfc', 50)}, q{E'\x1b[2J'}
	],
	SQL_ASCII => [
		q{E'\xff\xfe'}, q{E'C1:\xc2\x9b31m'}, q{E'\xe2\x80\xae rtl'}, q{E'cut\xe5\xad'}, q{E'gro\xc3\x9f'}, q{E'\xed\xa0\x80'},
		q{E'\xc0\x80'}, q{repeat(E'\xe5\xad\x97', 2000)}
	]);

for my $encoding (sort keys %labels)
{
	my $database = lc $encoding;
	my $n = @{ $labels{$encoding} };
	my $values = join ', ', map { "($_, $labels{$encoding}[$_])" } 0 .. $n - 1;

	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, <<SQL);
SET client_encoding = '$encoding';
CREATE EXTENSION similarity;
CREATE TABLE item (id int PRIMARY KEY, label text, image bytea, e embedding(2));
INSERT INTO item (id, label) VALUES $values;
UPDATE item SET e = ARRAY[1, id]::real[]::embedding, image = CASE WHEN id % 2 = 0 THEN '\\xff00'::bytea ELSE '\\x01' END;
SELECT similarity.create_gallery('items', 'item', 'e', 'label', distance => 'l2', image => 'image', image_shape => '{1,2}');
SQL

	# As bytes, whatever the client's encoding would make of them
	for my $style (qw(plain ascii))
	{
		my $lines = $node->safe_psql($database, <<SQL);
SELECT encode(textsend(l), 'hex') FROM similarity.show_neighbors('items', '[1,0]'::embedding, $n,
	label => (SELECT label FROM item WHERE id = 0), columns => 400, style => '$style') l;
SQL
		my @lines = map { pack 'H*', $_ } split /\n/, $lines;
		my $name = "$encoding, $style";
		my $text = join "\n", @lines;

		ok(@lines >= 2, "$name: a strip of $n items");
		unlike($text, qr/[\x00-\x09\x0b-\x1f\x7f]/, "$name: no C0");
		if ($encoding eq 'LATIN1')
		{
			unlike($text, qr/[\x80-\x9f\xad]/, "$name: no C1, no soft hyphen");
			like($text, qr/gro\xdf/, "$name: letters are");
		}
		elsif ($encoding eq 'EUC_JP')
		{
			like($text, qr/\xc6\xfc\xcb\xdc/, "$name: letters are");
			like($text, qr/\?/, "$name: what is no character is a mark");
		}
		else
		{
			ok(utf8::decode($text), "$name: valid UTF-8");
			unlike($text, qr/[\x{80}-\x{9f}]/, "$name: no C1");
			unlike($text, qr/\p{Cf}|\p{Zl}|\p{Zp}/, "$name: nothing that turns or hides text");
		}
	}
	# Charts: of labels as of pictures, in signs where there are no blocks
	for my $style (qw(plain ascii))
	{
		my @lines = map { pack 'H*', $_ } split /\n/, $node->safe_psql($database, <<SQL);
SELECT encode(textsend(l), 'hex') FROM similarity.show_confusion('items', style => '$style') l
UNION ALL SELECT encode(textsend(l), 'hex') FROM similarity.show_histogram('items', style => '$style', columns => 60) l;
SQL
		my $text = join "\n", @lines;
		my $drawn = $style eq 'ascii' || $encoding =~ /LATIN1|EUC_JP/ ? qr/#/ : qr/\xe2\x96[\x80-\x9f]/;

		unlike($text, qr/[\x00-\x09\x0b-\x1f\x7f]/, "$encoding, $style: no C0 in charts");
		like($text, $drawn, "$encoding, $style: drawn as it can be");
		like($text, qr/of $n rows of items/, "$encoding, $style: of all items");
	}
	my $page = $node->safe_psql($database, <<SQL);
SELECT similarity.neighbors_html('items', 'SELECT e, label, image FROM item', 2, (SELECT label FROM item WHERE id = 0));
SQL
	unlike($page, qr/[^\n\t\x20-\x7e]/, "$encoding: the page is ASCII");
	is(() = $page =~ /<figure/g, 3 * $n, "$encoding: of all items");
	unlike($page, qr/&#x(?:[89][0-9A-F]|202[A-E]|206[6-9]|FEFF);/, "$encoding: without what turns or hides text");
}

# Columns: an item begins where the one before it ends, whatever its label
my $line = $node->safe_psql('utf8', <<'SQL');
SET client_encoding = 'UTF8';
SELECT l FROM similarity.show_neighbors('items', '[1,5]'::embedding, 2, label => '字字', columns => 60) l WHERE l ~ '字';
SQL
utf8::decode($line);
my $wide = "\x{5b57}";
like($line, qr/^$wide$wide {14}\S $wide{5}\x{2026} {3}\S/, 'wide letters take two columns');
$node->stop;
done_testing();
