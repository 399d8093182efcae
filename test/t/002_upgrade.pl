# An upgraded extension is the same as a fresh one, object by object, and an index
# whose pages have a former format is refused until it is built again.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

# Scripts go into a copy of the stage.
my $stage = PostgreSQL::Test::Utils::tempdir();
system_or_bail('cp', '-R', "$ENV{SIMILARITY_STAGE}/.", $stage);
my ($control) = glob("$stage/usr/share/postgresql/*/extension/similarity.control");
my $scripts = $control =~ s{/[^/]*$}{}r;
my ($current) = slurp_file($control) =~ /default_version = '(.*)'/;

my $node = SimilarityNode::create('upgrade', no_data_checksums => 1);
$node->append_conf('postgresql.conf', $ENV{SIMILARITY_SETTINGS} =~ s/\Q$ENV{SIMILARITY_STAGE}\E/$stage/gr);
$node->start;

# ---- what there is ----

# The privileges of a new table show whether the script took them away.
sub create_database
{
	my ($name, $create) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO PUBLIC;'
		  . " ALTER DEFAULT PRIVILEGES GRANT UPDATE ON SEQUENCES TO PUBLIC; $create");
}

# A database's objects as pg_upgrade would make them elsewhere, without OIDs and
# transaction ids: name => definition
sub objects
{
	my ($database) = @_;
	my ($dump) = run_command(
		[ 'pg_dump', '--binary-upgrade', '--schema-only', $node->connstr($database) ]);
	my %found = (
		'saved by pg_dump' => $node->safe_psql($database,
			'SELECT c::regclass, w FROM pg_extension, unnest(extconfig, extcondition) x(c, w)'
			  . " WHERE extname = 'similarity' ORDER BY c::regclass::text"),
		'rows' => $node->safe_psql($database,
			'SELECT * FROM similarity.architecture ORDER BY name, layout'));

	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_(?:set|create)_.*\n//mg;
	$dump =~ s/^UPDATE pg_catalog\.pg_class\nSET relfrozenxid.*\nWHERE .*\n//mg;
	$dump =~ s/^\\(?:un)?restrict .*//mg;
	foreach my $entry (split /^--\n-- Name: /m, $dump)
	{
		my ($name, $type, $definition) = $entry =~ /^(.*?); Type: (.*?);.*?\n(.*)/s or next;
		$found{"$type $name"} .= $definition =~ s/^(?:--.*)?\n//mgr;
	}
	return \%found;
}

# The names of objects that one has and the other has not, or not the same
sub differences
{
	my ($one, $other) = @_;
	my %names = (%$one, %$other);
	return join("\n",
		grep { ($one->{$_} // '') ne ($other->{$_} // '') } sort keys %names);
}

create_database('fresh', 'CREATE EXTENSION similarity');
my $fresh = objects('fresh');
cmp_ok(scalar(grep { /^FUNCTION/ } keys %$fresh), '>', 150, 'functions are seen');

# ---- versions that were released ----

foreach my $released (sort glob('sql/upgrade/released/similarity--*.sql'))
{
	my ($version) = $released =~ /--(.*)\.sql$/;
	system_or_bail('cp', $released, $scripts);
	create_database('released', "CREATE EXTENSION similarity VERSION '$version';"
		  . ' ALTER EXTENSION similarity UPDATE');
	is(differences(objects('released'), $fresh), '', "upgraded from $version");
	$node->safe_psql('postgres', 'DROP DATABASE released');
}

# ---- one that never was: the comparison sees each kind of difference ----

# Text that its install script has not, what it has instead, and what an upgrade
# does about it: that text, if nothing is said
my @changes = (
	[qr/CREATE FUNCTION similarity\.neighbors_html\(.*?;\nCOMMENT .*?;\n/s],
	[   qr/COST 4(?=;\nCOMMENT ON FUNCTION embedding_hash\()/,
		'COST 40', 'ALTER FUNCTION embedding_hash(embedding) COST 4;' ],
	[qr/CREATE OPERATOR \|\| \(.*?;\nCOMMENT .*?;\n/s],
	[qr/CREATE OPERATOR CLASS embedding_jaccard_ops .*?(?:;\nCOMMENT [^;]*){2};\n/s],
	[qr/CREATE TABLE similarity\.checkpoint_part \(.*?;\nALTER .*?;\nCOMMENT .*?;\n/s],
	[   qr/, similarity\.checkpoint_part(?= FROM PUBLIC)/,
		'', 'REVOKE ALL ON similarity.checkpoint_part FROM PUBLIC;' ],
	[qr/, similarity\.cutpoint(?=, similarity)/, '', 'REVOKE ALL ON similarity.cutpoint FROM PUBLIC;'],
	[   qr/(?<=\n)\twritten timestamp .*?,\n/, '',
		'ALTER TABLE similarity.checkpoint ADD COLUMN written timestamp with time zone'
		  . ' NOT NULL DEFAULT pg_catalog.clock_timestamp();' ],
	[   qr/\tCONSTRAINT deployment_model_check .*?,\n/, '',
		'ALTER TABLE _similarity.deployment ADD'
		  . ' CONSTRAINT deployment_model_check CHECK (model OPERATOR(pg_catalog.>=) 1);' ],
	[qr/CREATE INDEX model_grant_model_idx .*?;\n/],
	[qr/COMMENT ON VIEW similarity\.cutpoints IS .*?;\n/],
	[qr/GRANT SELECT ON similarity\.reembeddings TO PUBLIC;\n/],
	[qr/ALTER EVENT TRIGGER similarity_drop_owned ENABLE ALWAYS;\n/],
	[qr/SELECT pg_catalog\.pg_extension_config_dump\('similarity\.cutpoint', ''\);\n/],
	[qr/INSERT INTO similarity\.architecture .*?;\n/s],);
my $seen = <<'NAMES' =~ s/\n\z//r;
ACL TABLE cutpoint
ACL TABLE reembeddings
COMMENT FUNCTION neighbors_html(gallery text, query text, k bigint, title text)
COMMENT OPERATOR CLASS embedding_jaccard_ops USING similarity_hnsw
COMMENT OPERATOR FAMILY embedding_jaccard_ops USING similarity_hnsw
COMMENT OPERATOR || (public.embedding, public.embedding)
COMMENT TABLE checkpoint_part
COMMENT VIEW cutpoints
CONSTRAINT checkpoint_part checkpoint_part_pkey
EVENT TRIGGER similarity_drop_owned
FUNCTION embedding_hash(public.embedding)
FUNCTION neighbors_html(text, text, bigint, text)
INDEX model_grant_model_idx
OPERATOR CLASS embedding_jaccard_ops
OPERATOR FAMILY embedding_jaccard_ops
OPERATOR ||
TABLE checkpoint
TABLE checkpoint_part
TABLE deployment
rows
saved by pg_dump
NAMES

my $old = slurp_file("$scripts/similarity--$current.sql");
my $upgrade = qq(\\echo Use "ALTER EXTENSION similarity UPDATE" to load this file. \\quit\n);
foreach my $change (@changes)
{
	my ($text, $instead, $statement) = @$change;
	$old =~ s/($text)/$instead \/\/ ''/e or die "the install script has no $text";
	$upgrade .= ($statement // $1) . "\n";
}
append_to_file("$scripts/similarity--0.0.9.sql", $old);
append_to_file("$scripts/similarity--0.0.9--$current.sql",
	$upgrade . slurp_file('sql/upgrade/reindex.sql.in'));
create_database('old', "CREATE EXTENSION similarity VERSION '0.0.9'");
is(differences(objects('old'), $fresh), $seen, 'what an older version has not');

my (undef, undef, $stderr) = $node->psql('old', 'ALTER EXTENSION similarity UPDATE');
is($stderr, '', 'an upgrade without indexes');
is(differences(objects('old'), $fresh), '', 'upgraded, it has all');
is( $node->safe_psql('old', "SELECT extversion FROM pg_extension WHERE extname = 'similarity'"),
	$current, 'and says so');

# ---- an index with pages of a former format ----

# Write bytes at an offset of each page of a file that no server has open.
sub overwrite
{
	my ($file, $offset, $bytes, @pages) = @_;
	open my $out, '+<', $file or die "could not open $file: $!";
	foreach my $page (@pages)
	{
		seek $out, $page * 8192 + $offset, 0;
		print $out $bytes;
	}
	close $out;
}

create_database('outdated', q{
	CREATE EXTENSION similarity VERSION '0.0.9';
	CREATE TABLE item (id integer, e embedding(8));
	INSERT INTO item SELECT i, random_embedding(8, i) FROM generate_series(1, 500) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_l2_ops);
	CHECKPOINT;
});
my $file = $node->data_dir . '/'
  . $node->safe_psql('outdated', "SELECT pg_relation_filepath('item_e')");
$node->stop;
overwrite($file, 28, pack('V', 3), 0);
overwrite($file, 8192 - 6, pack('v', 3), 0 .. (-s $file) / 8192 - 1);
$node->start;

(undef, undef, $stderr) = $node->psql('outdated', 'ALTER EXTENSION similarity UPDATE');
like($stderr,
	qr/WARNING:  indexes of similarity_hnsw have the format of an earlier version.*\nHINT:  REINDEX INDEX public\.item_e;/,
	'an upgrade tells which indexes to build again');
my $nearest = "SELECT id FROM item ORDER BY e <-> random_embedding(8, 7) LIMIT 1";
foreach my $statement (
	"SET enable_seqscan = off; $nearest",
	'INSERT INTO item VALUES (501, random_embedding(8, 501))',
	'INSERT INTO item VALUES (502, NULL)',
	'VACUUM (INDEX_CLEANUP ON) item',
	"SELECT * FROM similarity.index_info('item_e')",
	"SELECT * FROM similarity.index_stats('item_e')",
	"SELECT * FROM similarity.index_recall('item_e')",
	"SELECT * FROM similarity.verify_index('item_e')")
{
	(undef, undef, $stderr) = $node->psql('outdated', $statement);
	like($stderr, qr/ERROR:  index "item_e" has format version 3, this is version \d+\nHINT:  Please REINDEX it\./,
		$statement);
}
is($node->safe_psql('outdated', "SET enable_indexscan = off; $nearest"), '7', 'a query without the index');
is( $node->safe_psql('outdated', "DELETE FROM item WHERE id = 8; SELECT count(*) FROM item"),
	'499', 'rows can be read and deleted');
$node->safe_psql('outdated', 'REINDEX INDEX CONCURRENTLY item_e');
is( $node->safe_psql('outdated', "INSERT INTO item VALUES (501, random_embedding(8, 501));"
		  . " SELECT count(*) FROM similarity.verify_index('item_e')"),
	'0', 'REINDEX makes a sound index');
is($node->safe_psql('outdated', "SET enable_seqscan = off; $nearest"), '7', 'which is searched');
$node->stop;
done_testing();
