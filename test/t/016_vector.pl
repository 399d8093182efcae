# The extension vector: alone, beside similarity, and in a dump.
use strict;
use warnings;
use SimilarityNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = SimilarityNode::create('main');
$node->start;

sub sql { return $node->safe_psql('postgres', shift); }

# What the last statement of several says on stderr
sub stderr_of
{
	my ($stdout, $stderr);
	$node->psql('postgres', shift, stdout => \$stdout, stderr => \$stderr);
	return $stderr;
}

# The node of a plan that reads the table
sub index_of
{
	my ($query) = @_;
	my $plan = sql("SET enable_seqscan = off; EXPLAIN (COSTS OFF) $query");
	return $plan =~ /Index Scan using (\S+)/ ? $1 : $plan;
}

# ---- what frameworks do ----

if (stderr_of('CREATE EXTENSION IF NOT EXISTS vector') =~ /could not open extension control file|is not available/)
{
	$node->stop;
	plan skip_all => 'make install-vector has not been run';
}
is(sql("SELECT count(*) FROM pg_extension WHERE extname = 'similarity'"), '0', 'it stands alone');
like(sql("SELECT extversion FROM pg_extension WHERE extname = 'vector'"), qr/^0\.8\.\d+$/,
	'the version that clients ask for');
is(sql(q{SELECT count(*) FROM pg_depend d WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector')
	AND classid <> 'pg_opfamily'::regclass
	AND NOT (classid = 'pg_type'::regclass AND objid IN (SELECT typarray FROM pg_type))	-- members from PostgreSQL 17 on
	AND obj_description(objid, classid::regclass::text) IS NULL}),
	'0', 'every object has a comment');

# A dump leaves out what is the default, and is to load under pgvector too.
is(sql("SELECT string_agg(opcname, ' ') FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE amname IN ('hnsw', 'ivfflat') AND opcdefault"), 'vector_l2_ops', 'the default classes are those of pgvector');

sql(<<'SQL');
CREATE TABLE item (id int PRIMARY KEY, v vector(3), h halfvec(3), b bit(16));
INSERT INTO item SELECT i, ARRAY[i % 10, i % 7, i % 11], ARRAY[i % 10, i % 7, i % 11]::real[],
	(i * 31)::bit(16) FROM generate_series(1, 300) i;
SQL
is(sql("SELECT atttypmod FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname IN ('v', 'h')"),
	"3\n3", 'the type modifier is the number of dimensions');

my @searches = (
	[ 'hnsw', 'v', 'vector_l2_ops', 'v', '<->', "'[3,1,2]'" ],
	[ 'hnsw', 'v', 'vector_cosine_ops', 'v', '<=>', "'[3,1,2]'" ],
	[ 'hnsw', 'v', 'vector_ip_ops', 'v', '<#>', "'[3,1,2]'" ],
	[ 'hnsw', 'v', 'vector_l1_ops', 'v', '<+>', "'[3,1,2]'" ],
	[ 'hnsw', 'h', 'halfvec_l2_ops', 'h', '<->', "'[3,1,2]'" ],
	[ 'hnsw', 'h', 'halfvec_cosine_ops', 'h', '<=>', "'[3,1,2]'" ],
	[ 'hnsw', 'h', 'halfvec_ip_ops', 'h', '<#>', "'[3,1,2]'" ],
	[ 'hnsw', 'h', 'halfvec_l1_ops', 'h', '<+>', "'[3,1,2]'" ],
	[ 'hnsw', '(v::halfvec(3))', 'halfvec_l2_ops', 'v::halfvec(3)', '<->', "'[3,1,2]'" ],
	[ 'hnsw', 'b', 'bit_hamming_ops', 'b', '<~>', "B'1010101010101010'" ],
	[ 'hnsw', 'b', 'bit_jaccard_ops', 'b', '<%>', "B'1010101010101010'" ],
	[ 'hnsw', '(binary_quantize(v)::bit(3))', 'bit_hamming_ops', 'binary_quantize(v)::bit(3)', '<~>',
		"binary_quantize('[1,-1,1]'::vector)" ],
	[ 'ivfflat', 'v', 'vector_l2_ops', 'v', '<->', "'[3,1,2]'" ],
	[ 'ivfflat', 'b', 'bit_hamming_ops', 'b', '<~>', "B'1010101010101010'" ]);
foreach my $search (@searches)
{
	my ($method, $key, $class, $column, $operator, $query) = @$search;
	my $distances = "SELECT round(($column $operator $query)::numeric, 6) FROM item ORDER BY $column $operator $query LIMIT 8";
	my $exact = sql($distances);
	my $options = $method eq 'hnsw' ? '' : 'WITH (lists = 10)';

	sql("CREATE INDEX i ON item USING $method ($key $class) $options");
	is(index_of($distances), 'i', "$method serves $class of $key");
	is(sql("SET enable_seqscan = off; $distances"), $exact, "  and finds what is nearest");
	sql('INSERT INTO item SELECT 1000, v, h, b FROM item WHERE id = 1; DELETE FROM item WHERE id = 1000; DROP INDEX i');
}

like(stderr_of("CREATE INDEX i ON item USING ivfflat (v vector_l2_ops) WITH (lists = 10)"),
	qr/NOTICE: .*ivfflat is built as one of hnsw/, 'ivfflat says what it is');
sql('DROP INDEX i');

# ---- options and settings ----

foreach my $m (4, 100)
{
	is(stderr_of("CREATE INDEX i ON item USING hnsw (v vector_l2_ops) WITH (m = $m, ef_construction = 4)"),
		'', "m may be $m");
	ok(sql("SELECT pg_relation_size('i') > 0 FROM (SELECT FROM item ORDER BY v <-> '[3,1,2]' LIMIT 1) s"), '  and is built');
	sql('DROP INDEX i');
}
like(stderr_of('CREATE INDEX i ON item USING hnsw (v vector_l2_ops) WITH (m = 2)'),
	qr/NOTICE:  index "i" is built with m = 4, not 2/, 'less than 4 is 4');
sql('DROP INDEX i');
like(stderr_of('CREATE INDEX i ON item USING hnsw (v vector_l2_ops) WITH (m = 101)'),
	qr/value 101 out of bounds for option "m"/, 'm ends at 100');
sql('CREATE INDEX i ON item USING hnsw (v vector_l2_ops)');
my $search = "SET enable_seqscan = off; SELECT count(*) FROM (SELECT v <-> '[3,1,2]' FROM item ORDER BY 1 LIMIT 100) s";
is(sql("SET hnsw.ef_search = 1; $search"), '100', 'a scan goes on until LIMIT is filled');
is(sql("SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 7; $search"), '7',
	'hnsw.max_scan_tuples ends an iterative scan');
like(stderr_of("SELECT v <-> '[3,1,2]' FROM item ORDER BY 1 LIMIT 1; SET hnsw.ef_search = 1001"),
	qr/1001 is outside the valid range for parameter "hnsw.ef_search"/, 'settings are checked');
like(stderr_of("SELECT v <-> '[3,1,2]' FROM item ORDER BY 1 LIMIT 1; SET hnsw.ef_serach = 10"),
	qr/invalid configuration parameter name "hnsw.ef_serach"/, 'a typing error is one');

# The effort is what was set: planned costs tell.
sub cost
{
	my ($plan) = sql("SET enable_seqscan = off; SELECT 1 FROM item ORDER BY v <-> '[3,1,2]' LIMIT 1;"
		. " SET hnsw.ef_search = $_[0]; EXPLAIN SELECT id FROM item ORDER BY v <-> '[3,1,2]' LIMIT 1") =~ /cost=([0-9.]+)/;
	return $plan;
}
cmp_ok(cost(200), '>', cost(40), 'hnsw.ef_search is the effort of a search');

# ---- values ----

is(sql("SELECT '[0.1,65504,-2]'::halfvec, '[1,2]'::vector || '[3]', binary_quantize('[1,0,-1]'::vector)"),
	'[0.099975586,65504,-2]|[1,2,3]|100', 'halfvec rounds; || and binary_quantize');
is(sql("SELECT encode(halfvec_send('[1,-2]'), 'hex'), encode(vector_send('[1]'), 'hex')"),
	'000200003c00c000|000100003f800000', 'wire forms');
is(sql("SELECT avg(v), sum(h) FROM (VALUES ('[1,2]'::vector, '[0.5,1]'::halfvec), ('[3,4]', '[1,2]')) s (v, h)"),
	'[2,3]|[1.5,3]', 'aggregates');
is(sql("SELECT pg_typeof(h + h), h + h, l2_normalize(h), subvector(h, 1, 1), l2_norm(h) FROM (SELECT '[3,4]'::halfvec h) s"),
	'halfvec|[6,8]|[0.60009766,0.7998047]|[3]|5', 'functions of halfvec give halfvec');

my %errors = (
	"SELECT '[1,2]'::vector(3)" => 'expected 3 dimensions, not 2',
	"SELECT '[]'::vector" => 'vector must have at least 1 dimension',
	"SELECT '[1,x]'::vector" => 'invalid input syntax for type vector: "[1,x]"',
	"SELECT '[1,NaN]'::vector" => 'NaN not allowed in vector',
	"SELECT '[-inf]'::halfvec" => 'a number is out of range for type halfvec',
	"SELECT '[70000]'::halfvec" => '"70000" is out of range for type halfvec',
	"SELECT '[1]'::vector(0)" => 'dimensions for type vector must be at least 1',
	"SELECT '[1]'::halfvec(16001)" => 'dimensions for type halfvec cannot exceed 16000',
	"SELECT B'101' <~> B'10'" => 'different bit lengths 3 and 2',
	"CREATE TABLE u (v vector); CREATE INDEX ON u USING hnsw (v vector_l2_ops)" => 'column does not have dimensions',
	"CREATE TABLE u (b bit(16385)); CREATE INDEX ON u USING hnsw (b bit_hamming_ops)" =>
	  'column cannot have more than 16384 dimensions for hnsw index',
	"SELECT array_fill(1, ARRAY[15000])::vector || array_fill(1, ARRAY[1001])::vector" =>
	  'vector cannot have more than 16000 dimensions');
foreach my $statement (sort keys %errors)
{
	like(stderr_of("BEGIN; $statement; COMMIT"), qr/ERROR:  \Q$errors{$statement}\E/, $errors{$statement});
}

# ---- beside similarity ----

sql('CREATE EXTENSION similarity_vector CASCADE');
is(sql('SELECT distance, m FROM similarity.index_info(\'i\')'), 'l2|16', 'index_info knows its indexes');
sql('CREATE INDEX bits ON item USING hnsw (b bit_jaccard_ops)');
is(sql("SELECT count(*) FROM similarity.verify_index('bits')"), '0', 'so does verify_index');
cmp_ok(sql("SELECT recall FROM similarity.index_recall('bits')"), '>', 0.9, 'and index_recall');

sql(<<'SQL');
CREATE TABLE way (v vector(3), h halfvec(3), e embedding(3));
INSERT INTO way VALUES ('[1,2,3]', '[4,5,6]', '[7,8,9]');
SQL
my $file = sql("SELECT pg_relation_filenode('way')");
sql('ALTER TABLE way ALTER v TYPE embedding(3), ALTER h TYPE embedding(3, half), ALTER e TYPE vector(3)');
is(sql("SELECT pg_relation_filenode('way')"), $file, 'vector becomes embedding without writing the table');
is(sql('SELECT * FROM way'), '[1,2,3]|[4,5,6]|[7,8,9]', '  with its values');
sql('ALTER TABLE way ALTER v TYPE vector(3), ALTER h TYPE halfvec(3), ALTER e TYPE embedding(3)');
is(sql("SELECT pg_relation_filenode('way')"), $file, 'and back');
like(stderr_of('ALTER TABLE way ALTER v TYPE embedding(4)'), qr/expected 4 dimensions, not 3/,
	'other dimensions are checked all the same');
sql('ALTER TABLE way ALTER e TYPE halfvec(3)');
isnt(sql("SELECT pg_relation_filenode('way')"), $file, 'another precision is written');
sql("INSERT INTO way (v) SELECT random_embedding(3, 1)");
is(sql("SELECT count(*) FROM way WHERE v = random_embedding(3, 1)::vector"), '1', 'an embedding is assigned to a vector');

# ---- dump ----

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'dump');
sql('CREATE DATABASE again');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'again' ], 'restore');
is($node->safe_psql('again', 'SELECT sum(v) FROM item'), sql('SELECT sum(v) FROM item'), 'with all values');

sql('DROP EXTENSION similarity_vector');
sql('DROP EXTENSION similarity');
is(sql("SELECT count(*) FROM item WHERE v <-> '[0,0,0]' >= 0"), '300', 'vector stays when similarity goes');

$node->stop;
done_testing();
