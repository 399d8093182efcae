# A table partitioned over other servers answers as one table of one server
# does: in SQL, as a gallery, with models brought to the shards, and with a
# shard that is down.  docs/shards.md tells how; make demo-shards measures.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use SimilarityNode;
use Test::More;

# Two servers; a database of the first, too, is a shard.
my $front = SimilarityNode::create('front', allows_streaming => 'logical');
$front->append_conf('postgresql.conf', "max_worker_processes = 8");
$front->start;
if ($front->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name IN ('postgres_fdw', 'dblink')") < 2)
{
	$front->stop;
	plan skip_all => 'postgres_fdw or dblink is not installed';
}
my $far = SimilarityNode::create('far', allows_streaming => 'logical');
$far->append_conf('postgresql.conf', "log_statement = 'all'");
$far->start;
$front->safe_psql('postgres', 'CREATE DATABASE near');

my %database = (near => [ $front, 'near' ], far => [ $far, 'postgres' ]);
for my $shard (values %database)
{
	$shard->[0]->safe_psql($shard->[1], <<'SQL');
CREATE EXTENSION similarity;
CREATE TABLE items (id int PRIMARY KEY, kind int, label int, v real[], e embedding(8));
CREATE INDEX ON items USING similarity_hnsw (e embedding_cosine_ops);
SQL
}
$front->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION dblink;
CREATE ROLE reader;
CREATE TABLE items (id int, kind int, label int, v real[], e embedding(8)) PARTITION BY HASH (id);
CREATE TABLE alone (id int PRIMARY KEY, kind int, label int, v real[], e embedding(8));
SQL
my $remainder = 0;
for my $name (qw(near far))
{
	my ($node, $dbname) = @{ $database{$name} };
	my ($host, $port) = ($node->host, $node->port);
	$front->safe_psql('postgres', <<SQL);
CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw
	OPTIONS (host '$host', port '$port', dbname '$dbname', extensions 'similarity', async_capable 'true');
CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (password_required 'false');
CREATE FOREIGN TABLE items_$name PARTITION OF items FOR VALUES WITH (MODULUS 2, REMAINDER $remainder)
	SERVER $name OPTIONS (table_name 'items');
SQL
	$remainder++;
}

# ---- rows ----

$front->safe_psql('postgres', <<'SQL');
INSERT INTO alone SELECT i, i % 3, i % 7, v, v::embedding
FROM (SELECT i, array_agg((sin(i % 7 * j) + 0.3 * sin(i * 1.7 * j))::real ORDER BY j) AS v
	FROM generate_series(1, 400) i, generate_series(1, 8) j GROUP BY i) t;
INSERT INTO items SELECT * FROM alone;
CREATE INDEX ON alone USING similarity_hnsw (e embedding_cosine_ops);
ANALYZE alone, items, items_near, items_far;
SQL
my %rows = map { $_ => $database{$_}[0]->safe_psql($database{$_}[1], 'SELECT count(*) FROM items') } keys %database;
is($rows{near} + $rows{far}, 400, 'inserted rows are at the shards');
cmp_ok(abs($rows{near} - $rows{far}), '<', 100, 'at each of them');

# ---- plans and answers of SQL ----

my $value = "'[1,0.5,-0.2,0.3,0,0.1,-1,0.4]'";

sub plan_of { return $front->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $_[0]"); }

# What each shard gives of itself
sub of_shards
{
	my ($query, $where) = @_;
	return 'SELECT id FROM (' . join(' UNION ALL ',
		map { "(SELECT id, e <=> $query AS d FROM items_$_ WHERE $where ORDER BY e <=> $query LIMIT 5)" } qw(near far))
	  . ' OFFSET 0) n ORDER BY d LIMIT 5';
}

my @remote = plan_of("SELECT id FROM items ORDER BY e <=> $value LIMIT 5") =~ /Remote SQL: (.*)/g;
is(scalar(grep { /ORDER BY \(e OPERATOR\(public\.<=>\)/ } @remote), 2, 'both shards sort');
my $plan = plan_of(of_shards($value, 'kind = 1'));
is(() = $plan =~ /Async Foreign Scan/g, 2, 'both shards work at the same time');
is(() = $plan =~ /Remote SQL: .*WHERE \(\(kind = 1\)\) ORDER BY .*<=>.* LIMIT 5/g, 2, 'both filter, sort and cut');
like(plan_of("SELECT id FROM items_far ORDER BY e <=> (SELECT e FROM alone WHERE id = 7) LIMIT 5"),
	qr/ORDER BY \(e OPERATOR\(public\.<=>\) \$1::public\.embedding\(8\)\)/, 'a value computed before goes along');

my (@alone, @merged, @together);
for my $where ('true', 'kind = 1', 'label IN (2, 5) AND id > 100')
{
	for my $id (1 .. 10)
	{
		my $query = "(SELECT e FROM alone WHERE id = $id)";
		push @alone, "SELECT id FROM alone WHERE $where ORDER BY e <=> $query LIMIT 5";
		push @merged, "SELECT id FROM items WHERE $where ORDER BY e <=> $query LIMIT 5";
		push @together, of_shards($query, $where);
	}
}
my ($of_one, $of_merged, $of_together) = map { $front->safe_psql('postgres', join ';', @$_) } \(@alone, @merged, @together);
is($of_merged, $of_one, 'rows of the whole are those of one server, filtered or not');
is($of_together, $of_one, 'and so are those of each shard together');

# ---- a gallery over all of them ----

$front->safe_psql('postgres', "SELECT similarity.create_gallery('$_', '$_', 'e', 'label', key => 'id');"
	. "SELECT similarity.create_gallery('$_ squared', '$_', 'e', 'label', key => 'id', distance => 'squared_euclidean')")
  for qw(alone items);
my $set = "'SELECT e, CASE WHEN id % 5 > 0 THEN label END AS label FROM alone WHERE id % 4 = 0 AND id % 5 > 0'";
for my $call (
	"SELECT rank, label, distance, key, item FROM similarity.lookup('items', $value, 3)",
	"SELECT rank, label, distance, key, item FROM similarity.lookup('items squared', $value, 3)",
	"SELECT query_key, rank, key FROM similarity.lookup_all('items', 'SELECT e, id FROM alone WHERE id < 30', 2)",
	"SELECT * FROM similarity.calibrate('items', $set, drop_closest => true)",
	"SELECT * FROM similarity.match('items', $value)",
	"SELECT * FROM similarity.match_all('items', 'SELECT e, id FROM alone WHERE id < 30')",
	"SELECT metric, round(value::numeric, 9), queries, index_recall FROM similarity.evaluate_retrieval('items', $set, '{recall\@1,map\@r}')",
	"SELECT metric, round(value::numeric, 9), index_recall FROM similarity.evaluate_retrieval('items', $set, '{precision\@3}', exact => false)",
	"SELECT name, tp, fp, tn, fn FROM similarity.evaluate_classification('items', $set)",
	"SELECT * FROM similarity.confusion_matrix('items', $set)",
	"SELECT gallery_rows, current_rows, change, problem FROM similarity.calibration_status('items')")
{
	my ($name) = $call =~ /similarity\.(\w+)/;
	(my $alone = $call) =~ s/'items( squared)?'/"'alone" . ($1 \/\/ '') . "'"/e;
	is($front->safe_psql('postgres', $call), $front->safe_psql('postgres', $alone), "$name of a gallery over shards");
}
like(slurp_file($far->logfile), qr/SELECT id, kind, label, v, e, ctid .* ORDER BY .* LIMIT 3/, 'lookup asks each shard for k rows');

# A right to the whole is none to its parts, which are then not named.
$front->safe_psql('postgres', 'GRANT SELECT ON items, alone TO reader');
my $lookup = "SELECT rank, key, distance FROM similarity.lookup('%s', $value, 3)";
is($front->safe_psql('postgres', 'SET ROLE reader;' . sprintf($lookup, 'items')),
	$front->safe_psql('postgres', sprintf($lookup, 'alone')), 'a role with rights on the whole alone looks up the same');

# ---- models at the shards ----

$front->safe_psql('postgres', <<'SQL');
SELECT * FROM similarity.create_model('m', '{8}', '[{"dense": {"units": 8}}, {"metric_embedding": {"units": 8}}]');
CALL similarity.train('m', 'SELECT v, label FROM alone ORDER BY id', epochs => 1, steps_per_epoch => 5, seed => 1, verbose => false);
SQL
is( $front->safe_psql('postgres', <<'SQL'), "far\nnear", 'one statement brings a model to all shards');
SELECT srvname FROM pg_foreign_server,
	dblink(srvname, format('SELECT similarity.import_model(%L, %L)', 'm', similarity.export_model('m'))) AS t (version int)
ORDER BY srvname
SQL
my $embed = q{SELECT embed('m', '{1,2,3,4,5,6,7,8}'::real[])};
is($far->safe_psql('postgres', $embed), $front->safe_psql('postgres', $embed), 'it embeds there as here');

# What follows deployments is computed here, and before the shard is asked only
# if it stands by itself.
my $asked = q{embed('m', '{1,2,3,4,5,6,7,8}'::real[])};
unlike(plan_of("SELECT id FROM items_far ORDER BY e <=> $asked LIMIT 5"), qr/Remote SQL: .*ORDER BY/, 'embed() by name is not sent');
like(plan_of("SELECT id FROM items_far ORDER BY e <=> (SELECT $asked) LIMIT 5"), qr/Remote SQL: .*ORDER BY .*<=>.* LIMIT 5/,
	'its result is');

$front->safe_psql('postgres', <<'SQL');
SELECT similarity.create_gallery('embedded', 'items', 'e', 'label', key => 'id', model => 'm');
SELECT similarity.attach('embedded', 'v');
INSERT INTO items (id, label, v) SELECT i, 1, ARRAY[sin(i), cos(i), sin(2 * i), cos(3 * i), sin(5 * i), cos(7 * i), 1, 0] FROM generate_series(1001, 1010) i;
SQL
is($front->safe_psql('postgres', q{SELECT count(e), count(DISTINCT tableoid) FROM items WHERE id > 1000}), '10|2',
	'the trigger of attach embeds what goes to the shards');
is($front->safe_psql('postgres', q{SELECT key FROM similarity.lookup('embedded', (SELECT v FROM items WHERE id = 1003), 1)}), '1003',
	'and it is found');

# ---- models and galleries by logical replication ----

$far->safe_psql('postgres', q{SELECT similarity.drop_model('m'); CREATE TABLE alone (id int PRIMARY KEY, kind int, label int, v real[], e embedding(8))});
$front->safe_psql('postgres', <<'SQL');
CREATE PUBLICATION models FOR TABLE alone, _similarity.model, _similarity.model_version, _similarity.model_weights, _similarity.deployment,
	_similarity.retired_version, similarity.gallery, similarity.calibration, similarity.cutpoint
SQL
$far->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION models CONNECTION 'host=%s port=%s dbname=postgres' PUBLICATION models}, $front->host, $front->port);
$far->wait_for_subscription_sync($front, 'models');
is($far->safe_psql('postgres', $embed), $front->safe_psql('postgres', $embed), 'a model is replicated');
is($far->safe_psql('postgres', q{SELECT version FROM similarity.model_versions}),
	$front->safe_psql('postgres', q{SELECT version FROM similarity.model_versions}), 'its version keeps its id');
is($far->safe_psql('postgres', "SELECT key, distance FROM similarity.lookup('alone', $value, 3)"),
	$front->safe_psql('postgres', "SELECT key, distance FROM similarity.lookup('alone', $value, 3)"), 'and galleries with their tables');
$far->safe_psql('postgres', 'DROP SUBSCRIPTION models');

# ---- a shard that is down ----

my $detached = of_shards($value, 'true');
$detached =~ s/ UNION ALL .*(?= OFFSET)//;
my $near = $front->safe_psql('postgres', $detached);
$far->stop('immediate');
for my $query ("SELECT id FROM items ORDER BY e <=> $value LIMIT 5", sprintf($lookup, 'items'))
{
	my ($code, $out, $err) = $front->psql('postgres', $query);
	like($err, qr/ERROR:  could not connect to server "far"/, 'a dead shard is an error that names it');
}
$front->safe_psql('postgres', 'ALTER TABLE items DETACH PARTITION items_far');
is($front->safe_psql('postgres', "SELECT id FROM items ORDER BY e <=> $value LIMIT 5"), $near, 'the others answer without it');
$far->start;
$front->safe_psql('postgres', 'ALTER TABLE items ATTACH PARTITION items_far FOR VALUES WITH (MODULUS 2, REMAINDER 1)');
is($front->safe_psql('postgres', 'SELECT count(*) FROM items'), '410', 'and it comes back');

$front->stop;
$far->stop;
done_testing();
