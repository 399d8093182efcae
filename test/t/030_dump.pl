# Models survive pg_dump into another cluster and pg_upgrade: embeddings to
# the bit, ids that go on where they were, the deployed version, privileges.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('dump_source');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
CREATE ROLE alice;
CREATE ROLE bob;
CREATE TABLE points AS
SELECT i, ARRAY[sin(i), cos(i), i % 3, i % 5]::real[] AS x, i % 3 AS label FROM generate_series(1, 300) i;
GRANT SELECT ON points TO alice;
GRANT CREATE ON SCHEMA similarity TO alice;
SET ROLE alice;
SELECT similarity.create_model('points', '{4}',
	'[{"dense": {"units": 8, "activation": "tanh"}}, {"metric_embedding": {"units": 5}}]');
CALL similarity.train('points', 'SELECT x, label FROM points', epochs => 2, steps_per_epoch => 20, seed => 1, verbose => false);
CALL similarity.train('points', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 20, seed => 2, verbose => false);
SELECT similarity.grant_usage('points', 'bob');
SELECT similarity.deploy('points', 1);
SELECT similarity.create_model('other', '{4}', '[{"metric_embedding": {"units": 5}}]');
SELECT similarity.drop_model('other');
RESET ROLE;
-- a model larger than one part of 1 MB, so that parts are put together
SELECT similarity.create_model('large', '{2,2}', '[{"flatten": {}}, {"dense": {"units": 3000}}, {"metric_embedding": {"units": 1500}}]',
	'{"resize": "center_crop"}');
CALL similarity.train('large', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 1, seed => 3, verbose => false);
SQL
cmp_ok($node->safe_psql('postgres', 'SELECT max(part) FROM _similarity.model_weights'), '>', 0,
	'a tensor of several parts');

# What must not change; 300 embeddings as their bytes
my $state = <<'SQL';
SELECT md5(string_agg(embedding_send(embed('points', x))::text, '' ORDER BY i)),
	md5(string_agg(embedding_send(embed(2, x))::text, '' ORDER BY i)),
	md5(string_agg(embedding_send(embed('large', x))::text, '' ORDER BY i)),
	min(embedding_model(embed('points', x))) FROM points;
SELECT model, owner, input, layers, image, deployed_version, usage_granted_to, created, id FROM similarity.models ORDER BY 1;
SELECT model, version, deployed, metrics, created FROM similarity.model_versions ORDER BY 2;
SELECT run, model, role, state, version, source, options, started, ended FROM similarity.training_runs ORDER BY 1;
SELECT * FROM similarity.training_log ORDER BY run, epoch;
SQL
# Trains once more: ids go on, none is used twice.
my $go_on = <<'SQL';
CALL similarity.train('points', 'SELECT x, label FROM points', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT max(version), max(run) FROM similarity.training_runs;
SELECT similarity.create_model('new', '{4}', '[{"metric_embedding": {"units": 5}}]');
SELECT id FROM similarity.models WHERE model = 'new';
SQL
my $before = $node->safe_psql('postgres', $state);
like($before, qr/alice.*\{bob\}/, 'owner and grantee before');
like($before, qr/"center_crop"/, 'how pictures are taken before');
my $dump = $PostgreSQL::Test::Utils::tmp_check . '/models.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, 'postgres' ], 'pg_dump');

# Into a cluster that has the roles
my $copy = SimilarityNode::create('dump_copy');
$copy->start;
$copy->safe_psql('postgres', 'CREATE ROLE bob; CREATE ROLE carol; CREATE ROLE alice');
$copy->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'postgres' ], 'restore');
is($copy->safe_psql('postgres', $state), $before, 'the same after restore');
is($copy->safe_psql('postgres', "SET ROLE bob; SELECT embedding_model(embed('points', '{1,2,3,4}'::real[]))"),
	'1', 'bob may use the model after restore');
is($copy->safe_psql('postgres', q{SELECT has_schema_privilege(r, 'similarity', 'CREATE') FROM unnest('{alice,bob}'::text[]) r}),
	"t\nf", 'alice may create models after restore, bob may not');
isnt($copy->psql('postgres', "SET ROLE carol; SELECT embed('points', '{1,2,3,4}'::real[])", stderr => \my $error),
	0, 'carol may not');
like($error, qr/permission denied for model "points"/, 'and is told so');
my $after = $copy->safe_psql('postgres', $go_on);
like($after, qr/^4\|4$/m, 'version and run ids go on');
like($after, qr/^4$/m, 'model ids go on');
$copy->stop;

# Into a cluster that has none of the roles, as many developers do
my $bare = SimilarityNode::create('dump_bare');
$bare->start;
$bare->psql('postgres', "\\i $dump");
(my $ownerless = $before) =~ s/\|alice\|(.*)\|\{bob\}\|/||$1||/;
is($bare->safe_psql('postgres', $state), $ownerless, 'models are not lost when their roles are missing');
is($bare->safe_psql('postgres', <<'SQL'), "f\n\nt", 'they are nobody\'s until a superuser gives them away');
CREATE ROLE alice;
SET ROLE alice;
SELECT EXISTS (SELECT FROM similarity.models WHERE model = 'points');
RESET ROLE;
SELECT similarity.set_model_owner('points', 'alice');
SET ROLE alice;
SELECT EXISTS (SELECT FROM similarity.models WHERE model = 'points');
SQL
$bare->stop;

# pg_upgrade
my $new = SimilarityNode::create('upgraded');
$node->stop;
SimilarityNode::upgrade($node, $new);
$new->start;
is($new->safe_psql('postgres', $state), $before, 'the same after pg_upgrade');
is($new->safe_psql('postgres', q{SELECT has_schema_privilege('alice', 'similarity', 'CREATE')}), 't', 'also what alice may create');
like($new->safe_psql('postgres', $go_on), qr/^4\|4$/m, 'ids go on after pg_upgrade');
$new->stop;
done_testing();
