/*
 * train_model.c
 *	  CALL similarity.train(...): from a query to a finished version.
 *
 * A training has three parts.  prepare_training() checks everything that can be wrong
 * and reads the data; nothing has been written when it ends.  The epochs
 * compute.  finish() writes the version whole, so that none is ever seen half.
 *
 * Outside of a transaction block the procedure commits before the first epoch,
 * which releases the snapshot and every lock except that on the model, and
 * after each epoch.  Inside of one (or in a function, or under an exception
 * handler) all of it belongs to the caller's transaction.
 *
 * An error after the run was recorded, a cancel request above all, is caught
 * outside of a transaction block in order to record how the run ended, and
 * rethrown.  It may come from inside of SPI, whose stack must be unwound
 * before anything else can be done: therefore what is written is written in a
 * subtransaction, whose rollback does that.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "kernel/gemm.h"
#include "model/model.h"
#include "model/model_catalog.h"
#include "model/versions.h"
#include "server/call.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/json_object.h"
#include "server/stop.h"
#include "train/augmentation.h"
#include "train/checkpoint.h"
#include "train/features.h"
#include "train/job.h"
#include "train/progress.h"
#include "train/source.h"
#include "train/train_options.h"
#include "train/training_memory.h"
#include "train/training_run.h"
#include "train/validation.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(train_model);

/* Blocks of arenas are rounded up; one for the sampler's and the batch's arrays */
#define ARENA_SLACK (1024 * 1024)

/* Logged steps that are written together */
#define LOG_BUFFER 256

typedef struct Training
{
	MemoryContext context;		/* of everything below */
	MemoryContext write_context;	/* reset after each write */
	bool		atomic;			/* may not commit */
	TrainOptions options;
	CatalogModel model;
	CatalogVersion from;		/* if it starts from a version */
	NnGraph    *graph;
	InputTarget target;			/* of the rows */
	NnGraph    *frozen;			/* the layers of it that run once a row, or
								 * NULL */
	NnGraph    *whole;			/* all of it, and the heads of a method */
	NnGraph    *stepped;		/* what steps run through: that, or what is
								 * behind the frozen layers */
	TrainingMemory memory;
	SourceRows *rows;
	NnElement	element;		/* what steps read: the rows, or their
								 * features */
	RowStore   *store;
	uint64		data_hash;
	Validation *validation;		/* may be NULL */
	NnSampler  *sampler;
	RowAugmenter *augmenter;	/* may be NULL */
	NnTrainer  *trainer;
	real	   *weights;
	int			batch;			/* rows in a step */
	uint32	   *drawn;			/* row numbers of a batch, */
	const void **inputs;		/* their inputs */
	int32	   *labels;			/* and labels, */
	int32	   *classes;		/* and of a method what classes are known */
	Progress	progress;
	EpochStats	stats;			/* of the last epoch */
	StepStats	log[LOG_BUFFER];	/* not written yet */
	int			nlog;
	instr_time	start;
	instr_time	checkpoint;		/* when the last one was written */
	InterruptedRun resumed;		/* run is 0 for a new training */
	int64		run;
	CallProgress call;
} Training;

/* ---- before the first step ---- */

/*
 * Which layers are trained, and whether the others can run once a row: not
 * where a step changes it
 */
static void
mark_layers(Training *training, Arena *arena)
{
	const NnTrainOptions *nn = &training->options.nn;
	Status		status;

	start_set_rates(training->graph, &training->options.rates);
	training->whole = training->graph;
	if (nn->method != NULL)
	{
		training->whole = nn_method_graph(arena, training->graph, nn->method,
										  &nn->method_params, &status);
		if (training->whole == NULL)
			raise_status(&status);
	}
	else if (training->options.augment == NULL &&
			 !nn_graph_split(arena, training->graph, &training->frozen,
							 &training->stepped, &status) &&
			 status.code != STATUS_SUCCESS)
		raise_status(&status);
}

/* What does not depend on the data: known, and checked, before it is read */
static void
plan_memory(Training *training)
{
	NnTrainOptions *nn = &training->options.nn;

	training->memory.parameters =
		nn_graph_weights(training->whole) * sizeof(real);
	training->memory.step = nn_trainer_memory(training->whole, nn);
	memory_check(&training->memory);
}

/* Its memory counts before rows take what is left. */
static void
create_augmenter(Training *training)
{
	const TrainOptions *options = &training->options;
	AugmenterRequest request = {
		.steps = options->augment,
		.graph = training->graph,
		.pool = options->nn.pool,
		.seed = options->sampling.seed,
		.max_batch = options->nn.max_batch,
		.nviews = 1,
		.memory = &training->memory
	};

	if (options->augment != NULL)
		training->augmenter = augmenter_create(training->context, &request);
}

/* Validation first, since it must fit into memory and rows may go to disk. */
static void
read_training_rows(Training *training)
{
	const TrainOptions *options = &training->options;
	SourceRequest request = {
		.what = "source",
		.query = options->source,
		.target = training->target,
		.pool = options->nn.pool,
		.memory = &training->memory,
		.progress = &training->call,
		.phase = PHASE_READING
	};

	if (options->validation != NULL)
		training->validation = validation_read(training->context,
											   options->validation,
											   &training->target,
											   options->nn.pool,
											   &training->memory,
											   &training->call);
	sampling_request(&options->sampling, &request);
	if (training->frozen != NULL)
		request.max_fetch = Max(request.max_fetch,
								features_fetch(options->nn.pool));
	training->rows = source_read(training->context, &request);
	training->data_hash = source_hash(training->rows);
	if (training->validation != NULL)
		validation_known_classes(training->validation, training->rows);
}

static void
create_sampler(Training *training, Arena *arena)
{
	SamplingOptions *sampling = &training->options.sampling;

	training->sampler = sampling_create(arena, sampling, training->rows);
	training->options.nn.classes = sampling->single_shot ? 0 :
		training->rows->nclasses;
	training->batch = sampling_max_batch(sampling);
	training->drawn = palloc(sizeof(uint32) * (Size) training->batch);
	training->inputs = palloc(sizeof(void *) * (Size) training->batch);
	training->labels = palloc(sizeof(int32) * (Size) training->batch);
	training->classes = palloc(sizeof(int32) * (Size) training->batch);
}

/* Is there anything for the loss of classes beside a method? */
static void
look_for_labels(Training *training)
{
	TrainOptions *options = &training->options;
	const SourceRows *rows = training->rows;

	if (options->nn.class_loss == NULL)
		return;
	if (rows->labeled == 0)
		options->nn.class_loss = NULL;
	else if (options->verbose)
		ereport(INFO,
				(errmsg("%u of %u rows have a label, from which loss \"%s\" learns beside the method",
						rows->labeled, rows->nrows, options->loss)));
}

/* Rows that say how inputs are distributed, spread over all of them */
#define ADAPT_ROWS 10000

static const void *
spread_row(void *context, size_t i)
{
	SourceRows *rows = context;
	uint64		n = Min(rows->nrows, ADAPT_ROWS);
	uint32		number = (uint32) (i * rows->nrows / n);
	const void *row;

	rows_fetch(rows->store, &number, 1, &row);
	return row;
}

static void
first_weights(Training *training)
{
	Arena	   *arena = memory_arena(training->context, ARENA_NO_BUDGET);
	SourceRows *rows = training->rows;
	Status		status;

	nn_init_weights(training->whole, training->options.sampling.seed,
					training->weights);
	check_interrupts();
	if (training->options.from_version != 0)
	{
		version_load(&training->from, training->graph, training->weights);
		return;
	}
	if (!nn_adapt(arena, training->graph, rows->element, spread_row, rows,
				  Min(rows->nrows, ADAPT_ROWS), training->weights, &status))
		raise_status(&status);
	check_interrupts();
}

static FeaturesRequest
features_request(Training *training)
{
	return (FeaturesRequest)
	{
		.prefix = training->frozen,.rows = training->rows,
			.max_fetch = training->batch,.pool = training->options.nn.pool,
			.memory = &training->memory,.progress = &training->call
	};
}

/*
 * Steps run behind the frozen layers if these are needed more than once a row,
 * and what they give fits into memory; else through all of them.
 */
static void
choose_layers(Training *training)
{
	const NnTrainOptions *nn = &training->options.nn;
	FeaturesRequest request = features_request(training);

	training->element = training->rows->element;
	training->store = training->rows->store;
	if (training->frozen != NULL &&
		nn->total_steps > training->rows->nrows / training->batch)
	{
		training->memory.step = nn_trainer_memory(training->stepped, nn);
		if (features_fit(&request))
			return;
	}
	training->frozen = NULL;
	training->stepped = training->whole;
}

/* Instead of the rows from now on */
static void
compute_features(Training *training)
{
	FeaturesRequest request = features_request(training);

	if (training->frozen == NULL)
		return;
	training->store = features_compute(training->context, &request,
									   training->weights);
	training->element = NN_FLOAT32;
	if (training->options.verbose)
		ereport(INFO,
				(errmsg("frozen layers ran once: %d features of each of %u rows are kept, %.1f MB",
						nn_graph_outputs(training->frozen),
						training->rows->nrows,
						(double) training->rows->nrows * sizeof(float) *
						nn_graph_outputs(training->frozen) / (1024 * 1024))));
}

static void
create_trainer(Training *training)
{
	TrainingMemory *memory = &training->memory;
	Arena	   *arena;
	Status		status;

	choose_layers(training);
	/* proxies of a loss count now that classes are known */
	memory->step = nn_trainer_memory(training->stepped, &training->options.nn);
	memory_check(memory);
	arena = memory_arena(training->context,
						 memory->parameters + memory->step + ARENA_SLACK);
	training->weights = arena_alloc(arena, memory->parameters);
	if (training->weights == NULL)
		raise_out_of_memory();
	first_weights(training);
	training->trainer = nn_trainer_create(arena, training->stepped,
										  &training->options.nn,
										  training->weights, &status);
	if (training->trainer == NULL)
		raise_status(&status);
	check_interrupts();
}

/*
 * A training that is resumed has the seed and the threads it was begun with;
 * another number of threads would round differently.
 */
static void
find_interrupted(Training *training)
{
	TrainOptions *options = &training->options;

	training_run_find(&training->model, &training->resumed);
	if (!options->seed_given)
		options->sampling.seed = options->nn.seed = training->resumed.seed;
}

/* Go on where the checkpoint is, after as many batches as steps. */
static void
restore(Training *training)
{
	const TrainOptions *options = &training->options;
	Checkpoint	checkpoint = {
		.run = training->resumed.run,.trainer = training->trainer,.weights =
		training->weights,
		.weights_size = training->memory.parameters
	};
	int64		steps = training->resumed.step;

	training_run_check(training->resumed.run, options);
	if (steps == 0)
	{
		ereport(NOTICE,
				(errmsg("the interrupted training has no checkpoint and starts from the beginning")));
		return;
	}
	if (training->resumed.data_hash != training->data_hash)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("training cannot be resumed with different rows"),
				 errdetail("The source query returned different rows, or rows in a different order."),
				 errhint("Add ORDER BY to the query; without resume a new training starts.")));
	checkpoint_read(&checkpoint);
	if (nn_trainer_steps(training->trainer) != steps)
		catalog_raise_damaged(psprintf("training run " INT64_FORMAT,
									   training->resumed.run),
							  psprintf("Its checkpoint was made at step %lld or %lld.", (long long) steps,
									   (long long) nn_trainer_steps(training->trainer)));
	for (int64 i = 0; i < steps; i++)
	{
		CHECK_FOR_INTERRUPTS();
		nn_sampler_next(training->sampler, training->drawn);
	}
	progress_resume(&training->progress,
					(int) (steps / options->steps_per_epoch) + 1,
					(int) (steps % options->steps_per_epoch), checkpoint.sums);
	training->call.base = steps;
}

/*
 * What costs least is checked first, and everything before the run is
 * recorded.
 */
static void
prepare_training(Training *training, FunctionCallInfo fcinfo)
{
	TrainOptions *options = &training->options;
	Arena	   *arena = memory_arena(training->context, ARENA_NO_BUDGET);
	Status		status;

	train_options_read(fcinfo, options);
	catalog_get_model(options->model, &training->model);
	catalog_require_owner(&training->model);
	catalog_lock_model(&training->model, ExclusiveLock, !training->atomic);
	call_progress_begin(&training->call, CALL_TRAIN, InvalidOid,
						training->model.id);
	training->call.quiet = !options->verbose;
	if (options->resume)
		find_interrupted(training);
	training->graph = catalog_model_graph(&training->model, arena,
										  &training->target.image);
	training->target.graph = training->graph;
	training->target.budget = BUDGET_TRAINING;
	mark_layers(training, arena);
	if (options->from_version != 0)
		start_find_version(&training->model, options->from_version,
						   &training->from);
	else if (!options->resume)
		start_tell_fresh(&training->model, training->graph);
	if (!gemm_load(&status))
		raise_status(&status);
	options->nn.pool = options->resume ?
		memory_pool_of(training->context, training->resumed.threads) :
		memory_pool(training->context);
	plan_memory(training);
	create_augmenter(training);
	read_training_rows(training);
	if (training->augmenter != NULL)
		augmenter_begin(training->augmenter, training->rows);
	create_sampler(training, arena);
	look_for_labels(training);
	create_trainer(training);
	progress_begin(&training->progress, &training->call, options->model,
				   options->epochs, options->steps_per_epoch, training->batch);
	progress_epoch(&training->progress, 1);
	if (options->resume)
		restore(training);
	compute_features(training);
}

/* ---- steps ---- */

/* Neighbors in a batch are views of the same to losses of pairs. */
static void
augment_batch(Training *training)
{
	augmenter_fill(training->augmenter, training->drawn, training->labels,
				   training->batch,
				   (uint64) nn_trainer_steps(training->trainer),
				   AUGMENTER_ALTERNATE, training->inputs);
	check_interrupts();
}

static void
run_step(Training *training)
{
	NnStepStats stats;
	Status		status;

	nn_sampler_next(training->sampler, training->drawn);
	rows_fetch(training->store, training->drawn, training->batch,
			   training->inputs);
	for (int i = 0; i < training->batch; i++)
		training->labels[i] = sampling_label(&training->options.sampling,
											 training->rows,
											 training->drawn[i]);
	for (int i = 0; i < training->batch &&
		 training->options.nn.class_loss != NULL; i++)
		training->classes[i] = training->rows->labels[training->drawn[i]];
	nn_trainer_set_classes(training->trainer, training->classes);
	if (training->augmenter != NULL)
		augment_batch(training);
	if (!nn_trainer_step(training->trainer, training->element,
						 training->inputs, training->labels, training->batch,
						 &stats, &status))
		raise_status(&status);
	check_interrupts();
	progress_step(&training->progress, &stats);
	if (training->options.log_steps > 0 &&
		nn_trainer_steps(training->trainer) % training->options.log_steps == 0)
		progress_log_step(&training->progress, &stats,
						  &training->log[training->nlog++]);
}

/* Weights looked at between interrupts */
#define CHECKED_AT_ONCE (1024 * 1024)

/* The last step's loss was finite; its update may have overflowed. */
static void
check_weights(const Training *training)
{
	for (size_t i = 0; i < nn_graph_weights(training->whole); i++)
	{
		if (i % CHECKED_AT_ONCE == 0)
			CHECK_FOR_INTERRUPTS();
		if (!isfinite(training->weights[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("training diverged at step " INT64_FORMAT ": a weight is not finite",
							nn_trainer_steps(training->trainer)),
					 errhint("Lower the learning rate.")));
	}
}

/* ---- what is written ---- */

/*
 * A commit ends the snapshot; what reads afterwards takes a new one.
 */
static void
commit_training(const Training *training)
{
	if (!training->atomic)
		SPI_commit();
}

/*
 * Write in a subtransaction unless all of it is the caller's transaction, and
 * commit.  Only inside of run_guarded(): an error that left the procedure with
 * the subtransaction open would leave the session in it.
 */
static void
write_and_commit(Training *training, void (*write) (Training *training))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	EnsurePortalSnapshotExists();
	if (!training->atomic)
		BeginInternalSubTransaction(NULL);
	/* training_run_epoch() and others do not free their arguments */
	MemoryContextSwitchTo(training->write_context);
	write(training);
	if (!training->atomic)
		job_report(training->run);
	MemoryContextSwitchTo(context);
	MemoryContextReset(training->write_context);
	if (!training->atomic)
	{
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	commit_training(training);
}

static void
write_steps(Training *training)
{
	if (training->nlog > 0)
		training_run_steps(training->run, training->log, training->nlog);
	training->nlog = 0;
}

static void
write_epoch(Training *training)
{
	write_steps(training);
	training_run_epoch(training->run, &training->model, &training->stats);
}

/*
 * Check the weights first: a checkpoint that is not finite would replace the
 * last good one.
 */
static void
write_checkpoint(Training *training)
{
	Checkpoint	checkpoint = {
		.run = training->run,.trainer = training->trainer,.weights =
		training->weights,
		.weights_size = training->memory.parameters,.data_hash =
		training->data_hash
	};

	check_weights(training);
	write_steps(training);
	progress_sums(&training->progress, checkpoint.sums);
	checkpoint_write(&checkpoint);
	INSTR_TIME_SET_CURRENT(training->checkpoint);
}

/* What model_versions.metrics shows: the last epoch's means and the extent */
static Jsonb *
version_metrics(const Training *training)
{
	const EpochStats *stats = &training->stats;
	instr_time	elapsed;
	JsonObject	json;

	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, training->start);
	json_begin(&json);
	json_number(&json, "loss", "%.9g", stats->metrics.loss);
	json_number(&json, "avg_positive", "%.9g", stats->metrics.avg_positive);
	json_number(&json, "avg_negative", "%.9g", stats->metrics.avg_negative);
	json_integer(&json, "rows", training->rows->nrows);
	json_integer(&json, "spilled_rows", rows_spilled(training->rows->store));
	json_integer(&json, "cached_features", training->frozen == NULL ? 0 :
				 nn_graph_outputs(training->frozen));
	json_integer(&json, "classes", training->rows->nclasses);
	json_integer(&json, "epochs", training->options.epochs);
	json_integer(&json, "steps", nn_trainer_steps(training->trainer));
	json_integer(&json, "planned_bytes",
				 (int64) memory_planned(&training->memory));
	json_number(&json, "images_per_second", "%.0f",
				stats->metrics.images_per_second);
	json_number(&json, "seconds", "%.3f", INSTR_TIME_GET_DOUBLE(elapsed));
	json_jsonb(&json, "validation", stats->validation);
	return json_end(&json);
}

static void
write_version(Training *training)
{
	int			version = version_store(&training->model, training->graph,
										weights_of_array, training->weights,
										version_metrics(training));

	training_run_finish(training->run, &training->model, version);
	if (!version_deploy(&training->model, version))
		ereport(NOTICE,
				(errmsg("version %d was not deployed, since a gallery of model \"%s\" holds another version",
						version, training->options.model),
				 errhint("CALL similarity.reembed(%s, %d) re-embeds its rows and deploys the version.",
						 quote_literal_cstr(training->options.model), version)));
}

/* ---- epochs ---- */

static bool
checkpoint_due(const Training *training)
{
	instr_time	now;

	if (training->atomic || training->options.checkpoint_seconds < 0 ||
		nn_trainer_steps(training->trainer) == 0)
		return false;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, training->checkpoint);
	return INSTR_TIME_GET_DOUBLE(now) >= training->options.checkpoint_seconds;
}

/* What the epoch's means say of the training */
static void
judge(Training *training)
{
	const TrainingMetrics *m = &training->stats.metrics;
	const NnTrainOptions *nn = &training->options.nn;
	NnStepStats mean = {
		.loss = m->loss,.avg_positive = m->avg_positive,
		.avg_negative = m->avg_negative
	};

	training->stats.verdict = nn_verdict(nn->loss, &nn->loss_params, &mean);
}

/* Interrupts are served between steps, when the pool is idle. */
static void
run_epoch(Training *training)
{
	Progress   *progress = &training->progress;

	while (progress->step < training->options.steps_per_epoch)
	{
		CHECK_FOR_INTERRUPTS();
		if (checkpoint_due(training))
			write_and_commit(training, write_checkpoint);
		if (training->nlog == LOG_BUFFER)
			write_and_commit(training, write_steps);
		run_step(training);
	}
	check_weights(training);
	progress_stats(progress, &training->stats);
	judge(training);
	if (training->validation != NULL)
		validation_run(training->validation, training->weights,
					   &training->stats);
	if (training->options.verbose)
		progress_info(progress, &training->stats);
	write_and_commit(training, write_epoch);
}

/* ---- the whole ---- */

static void
run(Training *training)
{
	Progress   *progress = &training->progress;

	INSTR_TIME_SET_CURRENT(training->checkpoint);
	for (;;)
	{
		run_epoch(training);
		if (progress->epoch >= training->options.epochs)
			break;
		progress_epoch(progress, progress->epoch + 1);
	}
	write_and_commit(training, write_version);
	progress_end(progress);
}

/* Roll back, and say in the run's record how it ended. */
static void
record_failure(const Training *training, const ErrorData *error)
{
	SPI_rollback();
	EnsurePortalSnapshotExists();
	training_run_fail(training->run, error);
	SPI_commit();
}

/*
 * When an error was caught the training's context goes first, and the threads
 * with it; the struct itself lives on the stack.
 */
static void
run_guarded(Training *training)
{
	MemoryContext outer = MemoryContextGetParent(training->context);

	PG_TRY();
	{
		run(training);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(outer);
		error = CopyErrorData();
		FlushErrorState();
		if (!training->atomic && IsSubTransaction())
			RollbackAndReleaseCurrentSubTransaction();
		progress_end(&training->progress);
		MemoryContextDelete(training->context);
		if (!training->atomic)
			record_failure(training, error);
		ReThrowError(error);
	}
	PG_END_TRY();
}

static void
record_begin(Training *training)
{
	if (training->options.resume)
	{
		training->run = training->resumed.run;
		training_run_resume(&training->resumed, training->progress.epoch);
	}
	else
		training->run = training_run_begin(&training->model,
										   &training->options);
	if (!training->atomic)
		job_report(training->run);
}

static void
train(Training *training, FunctionCallInfo fcinfo)
{
	INSTR_TIME_SET_CURRENT(training->start);
	/* the portal's is as old as the DO block, which may have made the model */
	PushActiveSnapshot(GetTransactionSnapshot());
	prepare_training(training, fcinfo);
	record_begin(training);
	PopActiveSnapshot();
	commit_training(training);
	run_guarded(training);
	if (!training->atomic)
		catalog_unlock_model(&training->model, ExclusiveLock);
}

/*
 * CALL similarity.train(model, source, ...): arguments as in train_options.c.
 *
 * In the order of prepare(): arguments, loss, optimizer and schedule with
 * their parameters (22023, 22004; 42704 for a name that does not exist); the
 * right of the model's owner (42501); the model's lock (55006 if another
 * session trains it); memory (53400, which names similarity.training_memory);
 * the query, one SELECT of (input, label), run as the caller; every row of it.
 * Not in a read-only transaction or on a standby (25006).  An error before the
 * run is recorded leaves nothing behind.
 */
Datum
train_model(PG_FUNCTION_ARGS)
{
	Training	training = {0};
	MemoryContext old;

	model_require_writable("similarity.train()");
	training.atomic = call_is_atomic(fcinfo);
	SPI_connect_ext(training.atomic ? 0 : SPI_OPT_NONATOMIC);
	training.context = AllocSetContextCreate(CurrentMemoryContext,
											 "similarity training",
											 ALLOCSET_DEFAULT_SIZES);
	training.write_context = AllocSetContextCreate(training.context,
												   "similarity training record",
												   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(training.context);
	train(&training, fcinfo);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(training.context);
	SPI_finish();
	PG_RETURN_VOID();
}
