/*
 * augmentation.c
 *	  Augmented pictures of a batch: from the user's pipeline to the inputs
 *	  of a step.
 *
 * Rows stay as they were stored; a batch's pictures are made anew at each step,
 * by all threads, one picture each at a time.
 */
#include "postgres.h"

#include <float.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "model/architecture.h"
#include "server/errors.h"
#include "server/params_json.h"
#include "train/augmentation.h"

/* ---- from jsonb ---- */

pg_noreturn static void
raise_not_a_step(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("augmentation must be a name, an object with one key or an array of these"),
			 errhint("Write a step as \"name\" or {\"name\": {parameters}}, e.g. [\"horizontal_flip\", {\"cutout\": {\"size\": 0.3}}].")));
}

static void
add_step(AugmentSteps *steps, char *name, Jsonb *params)
{
	AugmentStep *step = &steps->steps[steps->nsteps];
	Status		status;

	if (steps->nsteps == AUGMENT_MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an augmentation must have 1 to %d steps, not more",
						AUGMENT_MAX_STEPS)));
	step->type = augment_step_type(name, &status);
	if (step->type == NULL)
		raise_status(&status);
	params_from_jsonb(&step->params,
					  psprintf("augmentation %d (\"%s\")", steps->nsteps + 1,
							   name),
					  augment_step_params(step->type), params, NULL);
	steps->nsteps++;
}

static void
add_value(AugmentSteps *steps, const JsonbValue *value)
{
	char	   *name;
	Jsonb	   *params = NULL;

	if (value->type == jbvString)
		name = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type != jbvBinary ||
			 !params_named(value->val.binary.data, &name, &params))
		raise_not_a_step();
	add_step(steps, name, params);
}

AugmentSteps *
augmentation_read(Jsonb *json)
{
	AugmentSteps *steps = palloc0(sizeof(AugmentSteps));
	JsonbContainer *root = &json->root;
	Status		status;

	if (JsonContainerIsArray(root))
	{
		/* a scalar is the only element of an array */
		for (uint32 i = 0; i < JsonContainerSize(root); i++)
			add_value(steps, getIthJsonbValueFromContainer(root, i));
	}
	else
	{
		JsonbValue	object = {
			.type = jbvBinary,
			.val.binary = {.len = VARSIZE(json) - VARHDRSZ,.data = root}
		};

		add_value(steps, &object);
	}
	if (!augment_check(steps->steps, steps->nsteps, &status))
		raise_status(&status);
	return steps;
}

bool
augmentation_mixes(const AugmentSteps *steps)
{
	return augment_mixes(steps->steps, steps->nsteps);
}

/* ---- rows of a batch ---- */

struct RowAugmenter
{
	MemoryContext context;
	AugmenterRequest request;
	AugmentFormat format;
	Size		counted;		/* in memory->batch */
	Size		row_size;
	Augmentation *augmentation;
	char	   *pictures[AUGMENTER_VIEWS];	/* max_batch of each view */
	Size		scratch_size;	/* of a thread */
	char	   *scratch;
};

static bool
is_input_side(int n)
{
	return n >= 1 && n <= MEDIA_MAX_SIDE;
}

void
augmentation_require_picture(const NnShape *shape, AugmentFormat *format)
{
	format->height = shape->dim[0];
	format->width = shape->rank > 1 ? shape->dim[1] : 0;
	format->channels = shape->rank > 2 ? shape->dim[2] : 1;
	if ((shape->rank == 2 || shape->rank == 3) && is_input_side(format->height) &&
		is_input_side(format->width) &&
		(format->channels == 1 || format->channels == 3))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("augmentation cannot be used with inputs of shape %s",
					spec_shape_text(shape)),
			 errhint("A picture's shape is {height,width,channels} with 1 or 3 channels, or {height,width}.")));
}

/* Pictures of all views, and what threads need */
static void
count_memory(RowAugmenter *augmenter, Size number_size)
{
	const AugmenterRequest *request = &augmenter->request;
	TrainingMemory *memory = request->memory;
	Size		pictures;

	augmenter->row_size = number_size * nn_graph_inputs(request->graph);
	pictures = budget_product(augmenter->row_size,
							  (Size) request->max_batch * request->nviews);
	memory->batch -= augmenter->counted;
	augmenter->counted =
		budget_sum(pictures, budget_product(augmenter->scratch_size,
											pool_threads(request->pool)));
	memory->batch = budget_sum(memory->batch, augmenter->counted);
	memory_check(memory);
}

RowAugmenter *
augmenter_create(MemoryContext context, const AugmenterRequest *request)
{
	RowAugmenter *augmenter = MemoryContextAllocZero(context,
													 sizeof(RowAugmenter));
	NnShape		shape = nn_graph_input(request->graph);

	augmenter->context = context;
	augmenter->request = *request;
	augmentation_require_picture(&shape, &augmenter->format);
	augmenter->scratch_size = augment_scratch(&augmenter->format);
	/* whether rows are bytes is not known yet */
	count_memory(augmenter, sizeof(float));
	return augmenter;
}

static void
find_range(AugmentFormat *format, const SourceRows *rows)
{
	Size		numbers = rows->row_size / sizeof(float);

	format->low = FLT_MAX;
	format->high = -FLT_MAX;
	for (uint32 i = 0; i < rows->nrows; i++)
	{
		const void *row;
		const float *x;

		CHECK_FOR_INTERRUPTS();
		rows_fetch(rows->store, &i, 1, &row);
		x = row;
		for (Size j = 0; j < numbers; j++)
		{
			format->low = Min(format->low, x[j]);
			format->high = Max(format->high, x[j]);
		}
	}
	/* of numbers that are all the same any other will do */
	if (!(format->low < format->high))
		format->high = format->low + 1;
}

void
augmenter_begin(RowAugmenter *augmenter, const SourceRows *rows)
{
	const AugmenterRequest *request = &augmenter->request;
	AugmentFormat *format = &augmenter->format;
	Status		status;

	format->floats = rows->element != NN_UINT8;
	if (format->floats)
		find_range(format, rows);
	count_memory(augmenter, format->floats ? sizeof(float) : 1);
	augmenter->augmentation =
		augment_create(memory_arena(augmenter->context, ARENA_NO_BUDGET),
					   request->steps->steps, request->steps->nsteps, format,
					   &status);
	if (augmenter->augmentation == NULL)
		raise_status(&status);
	for (int v = 0; v < request->nviews; v++)
		augmenter->pictures[v] =
			MemoryContextAllocHuge(augmenter->context,
								   augmenter->row_size *
								   (Size) request->max_batch);
	augmenter->scratch =
		MemoryContextAllocHuge(augmenter->context, augmenter->scratch_size *
							   (Size) pool_threads(request->pool));
}

typedef struct Filling
{
	const RowAugmenter *augmenter;
	const uint32 *numbers;
	const int32 *classes;
	const void *const *inputs;
	int			n;
	uint64		step;
	int			view;
	char	   *out;
} Filling;

/* The next one of its class in the batch, NULL if there is none */
static const void *
partner_of(const Filling *filling, int i)
{
	if (filling->classes == NULL)
		return NULL;
	for (int k = 1; k < filling->n; k++)
	{
		int			j = (i + k) % filling->n;

		if (filling->classes[j] == filling->classes[i])
			return filling->inputs[j];
	}
	return NULL;
}

/* A PoolTask */
static void
augment_row(void *arg, int i, int worker)
{
	const Filling *filling = arg;
	const RowAugmenter *augmenter = filling->augmenter;
	AugmentKey	key = {
		.seed = augmenter->request.seed,.row = filling->numbers[i],
		.time = filling->step,.place = (uint32) i,
		.view = (uint32) (filling->view == AUGMENTER_ALTERNATE ? i % 2 :
						  filling->view)
	};

	augment_picture(augmenter->augmentation, &key, filling->inputs[i],
					partner_of(filling, i),
					filling->out + augmenter->row_size * (Size) i,
					augmenter->scratch +
					augmenter->scratch_size * (Size) worker);
}

void
augmenter_fill(RowAugmenter *augmenter, const uint32 *numbers,
			   const int32 *classes, int n, uint64 step, int view,
			   const void **inputs)
{
	int			buffer = view == AUGMENTER_ALTERNATE ? 0 : view;
	Filling		filling = {
		.augmenter = augmenter,.numbers = numbers,
		.classes = augmentation_mixes(augmenter->request.steps) ? classes :
		NULL,
		.inputs = inputs,.n = n,.step = step,.view = view,
		.out = augmenter->pictures[buffer]
	};

	Assert(n <= augmenter->request.max_batch);
	Assert(buffer >= 0 && buffer < augmenter->request.nviews);
	pool_run(augmenter->request.pool, n, augment_row, &filling);
	for (int i = 0; i < n; i++)
		inputs[i] = filling.out + augmenter->row_size * (Size) i;
}
