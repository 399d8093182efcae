/*
 * train_options.c
 *	  What CALL similarity.train was asked for, checked.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "errors.h"
#include "model/params_json.h"
#include "model/train_options.h"

/* Positions and names as in sql/install/65-train.sql */
enum
{
	ARG_MODEL,
	ARG_SOURCE,
	ARG_LOSS,
	ARG_LOSS_PARAMS,
	ARG_OPTIMIZER,
	ARG_OPTIMIZER_PARAMS,
	ARG_EPOCHS,
	ARG_STEPS_PER_EPOCH,
	ARG_CLASSES_PER_BATCH,
	ARG_EXAMPLES_PER_CLASS,
	ARG_SEED,
	ARG_KNOWN_CLASSES,
	ARG_VERBOSE
};

static const char *const argument_names[] = {
	"model", "source", "loss", "loss_params", "optimizer", "optimizer_params",
	"epochs", "steps_per_epoch", "classes_per_batch", "examples_per_class",
	"seed", "known_classes", "verbose"
};

#define MAX_BATCH 1000000

static void
require_argument(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", argument_names[i])));
}

static char *
text_argument(FunctionCallInfo fcinfo, int i)
{
	require_argument(fcinfo, i);
	return text_to_cstring(PG_GETARG_TEXT_PP(i));
}

static int
integer_argument(FunctionCallInfo fcinfo, int i, int minimum, int maximum)
{
	int			value;

	require_argument(fcinfo, i);
	value = PG_GETARG_INT32(i);
	if (value < minimum || value > maximum)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %d and %d, not %d",
						argument_names[i], minimum, maximum, value)));
	return value;
}

/* Arguments live as long as the statement only: copy what is a pointer. */
static Jsonb *
jsonb_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : PG_GETARG_JSONB_P_COPY(i);
}

/* 63 bits, so that the run's record shows a bigint that can be given again */
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

static void
read_loss_and_optimizer(TrainOptions *options)
{
	NnTrainOptions *nn = &options->nn;
	Status		status;

	nn->loss = nn_loss_type(options->loss, &status);
	if (nn->loss == NULL)
		raise_status(&status);
	params_from_jsonb(&nn->loss_params, psprintf("loss \"%s\"", options->loss),
					  nn_loss_description(nn->loss)->params, options->loss_params, NULL);
	nn->optimizer = nn_optimizer_type(options->optimizer, &status);
	if (nn->optimizer == NULL)
		raise_status(&status);
	params_from_jsonb(&nn->optimizer_params, psprintf("optimizer \"%s\"", options->optimizer),
					  nn_optimizer_description(nn->optimizer)->params,
					  options->optimizer_params, NULL);
	if (!nn_optimizer_check(&nn->optimizer_params, &status))
		raise_status(&status);
}

/*
 * A loss of pairs takes neighbours in a batch, which come class by class, as
 * pairs: an even number of each.  Predictions that are their own constant
 * targets would all become one vector.
 */
static void
check_views(const TrainOptions *options)
{
	if (nn_loss_kind(options->nn.loss) != NN_LOSS_VIEWS)
		return;
	if (strcmp(options->loss, "simsiam") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("loss \"simsiam\" cannot train a model without a predictor"),
				 errhint("Use \"simclr\", \"barlow\" or \"vicreg\".")));
	if (options->examples_per_class % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("examples_per_class must be even for loss \"%s\", not %d",
						options->loss, options->examples_per_class),
				 errdetail("The loss reads the examples of a class in pairs.")));
}

/*
 * An example without another one of its class in the batch has no positive,
 * and every supervised loss needs one: hence two at least.
 */
static void
read_batch(FunctionCallInfo fcinfo, TrainOptions *options)
{
	int			classes = TRAIN_DEFAULT_CLASSES;

	options->examples_per_class = integer_argument(fcinfo, ARG_EXAMPLES_PER_CLASS, 2, MAX_BATCH);
	if (!PG_ARGISNULL(ARG_CLASSES_PER_BATCH))
		classes = options->classes_per_batch =
			integer_argument(fcinfo, ARG_CLASSES_PER_BATCH, 2, MAX_BATCH);
	if ((int64) classes * options->examples_per_class > MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a batch has at most %d examples", MAX_BATCH)));
	options->nn.max_batch = classes * options->examples_per_class;
}

void
train_options_read(FunctionCallInfo fcinfo, TrainOptions *options)
{
	memset(options, 0, sizeof(*options));
	options->model = text_argument(fcinfo, ARG_MODEL);
	options->source = text_argument(fcinfo, ARG_SOURCE);
	options->loss = text_argument(fcinfo, ARG_LOSS);
	options->loss_params = jsonb_argument(fcinfo, ARG_LOSS_PARAMS);
	options->optimizer = text_argument(fcinfo, ARG_OPTIMIZER);
	options->optimizer_params = jsonb_argument(fcinfo, ARG_OPTIMIZER_PARAMS);
	options->epochs = integer_argument(fcinfo, ARG_EPOCHS, 1, PG_INT32_MAX);
	options->steps_per_epoch = integer_argument(fcinfo, ARG_STEPS_PER_EPOCH, 1, PG_INT32_MAX);
	read_batch(fcinfo, options);
	options->seed = PG_ARGISNULL(ARG_SEED) ? random_seed() : (uint64) PG_GETARG_INT64(ARG_SEED);
	options->nn.seed = options->seed;
	if (!PG_ARGISNULL(ARG_KNOWN_CLASSES))
		options->known_classes = PG_GETARG_ARRAYTYPE_P_COPY(ARG_KNOWN_CLASSES);
	require_argument(fcinfo, ARG_VERBOSE);
	options->verbose = PG_GETARG_BOOL(ARG_VERBOSE);
	read_loss_and_optimizer(options);
	check_views(options);
}
