# Every function, view and table of the extension, called as every role.  What
# there is comes from the catalogs: a function, view or table that the lists below
# do not know fails the test, so that none comes in whose rights nobody decided.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use SimilarityNode;

# The columns of the lists: a superuser; the owner of model, gallery and table; a
# role with CREATE on schema similarity; one with USAGE of the model; one with
# SELECT on the table; one with both of these; one with nothing.
my @roles = qw(superuser owner creator user reader app stranger);

# "." is success, "x" insufficient privilege (42501)
my $functions = <<'LIST';
#                                                       super owner creator user reader app stranger
# what there is, and pure arithmetic on what the caller gives
similarity.layers()                                       .    .    .    .    .    .    .
similarity.losses()                                       .    .    .    .    .    .    .
similarity.methods()                                      .    .    .    .    .    .    .
similarity.optimizers()                                   .    .    .    .    .    .    .
similarity.schedules()                                    .    .    .    .    .    .    .
similarity.architecture(text,integer,text,jsonb)          .    .    .    .    .    .    .
similarity.augmentations()                                .    .    .    .    .    .    .
similarity.projection                                     .    .    .    .    .    .    .
similarity.help                                           .    .    .    .    .    .    .
similarity.settings()                                     .    .    .    .    .    .    .
# a picture of the caller's own; of a model, USAGE of it
similarity.augment                                        .    .    .    .    .    .    .
# queries of the caller's own
similarity.sample_batch                                   .    .    .    .    .    .    .
similarity.show_image                                     .    .    .    .    .    .    .
similarity.image_error                                    .    .    .    .    .    .    .
similarity.batch_class_ratio                              .    .    .    .    .    .    .
# CREATE on schema similarity, and USAGE of what is copied, SELECT on what is registered
similarity.create_model                                   .    .    .    x    x    x    x
similarity.import_model                                   .    .    .    x    x    x    x
similarity.copy_model                                     .    .    x    x    x    x    x
similarity.create_gallery                                 .    .    x    x    x    x    x
# USAGE of the model
similarity.show_training                                  .    .    x    .    x    .    x
similarity.model_summary                                  .    .    x    .    x    .    x
similarity.export_model                                   .    .    x    .    x    .    x
embed                                                     .    .    x    .    x    .    x
embed_image                                               .    .    x    .    x    .    x
embed_batch                                               .    .    x    .    x    .    x
# the model's owner
similarity.train                                          .    .    x    x    x    x    x
similarity.train_background                               .    .    x    x    x    x    x
similarity.deploy                                         .    .    x    x    x    x    x
similarity.drop_model                                     .    .    x    x    x    x    x
similarity.drop_version                                   .    .    x    x    x    x    x
similarity.grant_usage                                    .    .    x    x    x    x    x
similarity.revoke_usage                                   .    .    x    x    x    x    x
similarity.set_model_owner                                .    .    x    x    x    x    x
similarity.reassign_owned                                 .    .    x    x    x    x    x
# the role that started the job, and pg_signal_backend
similarity.cancel_job                                     .    .    x    x    x    x    x
# nothing of others' sessions
similarity.running_calls                                  .    .    .    .    .    .    .
# NULL for who may not see the job
similarity.job_state                                      .    .    .    .    .    .    .
# SELECT on the table
similarity.lookup(text,embedding,bigint)                  .    .    x    x    .    .    x
similarity.lookup(text,text,bigint)                       .    .    x    x    .    .    x
similarity.match(text,embedding,text,bigint,text)         .    .    x    x    .    .    x
similarity.match(text,text,text,bigint,text)              .    .    x    x    .    .    x
similarity.show_neighbors(text,embedding,bigint,text,integer,text)  .  .  x  x  .  .  x
similarity.show_neighbors(text,text,bigint,text,integer,text)       .  .  x  x  .  .  x
similarity.lookup_all                                     .    .    x    x    .    .    x
similarity.match_all                                      .    .    x    x    .    .    x
similarity.neighbors_html                                 .    .    x    x    .    .    x
similarity.report                                         .    .    x    x    .    .    x
similarity.report_html                                    .    .    x    x    .    .    x
similarity.evaluate_retrieval                             .    .    x    x    .    .    x
similarity.evaluate_classification                        .    .    x    x    .    .    x
similarity.confusion_matrix                               .    .    x    x    .    .    x
similarity.show_confusion                                 .    .    x    x    .    .    x
similarity.show_histogram                                 .    .    x    x    .    .    x
similarity.audit                                          .    .    x    x    .    .    x
similarity.suggest_labels                                 .    .    x    x    .    .    x
similarity.calibration_status                             .    .    x    x    .    .    x
similarity.drift                                          .    .    x    x    .    .    x
similarity.knn                                            .    .    x    x    .    .    x
similarity.projection(text,text,integer,bigint,integer,double precision,double precision,integer)  .  .  x  x  .  .  x
similarity.index_info                                     .    .    x    x    .    .    x
similarity.index_degrees                                  .    .    x    x    .    .    x
similarity.index_stats                                    .    .    x    x    .    .    x
similarity.index_history                                  .    .    x    x    .    .    x
similarity.index_recall                                   .    .    x    x    .    .    x
# SELECT on the table, and USAGE of the model for raw input
similarity.lookup                                         .    .    x    x    x    .    x
similarity.lookup_image                                   .    .    x    x    x    .    x
similarity.match                                          .    .    x    x    x    .    x
similarity.match_image                                    .    .    x    x    x    .    x
similarity.show_neighbors                                 .    .    x    x    x    .    x
# the owner of gallery, table, index
similarity.calibrate                                      .    .    x    x    x    x    x
similarity.drop_gallery                                   .    .    x    x    x    x    x
similarity.attach                                         .    .    x    x    x    x    x
similarity.detach                                         .    .    x    x    x    x    x
similarity.reembed                                        .    .    x    x    x    x    x
similarity.reembed_cancel                                 .    .    x    x    x    x    x
similarity.verify_index                                   .    .    x    x    x    x    x
# input and output of the catalog's own types
_similarity.role_in(cstring)                              .    x    x    x    x    x    x
_similarity.role_out(_similarity.role)                    .    x    x    x    x    x    x
_similarity.relation_in(cstring)                          .    x    x    x    x    x    x
_similarity.relation_out(_similarity.relation)            .    x    x    x    x    x    x
LIST

# Who sees what is made below in the views: "." something, "-" nothing
my $views = <<'LIST';
similarity.models               .    .    -    .    -    .    -
similarity.model_versions       .    .    -    .    -    .    -
similarity.training_log         .    .    -    .    -    .    -
similarity.training_steps       .    .    -    .    -    .    -
similarity.training_runs        .    .    -    -    -    -    -
similarity.jobs                 .    .    -    -    -    -    -
similarity.progress             -    -    -    -    -    -    -
similarity.job_messages         .    .    -    -    -    -    -
similarity.galleries            .    .    -    -    .    .    -
similarity.cutpoints            .    .    -    -    .    .    -
similarity.calibration_curve    .    .    -    -    .    .    -
similarity.reembeddings         .    .    -    -    -    -    -
similarity.architecture         .    .    .    .    .    .    .
LIST

# Values by the names of arguments, and whole argument lists where they differ.
# Results of calls are rolled back.
my %value = (
	model => 'matrix',
	gallery => 'matrix',
	name => 'another',
	topic => 'training',
	relation => 'item',
	embedding => 'e',
	embedding_column => 'e',
	label => 'kind',
	index => 'item_e',
	input => { bytea => '\x0102', 'double precision[]' => '{1,2}', embedding => '[1,2]', text => '[1,2]' },
	image => '\x0102',
	query => q{SELECT '[1,2]'::embedding, 'a'},
	queries => '{"[1,2]"}',
	section => 'neighbors',
	embeddings => '{"[1,2]"}',
	source => 'TABLE lesson',
	version => 'VERSION',
	job => 1,
	role => 'pg_monitor',
	owner => 'matrix_owner');
my %arguments = (
	'similarity.architecture(text,integer,text,jsonb)' => q{'resnet18'},
	'similarity.show_image' => q{'\x0102', '{1,2}'},
	'similarity.augment' => q{'\x0102', '"rotate"', shape => '{1,2}'},
	'similarity.create_model' => q{'another', '{2}', '[{"metric_embedding": {"units": 2}}]'},
	'similarity.import_model' => q{'another', (SELECT file FROM file)},
	'similarity.drop_model' => q{'spare'},
	'similarity.drop_version' => q{'spare', SPARE},
	'similarity.drop_gallery' => q{'matrix'},
	'similarity.attach' => q{'matrix', 'v'},
	'similarity.reassign_owned' => q{'matrix_owner', 'matrix_owner'},
	'similarity.train' => q{'matrix', 'TABLE lesson', epochs => 1, steps_per_epoch => 1, verbose => false},
	'similarity.train_background' => q{'matrix', 'TABLE lesson', epochs => 1, steps_per_epoch => 1},
	'similarity.sample_batch' => q{'TABLE lesson', classes_per_batch => 2},
	'similarity.batch_class_ratio' => q{'TABLE lesson', classes_per_batch => 2},
	'_similarity.role_in(cstring)' => q{'matrix_owner'},
	'_similarity.role_out(_similarity.role)' => q{'matrix_owner'::_similarity.role},
	'_similarity.relation_in(cstring)' => q{'public.item'},
	'_similarity.relation_out(_similarity.relation)' => q{'public.item'::_similarity.relation});

# What is pure needs no decision: it must not ask who calls.  By type.
my %pure_value = (
	embedding => '[1,2]', 'embedding[]' => '{"[1,2]"}', 'real[]' => '{1,2}', 'double precision[]' => '{1,2}',
	'integer[]' => '{1,2}', 'smallint[]' => '{1,2}', 'bigint[]' => '{1,2}', 'numeric[]' => '{1,2}', 'text[]' => '{a,b}',
	integer => '2', bigint => '1', 'double precision' => '1', boolean => 'true', text => 'a', json => '[1,2]', jsonb => '[1,2]',
	bit => '10', 'bit varying' => '10', bytea => '\x0102', cstring => '[1,2]', 'cstring[]' => '{2}', oid => '0');

my $node = SimilarityNode::create('privileges');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE matrix_superuser SUPERUSER LOGIN; ' . join ' ', map { "CREATE ROLE matrix_$_ LOGIN;" } @roles[ 1 .. $#roles ]);
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;
GRANT CREATE ON SCHEMA similarity TO matrix_owner, matrix_creator;
GRANT CREATE ON SCHEMA public TO matrix_owner;
SET ROLE matrix_owner;
CREATE TABLE lesson AS SELECT ARRAY[sin(i), cos(i)]::real[] AS v, i % 2 AS kind FROM generate_series(1, 40) i;
GRANT SELECT ON lesson TO PUBLIC;
SELECT similarity.create_model('matrix', '{2}', '[{"metric_embedding": {"units": 2}}]'),
	similarity.create_model('spare', '{2}', '[{"metric_embedding": {"units": 2}}]');
CALL similarity.train('matrix', 'TABLE lesson', epochs => 1, steps_per_epoch => 1, log_steps => 1, seed => 1, verbose => false);
CALL similarity.train('spare', 'TABLE lesson', epochs => 1, steps_per_epoch => 1, log_steps => 1, seed => 1, verbose => false);
CALL similarity.train('spare', 'TABLE lesson', epochs => 1, steps_per_epoch => 1, log_steps => 1, seed => 2, verbose => false);
SELECT similarity.grant_usage('matrix', 'matrix_user'), similarity.grant_usage('matrix', 'matrix_app');
CREATE TABLE file AS SELECT similarity.export_model('matrix') AS file;
GRANT SELECT ON file TO PUBLIC;
CREATE TABLE item AS SELECT i AS id, i % 2 AS kind, ARRAY[sin(i), cos(i)]::real[] AS v FROM generate_series(1, 40) i;
ALTER TABLE item ADD PRIMARY KEY (id), ADD e embedding(2);
UPDATE item SET e = embed('matrix', v);
CREATE INDEX item_e ON item USING similarity_hnsw (e embedding_cosine_ops);
GRANT SELECT ON item TO matrix_reader, matrix_app;
SELECT similarity.create_gallery('matrix', 'item', 'e', 'kind', model => 'matrix');
SELECT similarity.calibrate('matrix', 'SELECT v, kind FROM lesson');
SQL
$node->safe_psql('postgres', <<'SQL');
INSERT INTO similarity.job (model, role, statement, settings, state, ended) SELECT id, owner, 'CALL', '{}', 'finished', now() FROM _similarity.model WHERE name = 'matrix';
INSERT INTO similarity.job_message SELECT id, 1, 'INFO', 'epoch 1', now() FROM similarity.job;
SQL
my %version = map { $_ => $node->safe_psql('postgres', "SELECT min(version) FROM similarity.model_versions WHERE model = '$_'") } qw(matrix spare);

# name => what the list expects of it, by role
sub read_list
{
	my %list;
	for (grep { !/^(#|$)/ } split /\n/, shift)
	{
		my @words = split ' ';
		my @expected = splice @words, -@roles;
		my $name = join ' ', @words;
		die "$name: not one result a role" if grep { !/^[-.x]$/ } @expected;
		@{ $list{$name} }{@roles} = @expected;
	}
	return %list;
}

my %expected = read_list($functions);
my %unused = map { $_ => 1 } keys %expected, keys %arguments;

# ---- functions ----

my @functions;
my $catalog = <<'SQL';
SELECT p.oid::regprocedure::text, p.oid::regproc::text, p.prokind, p.pronargs - p.pronargdefaults,
	p.provolatile = 'i' AND p.proname !~ '^embed(_batch|_image)?$', p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype),
	(SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n)),
	array_to_string(p.proargnames[:p.pronargs], ';', '')
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity')
ORDER BY 1
SQL
for (split /\n/, $node->safe_psql('postgres', $catalog))
{
	my ($signature, $name, $kind, $required, $pure, $trigger, $types, $names) = split /\|/;
	my ($call, $results);
	my @types = split /;/, $types // '';
	my @names = split /;/, $names // '';
	my ($listed) = grep { exists $expected{$_} } $signature, $signature =~ s/\(.*//r;

	if ($listed)
	{
		my ($given) = grep { exists $arguments{$_} } $signature, $signature =~ s/\(.*//r;
		my @values;

		delete $unused{$listed};
		delete $unused{$given} if $given;
		for my $i (0 .. $required - 1)
		{
			my $value = $value{ $names[$i] // '' };
			$value = $value->{ $types[$i] } if ref $value;
			fail("$signature: a value for argument $names[$i]") if !defined $value && !$given;
			push @values, "\$v\$$value\$v\$::$types[$i]" if defined $value;
		}
		$call = $given ? $arguments{$given} : join ', ', @values;
		$results = $expected{$listed};
	}
	elsif ($trigger eq 't' || grep { $_ eq 'internal' } @types)
	{
		# not to be called by SQL: an error for everybody
		$call = join ', ', ('NULL') x @types;
		$results = 'an error for all';
	}
	elsif ($pure eq 't')
	{
		my @unknown = grep { !exists $pure_value{$_} } @types;

		ok(!@unknown, "$signature: values of its types") or diag("@unknown");
		$call = join ', ', map { "'$pure_value{$_}'::$_" } @types;
		$results = 'the same for all';
	}
	else
	{
		fail("$signature stands in the list of who may call it");
		next;
	}
	$call =~ s/VERSION/$version{matrix}/;
	$call =~ s/SPARE/$version{spare}/;
	push @functions, { signature => $signature, name => $name, kind => $kind, call => $call, results => $results };
}
ok(!%unused, 'the lists name nothing that is not there') or diag(join "\n", sort keys %unused);
cmp_ok(scalar @functions, '>', 100, 'functions of the extension: ' . @functions);

# SQLSTATE of each function's call as a role
sub call_all
{
	my ($role) = @_;
	my $script = "SET client_min_messages = error;\nSET SESSION AUTHORIZATION matrix_$role;\n\\o /dev/null\n";

	for my $i (0 .. $#functions)
	{
		my ($name, $kind, $call) = @{ $functions[$i] }{qw(name kind call)};
		my $statement = $kind eq 'p' ? "CALL $name($call)" : "SELECT $name($call)" . ($kind eq 'w' ? ' OVER ()' : '');

		# reembed commits
		$script .= "BEGIN;\n" if $name !~ /reembed$/;
		$script .= "$statement;\n\\echo $i :SQLSTATE\n";
		$script .= "ROLLBACK;\n" if $name !~ /reembed$/;
	}
	$node->psql('postgres', $script, on_error_stop => 0, stdout => \my $output, stderr => \my $errors);
	return map { (split)[1] } grep { /^\d+ [0-9A-Z]{5}$/ } split /\n/, $output;
}

my %codes;
$codes{$_} = [ call_all($_) ] for @roles;
for my $i (0 .. $#functions)
{
	my ($signature, $results) = @{ $functions[$i] }{qw(signature results)};
	my %got = map { $_ => $codes{$_}[$i] // 'nothing' } @roles;
	my $all = join ' ', map { $got{$_} eq '00000' ? '.' : $got{$_} eq '42501' ? 'x' : $got{$_} } @roles;

	if (ref $results)
	{
		is($all, join(' ', @$results{@roles}), "$signature: who may call it");
	}
	else
	{
		my $code = $got{superuser};
		my $as_it_should = $results eq 'an error for all' ? $code ne '00000' : $code !~ /^(XX|42501|42883|42725)/;

		ok($as_it_should && !grep({ $_ ne $code } values %got), "$signature: $results") or diag($all);
	}
}

# ---- views and tables ----

# what a reembed() that did not finish leaves, for the view of it
$node->safe_psql('postgres', q{INSERT INTO similarity.reembedding (relation, side, file, version, key, columns) VALUES ('item'::regclass, 'item'::regclass, 0, 1, 1, '{1}')});
my %sees = read_list($views);
my @relations = split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT c.oid::regclass, c.relkind FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity')
	AND c.relkind NOT IN ('i', 'S', 'c', 't') ORDER BY 1
SQL
for (@relations)
{
	my ($relation, $kind) = split /\|/;
	my $results = delete $sees{$relation};

	if ($kind eq 'v' && !$results)
	{
		fail("$relation stands in the list of who sees what");
		next;
	}
	for my $role (@roles)
	{
		my $status = $node->psql('postgres', "SET ROLE matrix_$role; SELECT count(*) > 0 FROM $relation", stdout => \my $found, stderr => \my $error);

		if ($results)
		{
			is($found, $results->{$role} eq '.' ? 't' : 'f', "$relation as $role");
		}
		elsif ($role ne 'superuser')
		{
			like($error, qr/permission denied/, "$relation as $role: closed");
		}
	}
	next if $kind eq 'v';
	is( $node->safe_psql('postgres', qq{SELECT string_agg(r, ' ') FROM unnest('{@{[join ',', map { "matrix_$_" } @roles[1 .. $#roles]]}}'::text[]) r
			WHERE has_table_privilege(r, '$relation', 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')}),
		'', "$relation: nobody writes");
}
ok(!%sees, 'the list names no view that is not there') or diag(join "\n", sort keys %sees);
$node->stop;
done_testing();
