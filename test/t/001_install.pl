# The extension installs, a second session sees it, and its tables have the
# columns that C code reads by number.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('install');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION similarity');
is($node->safe_psql('postgres',
		"SELECT extversion FROM pg_extension WHERE extname = 'similarity'"),
	'0.1.0', 'version of the installed extension');

my $header = slurp_file('src/server/catalog_tables.h');
while ($header =~ m{/\* (_?similarity)\.(\w+) \*/\s*enum\s*\{(.*?)\}}gs)
{
	my ($schema, $table, $list) = ($1, $2, $3);
	my @numbers = $list =~ /\U$table\E_(\w+)/g;
	is(lc(join(' ', @numbers)),
		$node->safe_psql('postgres',
			"SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
			  . " WHERE attrelid = '$schema.$table'::regclass AND attnum > 0"),
		"columns of $schema.$table");
}
$node->stop;
done_testing();
