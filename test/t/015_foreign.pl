# Distances are shipped by postgres_fdw: the shard sorts and cuts, not we.
use strict;
use warnings;
use SimilarityNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = SimilarityNode::create('main');
$node->start;

my $available = $node->safe_psql('postgres',
	"SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'");
if ($available eq '0')
{
	$node->stop;
	plan skip_all => 'postgres_fdw is not installed';
}

my $port = $node->port;
my $host = $node->host;

$node->safe_psql('postgres', 'CREATE DATABASE shard');
$node->safe_psql('shard', <<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE item (id int, e embedding(3), h embedding(8, bit));
INSERT INTO item SELECT i, ARRAY[i, i % 7, i % 11]::real[]::embedding,
	(SELECT array_agg(i >> j & 1 ORDER BY j) FROM generate_series(0, 7) j)::embedding
FROM generate_series(1, 200) i;
SQL
$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION similarity;
CREATE EXTENSION postgres_fdw;
CREATE SERVER shard FOREIGN DATA WRAPPER postgres_fdw
	OPTIONS (host '$host', port '$port', dbname 'shard', extensions 'similarity');
CREATE USER MAPPING FOR PUBLIC SERVER shard;
IMPORT FOREIGN SCHEMA public LIMIT TO (item) FROM SERVER shard INTO public;
SQL

# The remote statement of a plan
sub remote
{
	my ($query) = @_;
	my $plan = $node->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $query");
	return $plan =~ /Remote SQL: (.*)/ ? $1 : "no remote statement in $plan";
}

is($node->safe_psql('postgres', q{SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
	WHERE attrelid = 'item'::regclass AND attnum > 1 ORDER BY attnum}),
	"e embedding(3)\nh embedding(8,bit)", 'IMPORT FOREIGN SCHEMA keeps dimensions and precision');

my %operands = (
	'<->' => [ 'e', '[50,3,4]' ],
	'<=>' => [ 'e', '[50,3,4]' ],
	'<#>' => [ 'e', '[50,3,4]' ],
	'<+>' => [ 'e', '[50,3,4]' ],
	'<~>' => [ 'h', '[1,0,1,1,0,0,0,0]' ],
	'<%>' => [ 'h', '[1,0,1,1,0,0,0,0]' ]);
foreach my $operator (sort keys %operands)
{
	my ($column, $value) = @{ $operands{$operator} };
	my $query = "SELECT id FROM item ORDER BY $column $operator '$value', id LIMIT 3";
	my $sql = remote($query);

	like($sql, qr/ORDER BY .*OPERATOR\(public\.\Q$operator\E\)|ORDER BY .* \Q$operator\E /,
		"$operator sorts at the shard");
	like($sql, qr/LIMIT 3/, "$operator is cut at the shard");
	is($node->safe_psql('postgres', $query), $node->safe_psql('shard', $query),
		"$operator gives the shard's rows");
}

like(remote(q{SELECT id FROM item WHERE within(e, '[50,3,4]', 5)}), qr/WHERE .*within\(/,
	'within is shipped');
like(remote(q{SELECT avg(e) FROM item}), qr/avg\(e\)/, 'avg is shipped');
like(remote(q{SELECT count(*) FROM item WHERE l2_norm(e) > 10}), qr/l2_norm\(e\)/,
	'functions are shipped');

# Without the option nothing is: another server may lack the extension.
$node->safe_psql('postgres', 'ALTER SERVER shard OPTIONS (DROP extensions)');
unlike(remote(q{SELECT id FROM item ORDER BY e <-> '[50,3,4]' LIMIT 3}), qr/ORDER BY/,
	'nothing is shipped to a server that is not said to have it');

$node->stop;
done_testing();
