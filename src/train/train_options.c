/*
 * train_options.c
 *	  What CALL similarity.train was asked for, checked.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "server/arguments.h"
#include "server/errors.h"
#include "server/json_object.h"
#include "server/params_json.h"
#include "train/train_options.h"

/* Positions as in sql/install/65-train.sql */
enum
{
	ARG_MODEL,
	ARG_SOURCE,
	ARG_LOSS,
	ARG_LOSS_PARAMS,
	ARG_OPTIMIZER,
	ARG_OPTIMIZER_PARAMS,
	ARG_SCHEDULE,
	ARG_EPOCHS,
	ARG_STEPS_PER_EPOCH,
	ARG_CLASSES_PER_BATCH,
	ARG_EXAMPLES_PER_CLASS,
	ARG_SEED,
	ARG_KNOWN_CLASSES,
	ARG_MAX_EXAMPLES_PER_CLASS,
	ARG_SAMPLER,
	ARG_VALIDATION,
	ARG_CHECKPOINT_INTERVAL,
	ARG_RESUME,
	ARG_LOG_STEPS,
	ARG_VERBOSE,
	ARG_FROM_VERSION,
	ARG_TRAINABLE,
	ARG_CATEGORIES_PER_BATCH,
	ARG_AUGMENTATION,
	ARG_METHOD,
	ARG_METHOD_PARAMS
};

/* Arguments live as long as the statement only: copy what is a pointer. */
static Jsonb *
jsonb_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : PG_GETARG_JSONB_P_COPY(i);
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
					  nn_loss_description(nn->loss)->params,
					  options->loss_params, NULL);
	nn->optimizer = nn_optimizer_type(options->optimizer, &status);
	if (nn->optimizer == NULL)
		raise_status(&status);
	params_from_jsonb(&nn->optimizer_params,
					  psprintf("optimizer \"%s\"", options->optimizer),
					  nn_optimizer_description(nn->optimizer)->params,
					  options->optimizer_params, NULL);
	if (!nn_optimizer_check(&nn->optimizer_params, &status))
		raise_status(&status);
}

/* Rows of a batch, each of which has two views */
#define METHOD_ROWS 128

/*
 * A method draws rows as single_shot does, and has two views of each: what
 * chooses among classes cannot be used with it.  Its loss stands in place of
 * the other, which is for those rows that have a label.
 */
static void
read_method(TrainOptions *options)
{
	NnTrainOptions *nn = &options->nn;
	SamplingOptions *sampling = &options->sampling;
	ParamSpec  *specs = palloc(sizeof(ParamSpec) * (PARAMS_MAX + 1));
	Status		status;

	nn->method = nn_method_type(options->method, &status);
	if (nn->method == NULL)
		raise_status(&status);
	nn_method_specs(nn->method, specs);
	params_from_jsonb(&nn->method_params,
					  psprintf("method \"%s\"", options->method), specs,
					  options->method_params, NULL);
	if (sampling->known_classes != NULL ||
		sampling->max_examples_per_class > 0 ||
		sampling->categories_per_batch > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("known_classes, max_examples_per_class and categories_per_batch cannot be used with a method"),
				 errdetail("It draws rows, not classes.")));
	if (sampling->examples_per_class != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("examples_per_class must be 2 with a method, not %d",
						sampling->examples_per_class),
				 errdetail("It compares two views of a row.")));
	if (nn_loss_kind(nn->loss) != NN_LOSS_PAIRWISE ||
		nn_loss_remembers(nn->loss, &nn->loss_params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("loss \"%s\" cannot be used beside a method",
						options->loss),
				 errdetail("Rows that have a label need a loss of distances, without a memory of earlier batches.")));
	sampling->single_shot = true;
	sampling->some_labels = true;
	sampling->labeled_share = nn_method_labeled_share(&nn->method_params);
	if (sampling->classes_per_batch == 0)
		sampling->classes_per_batch = METHOD_ROWS;
	nn->class_loss = nn->loss;
	nn->class_loss_params = nn->loss_params;
	nn->class_loss_weight = nn_method_label_weight(&nn->method_params);
	nn->loss = nn_method_loss(nn->method);
	nn_method_loss_params(nn->method, &nn->method_params, &nn->loss_params);
}

static void
read_method_arguments(FunctionCallInfo fcinfo, TrainOptions *options)
{
	options->method_params = jsonb_argument(fcinfo, ARG_METHOD_PARAMS);
	if (!PG_ARGISNULL(ARG_METHOD))
		options->method = argument_text(fcinfo, ARG_METHOD, "method");
	else if (options->method_params != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method_params needs a method")));
}

/*
 * A loss of pairs takes neighbors in a batch, which come class by class, as
 * pairs: an even number of each.  Predictions that are their own constant
 * targets would all become one vector.
 */
static void
check_views(const TrainOptions *options)
{
	if (nn_loss_kind(options->nn.loss) != NN_LOSS_VIEWS ||
		options->nn.method != NULL)
		return;
	if (strcmp(options->loss, "simsiam") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("loss \"simsiam\" cannot train a model without a predictor"),
				 errhint("method => 'simsiam' trains with this loss and adds the predictor.")));
	if (options->sampling.examples_per_class % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("examples_per_class must be even for loss \"%s\", not %d",
						options->loss, options->sampling.examples_per_class),
				 errdetail("The loss reads the examples of a class in pairs.")));
}

/*
 * A loss of proxies has one for each class, and rows that are classes of their
 * own would need as many.
 */
static void
check_single_shot(const TrainOptions *options)
{
	if (options->sampling.single_shot &&
		nn_loss_kind(options->nn.loss) == NN_LOSS_PROXY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("loss \"%s\" cannot be used with sampler \"single_shot\"",
						options->loss),
				 errdetail("The loss has a proxy for each class, and the sampler treats every row as a class.")));
}

/* {"cosine": {"alpha": 0.1}}: one schedule and its parameters, as a layer */
static void
read_schedule(TrainOptions *options)
{
	NnTrainOptions *nn = &options->nn;
	Jsonb	   *params;
	char	   *name;
	Status		status;

	if (options->schedule == NULL)
		return;
	if (!params_named(&options->schedule->root, &name, &params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schedule must be a JSON object with one key"),
				 errhint("Write it as {\"name\": {parameters}}, e.g. {\"cosine\": {\"alpha\": 0.1}}.")));
	nn->schedule = nn_schedule_type(name, &status);
	if (nn->schedule == NULL)
		raise_status(&status);
	params_from_jsonb(&nn->schedule_params, psprintf("schedule \"%s\"", name),
					  nn_schedule_description(nn->schedule)->params,
					  params, NULL);
	if (!nn_schedule_check(nn->schedule, &nn->schedule_params, nn->total_steps,
						   &status))
		raise_status(&status);
}

/* Months count 30 days; NULL means never. */
static double
read_interval(FunctionCallInfo fcinfo)
{
	const Interval *interval;
	double		seconds;

	if (PG_ARGISNULL(ARG_CHECKPOINT_INTERVAL))
		return -1;
	interval = PG_GETARG_INTERVAL_P(ARG_CHECKPOINT_INTERVAL);
	seconds = (double) interval->time / USECS_PER_SEC +
		SECS_PER_DAY * (interval->day +
						(double) DAYS_PER_MONTH * interval->month);
	if (seconds < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("checkpoint_interval must not be negative")));
	return seconds;
}

static void
read_run(FunctionCallInfo fcinfo, TrainOptions *options)
{
	if (!PG_ARGISNULL(ARG_VALIDATION))
		options->validation = argument_text(fcinfo, ARG_VALIDATION,
											"validation");
	options->checkpoint_seconds = read_interval(fcinfo);
	options->resume = argument_boolean(fcinfo, ARG_RESUME, "resume");
	options->seed_given = !PG_ARGISNULL(ARG_SEED);
	if (!PG_ARGISNULL(ARG_LOG_STEPS))
		options->log_steps = argument_integer(fcinfo, ARG_LOG_STEPS,
											  "log_steps", 0, PG_INT32_MAX);
	options->verbose = argument_boolean(fcinfo, ARG_VERBOSE, "verbose");
}

/* What it starts from, and which layers it changes */
static void
read_start(FunctionCallInfo fcinfo, TrainOptions *options)
{
	if (!PG_ARGISNULL(ARG_FROM_VERSION))
		options->from_version =
			model_version_argument(PG_GETARG_INT64(ARG_FROM_VERSION));
	options->trainable = jsonb_argument(fcinfo, ARG_TRAINABLE);
	options->rates = start_read_rates(options->trainable);
}

/* Rows that are classes of their own have none to be mixed with. */
static void
read_augmentation(FunctionCallInfo fcinfo, TrainOptions *options)
{
	options->augmentation = jsonb_argument(fcinfo, ARG_AUGMENTATION);
	if (options->augmentation == NULL)
	{
		if (options->method != NULL)
			ereport(WARNING,
					(errmsg("without augmentation, only dropout tells the two views of a row apart"),
					 errhint("For pictures give augmentation => '\"simclr\"', or others of similarity.augmentations().")));
		return;
	}
	options->augment = augmentation_read(options->augmentation);
	if (options->sampling.single_shot && augmentation_mixes(options->augment))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("augmentation \"mixup\" cannot be used with %s",
						options->method == NULL ? "sampler \"single_shot\"" : "a method"),
				 errdetail("It mixes rows of the same class, and each row is its own.")));
}

void
train_options_read(FunctionCallInfo fcinfo, TrainOptions *options)
{
	static const SamplingArguments places = {
		ARG_CLASSES_PER_BATCH, ARG_EXAMPLES_PER_CLASS, ARG_SEED,
		ARG_KNOWN_CLASSES, ARG_MAX_EXAMPLES_PER_CLASS, ARG_SAMPLER,
		ARG_CATEGORIES_PER_BATCH
	};
	NnTrainOptions *nn = &options->nn;

	memset(options, 0, sizeof(*options));
	options->model = argument_text(fcinfo, ARG_MODEL, "model");
	options->source = argument_text(fcinfo, ARG_SOURCE, "source");
	options->loss = argument_text(fcinfo, ARG_LOSS, "loss");
	options->loss_params = jsonb_argument(fcinfo, ARG_LOSS_PARAMS);
	options->optimizer = argument_text(fcinfo, ARG_OPTIMIZER, "optimizer");
	options->optimizer_params = jsonb_argument(fcinfo, ARG_OPTIMIZER_PARAMS);
	options->schedule = jsonb_argument(fcinfo, ARG_SCHEDULE);
	options->epochs = argument_integer(fcinfo, ARG_EPOCHS, "epochs", 1,
									   PG_INT32_MAX);
	options->steps_per_epoch = argument_integer(fcinfo, ARG_STEPS_PER_EPOCH,
												"steps_per_epoch", 1,
												PG_INT32_MAX);
	sampling_read(fcinfo, &places, &options->sampling);
	read_run(fcinfo, options);
	read_start(fcinfo, options);
	read_method_arguments(fcinfo, options);
	read_loss_and_optimizer(options);
	if (options->method != NULL)
		read_method(options);
	read_augmentation(fcinfo, options);
	nn->max_batch = sampling_max_batch(&options->sampling);
	nn->seed = options->sampling.seed;
	nn->total_steps = (int64) options->epochs * options->steps_per_epoch;
	read_schedule(options);
	check_views(options);
	check_single_shot(options);
}

/* ---- as JSON ---- */

Jsonb *
train_options_json(const TrainOptions *options)
{
	const SamplingOptions *sampling = &options->sampling;
	JsonObject	json;

	json_begin(&json);
	json_text(&json, "loss", options->loss);
	json_jsonb(&json, "loss_params", options->loss_params);
	json_text(&json, "optimizer", options->optimizer);
	json_jsonb(&json, "optimizer_params", options->optimizer_params);
	json_jsonb(&json, "schedule", options->schedule);
	json_integer(&json, "epochs", options->epochs);
	json_integer(&json, "steps_per_epoch", options->steps_per_epoch);
	json_integer(&json, "classes_per_batch", sampling->classes_per_batch);
	json_integer(&json, "examples_per_class", sampling->examples_per_class);
	json_integer(&json, "seed", (int64) sampling->seed);
	json_texts(&json, "known_classes", sampling->known_classes);
	if (sampling->max_examples_per_class == 0)
		json_null(&json, "max_examples_per_class");
	else
		json_integer(&json, "max_examples_per_class",
					 sampling->max_examples_per_class);
	json_text(&json, "sampler", sampling->single_shot ? "single_shot" :
			  "multi_shot");
	if (options->from_version == 0)
		json_null(&json, "from_version");
	else
		json_integer(&json, "from_version", options->from_version);
	json_jsonb(&json, "trainable", options->trainable);
	if (sampling->categories_per_batch == 0)
		json_null(&json, "categories_per_batch");
	else
		json_integer(&json, "categories_per_batch",
					 sampling->categories_per_batch);
	json_jsonb(&json, "augmentation", options->augmentation);
	json_text(&json, "method", options->method);
	json_jsonb(&json, "method_params", options->method_params);
	json_text(&json, "validation", options->validation);
	json_integer(&json, "log_steps", options->log_steps);
	json_integer(&json, "threads", pool_threads(options->nn.pool));
	return json_end(&json);
}
