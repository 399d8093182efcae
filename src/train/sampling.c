/*
 * sampling.c
 *	  Which rows make a batch: the options, the sampler for given rows, and
 *	  functions that show batches without training on them.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "server/arguments.h"
#include "server/errors.h"
#include "train/sampling.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(sample_batch);
PGDLLEXPORT PG_FUNCTION_INFO_V1(batch_class_ratio);

#define MAX_BATCH 1000000

/* Classes that a warning names */
#define NAMED_CLASSES 5

/* ---- arguments ---- */

/* 63 bits, so that a record shows a bigint that can be given again */
static uint64
random_seed(void)
{
	uint64		seed;

	if (!pg_strong_random(&seed, sizeof(seed)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random seed")));
	return seed >> 1;
}

static bool
read_sampler(const char *name)
{
	if (strcmp(name, "multi_shot") != 0 && strcmp(name, "single_shot") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unrecognized sampler \"%s\"", name),
				 errhint("Valid values are \"multi_shot\", \"single_shot\".")));
	return strcmp(name, "single_shot") == 0;
}

/*
 * An example without another one of its class in the batch has no positive,
 * and every supervised loss needs one: hence two at least.
 */
void
sampling_read(FunctionCallInfo fcinfo, const SamplingArguments *places,
			  SamplingOptions *options)
{
	memset(options, 0, sizeof(*options));
	options->examples_per_class = argument_integer(fcinfo,
												   places->examples_per_class,
												   "examples_per_class", 2,
												   MAX_BATCH);
	if (!PG_ARGISNULL(places->classes_per_batch))
		options->classes_per_batch = argument_integer(fcinfo,
													  places->classes_per_batch,
													  "classes_per_batch", 2,
													  MAX_BATCH);
	if (sampling_max_batch(options) > MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a batch has at most %d examples", MAX_BATCH)));
	if (!PG_ARGISNULL(places->max_examples_per_class))
		options->max_examples_per_class = argument_integer(fcinfo,
														   places->max_examples_per_class,
														   "max_examples_per_class", 1, PG_INT32_MAX);
	options->single_shot = read_sampler(argument_text(fcinfo, places->sampler,
													  "sampler"));
	options->seed = PG_ARGISNULL(places->seed) ? random_seed() :
		(uint64) PG_GETARG_INT64(places->seed);
	if (!PG_ARGISNULL(places->known_classes))
		options->known_classes =
			PG_GETARG_ARRAYTYPE_P_COPY(places->known_classes);
	if (!PG_ARGISNULL(places->categories_per_batch))
		options->categories_per_batch =
			argument_integer(fcinfo, places->categories_per_batch,
							 "categories_per_batch", 1, MAX_BATCH);
	if (options->single_shot &&
		(options->known_classes != NULL ||
		 options->max_examples_per_class > 0 ||
		 options->categories_per_batch > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("known_classes, max_examples_per_class and categories_per_batch cannot be used with sampler \"single_shot\""),
				 errdetail("It treats every row as a class of its own.")));
}

int
sampling_max_batch(const SamplingOptions *options)
{
	int			classes = options->classes_per_batch;
	int64		batch;

	if (classes == 0)
		classes = SAMPLING_DEFAULT_CLASSES;
	batch = (int64) classes * options->examples_per_class;
	return (int) Min(batch, PG_INT32_MAX);
}

void
sampling_request(const SamplingOptions *options, SourceRequest *request)
{
	request->known_classes = options->known_classes;
	request->max_examples = options->max_examples_per_class;
	request->unlabeled = options->single_shot && !options->some_labels;
	request->some_labels = options->some_labels;
	request->categories = options->categories_per_batch > 0;
	request->max_fetch = sampling_max_batch(options);
}

/* ---- the sampler ---- */

static void
warn_of_small_classes(const SamplingOptions *options, const SourceRows *rows)
{
	StringInfoData names;
	int			small = 0;

	initStringInfo(&names);
	for (int i = 0; i < rows->nclasses; i++)
	{
		const LabelUse *class = &labels_uses(rows->classes)[i];

		if (class->items >= options->examples_per_class)
			continue;
		if (small++ < NAMED_CLASSES)
			appendStringInfo(&names, "%s\"%s\"", small > 1 ? ", " : "",
							 class->label);
	}
	if (small > NAMED_CLASSES)
		appendStringInfoString(&names, " and others");
	if (small > 0)
		ereport(WARNING,
				(errmsg_plural("%d class has fewer rows than examples_per_class, %d",
							   "%d classes have fewer rows than examples_per_class, %d",
							   small, small, options->examples_per_class),
				 errdetail("Their rows are repeated within a batch: %s.",
						   names.data)));
	pfree(names.data);
}

NnSampler *
sampling_create(Arena *arena, SamplingOptions *options, const SourceRows *rows)
{
	NnSamplerOptions nn = {
		.examples_per_class = options->examples_per_class,
		.seed = options->seed,
		.single_shot = options->single_shot,
		.categories = rows->categories,
		.ncategories = rows->ncategories,
		.categories_per_batch = options->categories_per_batch
	};
	NnSampler  *sampler;
	Status		status;

	if (options->classes_per_batch == 0)
		options->classes_per_batch =
			Max(Min(rows->nclasses, SAMPLING_DEFAULT_CLASSES), 2);
	nn.classes_per_batch = options->classes_per_batch;
	if (options->some_labels && rows->labeled > 0)
		nn.labeled = (int) rint(options->labeled_share *
								options->classes_per_batch);
	sampler = nn_sampler_create(arena, rows->labels, rows->nrows,
								rows->nclasses, &nn, &status);
	if (sampler == NULL)
		raise_status(&status);
	if (!options->single_shot)
		warn_of_small_classes(options, rows);
	return sampler;
}

/* ---- functions that show batches ---- */

typedef struct Sample
{
	SamplingOptions options;
	TrainingMemory memory;
	SourceRows *rows;
	NnSampler  *sampler;
	int			batch;			/* rows in one */
	uint32	   *drawn;
	CallProgress progress;
	int64		done;			/* rows drawn */
} Sample;

static void
begin_sample(Sample *sample, FunctionCallInfo fcinfo, CallKind call,
			 const SamplingArguments *places, int batches)
{
	SourceRequest request = {
		.what = "source",.memory = &sample->memory,
		.progress = &sample->progress,.phase = PHASE_READING
	};

	memset(sample, 0, sizeof(*sample));
	call_progress_begin(&sample->progress, call, InvalidOid, 0);
	request.query = argument_text(fcinfo, 0, "source");
	sampling_read(fcinfo, places, &sample->options);
	sampling_request(&sample->options, &request);
	sample->rows = source_read(CurrentMemoryContext, &request);
	sample->sampler = sampling_create(memory_arena(CurrentMemoryContext,
												   ARENA_NO_BUDGET),
									  &sample->options, sample->rows);
	sample->batch = sampling_max_batch(&sample->options);
	sample->drawn = palloc(sizeof(uint32) * (Size) sample->batch);
	call_progress_phase(&sample->progress, PHASE_DRAWING,
						(double) batches * sample->batch);
}

static void
next_batch(Sample *sample)
{
	CHECK_FOR_INTERRUPTS();
	call_progress(&sample->progress, sample->done);
	nn_sampler_next(sample->sampler, sample->drawn);
	sample->done += sample->batch;
}

/* A row of bytes: the file of a picture, or raw */
static bytea *
input_bytes(const SourceRows *rows, const void *input)
{
	bytea	   *bytes;

	if (rows->files != NULL)
		return source_file(rows, input);
	bytes = palloc(VARHDRSZ + rows->row_size);
	SET_VARSIZE(bytes, VARHDRSZ + rows->row_size);
	memcpy(VARDATA(bytes), input, rows->row_size);
	return bytes;
}

/* As its type writes it: bytea, or an array of real */
static Datum
input_as_text(const SourceRows *rows, const void *input)
{
	char	   *text;

	if (rows->element == NN_UINT8)
	{
		bytea	   *bytes = input_bytes(rows, input);

		/* two digits each, and "\x" */
		if (VARSIZE(bytes) - VARHDRSZ > (MaxAllocSize - 2 - VARHDRSZ - 1) / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("an input of %zu bytes is too large to be shown as text", (Size) VARSIZE(bytes) - VARHDRSZ)));
		text = DatumGetCString(DirectFunctionCall1(byteaout,
												   PointerGetDatum(bytes)));
	}
	else
	{
		const float4 *x = input;
		StringInfoData array;

		initStringInfo(&array);
		for (Size i = 0; i < rows->row_size / sizeof(float4); i++)
		{
			char	   *number = DatumGetCString(DirectFunctionCall1(float4out,
																	 Float4GetDatum(x[i])));

			appendStringInfo(&array, "%c%s", i == 0 ? '{' : ',', number);
			pfree(number);
		}
		appendStringInfoChar(&array, '}');
		text = array.data;
	}
	return CStringGetTextDatum(text);
}

/* In a context that is reset after each row */
static void
put_batch(ReturnSetInfo *result, const Sample *sample, int number,
		  const void *const *inputs)
{
	const SourceRows *rows = sample->rows;

	for (int i = 0; i < sample->batch; i++)
	{
		uint32		row = sample->drawn[i];
		Datum		values[5];
		bool		nulls[5] = {false, false, false, rows->classes == NULL, false};

		values[0] = Int32GetDatum(number);
		values[1] = Int32GetDatum(i + 1);
		values[2] = Int64GetDatum((int64) row + 1);
		values[3] = nulls[3] ? (Datum) 0 :
			CStringGetTextDatum(labels_text(rows->classes, rows->labels[row]));
		values[4] = input_as_text(rows, inputs[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(CurrentMemoryContext);
	}
}

/*
 * sample_batch(source, classes_per_batch, examples_per_class, seed,
 * known_classes, max_examples_per_class, sampler, batches): rows of the first
 * batches that a training with the same arguments draws.
 *
 * Checks arguments as train() does (sampling_read()).  Needs no model and no
 * right but those of the query, which runs as the caller and must be one
 * SELECT; its rows must fit into similarity.training_memory or go to a file.
 * 54000 if an input is too large to be shown as text.
 */
Datum
sample_batch(PG_FUNCTION_ARGS)
{
	static const SamplingArguments places = {1, 2, 3, 4, 5, 6, 8};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext rows_context;
	Sample		sample;
	int			batches = argument_integer(fcinfo, 7, "batches", 1, MAX_BATCH);
	const void **inputs;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	begin_sample(&sample, fcinfo, CALL_SAMPLE_BATCH, &places, batches);
	inputs = palloc(sizeof(void *) * (Size) sample.batch);
	rows_context = AllocSetContextCreate(CurrentMemoryContext,
										 "similarity sampled rows",
										 ALLOCSET_DEFAULT_SIZES);
	for (int i = 1; i <= batches; i++)
	{
		MemoryContext old;

		next_batch(&sample);
		rows_fetch(sample.rows->store, sample.drawn, sample.batch, inputs);
		old = MemoryContextSwitchTo(rows_context);
		put_batch(result, &sample, i, inputs);
		MemoryContextSwitchTo(old);
	}
	call_progress_end(&sample.progress);
	SPI_finish();
	return (Datum) 0;
}

static int
compare_classes(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* Rows of a batch for each class in it */
static double
class_ratio(const Sample *sample, int32 *labels)
{
	int			classes = 1;

	for (int i = 0; i < sample->batch; i++)
		labels[i] = sampling_label(&sample->options, sample->rows,
								   sample->drawn[i]);
	qsort(labels, sample->batch, sizeof(int32), compare_classes);
	for (int i = 1; i < sample->batch; i++)
		classes += labels[i] != labels[i - 1];
	return (double) sample->batch / classes;
}

/*
 * batch_class_ratio(..., num_batches): the mean over batches of rows for each
 * class.  Arguments, rights and errors are those of sample_batch().
 */
Datum
batch_class_ratio(PG_FUNCTION_ARGS)
{
	static const SamplingArguments places = {1, 2, 3, 4, 5, 6, 8};
	int			batches = argument_integer(fcinfo, 7, "num_batches", 1,
										   MAX_BATCH);
	Sample		sample;
	int32	   *labels;
	double		sum = 0;

	SPI_connect();
	begin_sample(&sample, fcinfo, CALL_BATCH_CLASS_RATIO, &places, batches);
	labels = palloc(sizeof(int32) * (Size) sample.batch);
	for (int i = 0; i < batches; i++)
	{
		next_batch(&sample);
		sum += class_ratio(&sample, labels);
	}
	call_progress_end(&sample.progress);
	SPI_finish();
	PG_RETURN_FLOAT8(sum / batches);
}
