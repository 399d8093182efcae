# Columns of every precision through pg_dump and COPY binary into another
# cluster, and a similarity.knn() that is stopped.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use SimilarityNode;

my $node = SimilarityNode::create('precisions');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE item (id int, f embedding(50), h embedding(50, half), i embedding(50, int8), b embedding(50, bit),
	tf embedding(50, 7), th embedding(50, half, 8), ti embedding(50, int8, 9), tb embedding(50, bit, 10), free embedding);
INSERT INTO item SELECT n, e, e, e, e, e, e, e, e, e::embedding(50, half)
FROM (SELECT n, random_embedding(50, n) AS e FROM generate_series(1, 200) n) r;
INSERT INTO item (id, h, i, free) VALUES (0, ('[65504,-1e-7' || repeat(',0', 48) || ']')::embedding, ('[3.4028235e38,1' || repeat(',0', 48) || ']')::embedding, NULL);
CREATE INDEX ON item (h);
CREATE INDEX ON item USING similarity_hnsw (ti embedding_l2_ops);
CREATE TABLE many (e embedding(200));
INSERT INTO many SELECT random_embedding(200, n) FROM generate_series(1, 20000) n;
SQL

# Types, numbers, sizes and tags: what a dump must give back
my $state = <<'SQL';
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 0 ORDER BY attnum;
SELECT md5(string_agg(concat_ws('|', id, f, h, i, b, tf, th, ti, tb, free), E'\n' ORDER BY id)) FROM item;
SELECT sum(pg_column_size(f)), sum(pg_column_size(h)), sum(pg_column_size(i)), sum(pg_column_size(b)),
	sum(pg_column_size(th)), sum(pg_column_size(ti)), sum(pg_column_size(tb)) FROM item;
SELECT embedding_model(f), embedding_model(tf), embedding_model(th), embedding_model(ti), embedding_model(tb), count(*)
FROM item GROUP BY 1, 2, 3, 4, 5 ORDER BY 1;
SET enable_seqscan = off;
SELECT id FROM item ORDER BY ti <-> random_embedding(50, 17) LIMIT 1;
SQL
my $before = $node->safe_psql('postgres', $state);
like($before, qr/^th\|embedding\(50,half,8\)$/m, 'a type modifier of three parts');
like($before, qr/^0\|7\|8\|9\|10\|200$/m, 'columns stamp their version');

my $dump = $PostgreSQL::Test::Utils::tmp_check . '/precisions.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, '--table', 'item', '--extension', 'similarity', 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy' ], 'restore');
is($node->safe_psql('copy', $state), $before, 'restored to the same bytes and tags');

# The bytes that a client sees are pgvector's, whatever the precision.
my $file = $PostgreSQL::Test::Utils::tmp_check . '/item.bin';
$node->safe_psql('postgres', "COPY item TO '$file' (FORMAT binary)");
$node->safe_psql('copy', "TRUNCATE item; COPY item FROM '$file' (FORMAT binary)");
is($node->safe_psql('copy', "UPDATE item SET free = free::embedding(50, half) WHERE free IS NOT NULL; $state"),
	$before, 'COPY binary out and in, too');

# similarity.knn() ends soon after it is told to, and the session goes on.
my $knn = 'SELECT count(*) FROM similarity.knn(\'many\', \'e\', (SELECT array_agg(e) FROM many), 100, \'%s\')';
foreach my $metric ('l2', 'l1')
{
	my $start = time;
	my ($status, $out, $err) = $node->psql('postgres',
		'SET statement_timeout = 1000; ' . sprintf($knn, $metric) . "; SELECT 1");

	isnt($status, 0, "knn by $metric is stopped");
	like($err, qr/canceling statement due to statement timeout/, "and says so");
	cmp_ok(time - $start, '<', 8, 'soon');
}
is( $node->safe_psql('postgres', <<'SQL'), "1\n1", 'the next one works in the same session');
\set ON_ERROR_STOP off
SET statement_timeout = 300;
SELECT count(*) FROM similarity.knn('many', 'e', (SELECT array_agg(e) FROM many), 100);
RESET statement_timeout;
SELECT rank FROM similarity.knn('many', 'e', ARRAY[random_embedding(200, 3)], 1);
SELECT (id = '(0,3)'::tid)::int FROM similarity.knn('many', 'e', ARRAY[random_embedding(200, 3)], 1);
SQL

$node->stop;
done_testing();
