# Every SQL statement of README.md and docs/*.md runs, on a few small pictures,
# and docs/reference.md is what the catalog gives.
# What stands before the first heading "##" of a document is its lead; each
# section runs in a database of its own, in which the lead has run.
#
# What is changed before it runs: trainings take one epoch of two steps; what is
# behind cancel_job() waits for the job's end; a statement with parameters ($1)
# is prepared and not executed.  A block behind
# <!-- not run: why --> is left out.  Blocks of other languages are not run.
use strict;
use warnings;
use Compress::Zlib;
use Cwd 'abs_path';
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('docs');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE alice; CREATE ROLE app');

# ---- what the documents take for granted ----

# A PNG file of side x side pixels of one color, with noise
sub png
{
	my ($side, @rgb) = @_;
	my $row = sub { join '', map { my $noise = rand(60) - 30; map { chr($_ + $noise) } @rgb } 1 .. $side };
	my @chunks = (
		IHDR => pack('NNCCCCC', $side, $side, 8, 2, 0, 0, 0),
		IDAT => compress(join '', map { "\0" . $row->() } 1 .. $side),
		IEND => '');
	my $png = "\x89PNG\r\n\x1A\n";

	while (my ($type, $data) = splice @chunks, 0, 2)
	{
		$png .= pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
	}
	return $png;
}

# The folder in which psql runs: photos/LABEL/N.png, new.jpg
my $folder = PostgreSQL::Test::Utils::tempdir();
my %color = (rose => [ 200, 60, 90 ], tulip => [ 210, 180, 60 ], iris => [ 80, 70, 200 ], lily => [ 220, 220, 220 ],
	aster => [ 150, 80, 180 ], poppy => [ 220, 70, 40 ]);
srand(1);
mkdir "$folder/photos";
for my $label (sort keys %color)
{
	mkdir "$folder/photos/$label";
	append_to_file("$folder/photos/$label/$_.png", png(70, @{ $color{$label} })) for 1 .. 12;
}
append_to_file("$folder/new.jpg", png(50, 200, 60, 90));

# Pictures of 28 x 28 in ten classes: a class is brighter than the one before
my $items = <<'SQL';
CREATE EXTENSION similarity;
CREATE TABLE items (id bigint PRIMARY KEY, split text, label int, image bytea);
INSERT INTO items
SELECT i, CASE i % 4 WHEN 0 THEN 'test' WHEN 1 THEN 'calibrate' ELSE 'train' END, i % 10,
	decode(repeat(lpad(to_hex(20 * (i % 10) + (random() * 40)::int), 2, '0'), 784), 'hex')
FROM generate_series(1, 400) i;
CREATE TABLE few AS SELECT * FROM items WHERE id <= 40;
CREATE TABLE many AS SELECT * FROM items WHERE split = 'train';
CREATE TABLE t (id bigint PRIMARY KEY, e real[]);
SQL

# ---- documents ----

# The SQL of a document: for each section a list of [line, text] of its blocks
# that are to run, the lead first
sub sections
{
	my ($file) = @_;
	my @sections = ([]);
	my ($language, $skipped, $text, $start);

	open my $document, '<', $file or die "$file: $!";
	while (my $line = <$document>)
	{
		if (defined $language)
		{
			if ($line =~ /^```\s*$/)
			{
				push @{ $sections[-1] }, [ $start, $text ] if $language eq 'sql' && !$skipped;
				undef $language;
				$skipped = 0;
			}
			else
			{
				$text .= $line;
			}
		}
		elsif ($line =~ /^```(\w*)/)
		{
			($language, $text, $start) = ($1, '', $. + 1);
		}
		elsif ($line =~ /^<!-- not run: \S/)
		{
			$skipped = 1;
		}
		elsif ($line =~ /^## /)
		{
			push @sections, [];
		}
	}
	close $document;
	return @sections;
}

# Statements of a block, each with what ends it; a command of psql is one, too
sub statements
{
	my ($text) = @_;
	my @statements;

	while ($text =~ /\G\s*(\S)/gc)
	{
		pos($text) -= 1;
		if ($text =~ /\G(\\[^\n]*(?:\n|\z))/gc)
		{
			push @statements, $1;
			next;
		}
		$text =~ /\G((?:'(?:[^']|'')*'|"[^"]*"|(\$\w*\$).*?\2|--[^\n]*\n?|[^;\\'"]|\\(?!g))*(?:;|\\g[^\n]*|\z))/gcs
		  or die 'cannot be split: ' . substr($text, pos $text);
		my $statement = $1;
		push @statements, $statement unless $statement =~ /\A(?:\s*--[^\n]*\n?)*[\s;]*\z/;
	}
	return @statements;
}

# A statement as it is run here
sub runnable
{
	my ($statement) = @_;

	if ($statement =~ /\bsimilarity\.train(?:_background)?\(/)
	{
		$statement =~ s/\bepochs => \d+/epochs => 1/;
		$statement =~ s/\bsteps_per_epoch => \d+,?//;
		$statement =~ s/(similarity\.train(?:_background)?\(\s*'[^']*',\s*'(?:[^']|'')*')/$1, steps_per_epoch => 2/;
	}
	# A job ends a moment after it is told to.
	$statement .= "\nDO 'BEGIN WHILE EXISTS (SELECT FROM similarity.jobs WHERE state IN (''waiting'', ''running'')) LOOP PERFORM pg_sleep(0.05); END LOOP; END';\n"
	  if $statement =~ /\bcancel_job\(/;
	return $statement unless $statement =~ /\$\d/;
	$statement =~ s/^(?:\s*--[^\n]*\n)*//;
	return "PREPARE statement_of_document AS $statement\nDEALLOCATE statement_of_document;\n";
}

# Run blocks in a database that is made from a template; what went wrong
sub run_blocks
{
	my ($name, $database, $template, @blocks) = @_;
	my $script = '';
	my ($out, $err) = ('', '');

	for my $block (@blocks)
	{
		my ($line, $text) = @$block;
		$script .= "\\warn \@\@ $name:$line\n" . join("\n", map { runnable($_) } statements($text)) . "\n";
	}
	$script =~ s/CREATE EXTENSION similarity;//g;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE $template");
	append_to_file("$folder/$database.sql", $script);
	chdir $folder;
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr($database), '-f', "$database.sql" ], '>', \$out, '2>', \$err);

	# Errors stand behind the mark of their block.
	my @failures;
	my $mark = $name;
	for my $line (split /\n/, $err)
	{
		$mark = $1 if $line =~ /^\@\@ (\S+)/;
		push @failures, "$mark: $line" if $line =~ /ERROR:|FATAL:|invalid command|\berror:/;
	}
	return @failures;
}

$node->safe_psql('postgres', 'CREATE DATABASE items');
$node->safe_psql('items', $items);

my $root = abs_path(dirname(__FILE__) . '/../..');
my $number = 0;
for my $file ("$root/README.md", sort glob("$root/docs/*.md"))
{
	my $name = ($file =~ m{/docs/} ? 'docs/' : '') . basename($file);
	my ($lead, @sections) = sections($file);
	next unless grep { @$_ } $lead, @sections;

	my $database = 'document_' . ++$number;
	my @failures = run_blocks($name, $database, 'items', @$lead);
	push @failures, run_blocks($name, "section_" . ++$number, $database, @$_) for grep { @$_ } @sections;
	is(join("\n", @failures), '', "statements of $name");
}
# The reference says what the catalog says.
my $reference;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');
IPC::Run::run([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', "$root/docs/reference.sql" ], '>', \$reference);
ok($reference eq slurp_file("$root/docs/reference.md"), 'docs/reference.md is current: make docs');

$node->stop;
done_testing();
