# Every way of loading a dump brings back models, galleries and the tables that
# live with them, to the bit and without an error: serial and in parallel,
# definitions and rows at once or one after the other, one table alone,
# pg_upgrade.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('restore_source');
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE keeper; CREATE ROLE reader; CREATE DATABASE source');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION similarity;
GRANT CREATE ON SCHEMA public TO keeper;
GRANT CREATE ON SCHEMA similarity TO keeper;
SET ROLE keeper;
CREATE TABLE shelf (id int PRIMARY KEY, kind text, v real[], e embedding(4));
INSERT INTO shelf SELECT i, i % 3, ARRAY[sin(i), cos(i), i % 3, 3 - i % 3] FROM generate_series(1, 300) i;
SELECT similarity.create_model('shelf', '{4}', '[{"dense": {"units": 16, "activation": "tanh"}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('shelf', 'SELECT v, kind FROM shelf', epochs => 2, steps_per_epoch => 20, log_steps => 5, seed => 1, verbose => false);
CALL similarity.train('shelf', 'SELECT v, kind FROM shelf', epochs => 1, steps_per_epoch => 20, seed => 2, verbose => false);
SELECT similarity.grant_usage('shelf', 'reader');
SELECT similarity.deploy('shelf', 1);

-- An attached table.  Some of its rows are not as the trigger would make them:
-- written while there was none, with no value, one typed in, one of another version.
UPDATE shelf SET e = CASE WHEN id % 2 = 0 THEN embed(1, v) WHEN id = 7 THEN '[1,2,3,4]'::embedding WHEN id = 9 THEN embed(2, v) END;
CREATE INDEX shelf_e ON shelf USING similarity_hnsw (e embedding_cosine_ops) WITH (vectors = 'float');
CREATE TABLE desk (LIKE shelf INCLUDING ALL);
ALTER TABLE desk ALTER e TYPE embedding(4, 1);
SELECT similarity.create_gallery('shelf', 'shelf', 'e', 'kind', model => 'shelf');
SELECT similarity.create_gallery('desk', 'desk', 'e', 'kind', model => 'shelf', distance => 'manhattan');
SELECT similarity.attach('shelf', 'v');
SELECT similarity.attach('desk', 'v');
INSERT INTO desk SELECT id, kind, v FROM shelf;
SELECT similarity.calibrate('desk', 'SELECT v, kind FROM shelf', '{"some": 0.5}', k => 3, matcher => 'match_majority_vote');

-- What is computed from rows: after the rows, if the dump is loaded in order.
-- In parallel the filling is loaded first, the wide table with it, and only
-- then, by the session that is not building an index, the small tables of models.
CREATE TABLE filling AS SELECT i, repeat(md5(i::text), 40) AS t FROM generate_series(1, 20000) i;
CREATE TABLE wide (id int PRIMARY KEY, v real[], t text);
INSERT INTO wide SELECT i, ARRAY[sin(i), cos(i), i % 5, i % 7], repeat('x', 1000) FROM generate_series(1, 3000) i;
CREATE INDEX wide_e ON wide USING similarity_hnsw ((embed(1, v)::embedding(4)) embedding_l2_ops);
CREATE MATERIALIZED VIEW embedded AS SELECT id, embed(2, v) AS e, embed('shelf', v) AS deployed FROM shelf;
CREATE INDEX ON embedded USING similarity_hnsw ((e::embedding(4)) embedding_l2_ops);
CREATE VIEW nearest AS SELECT id FROM wide ORDER BY embed(1, v)::embedding(4) <-> embed(1, '{1,0,2,3}'::real[]) LIMIT 5;
RESET ROLE;
VACUUM ANALYZE;
SQL

# Every row of the extension's tables and of the user's, as text; what may be
# told apart by name; what models and indexes answer.
my $tables = $node->safe_psql('source', <<'SQL');
SELECT string_agg(format(CASE relkind WHEN 'S' THEN 'SELECT %L, last_value, is_called FROM %s;'
		ELSE $$SELECT %L, count(*), md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM %s t;$$ END, c, c), E'\n')
FROM (SELECT unnest(extconfig)::regclass AS c FROM pg_extension WHERE extname = 'similarity'
	UNION ALL SELECT unnest('{shelf,desk,wide,filling,embedded}'::regclass[])) x JOIN pg_class ON oid = c;
SQL
my $state = $tables . <<'SQL';
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
WHERE indrelid IN ('shelf'::regclass, 'desk'::regclass, 'wide'::regclass, 'embedded'::regclass) ORDER BY indexrelid::regclass::text;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text;
SELECT attrelid::regclass, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'e' AND attrelid IN ('shelf'::regclass, 'desk'::regclass) ORDER BY attrelid::regclass::text;
SELECT md5(string_agg(embedding_send(e)::text, '' ORDER BY id)) FROM shelf;
SELECT md5(string_agg(embedding_send(embed('shelf', v))::text || embedding_send(embed(2, v))::text, '' ORDER BY id)) FROM wide;
SET ROLE keeper;
SELECT gallery, owner, relation, model, version, cutpoints FROM similarity.galleries ORDER BY 1;
SELECT model, owner, deployed_version, usage_granted_to FROM similarity.models;
SELECT has_schema_privilege('keeper', 'similarity', 'CREATE'), has_schema_privilege('reader', 'similarity', 'CREATE');
SELECT run, state, version FROM similarity.training_runs ORDER BY 1;
SELECT run, step, loss FROM similarity.training_steps ORDER BY 1, 2;
SELECT * FROM nearest;
SELECT count(*) FROM similarity.verify_index('wide_e');
SELECT m.label, m.cutpoint_distance FROM desk d, similarity.match('desk', v, cutpoint => 'some') m WHERE id < 20 ORDER BY id;
RESET ROLE;
SQL
my $before = $node->safe_psql('source', $state);
like($before, qr/^_similarity\.model_weights\|[1-9]/m, 'models are there before');

# After a restore, work goes on: the triggers embed, ids of versions are new.
sub works
{
	my ($server, $database) = @_;
	return $server->safe_psql($database, <<'SQL');
SET ROLE keeper;
INSERT INTO desk (id, kind, v) VALUES (1000, 'new', '{9,-9,9,-9}');
UPDATE shelf SET v = '{1,2,3,4}' WHERE id = 9;
SELECT id, e = embed(1, v) FROM shelf WHERE id = 9 UNION ALL SELECT id, e = embed(1, v) FROM desk WHERE id = 1000;
CALL similarity.train('shelf', 'SELECT v, kind FROM shelf', epochs => 1, steps_per_epoch => 1, verbose => false);
SELECT max(version) FROM similarity.model_versions;
SQL
}

my $databases = 0;

# Steps are command lines without a database; all of them must succeed.
sub is_restored
{
	my ($name, @steps) = @_;
	my $database = 'copy' . ++$databases;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->command_ok([ @$_, '--dbname', $database ], "$name: " . join(' ', grep { !m{/} } @$_)) foreach @steps;
	is($node->safe_psql($database, $state), $before, "$name: everything is as it was");
	is(works($node, $database), "9|t\n1000|t\n3", "$name: and works");
	$node->safe_psql('postgres', "DROP DATABASE $database");
	return;
}

my $place = PostgreSQL::Test::Utils::tempdir();    # pg_dump makes no folder that is there
my ($custom, $directory, $plain, $schema, $data) = map { "$place/restore.$_" } qw(custom directory sql schema.sql data.sql);
$node->command_ok([ 'pg_dump', '-Fc', '--compress=0', '--file', $custom, 'source' ], 'pg_dump -Fc');
$node->command_ok([ 'pg_dump', '-Fd', '--jobs=2', '--compress=0', '--file', $directory, 'source' ], 'pg_dump -Fd');
$node->command_ok([ 'pg_dump', '--file', $plain, 'source' ], 'pg_dump');
$node->command_ok([ 'pg_dump', '--schema-only', '--file', $schema, 'source' ], 'pg_dump --schema-only');
$node->command_ok([ 'pg_dump', '--data-only', '--file', $data, 'source' ], 'pg_dump --data-only');

my @psql = ('psql', '-qX', '-v', 'ON_ERROR_STOP=1', '--output', '/dev/null', '--file');
my @restore = ('pg_restore', '--exit-on-error');
my @parallel = ('pg_restore', '--jobs');

is_restored('plain', [ @psql, $plain ]);
is_restored('serial', [ @restore, $custom ]);
is_restored('-Fc, 2 jobs', [ @parallel, 2, $custom ]);
is_restored("-Fd, $_ jobs", [ @parallel, $_, $directory ]) foreach 2, 4, 8;
# (rows of a materialized view are no data to pg_dump)
my @refresh = ('psql', '-qX', '--command', 'REFRESH MATERIALIZED VIEW embedded');
is_restored('plain, definitions first', [ @psql, $schema ], [ @psql, $data ], \@refresh);
is_restored('definitions first', [ @restore, '--schema-only', $custom ], [ @restore, '--data-only', $custom ], \@refresh);
is_restored('definitions first, without triggers',
	[ @restore, '--schema-only', $custom ], [ @restore, '--data-only', '--disable-triggers', $custom ], \@refresh);
is_restored('definitions first, 2 jobs',
	[ @restore, '--schema-only', $directory ], [ @parallel, 2, '--data-only', $directory ], \@refresh);
is_restored('by sections', map { [ @restore, "--section=$_", $custom ] } qw(pre-data data post-data));

# One table alone: where its gallery is, and where nothing of it is
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE source');
$node->safe_psql('again', 'TRUNCATE shelf');
$node->command_ok([ @restore, '--data-only', '--table=shelf', '--dbname=again', $custom ], 'the rows of one table');
is($node->safe_psql('again', $state), $before, 'are as they were');
$node->safe_psql('postgres', 'CREATE DATABASE alone');
$node->safe_psql('alone', 'CREATE EXTENSION similarity');
$node->command_ok([ 'pg_dump', '--table=shelf', '--file', "$place/shelf.sql", 'source' ], 'pg_dump of one table');
$node->command_ok([ @psql, "$place/shelf.sql", '--dbname=alone' ], 'one table alone');
my $rows = 'SELECT count(*), md5(string_agg(t::text, \',\' ORDER BY id)) FROM shelf t';
is($node->safe_psql('alone', $rows), $node->safe_psql('source', $rows), 'has its rows');
$node->psql('alone', "INSERT INTO shelf (id, v) VALUES (1000, '{1,2,3,4}')", stderr => \my $error);
like($error, qr/column "e" of relation "shelf" is not attached to a gallery.*HINT:  Run similarity.attach\(\), or drop the trigger/s,
	'and tells what its trigger lacks');

# Without one of the tables: its gallery is told, the others are there
$node->safe_psql('postgres', 'CREATE DATABASE without');
$node->command_ok([ 'pg_dump', '-Fc', '--exclude-table=desk', '--file', "$place/without.custom", 'source' ], 'pg_dump --exclude-table');
$node->command_ok([ @restore, '--dbname=without', "$place/without.custom" ], 'a dump without one of the tables');
is($node->safe_psql('without', "SELECT gallery, relation FROM similarity.galleries ORDER BY 1"), "desk|\nshelf|public.shelf",
	'has all galleries');
$node->psql('without', "SELECT similarity.match('desk', '{1,2,3,4}'::real[])", stderr => \$error);
like($error, qr/table of gallery "desk" does not exist/, 'and says what is missing');
is($node->safe_psql('without', "SELECT similarity.drop_gallery('desk')"), '', 'and drops it');

# While a reembed() is not finished, its trigger is dumped with the table, and
# the copy as a table of its own; after a restore it begins anew.
$node->safe_psql('postgres', 'CREATE DATABASE midway TEMPLATE source');
$node->psql('midway', 'SET ROLE keeper; SET statement_timeout = 500; CALL similarity.reembed(\'shelf\', 2, batch_rows => 10, rows_per_second => 50)');
is($node->safe_psql('midway', 'SELECT count(*) FROM similarity.reembeddings'), 2, 'reembed() is not finished');
$node->command_ok([ 'pg_dump', '--schema-only', '--file', $schema, 'midway' ], 'pg_dump --schema-only meanwhile');
$node->command_ok([ 'pg_dump', '--data-only', '--file', $data, 'midway' ], 'pg_dump --data-only meanwhile');
$node->safe_psql('postgres', 'CREATE DATABASE anew');
$node->command_ok([ @psql, $_, '--dbname=anew' ], 'restored') foreach $schema, $data;
is($node->safe_psql('anew', $rows), $node->safe_psql('source', $rows), 'the table has its rows');
is($node->safe_psql('anew', <<'SQL'), "0\n2|2\n301|301", 'which can change, and are embedded anew');
SET ROLE keeper;
INSERT INTO shelf (id, kind, v) VALUES (1000, 'new', '{9,-9,9,-9}');
RESET ROLE;
SELECT count(*) FROM similarity.reembed_queue;
SET ROLE keeper;
UPDATE shelf SET e = embed(1, v);
CALL similarity.reembed('shelf', 2);
SELECT deployed_version, (SELECT min(version) FROM similarity.galleries) FROM similarity.models;
SELECT count(*), count(*) FILTER (WHERE embedding_model(e) = 2) FROM shelf;
SQL

# An index that comes before its model is told, not made wrong.
$node->psql('alone', 'SET check_function_bodies = off; CREATE INDEX ON shelf USING similarity_hnsw ((embed(1, v)::embedding(4)) embedding_l2_ops)',
	stderr => \$error);
like($error, qr/model version 1 does not exist yet.*HINT:  Load it in three steps/s, 'an index that lacks its model');

# pg_upgrade
$node->stop;
my $new = SimilarityNode::create('restore_upgraded');
SimilarityNode::upgrade($node, $new);
$new->start;
is($new->safe_psql('source', $state), $before, 'pg_upgrade: everything is as it was');
is(works($new, 'source'), "9|t\n1000|t\n3", 'pg_upgrade: and works');
$new->stop;
done_testing();
