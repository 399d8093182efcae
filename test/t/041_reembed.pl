# A gallery changes to another model version and back while it is searched,
# filled, changed and emptied: no error, no missed row, no mixed result.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

my $node = SimilarityNode::create('reembed');
$node->append_conf('postgresql.conf', qq{
fsync = off
shared_buffers = '256MB'
maintenance_work_mem = '256MB'
max_parallel_maintenance_workers = 0
log_statement = none
});
$node->start;
my $rows = $ENV{SIMILARITY_TEST_ROWS} // 60000;
$node->safe_psql('postgres', q{
	CREATE EXTENSION similarity;
	CREATE FUNCTION input(i bigint) RETURNS real[] LANGUAGE sql IMMUTABLE AS
		$$ SELECT array_agg((hashint8(i * 100 + j) % 1000)::real / 500 + i % 7) FROM generate_series(1, 8) j $$;
	SELECT similarity.create_model('small', '{8}', '[{"metric_embedding": {"units": 8}}]');
	CALL similarity.train('small', 'SELECT input(i), i % 7 FROM generate_series(1, 500) i', epochs => 1, steps_per_epoch => 20, seed => 1, verbose => false);
	CREATE TABLE item (gone int, id bigint PRIMARY KEY, label int, v real[], note text, e embedding(8));
	ALTER TABLE item DROP gone;
	INSERT INTO item SELECT i, i % 7, input(i), CASE WHEN i % 1000 = 0 THEN repeat(md5(i::text), 400) END, embed_batch('small', input(i)) OVER ()
	FROM generate_series(1, } . $rows . q{) i;
	CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_cosine_ops) WITH (m = 8, ef_construction = 24);
	CREATE INDEX item_label ON item (label, (note IS NULL)) WHERE label > 2;
	CREATE VIEW labels AS SELECT id, label, e FROM item;
	SELECT similarity.create_gallery('items', 'item', 'e', 'label', model => 'small');
	SELECT similarity.attach('items', 'v');
	CREATE TABLE mirror AS SELECT id, v FROM item;
	ALTER TABLE mirror ADD PRIMARY KEY (id);
	CREATE SEQUENCE ids START 100001;
	VACUUM ANALYZE item;
	CALL similarity.train('small', 'SELECT input(i), i % 7 FROM generate_series(1, 500) i', epochs => 1, steps_per_epoch => 20, seed => 2, verbose => false);
});
is($node->safe_psql('postgres', 'SELECT version, deployed FROM similarity.model_versions ORDER BY version'),
	"1|t\n2|f", 'two versions, the first deployed');

my %work = (
	'041_insert@3' => q{
		BEGIN;
		WITH new AS (INSERT INTO item (id, label, v) SELECT i, i % 7, input(i) FROM (SELECT nextval('ids') AS i) x RETURNING id, v)
		INSERT INTO mirror TABLE new;
		COMMIT;},
	'042_update@2' => q{
		\set id random(1, $rows)
		BEGIN;
		WITH new AS (UPDATE item SET v = input(id + 7000000) WHERE id = :id RETURNING id, v)
		UPDATE mirror m SET v = new.v FROM new WHERE m.id = new.id;
		COMMIT;},
	'043_delete@1' => q{
		\set id random(1, $rows)
		BEGIN;
		WITH old AS (DELETE FROM item WHERE id = :id RETURNING id)
		DELETE FROM mirror m USING old WHERE m.id = old.id;
		COMMIT;},
	'044_move@1' => q{
		\set id random(1, $rows)
		BEGIN;
		WITH new AS (UPDATE item SET id = nextval('ids') WHERE id = :id RETURNING id, v),
			moved AS (DELETE FROM mirror WHERE id = :id)
		INSERT INTO mirror TABLE new;
		COMMIT;},
	'045_lookup@5' => q{
		\set i random(1, 1000000)
		SELECT 1 / (count(*) = 5)::int FROM similarity.lookup('items', input(:i), 5);},
	'046_search@5' => q{
		\set i random(1, 1000000)
		SELECT 1 / (count(DISTINCT embedding_model(e)) = 1)::int, 1 / (count(*) = 10)::int
		FROM (SELECT e FROM item ORDER BY e <=> embed('small', input(:i)) LIMIT 10) n;},
	'047_view@1' => q{
		\set i random(1, 1000000)
		SELECT 1 / (count(DISTINCT embedding_model(e)) = 1)::int
		FROM (SELECT e FROM labels ORDER BY e <=> embed('small', input(:i)) LIMIT 10) n;});

# Run pgbench until a call ends.
sub while_busy
{
	my ($what, $call) = @_;
	my @files;
	my ($out, $err) = ('', '');
	my $dir = PostgreSQL::Test::Utils::tempdir();
	foreach my $name (sort keys %work)
	{
		my ($file, $weight) = split /@/, $name;
		append_to_file("$dir/$file", $work{$name} =~ s/\$rows/$rows/gr);
		push @files, '-f', "$dir/$file\@$weight";
	}
	my $pgbench = IPC::Run::start(
		[ 'pgbench', '-n', '-M', $what, '-c', 4, '-j', 2, '-T', 300, @files, $node->connstr('postgres') ],
		'<', \'', '>', \$out, '2>', \$err);
	sleep 1;
	my $result = $call->();
	sleep 1;
	my $errors = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
	$pgbench->signal('TERM');
	$pgbench->finish;
	is($errors, 4, "$what: every client is still at work");
	unlike($err, qr/ERROR|FATAL|aborted/, "$what: no error");
	return $result;
}

# Everything is as the mirror says, and of one version.
sub check
{
	my ($version, $what) = @_;

	is($node->safe_psql('postgres', 'SELECT count(*) FROM item FULL JOIN mirror USING (id) WHERE item.v IS DISTINCT FROM mirror.v'),
		0, "$what: no row is missed");
	is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE embedding_model(e) <> $version OR l2_distance(e, embed($version, v)) > 1e-5 OR e IS NULL) FROM item"),
		0, "$what: every row has the embedding of version $version");
	is($node->safe_psql('postgres', "SELECT g.version, d.version, (SELECT count(*) FROM similarity.reembeddings), (SELECT count(*) FROM pg_class WHERE relrewrite <> 0)"
			. " FROM similarity.galleries g, similarity.model_versions d WHERE d.deployed"),
		"$version|$version|0|0", "$what: gallery and model agree, and nothing is left");
	is($node->safe_psql('postgres', "SELECT * FROM similarity.verify_index('item_e')"), '', "$what: the index is sound");
	is($node->safe_psql('postgres', q{SET enable_seqscan = off; SET similarity.search_order = relaxed; SELECT count(*) FROM (SELECT FROM item ORDER BY e <=> '[1,1,1,1,1,1,1,1]' LIMIT 1000000) x}),
		$node->safe_psql('postgres', 'SELECT count(*) FROM item'), "$what: the index has every row");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM item WHERE note = repeat(md5(id::text), 400) AND id <= 100000}),
		$node->safe_psql('postgres', q{SELECT count(*) FROM item WHERE note IS NOT NULL AND id <= 100000}), "$what: wide values are whole");
}

my $oid = $node->safe_psql('postgres', q{SELECT 'item'::regclass::oid});
while_busy('prepared', sub { $node->safe_psql('postgres', "CALL similarity.reembed('small', 2)") });
check(2, 'there');
is($node->safe_psql('postgres', q{SELECT 'item'::regclass::oid}), $oid, 'the table is the same');
is($node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'item')}),
	"pg_toast_$oid", 'and so is the name of its TOAST table');

# Cancelled, terminated, crashed; then it goes on where it was.
foreach my $how ('pg_cancel_backend', 'pg_terminate_backend', 'crash')
{
	my ($out, $err) = ('', '');
	my $call = IPC::Run::start([ 'psql', '-qX', '-c', "CALL similarity.reembed('small', 1, batch_rows => 500, rows_per_second => $rows / 6)", $node->connstr('postgres') ],
		'<', \'', '>', \$out, '2>', \$err);
	my $before = $node->safe_psql('postgres', 'SELECT coalesce(max(last_key::bigint), 0) FROM similarity.reembeddings');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM similarity.reembeddings WHERE last_key::bigint > $before + $rows / 30")
	  or die 'reembed does not go on';
	if ($how eq 'crash')
	{
		$node->stop('immediate');
		$node->start;
	}
	else
	{
		$node->safe_psql('postgres', "SELECT $how(pid) FROM pg_stat_activity WHERE query LIKE 'CALL similarity.reembed%'");
	}
	$call->finish;
	like($err, qr/cancel|terminat|closed/, "$how ends a call");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM similarity.lookup('items', input(5), 3)}), 3, 'look-ups go on');
	$node->safe_psql('postgres', 'WITH old AS (DELETE FROM item WHERE id = (SELECT min(id) FROM item) RETURNING id) DELETE FROM mirror USING old WHERE mirror.id = old.id');
}
my $before = $node->safe_psql('postgres', 'SELECT last_key FROM similarity.reembeddings');
ok($before > $rows / 10, "what was done stays: up to row $before");
while_busy('simple', sub { $node->safe_psql('postgres', "CALL similarity.reembed('small', 1)") });
check(1, 'back');

# A table that is emptied and filled meanwhile.
my ($out, $err, $call);
begin_reembed(2, "$rows / 3");
$node->safe_psql('postgres', 'TRUNCATE item, mirror; INSERT INTO item (id, label, v) SELECT i, i % 7, input(i) FROM generate_series(1, 300) i; INSERT INTO mirror SELECT id, v FROM item');
$call->finish;
is($err, '', 'a table may be emptied meanwhile');
check(2, 'emptied');

# A table that is rewritten meanwhile, which fires no trigger.
$node->safe_psql('postgres', q{INSERT INTO item (id, label, v) SELECT i, i % 7, input(i) FROM generate_series(1000, 5000) i});
begin_reembed(1, 2000);
$node->safe_psql('postgres', q{ALTER TABLE item ALTER note TYPE text USING 'note ' || id});
$call->finish;
is($err, '', 'a table may be rewritten meanwhile');
is($node->safe_psql('postgres', q{SELECT count(*), count(*) FILTER (WHERE note = 'note ' || id AND embedding_model(e) = 1) FROM item}), '4301|4301', 'and is copied as it is then');

# A table that is given to somebody else meanwhile is not the caller's to change.
$node->safe_psql('postgres', q{
	CREATE ROLE keeper; CREATE ROLE stranger; GRANT ALL ON SCHEMA public TO keeper, stranger;
	ALTER TABLE item OWNER TO keeper; GRANT CREATE ON SCHEMA similarity TO keeper; SELECT similarity.reassign_owned('postgres', 'keeper')});
begin_reembed(2, 2000, 'SET SESSION AUTHORIZATION keeper');
$node->safe_psql('postgres', q{ALTER TABLE item OWNER TO stranger});
$call->finish;
like($err, qr/must be owner of table item/, 'ownership is asked again');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT embedding_model(e)) FROM item}), 1, 'nothing has changed then');
$node->safe_psql('postgres', q{ALTER TABLE item OWNER TO keeper});
$node->safe_psql('postgres', q{SET SESSION AUTHORIZATION keeper; CALL similarity.reembed('small', 2)});
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE embedding_model(e) = 2), (SELECT count(*) FROM pg_class WHERE relrewrite <> 0) FROM item}),
	'4301|0', 'a new call begins again where it must');

# Somebody drops the copy, or the table and with it the copy.
begin_reembed(1, 2000, 'SET SESSION AUTHORIZATION keeper');
$node->safe_psql('postgres', q{DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT oid::regclass FROM pg_class WHERE relrewrite <> 0 AND relkind = 'r'); END $$});
$call->finish;
like($err, qr/table public.item changed while it was re-embedded/, 'the copy is gone');
begin_reembed(1, 2000, 'SET SESSION AUTHORIZATION keeper');
$node->safe_psql('postgres', q{DROP TABLE item CASCADE});
$call->finish;
like($err, qr/table public.item changed while it was re-embedded/, 'the table is gone');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relrewrite <> 0}), 0, 'and the copy with it');

done_testing();

# Begin a slow call, and come back when it has copied rows.
sub begin_reembed
{
	my ($version, $rows_per_second, $before) = @_;

	($out, $err) = ('', '');
	$before //= 'SELECT 1';
	$call = IPC::Run::start([ 'psql', '-qX', '-c', $before, '-c', "CALL similarity.reembed('small', $version, batch_rows => 500, rows_per_second => $rows_per_second)", $node->connstr('postgres') ],
		'<', \'', '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM similarity.reembeddings WHERE last_key::bigint > 1000') or die 'reembed does not go on';
}
