# Every function with arguments that ask for more memory than there shall be: the
# backend grows by its budget and a constant at most, or the call is refused with
# the size and the setting; and under a limit of the system, memory that cannot be
# had is an error of one statement.
#
# The table of src/server/README is what SIMILARITY_MEMORY_TABLE=1 prints.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use SimilarityNode;

plan skip_all => 'needs Linux' unless -r '/proc/self/status';

my $node = SimilarityNode::create('memory');
# Pages of the buffer cache count as the backend's, too.
$node->append_conf('postgresql.conf', <<'CONF');
similarity.threads = 2
shared_buffers = 8MB
work_mem = 4MB
maintenance_work_mem = 16MB
similarity.cache_memory = 4MB
similarity.training_memory = 64MB
max_parallel_workers_per_gather = 0
autovacuum = off
jit = off
CONF
$node->start;

# Beside the budget: a block of rows (8 MB), two threads, fetched rows (work_mem), the executor
my $constant = 24;

my $m16 = 'maintenance_work_mem';
my $peak = q{(SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::bigint / 1024)};

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION similarity;

CREATE TABLE rows (id int PRIMARY KEY, label text, e embedding(16));
INSERT INTO rows SELECT i, 'c' || i % 10, random_embedding(16, i) FROM generate_series(1, 2000) i;
CREATE INDEX rows_e ON rows USING similarity_hnsw (e embedding_cosine_ops);
SELECT similarity.create_gallery('rows', 'rows', embedding => 'e', label => 'label');
SELECT FROM similarity.calibrate('rows', 'SELECT random_embedding(16, -id), label FROM rows WHERE id <= 300', k => 3, matcher => 'match_majority_vote');

-- labels of a megabyte
CREATE TABLE loud (id int PRIMARY KEY, label text, e embedding(16));
INSERT INTO loud SELECT i, i || repeat('x', 1000000), random_embedding(16, i) FROM generate_series(1, 100) i;
SELECT similarity.create_gallery('loud', 'loud', embedding => 'e', label => 'label');

CREATE TABLE pictures (id int PRIMARY KEY, label text, image bytea, e embedding(16));
INSERT INTO pictures SELECT i, 'p', decode(repeat('7f', 3000000), 'hex'), random_embedding(16, i) FROM generate_series(1, 30) i;
SELECT similarity.create_gallery('pictures', 'pictures', embedding => 'e', label => 'label', image => 'image', image_shape => '{1000,1000,3}');
CREATE TABLE noise (id int PRIMARY KEY, label text, image bytea, e embedding(16));
INSERT INTO noise SELECT i, 'n', (SELECT string_agg(sha512((i || ' ' || j)::bytea), '') FROM generate_series(1, 768) j), random_embedding(16, i)
	FROM generate_series(1, 30) i;
SELECT similarity.create_gallery('noise', 'noise', embedding => 'e', label => 'label', image => 'image', image_shape => '{128,128,3}');

CREATE TABLE wide (id int PRIMARY KEY, e embedding(16384));
INSERT INTO wide SELECT i, random_embedding(16384, i) FROM generate_series(1, 500) i;
CREATE INDEX wide_e ON wide USING similarity_hnsw (e embedding_l2_ops) WITH (m = 4, ef_construction = 8);

-- a small model, one of 12 MB of weights, one of 16 MB of activations
SELECT FROM similarity.create_model('small', '{16}', '[{"metric_embedding": {"units": 16}}]');
SELECT FROM similarity.create_model('heavy', '{784}', '[{"dense": {"units": 4096}}, {"metric_embedding": {"units": 16}}]');
SELECT FROM similarity.create_model('broad', '{256,256,1}', '[{"conv2d": {"filters": 64, "kernel_size": 3, "strides": 1}}, {"global_average_pooling2d": {}}, {"metric_embedding": {"units": 16}}]');
CALL similarity.train('small', 'SELECT array_fill(i::real, ''{16}''), i % 2 FROM generate_series(1, 20) i', epochs => 1, steps_per_epoch => 1, verbose => false);
SET similarity.training_memory = '1GB';
CALL similarity.train('heavy', 'SELECT array_fill(i::real, ''{784}''), i % 2 FROM generate_series(1, 20) i', optimizer => 'sgd', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, examples_per_class => 2, verbose => false);
CALL similarity.train('broad', 'SELECT array_fill(i::real, ''{256,256,1}''), i % 2 FROM generate_series(1, 4) i', optimizer => 'sgd', epochs => 1, steps_per_epoch => 1, classes_per_batch => 2, examples_per_class => 2, verbose => false);
SELECT FROM similarity.create_model('rgb', '{4,4,3}', '[{"flatten": {}}, {"metric_embedding": {"units": 16}}]');
CALL similarity.train('rgb', 'SELECT array_fill(i::real, ''{48}''), i % 2 FROM generate_series(1, 20) i', epochs => 1, steps_per_epoch => 1, verbose => false);
CREATE TABLE heavy (id int PRIMARY KEY, label text, x real[], e embedding(16));
INSERT INTO heavy SELECT i, 'h', array_fill(i::real, '{784}'), random_embedding(16, i)::real[] FROM generate_series(1, 300) i;
SELECT similarity.create_gallery('heavy', 'heavy', embedding => 'e', label => 'label', model => 'heavy');
SET similarity.cache_memory = '1GB';
SELECT similarity.attach('heavy', 'x');
SQL

# Each: function, what is asked of it, MB that it may take, the setting that refuses it or undef
my @calls = (
	[ knn => q{SELECT count(*) FROM similarity.knn('rows', 'e', (SELECT array_agg(e) FROM rows, generate_series(1, 2)), 500, 'l2')}, 16 ],
	[ knn => q{SELECT count(*) FROM similarity.knn('rows', 'e', (SELECT array_agg(e) FROM rows WHERE id <= 500), 10000, 'cosine')}, 16 ],
	[ knn => q{SELECT count(*) FROM similarity.knn('wide', 'e', (SELECT array_agg(binary_quantize(e)) FROM wide), 2, 'cosine')}, 16 + 4 ],
	[ knn => q{SELECT count(*) FROM similarity.knn('rows', 'e', array_fill(NULL::embedding, '{50000000}'), 1, 'l2')}, 16, 'at most 1000000' ],
	[ retrieval_metrics => q{SELECT * FROM similarity.retrieval_metrics(array_fill('a'::text, '{5000}'), array_fill(NULL::text, '{5000,5000}'), NULL, NULL, '{recall@1}')}, 16, $m16 ],
	[ retrieval_metrics => q{SELECT * FROM similarity.retrieval_metrics(ARRAY(SELECT i::text FROM generate_series(1, 50000) i), array_fill(NULL::text, '{50000,1}'), NULL, NULL, array_fill('recall@1'::text, '{1000}'))}, 3 * 16, $m16 ],
	[ retrieval_metrics => q{SELECT * FROM similarity.retrieval_metrics('{a}', '{{a}}', NULL, NULL, array_fill('recall@1'::text, '{1000000}'))}, 24, 'at most 1000' ],
	[ match_neighbors => q{SELECT count(*) FROM similarity.match_neighbors(array_fill(NULL::text, '{5000,5000}'), NULL)}, 16, $m16 ],
	[ match_neighbors => q{SELECT count(*) FROM similarity.match_neighbors(array_fill(NULL::text, '{1000,1000}'), NULL, 'match_nearest')}, 16 ],
	[ classification_counts => q{SELECT count(*) FROM similarity.classification_counts(array_fill(NULL::text, '{1000000}'), array_fill(NULL::text, '{1000000}'), array_fill(0.5::float8, '{1000000}'), '{0.1}')}, 16 + 8, $m16 ],
	[ classification_metrics => q{SELECT count(*) FROM similarity.classification_metrics(array_fill(1::bigint, '{400000}'), array_fill(1::bigint, '{400000}'), array_fill(1::bigint, '{400000}'), array_fill(1::bigint, '{400000}'))}, 16, $m16 ],
	[ loss => q{SELECT value FROM similarity.loss('triplet', array_fill(1, '{20000}'), array_fill('[1]'::embedding, '{20000}'))}, 64, 'similarity.training_memory' ],
	[ loss => q{SELECT value FROM similarity.loss('triplet', '{1}', array_fill(NULL::embedding, '{50000000}'))}, 16, 'too long' ],
	[ array_to_embeddings => q{SELECT cardinality(array_fill(0::real, '{60000000,1}')::embedding[])}, 2 * 229, 'too large' ],
	[ array_to_embedding => q{SELECT array_fill(0::float8, '{2000000}')::embedding}, 2 * 16, 'more than 16384' ],
	[ lookup => q{SELECT count(*) FROM similarity.lookup('loud', random_embedding(16, 1), 100000)}, 16 ],
	[ lookup_image => q{SELECT count(*) FROM similarity.lookup_image('heavy', decode(repeat('00', 784), 'hex'), 5)}, 4, 'similarity.cache_memory' ],
	[ lookup_all => q{SELECT count(*) FROM similarity.lookup_all('loud', 'SELECT e, id FROM loud WHERE id = 1', 100000)}, 16 ],
	[ lookup_all => q{SELECT count(*) FROM similarity.lookup_all('rows', 'SELECT e, repeat(''k'', 1000000) FROM loud', 1)}, 16 ],
	[ match => q{SELECT label FROM similarity.match('rows', random_embedding(16, 1), k => 100000)}, 16 ],
	[ match_image => q{SELECT label FROM similarity.match_image('heavy', decode(repeat('00', 784), 'hex'))}, 4, 'not calibrated|similarity.cache_memory' ],
	[ match_all => q{SELECT count(*) FROM similarity.match_all('rows', 'SELECT e, repeat(''k'', 1000000) FROM loud', k => 2000)}, 16 ],
	[ evaluate_retrieval => q{SELECT * FROM similarity.evaluate_retrieval('rows', 'SELECT e, label FROM rows', '{recall@2000}')}, 16 ],
	[ evaluate_retrieval => q{SELECT * FROM similarity.evaluate_retrieval('loud', 'SELECT e, label FROM loud', '{recall@1}')}, 16, $m16 ],
	[ evaluate_retrieval => q{SELECT * FROM similarity.evaluate_retrieval('loud', 'SELECT e, label FROM rows', '{r_precision}')}, 16, $m16 ],
	[ evaluate_retrieval => q{SELECT * FROM similarity.evaluate_retrieval('rows', 'SELECT e, label FROM rows LIMIT 300', '{recall@100000}', exact => false)}, 32 ],
	[ evaluate_classification => q{SET maintenance_work_mem = '1MB'; SELECT * FROM similarity.evaluate_classification('rows', 'SELECT random_embedding(16, i), ''c1'' FROM generate_series(1, 60000) i', k => 1)}, 3, $m16 ],
	[ confusion_matrix => q{SET maintenance_work_mem = '1MB'; SELECT * FROM similarity.confusion_matrix('rows', 'SELECT random_embedding(16, i), ''c1'' FROM generate_series(1, 60000) i')}, 3, $m16 ],
	[ calibrate => q{SELECT * FROM similarity.calibrate('rows', 'SELECT random_embedding(16, -id), label FROM rows WHERE id <= 500', k => 2000)}, 48, $m16 ],
	[ calibrate => q{SELECT * FROM similarity.calibrate('rows', 'SELECT random_embedding(16, -id), label FROM rows', (SELECT jsonb_object_agg('t' || i, 0.5) FROM generate_series(1, 100000) i))}, 40, 'at most 1000' ],
	[ calibrate => q{SELECT * FROM similarity.calibrate('heavy', 'SELECT x, label FROM heavy')}, 8, 'similarity.cache_memory' ],
	[ drift => q{SET maintenance_work_mem = '1MB'; SELECT * FROM similarity.drift('rows', 'SELECT random_embedding(16, i) FROM generate_series(1, 60000) i')}, 3, $m16 ],
	[ projection => q{SELECT count(*) FROM similarity.projection('rows')}, 16 ],
	[ projection => q{SELECT count(*) FROM similarity.projection('rows', neighbors => 200)}, 16, $m16 ],
	[ projection => q{SELECT count(*) FROM similarity.projection('loud', 'pca')}, 16, $m16 ],
	[ projection => q{SELECT count(*) FROM similarity.projection((SELECT array_agg(e) FROM rows), 'pca')}, 16 ],
	[ projection => q{SELECT count(*) FROM similarity.projection(array_fill('[1,2]'::embedding, '{1000000}'))}, 100, $m16 ],
	[ audit => q{SELECT count(*) FROM similarity.audit('rows', 500, 0)}, 5 * 16 ],
	[ audit => q{SELECT count(*) FROM similarity.audit('rows', 2000)}, 16, $m16 ],
	[ suggest_labels => q{SELECT count(*) FROM similarity.suggest_labels('rows', 1000000000)}, 5 * 16 ],
	[ suggest_labels => q{SELECT count(*) FROM similarity.suggest_labels('loud', 1)}, 16, $m16 ],
	[ audit => q{SELECT count(*) FROM similarity.audit('loud')}, 16, $m16 ],
	[ neighbors_html => q{SELECT length(similarity.neighbors_html('noise', $$SELECT e, label FROM noise, generate_series(1, 2)$$, 29))}, 16 + 12, $m16 ],
	[ neighbors_html => q{SELECT length(similarity.neighbors_html('pictures', $$SELECT e, label FROM pictures LIMIT 1$$, 3))}, 16 + 12 ],
	[ report => q{SELECT length(similarity.report('pictures'))}, 3 * 16 + 12 ],
	[ report => q{SELECT length(similarity.report('loud'))}, 3 * 16, $m16 ],
	[ report_html => q{SELECT length(similarity.report_html('pictures', 'neighbors', $$SELECT e, label FROM pictures$$))}, 3 * 16 + 12 ],
	[ show_neighbors => q{SELECT count(*) FROM similarity.show_neighbors('pictures', random_embedding(16, 1), 100000, columns => 4096)}, 16 + 6, $m16 ],
	[ show_neighbors => q{SELECT count(*) FROM similarity.show_neighbors('pictures', random_embedding(16, 1), 4, columns => 400)}, 16 + 6 ],
	[ show_confusion => q{SELECT count(*) FROM similarity.show_confusion('rows')}, 16 ],
	[ show_confusion => q{SELECT count(*) FROM similarity.show_confusion('loud')}, 16 + 8, $m16 ],
	[ show_confusion => q{SET maintenance_work_mem = '1MB'; SELECT count(*) FROM similarity.show_confusion('rows', 'SELECT random_embedding(16, i), i FROM generate_series(1, 30000) i')}, 3, $m16 ],
	[ show_histogram => q{SELECT count(*) FROM similarity.show_histogram('rows', rows => 1000000, bins => 1000)}, 16 ],
	[ show_histogram => q{SELECT count(*) FROM similarity.show_histogram('loud')}, 16, $m16 ],
	[ show_training => q{SELECT count(*) FROM similarity.show_training('small')}, 4 ],
	[ show_image => q{SELECT count(*) FROM similarity.show_image(decode(repeat('7f', 3000000), 'hex'), '{1000,1000,3}', 4096)}, 16 ],
	[ embed => q{SELECT embed('heavy', array_fill(1::real, '{784}'))}, 4, 'similarity.cache_memory' ],
	[ embed => q{SELECT embed('broad', array_fill(1::real, '{256,256,1}'))}, 4, 'similarity.cache_memory' ],
	[ embed_image => q{SELECT embed_image('broad', decode(repeat('00', 65536), 'hex'))}, 4, 'similarity.cache_memory' ],
	# interlaced pictures of 900 million and of 1 million pixels, as the header says
	[ embed_image => q{SELECT embed_image('rgb', '\x89504e470d0a1a0a0000000d49484452000075300000753008020000019e425f7b0000000b49444154789c6360800100000a00017f80745e')}, 4, 'PNG pictures of 30000 x 30000 pixels need 2577 MB of memory, more than similarity.cache_memory' ],
	[ embed_image => q{SELECT embed_image('rgb', '\x89504e470d0a1a0a0000000d49484452000003e8000003e80802000001b5c673250000000b49444154789c6360800100000a00017f80745e')}, 4, 'PNG picture cannot be decoded' ],
	[ image_error => q{SELECT similarity.image_error('\x89504e470d0a1a0a0000000d49484452000075300000753008020000019e425f7b0000000b49444154789c6360800100000a00017f80745e')}, 4 ],
	[ image_info => q{SELECT similarity.image_info('\x89504e470d0a1a0a0000000d49484452000075300000753008020000019e425f7b0000000b49444154789c6360800100000a00017f80745e')}, 4 ],
	[ augment => q{SELECT length(similarity.augment('\x89504e470d0a1a0a0000000d49484452000075300000753008020000019e425f7b0000000b49444154789c6360800100000a00017f80745e', '"simclr"'))}, 4, 'PNG pictures of 30000 x 30000 pixels' ],
	[ augment => q{SELECT length(similarity.augment(decode(repeat('7f', 3000000), 'hex'), '"simclr"', shape => '{1000,1000,3}'))}, 16, 'similarity.cache_memory' ],
	[ embed_batch => q{SELECT count(e) FROM (SELECT embed_batch('heavy', x) OVER () AS e FROM heavy) t}, 4, 'similarity.cache_memory' ],
	[ embed_batch => q{SET similarity.cache_memory = '40MB'; SELECT count(e) FROM (SELECT embed_batch('broad', array_fill(1::real, '{256,256,1}')) OVER () AS e FROM generate_series(1, 20)) t}, 40 + 32 ],
	[ embed_row => q{INSERT INTO heavy (id, x) VALUES (0, array_fill(1::real, '{784}'))}, 4, 'similarity.cache_memory' ],
	[ export_model => q{SELECT length(similarity.export_model('heavy'))}, 13 ],
	[ import_model => q{SELECT FROM similarity.import_model('imported', similarity.export_model('heavy'))}, 13 + 8 ],
	[ copy_model => q{SELECT similarity.copy_model('heavy', 'copied')}, 8 ],
	[ create_model => q{SELECT FROM similarity.create_model('many', '{16}', (SELECT jsonb_agg('{"dense": {"units": 16}}'::jsonb) FROM generate_series(1, 10000)))}, 16, '1 to 512 layers' ],
	[ create_model => q{SELECT FROM similarity.create_model('large', '{30000}', '[{"dense": {"units": 30000}}, {"metric_embedding": {"units": 16000}}]')}, 4, 'more than' ],
	[ train => q{CALL similarity.train('broad', 'SELECT array_fill(i::real, ''{256,256,1}''), i % 2 FROM generate_series(1, 40) i', classes_per_batch => 2, examples_per_class => 500000)}, 8, 'similarity.training_memory' ],
	[ train => q{CALL similarity.train('small', 'SELECT array_fill(i::real, ''{16}''), i FROM generate_series(1, 20) i', known_classes => array_fill(NULL::text, '{50000000}'))}, 16, 'must not contain nulls' ],
	[ train_background => q{SELECT similarity.train_background('small', 'SELECT array_fill(i::real, ''{16}''), i FROM generate_series(1, 20) i', known_classes => array_fill(NULL::text, '{50000000}'))}, 16, 'too large for a background job' ],
	[ sample_batch => q{SELECT count(*) FROM similarity.sample_batch('SELECT array_fill(1.5::real, ''{20000}''), i % 2 FROM generate_series(1, 100) i', 2, 200)}, 64 ],
	[ sample_batch => q{SELECT count(*) FROM similarity.sample_batch('SELECT ''{1}''::real[], i || repeat(''x'', 1000000) FROM generate_series(1, 200) i', 2, 2)}, 64, 'similarity.training_memory' ],
	[ batch_class_ratio => q{SELECT similarity.batch_class_ratio('SELECT array_fill(1.5::real, ''{20000}''), i % 2 FROM generate_series(1, 2000) i', 2, 100000)}, 64, 'similarity.training_memory|^$' ],
	[ index_recall => q{SELECT recall >= 0 FROM similarity.index_recall('rows_e', 500, 1000)}, 16 ],
	[ index_recall => q{SELECT recall >= 0 FROM similarity.index_recall('wide_e', 100000, 10)}, 16, $m16 ],
	[ index_info => q{SELECT rows FROM similarity.index_info('wide_e')}, 8 ],
	[ index_degrees => q{SELECT sum(nodes) FROM similarity.index_degrees('wide_e')}, 8 ],
	[ index_history => q{SELECT count(*) FROM similarity.index_history('wide_e')}, 8 ],
	[ index_stats => q{SELECT ef_search FROM similarity.index_stats('wide_e')}, 8 ],
	[ verify_index => q{SELECT count(*) FROM similarity.verify_index('wide_e')}, 16 ],
	[ 'CREATE INDEX' => q{CREATE INDEX ON wide USING similarity_hnsw (e embedding_l2_ops) WITH (m = 4, ef_construction = 8)}, 16 + 16 ],
	[ 'index scan' => q{SET enable_seqscan = off; SET similarity.ef_search = 100000; SELECT count(*) FROM (SELECT e <=> random_embedding(16, 1) FROM rows ORDER BY e <=> random_embedding(16, 1) LIMIT 2000) t}, 4 ],
	[ sum => q{SELECT count(*) FROM (SELECT id, sum(e), avg(e) FROM wide GROUP BY id) t}, 8 ],
	[ random_embedding => q{SELECT dims(random_embedding(2000000000, 1))}, 0, 'more than 16384' ],
	[ reembed => q{SET similarity.cache_memory = '64MB'; CALL similarity.reembed('heavy', 2, 100000)}, 64 ],
);

# What takes a value of at most 16,384 numbers, a row of the extension's catalog, or
# what another function above is called with.
my @constant = qw(
	array_cosine_distance array_hamming_distance array_jaccard_distance array_l1_distance array_l2_distance
	array_negative_inner_product binary_quantize bits_to_embedding coercion_support cosine_distance dims distance_support embedding
	embedding_accumulate embedding_add embedding_avg_final embedding_cmp embedding_combine embedding_concat
	embedding_divide embedding_eq embedding_ge embedding_gt embedding_hash embedding_hash_extended embedding_in
	embedding_le embedding_lt embedding_model embedding_multiply embedding_ne embedding_negate embedding_out
	embedding_recv embedding_scale embedding_send embedding_subtract embedding_sum_deserialize embedding_sum_final
	embedding_sum_serialize embedding_to_bigint embedding_to_bit embedding_to_double embedding_to_integer
	embedding_to_json embedding_to_jsonb embedding_to_numeric embedding_to_real embedding_to_smallint
	embedding_to_varbit embedding_typmod_in embedding_typmod_out hamming_distance hnsw_cosine_support
	hnsw_hamming_support hnsw_ip_support hnsw_jaccard_support hnsw_l1_support hnsw_l2_support inner_product
	jaccard_distance json_to_embedding jsonb_to_embedding l1_distance l2_distance l2_norm l2_normalize
	l2_squared_distance negative_inner_product similarity_hnsw_handler snr_distance subvector vector_dims
	vector_norm within avg
	architecture attach augmentations calibration_status cancel_job check_definition create_gallery deploy detach distances drop_gallery
	drop_model drop_owned drop_version forget_dropped grant_usage guard_schema help job_state layers losses methods model_summary optimizers
	reassign_owned reembed_cancel reembed_changed revoke_usage schedules set_model_owner settings
	relation_in relation_out role_in role_out running_calls);

my %grown = map { $_ => 1 } @constant;
my @table;
foreach my $call (@calls)
{
	my ($function, $sql, $budget, $refused) = @$call;
	my ($out, $err) = ('', '');
	my $start = time;

	$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err, on_error_stop => 0);
SELECT count(embed('small', array_fill(1::real, '{16}'))), (SELECT count(*) FROM similarity.knn('rows', 'e', ARRAY[random_embedding(16, 1)], 1, 'l2')) \\gset warm
SELECT $peak AS before \\gset
\\o /dev/null
$sql;
RESET ALL;
\\o
SELECT $peak - :before, current_setting('server_version_num')::int > 0;
SQL
	my ($growth, $alive) = $out =~ /^(-?\d+)\|(t)$/m;
	my $asked = $sql =~ s/\s+/ /gr;
	my ($error) = $err =~ /ERROR:  (.*)/;

	push @table, [ $function, $asked, $budget, $growth, $error, time - $start ];
	ok($alive, "$function survives: " . substr($asked, 0, 100)) or diag $err;
	cmp_ok($growth // 1e9, '<=', $budget + $constant, "$function: $growth of $budget MB") if $alive;
	unlike($err, qr/XX000|invalid memory alloc|out of memory/, "$function: no internal error");
	if (defined $refused)
	{
		like($error // '', qr/$refused/, "$function is refused: " . substr($error // '', 0, 120));
	}
	else
	{
		is($error, undef, "$function is not refused");
	}
	$grown{$function} = 1;
}
if ($ENV{SIMILARITY_MEMORY_TABLE})
{
	diag sprintf '%-22s %5s %5s %5.1f s  %s  %s', @$_[ 0, 2, 3, 5 ], substr($_->[4] // '-', 0, 60), substr($_->[1], 0, 120) foreach @table;
}

# A new function belongs to one list or the other.
is( join(' ',
		grep { !$grown{$_} } split /\n/,
		$node->safe_psql('postgres', q{SELECT DISTINCT proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass
			AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity') ORDER BY 1})),
	'', 'every function is asked');

# Memory that the settings allow and the system does not: an error of the statement,
# after which the session goes on.
my $postmaster = (PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/)[0];
SKIP:
{
	my $address_space = 400 * 1024 * 1024;
	my $allowed = q{SET maintenance_work_mem = '100GB'; SET similarity.cache_memory = '100GB'; SET similarity.training_memory = '100GB';};

	skip 'needs prlimit', 1 if system("prlimit --pid $postmaster --as=$address_space >/dev/null 2>&1") != 0;
	foreach my $sql (
		q{SELECT count(*) FROM similarity.knn('rows', 'e', (SELECT array_agg(e) FROM rows), 10000, 'l2')},
		q{SELECT value FROM similarity.loss('triplet', array_fill(1, '{20000}'), array_fill('[1]'::embedding, '{20000}'))},
		q{SELECT count(*) FROM similarity.match_neighbors(array_fill(NULL::text, '{7000,7000}'), NULL)},
		q{SELECT * FROM similarity.calibrate('rows', 'SELECT random_embedding(16, i), label FROM rows, generate_series(1, 20) i', k => 2000)},
		q{SELECT cardinality(array_fill(0::real, '{50000000,1}')::embedding[])})
	{
		my ($out, $err) = ('', '');

		$node->psql('postgres', "$allowed\n\\o /dev/null\n$sql;\n\\o\n\\echo :SQLSTATE\nRESET ALL;\nSELECT count(embed('small', array_fill(1::real, '{16}')));",
			stdout => \$out, stderr => \$err, on_error_stop => 0);
		is($out, "53200\n1", "out of memory, and goes on: " . substr($sql, 0, 80)) or diag $err;
	}
}
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/server process .* was terminated|PANIC/, 'no process has died');

$node->stop;
done_testing();
