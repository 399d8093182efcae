# Galleries, their calibrations, models and triggers survive pg_dump, into a
# database where every OID differs; a standby can look up and match.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('galleries', allows_streaming => 1);
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE ROLE keeper;
CREATE SCHEMA "Store room";
GRANT USAGE ON SCHEMA "Store room" TO keeper;
GRANT CREATE ON SCHEMA similarity TO keeper;
CREATE TABLE "Store room"."The shelf" (id int PRIMARY KEY, kind text, v real[], e embedding(4), "e 2" embedding(4));
INSERT INTO "Store room"."The shelf" (id, kind, v)
SELECT i, i % 3, ARRAY[sin(i), cos(i), i % 3, 3 - i % 3] FROM generate_series(1, 300) i;
SELECT similarity.create_model('shelf', '{4}', '[{"metric_embedding": {"units": 4}}]');
CALL similarity.train('shelf', 'SELECT v, kind FROM "Store room"."The shelf"', epochs => 1, steps_per_epoch => 20, seed => 1, verbose => false);
SELECT similarity.grant_usage('shelf', 'keeper');
UPDATE "Store room"."The shelf" SET e = embed('shelf', v), "e 2" = v::embedding;
GRANT SELECT ON "Store room"."The shelf" TO keeper;
CREATE TABLE desk (id int PRIMARY KEY, kind text, v real[], e embedding(4));
ALTER TABLE desk OWNER TO keeper;
CREATE INDEX ON desk USING similarity_hnsw (e embedding_cosine_ops);
SET ROLE keeper;
SELECT similarity.create_gallery('attached', 'desk', 'e', 'kind', model => 'shelf');
SELECT similarity.attach('attached', 'v');
INSERT INTO desk (id, kind, v) SELECT id, kind, v FROM "Store room"."The shelf" WHERE id <= 50;
SELECT similarity.create_gallery('trained', '"Store room"."The shelf"', 'e', 'kind', model => 'shelf');
SELECT similarity.create_gallery('plain', '"Store room"."The shelf"', 'e 2', 'kind', distance => 'manhattan');
SELECT similarity.create_gallery('dropped', '"Store room"."The shelf"', 'e', 'kind');
SELECT similarity.drop_gallery('dropped');
SELECT similarity.calibrate('trained', 'SELECT v, kind FROM "Store room"."The shelf" WHERE id % 2 = 0', '{"some": 0.5}', k => 3, matcher => 'match_majority_vote');
SELECT similarity.calibrate('plain', 'SELECT "e 2", kind FROM "Store room"."The shelf"', calibration_metric => 'recall');
SQL

my $state = <<'SQL';
SET ROLE keeper;
SELECT gallery, owner, relation, embedding, label, key, image, distance, model, version, created, calibrated, matcher, k, metric, queries, id, input, cutpoints
FROM similarity.galleries ORDER BY gallery;
SELECT * FROM similarity.cutpoints ORDER BY gallery, name;
SELECT gallery, count(*), sum(f1) FROM similarity.calibration_curve GROUP BY 1 ORDER BY 1;
SELECT s.id, m.label, m.cutpoint_name, m.cutpoint_distance
FROM "Store room"."The shelf" s, similarity.match('trained', v, cutpoint => 'some') m WHERE id < 10 ORDER BY 1;
SELECT key, label, rank FROM similarity.lookup('plain', (SELECT "e 2" FROM "Store room"."The shelf" WHERE id = 7), 3) WHERE rank = 1;
SELECT * FROM similarity.evaluate_retrieval('trained', 'SELECT v, kind FROM "Store room"."The shelf" WHERE id < 20');
SQL
my $work = <<'SQL';
SET ROLE keeper;
INSERT INTO desk (id, kind, v) VALUES (100, 'new', '{9,-9,9,-9}'), (101, 'late', '{-9,9,9,9}');
UPDATE desk SET v = '{0.5,0.5,0,3}' WHERE id = 3;
SELECT id, embedding_model(e), e = embed('shelf', v) AS current, e FROM desk WHERE id IN (3, 100, 101) ORDER BY id;
SELECT key, label, rank FROM similarity.lookup('attached', '{9,-9,9,-9}'::real[], 1);
SELECT name, distance, f1 FROM similarity.calibrate('attached', 'SELECT v, kind FROM desk', k => 2);
SELECT label FROM similarity.match('attached', '{-9,9,9,9}'::real[]);
SQL

my $before = $node->safe_psql('postgres', $state);
like($before, qr/^7\|/m, 'a look-up in a table whose name needs quotes');

my $dump = $PostgreSQL::Test::Utils::tmp_check . '/galleries.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy' ], 'restore');
is($node->safe_psql('copy', $state), $before, 'the same after restore');
is($node->safe_psql('copy', 'SELECT similarity.create_gallery(\'new\', \'"Store room"."The shelf"\', \'e\', \'kind\');'
		. " SELECT id FROM similarity.galleries WHERE gallery = 'new'"),
	"\n5", 'ids of galleries go on');

$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $state), $before, 'the same on a standby');
my $worked = $node->safe_psql('postgres', $work);
like($worked, qr/^(3\|\d+\|t\|.*\n)(100\|\d+\|t\|.*\n)101\|\d+\|t\|.*\n100\|new\|1\n/, 'the trigger embeds');
is($node->safe_psql('copy', $work), $worked, 'and does so after restore');

# A standby answers, and says of everything that writes that it cannot.
is( $standby->safe_psql('postgres', "SELECT count(*) FROM similarity.lookup('trained', (SELECT v FROM desk WHERE id = 1), 3)"),
	3, 'a standby embeds and looks up');
my %writers = (
	create_model => q{SELECT similarity.create_model('new', '{4}', '[{"metric_embedding": {"units": 4}}]')},
	drop_model => q{SELECT similarity.drop_model('shelf')},
	deploy => q{SELECT similarity.deploy('shelf', 1)},
	drop_version => q{SELECT similarity.drop_version('shelf', 1)},
	copy_model => q{SELECT similarity.copy_model('shelf', 'new')},
	import_model => q{SELECT similarity.import_model('new', similarity.export_model('shelf'))},
	grant_usage => q{SELECT similarity.grant_usage('shelf', 'keeper')},
	revoke_usage => q{SELECT similarity.revoke_usage('shelf', 'keeper')},
	set_model_owner => q{SELECT similarity.set_model_owner('shelf', 'keeper')},
	reassign_owned => q{SELECT similarity.reassign_owned('keeper', 'keeper')},
	train => q{CALL similarity.train('shelf', 'SELECT v, kind FROM desk')},
	train_background => q{SELECT similarity.train_background('shelf', 'SELECT v, kind FROM desk')},
	create_gallery => q{SELECT similarity.create_gallery('new', 'desk', 'e', 'kind')},
	drop_gallery => q{SELECT similarity.drop_gallery('trained')},
	calibrate => q{SELECT similarity.calibrate('trained', 'SELECT v, kind FROM desk')},
	attach => q{SELECT similarity.attach('trained', 'v')},
	detach => q{SELECT similarity.detach('attached')},
	reembed => q{CALL similarity.reembed('shelf', 1)},
	reembed_cancel => q{SELECT similarity.reembed_cancel('shelf')});
foreach my $function (sort keys %writers)
{
	$standby->psql('postgres', $writers{$function}, stderr => \my $error);
	like($error, qr/ERROR:  cannot execute similarity\.$function\(\) during recovery/, "a standby says that it cannot $function");
}

# Calibrations of one gallery at once take turns: the last one is whole.
my @calibrations = map {
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start(
		[
			'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c',
			"SELECT similarity.calibrate('plain', 'SELECT \"e 2\", kind FROM \"Store room\".\"The shelf\"', '{\"t$_\": 0.1}') FROM generate_series(1, 5)"
		],
		'>', \$out, '2>', \$err);
	[ $run, \$err ];
} 1 .. 3;
ok($_->[0]->finish, 'calibration beside others') || diag(${ $_->[1] }) foreach @calibrations;
like($node->safe_psql('postgres', "SELECT string_agg(name, ' ' ORDER BY name) FROM similarity.cutpoints WHERE gallery = 'plain'"),
	qr/^optimal t[123]$/, 'cut points of one calibration');

$standby->stop;
$node->stop;
done_testing();
