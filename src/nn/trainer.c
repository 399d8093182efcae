/*
 * trainer.c
 *	  Training steps: forward, loss, backward with the optimizer as the sink
 *	  of gradients.
 *
 * A step's memory is plan.c's: activations, saved numbers and gradients.  The
 * embeddings are copied into the loss' rows, in double, and its gradient back
 * to where backward begins.  State tensors change before backward, from what
 * forward saved, and only if the loss is finite.
 */
#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/size.h"
#include "nn/method.h"
#include "nn/plan.h"
#include "nn/schedule.h"
#include "nn/update.h"

#define STREAM_PROXIES 3

struct NnTrainer
{
	const NnGraph *graph;
	NnTrainOptions options;
	NnOptimizer optimizer;
	NnUpdate	update;
	NnOptimizer proxy_optimizer;	/* its weights are the proxies */
	real	   *proxy_gradient;
	real	   *averages;		/* of the weights, for targets; or NULL */
	NnPass		pass;
	NnPlan		plan;			/* of the memory: activations and gradients */
	real	   *memory;
	NnLossWork	work;
	NnLossWork	class_work;		/* of options.class_loss, */
	const int32_t *classes;		/* what it reads of the step's rows, */
	int32_t    *known;			/* and those of them that have one, */
	int		   *known_rows;		/* with their rows */
	int64_t		counters[NN_COUNTERS];	/* as nn_trainer_state() gave them */
};

/* Proxies of the loss, as numbers; 0 if it has none */
static size_t
proxy_count(const NnGraph *graph, const NnTrainOptions *options)
{
	return nn_loss_proxies(options->loss, &options->loss_params,
						   options->classes) *
		(size_t) nn_graph_outputs(graph);
}

/* Does the loss read what a predictor gives and, as targets, what it read? */
static bool
has_predictor(const NnTrainOptions *options)
{
	return options->method != NULL && options->loss->predicts;
}

static bool
has_averages(const NnTrainOptions *options)
{
	return options->method != NULL && options->method->averages;
}

/* Rows of the loss for a batch of n: each has a target and a prediction. */
static int
loss_rows(const NnTrainOptions *options, int n)
{
	return has_predictor(options) ? n / 2 * 2 * 2 : n;
}

/* Numbers of an embedding, or of what the loss reads: whatever is more */
static int
loss_dims(const NnGraph *graph)
{
	size_t		embedding = graph->layers[graph->embedding].outputs;
	int			dims = nn_graph_outputs(graph);

	return embedding > (size_t) dims ? (int) embedding : dims;
}

/*
 * Counts what nn_trainer_create() allocates, piece by piece: 42 is above the
 * number of its allocations, each of which may lose an alignment.
 */
size_t
nn_trainer_memory(const NnGraph *graph, const NnTrainOptions *options)
{
	int			threads = pool_threads(options->pool);
	size_t		moments = (size_t) options->optimizer->moments(&options->optimizer_params);
	size_t		numbers;
	size_t		class_size = 0;
	NnPlan		plan;

	nn_plan(graph, options->max_batch, true, &plan);
	numbers = plan.size +
		nn_graph_scratch(graph, options->max_batch) * (size_t) threads +
		graph->unfrozen * moments + proxy_count(graph, options) * (moments + 2) +
		nn_update_size(graph, options->optimizer, &options->optimizer_params) +
		(has_averages(options) ? graph->weights : 0);
	if (options->class_loss != NULL)
		class_size = nn_loss_work_size(options->class_loss,
									   &options->class_loss_params,
									   options->max_batch, loss_dims(graph),
									   0) +
			(size_t) options->max_batch * (sizeof(int32_t) + sizeof(int));
	return arena_bound(sizeof(NnTrainer) + numbers * sizeof(real) +
					   nn_loss_work_size(options->loss, &options->loss_params,
										 loss_rows(options, options->max_batch),
										 loss_dims(graph), options->classes) +
					   class_size, 42);
}

static bool
allocate_moments(Arena *arena, NnOptimizer *optimizer, size_t count)
{
	for (int i = 0; i < optimizer->type->moments(&optimizer->params); i++)
	{
		optimizer->moments[i] = arena_alloc_array(arena, count, sizeof(real));
		if (optimizer->moments[i] == NULL)
			return false;
		interrupt_zero(optimizer->moments[i], count * sizeof(real));
	}
	return true;
}

/*
 * Moments start at 0.  The whole gradient is allocated only for those that
 * need it.
 */
static bool
allocate_optimizers(Arena *arena, NnTrainer *trainer)
{
	const NnTrainOptions *options = &trainer->options;
	size_t		kept = nn_update_size(trainer->graph, options->optimizer,
									  &options->optimizer_params);
	size_t		proxies = proxy_count(trainer->graph, options);

	if (kept > 0)
	{
		trainer->update.gradient = arena_alloc_array(arena, kept, sizeof(real));
		if (trainer->update.gradient == NULL)
			return false;
	}
	if (proxies > 0)
	{
		trainer->proxy_optimizer.weights = arena_alloc_array(arena, proxies,
															 sizeof(real));
		trainer->proxy_gradient = arena_alloc_array(arena, proxies,
													sizeof(real));
		if (trainer->proxy_optimizer.weights == NULL ||
			trainer->proxy_gradient == NULL ||
			!allocate_moments(arena, &trainer->proxy_optimizer, proxies))
			return false;
	}
	return allocate_moments(arena, &trainer->optimizer,
							trainer->graph->unfrozen);
}

static bool
allocate_class_loss(Arena *arena, NnTrainer *trainer)
{
	const NnTrainOptions *options = &trainer->options;
	size_t		n = (size_t) options->max_batch;

	if (options->class_loss == NULL)
		return true;
	trainer->known = arena_alloc_array(arena, n, sizeof(int32_t));
	trainer->known_rows = arena_alloc_array(arena, n, sizeof(int));
	return trainer->known != NULL && trainer->known_rows != NULL &&
		nn_loss_work(arena, options->class_loss, &options->class_loss_params,
					 options->max_batch, loss_dims(trainer->graph), 0,
					 &trainer->class_work);
}

/* In the order of nn_trainer_memory(). */
static bool
allocate_work(Arena *arena, NnTrainer *trainer)
{
	const NnGraph *graph = trainer->graph;
	const NnTrainOptions *options = &trainer->options;
	int			threads = pool_threads(options->pool);

	nn_plan(graph, options->max_batch, true, &trainer->plan);
	trainer->memory = arena_alloc_array(arena, trainer->plan.size,
										sizeof(real));
	if (trainer->memory == NULL || !allocate_optimizers(arena, trainer))
		return false;
	trainer->pass.scratch_size = nn_graph_scratch(graph, options->max_batch);
	trainer->pass.scratch = arena_alloc_array(arena,
											  (size_t) threads * trainer->pass.scratch_size, sizeof(real));
	if (has_averages(options))
		trainer->averages = arena_alloc_array(arena, graph->weights,
											  sizeof(real));
	return trainer->pass.scratch != NULL &&
		allocate_class_loss(arena, trainer) &&
		(trainer->averages != NULL || !has_averages(options)) &&
		nn_loss_work(arena, options->loss, &options->loss_params,
					 loss_rows(options, options->max_batch), loss_dims(graph),
					 options->classes, &trainer->work);
}

/* Random directions: rows of about length 1 */
static void
init_proxies(NnTrainer *trainer)
{
	size_t		count = proxy_count(trainer->graph, &trainer->options);
	double		scale = 1 / sqrt((double) nn_graph_outputs(trainer->graph));
	Random		random;

	random_init(&random, trainer->options.seed, STREAM_PROXIES);
	for (size_t i = 0; i < count && !interrupt_pending_at(i); i++)
		trainer->proxy_optimizer.weights[i] =
			(real) (scale * random_normal(&random));
}

/* Workers of the pool keep the setting: they only ever compute. */
static void
flush_denormals_task(void *arg, int slice, int worker)
{
	if (worker != 0)
		(void) nn_flush_denormals();
}

/*
 * The proxies' optimizer is a copy of the weights', with separate moments;
 * update_proxies() sets its rate at each step.
 */
NnTrainer *
nn_trainer_create(Arena *arena, const NnGraph *graph,
				  const NnTrainOptions *options, real *weights, Status *status)
{
	NnTrainer  *trainer = arena_new(arena, NnTrainer);

	if (trainer == NULL)
		goto out_of_memory;
	trainer->graph = graph;
	trainer->options = *options;
	trainer->optimizer.type = options->optimizer;
	trainer->optimizer.params = options->optimizer_params;
	trainer->proxy_optimizer = trainer->optimizer;
	trainer->optimizer.weights = weights;
	trainer->update.graph = graph;
	trainer->update.optimizer = &trainer->optimizer;
	trainer->update.pool = options->pool;
	trainer->pass.training = true;
	trainer->pass.seed = options->seed;
	trainer->pass.pool = options->pool;
	trainer->pass.weights = weights;
	trainer->pass.sink = nn_update_sink;
	trainer->pass.sink_context = &trainer->update;
	if (!allocate_work(arena, trainer))
		goto out_of_memory;
	init_proxies(trainer);
	pool_run_each(options->pool, flush_denormals_task, NULL);
	return trainer;

out_of_memory:
	status_out_of_memory(status, NULL);
	return NULL;
}

/* The embeddings of the batch */
static const real *
last_output(const NnTrainer *trainer)
{
	return trainer->memory + nn_plan_last(trainer->graph, &trainer->plan);
}

/*
 * The place of row i of the batch among the rows of the loss: pairs stand next
 * to each other in a batch, and a loss of pairs wants all first ones before
 * all second ones, or all predictions behind all targets.  A row without a
 * partner has none, -1.
 */
static int
loss_row(const NnTrainer *trainer, int i, int n)
{
	if (trainer->options.loss->kind != NN_LOSS_VIEWS)
		return i;
	if (i == n / 2 * 2)
		return -1;
	if (has_predictor(&trainer->options))
		return n / 2 * 2 + i;
	return i / 2 + i % 2 * (n / 2);
}

/*
 * What the projector gives is the target of the other view's prediction.  Of a
 * loss without targets nothing is done.
 */
static void
targets_to_loss(NnTrainer *trainer, int n)
{
	const NnGraph *graph = trainer->graph;
	int			dims = nn_graph_outputs(graph);
	const real *out;

	if (!has_predictor(&trainer->options))
		return;
	out = trainer->memory + trainer->plan.outputs[graph->projector];
	for (int i = 0; i < n / 2 * 2 && !interrupt_pending(); i++)
	{
		for (int d = 0; d < dims; d++)
			trainer->work.x[(size_t) (i ^ 1) * dims + d] =
				out[(size_t) i * dims + d];
	}
}

/* Outputs into the loss' rows; false if one of them is not finite. */
static bool
embeddings_to_loss(NnTrainer *trainer, int n)
{
	const real *out = last_output(trainer);
	int			dims = nn_graph_outputs(trainer->graph);

	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		int			row = loss_row(trainer, i, n);

		for (int d = 0; d < dims; d++)
		{
			real		value = out[(size_t) i * dims + d];

			if (!isfinite(value))
				return false;
			if (row >= 0)
				trainer->work.x[(size_t) row * dims + d] = value;
		}
	}
	return true;
}

/*
 * Predictions of both views are terms of one mean; their losses are meant to be
 * added.
 */
static double
loss_scale(const NnTrainer *trainer)
{
	return has_predictor(&trainer->options) ? 2 : 1;
}

/* A row without a partner has gradient 0. */
static void
gradient_from_loss(NnTrainer *trainer, int n)
{
	double		scale = loss_scale(trainer);
	int			dims = nn_graph_outputs(trainer->graph);
	real	   *gradient = trainer->memory + trainer->plan.gradients[trainer->graph->nlayers - 1];

	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		int			row = loss_row(trainer, i, n);

		for (int d = 0; d < dims; d++)
			gradient[(size_t) i * dims + d] =
				row < 0 ? 0 : (real) (scale *
									  trainer->work.dx[(size_t) row * dims + d]);
	}
}

/* Rows whose class is known: their numbers and classes; how many there are */
static int
find_known(NnTrainer *trainer, int n)
{
	int			known = 0;

	for (int i = 0; i < n && trainer->classes != NULL; i++)
	{
		if (trainer->classes[i] < 0)
			continue;
		trainer->known_rows[known] = i;
		trainer->known[known++] = trainer->classes[i];
	}
	return known;
}

/*
 * The loss of rows whose class is known, and its gradient by their embeddings;
 * that of the others is 0.  One row alone has none.
 */
static double
class_loss(NnTrainer *trainer, int known, int dims, const real *out,
		   real *gradient)
{
	const NnTrainOptions *options = &trainer->options;
	double		weight = options->class_loss_weight;
	NnLossWork *work = &trainer->class_work;
	double		loss;

	nn_loss_next_batch(options->class_loss, &options->class_loss_params, known,
					   dims, work);
	for (int i = 0; i < known; i++)
	{
		for (int d = 0; d < dims; d++)
			work->x[(size_t) i * dims + d] =
				out[(size_t) trainer->known_rows[i] * dims + d];
	}
	loss = nn_loss_compute(options->class_loss, &options->class_loss_params,
						   trainer->known, known, dims, work);
	for (int i = 0; i < known; i++)
	{
		for (int d = 0; d < dims; d++)
			gradient[(size_t) trainer->known_rows[i] * dims + d] =
				(real) (weight * work->dx[(size_t) i * dims + d]);
	}
	return weight * loss;
}

/* Below heads embeddings have a gradient of their own, if only 0. */
static double
grade_embeddings(NnTrainer *trainer, int n)
{
	int			layer = trainer->graph->embedding;
	int			dims = (int) trainer->graph->layers[layer].outputs;
	real	   *gradient = trainer->memory + trainer->plan.gradients[layer];
	int			known;

	if (!nn_is_graded(trainer->graph, layer))
		return 0;
	memset(gradient, 0, (size_t) n * dims * sizeof(real));
	known = trainer->options.class_loss == NULL ? 0 : find_known(trainer, n);
	if (known < 2)
		return 0;
	return class_loss(trainer, known, dims,
					  trainer->memory + trainer->plan.outputs[layer], gradient);
}

/*
 * Distances of the batch's embeddings.  Those of the loss' rows are left where
 * it was pairwise; a method's loss sees the heads' outputs, and the others
 * may have changed their rows or ordered them in pairs.
 */
static void
batch_stats(NnTrainer *trainer, const int32_t *labels, int n,
			NnStepStats *stats)
{
	const NnTrainOptions *options = &trainer->options;
	int			layer = trainer->graph->embedding;
	int			dims = (int) trainer->graph->layers[layer].outputs;
	const real *out = trainer->memory + trainer->plan.outputs[layer];

	for (size_t i = 0; i < (size_t) n * dims &&
		 options->loss->kind == NN_LOSS_VIEWS; i++)
		trainer->work.x[i] = out[i];
	if (options->method != NULL)
		nn_normalize_rows(trainer->work.x, n, dims, trainer->work.lengths);
	nn_loss_stats(options->loss, &options->loss_params, labels, n, dims,
				  &trainer->work, stats);
}

/*
 * Loss of the last outputs; leaves its gradient in its place.  A loss
 * clips and compares distances, and so can make a number of a NaN: embeddings
 * that are not finite have no loss.
 */
static void
compute_loss(NnTrainer *trainer, const int32_t *labels, int n,
			 NnStepStats *stats)
{
	const NnTrainOptions *options = &trainer->options;
	int			dims = nn_graph_outputs(trainer->graph);
	size_t		proxies = proxy_count(trainer->graph, options);

	nn_loss_next_batch(options->loss, &options->loss_params, n, dims,
					   &trainer->work);
	stats->loss = NAN;
	if (!embeddings_to_loss(trainer, n))
		return;
	for (size_t i = 0; i < proxies && !interrupt_pending_at(i); i++)
		trainer->work.proxies[i] = trainer->proxy_optimizer.weights[i];
	stats->loss = loss_scale(trainer) *
		nn_loss_compute(options->loss, &options->loss_params, labels,
						loss_rows(options, n), dims, &trainer->work);
	stats->loss += grade_embeddings(trainer, n);
	gradient_from_loss(trainer, n);
	for (size_t i = 0; i < proxies && !interrupt_pending_at(i); i++)
		trainer->proxy_gradient[i] = (real) trainer->work.dproxies[i];
	batch_stats(trainer, labels, n, stats);
}

/* Steps count from 0 for schedules, from 1 for Adam's bias correction. */
static double
learning_rate(const NnTrainer *trainer, int64_t step)
{
	const NnTrainOptions *options = &trainer->options;
	double		rate = params_number(&options->optimizer_params,
									 NN_OPT_LEARNING_RATE);

	if (options->schedule == NULL)
		return rate;
	return rate * options->schedule->factor(&options->schedule_params,
											(double) step,
											(double) options->total_steps);
}

/* Proxies are a separate tensor with a separate learning rate. */
static void
update_proxies(NnTrainer *trainer)
{
	NnOptimizer *optimizer = &trainer->proxy_optimizer;
	size_t		count = proxy_count(trainer->graph, &trainer->options);

	if (count == 0)
		return;
	optimizer->step = trainer->optimizer.step;
	optimizer->rate = trainer->optimizer.rate *
		params_number(&trainer->options.loss_params, NN_PROXY_RATE);
	nn_clip_tensor(&optimizer->params, trainer->proxy_gradient, count);
	for (size_t i = 0, end; i < count && !interrupt_pending(); i = end)
	{
		end = optimizer->type->whole_tensors ? count :
			interrupt_piece(i, count);
		optimizer->type->update(optimizer, i, end - i,
								trainer->proxy_gradient + i);
	}
}

/* ---- targets ---- */

/*
 * Targets from averaged weights: the batch through these, into the loss.  What
 * it leaves in memory is then overwritten, the input included.
 */
static void
averaged_targets(NnTrainer *trainer, NnElement element,
				 const void *const *rows, int n)
{
	NnGraph		below = *trainer->graph;
	NnPass		pass = trainer->pass;

	if (trainer->averages == NULL)
		return;
	if (trainer->optimizer.step == 1)
		memcpy(trainer->averages, trainer->optimizer.weights,
			   trainer->graph->weights * sizeof(real));
	below.nlayers = below.projector + 1;
	pass.weights = trainer->averages;
	nn_gather(trainer->graph, element, rows, n,
			  trainer->memory + trainer->plan.input);
	nn_forward(&below, &trainer->plan, &pass, trainer->memory);
	targets_to_loss(trainer, n);
}

static void
update_averages(NnTrainer *trainer)
{
	const NnTrainOptions *options = &trainer->options;
	size_t		count = trainer->graph->weights;
	real		momentum;

	if (trainer->averages == NULL)
		return;
	momentum = (real) nn_method_momentum(&options->method_params,
										 trainer->optimizer.step - 1,
										 options->total_steps);
	for (size_t i = 0, end; i < count && !interrupt_pending();)
		for (end = interrupt_piece(i, count); i < end; i++)
			trainer->averages[i] = momentum * trainer->averages[i] +
				(1 - momentum) * trainer->optimizer.weights[i];
}

/* ---- steps ---- */

/* A proxy loss has proxies for each of options.classes. */
static bool
check_labels(const NnTrainer *trainer, const int32_t *labels, int n,
			 Status *status)
{
	for (int i = 0; i < n && trainer->options.loss->kind == NN_LOSS_PROXY; i++)
	{
		if (labels[i] < 0 || labels[i] >= trainer->options.classes)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "label %d is not one of %d classes",
							   (int) labels[i], trainer->options.classes);
	}
	return true;
}

/*
 * An interrupt leaves weights half changed and the step counted: the trainer
 * may only be thrown away then (README, "Interrupts and failure modes").
 */
bool
nn_trainer_step(NnTrainer *trainer, NnElement element, const void *const *rows,
				const int32_t *labels, int n, NnStepStats *stats,
				Status *status)
{
	unsigned	saved;

	if (!check_labels(trainer, labels, n, status))
		return false;
	saved = nn_flush_denormals();
	trainer->pass.n = n;
	trainer->pass.step = (uint64_t) trainer->optimizer.step;
	trainer->optimizer.rate = learning_rate(trainer, trainer->optimizer.step++);
	memset(stats, 0, sizeof(*stats));
	stats->learning_rate = trainer->optimizer.rate;
	averaged_targets(trainer, element, rows, n);
	nn_gather(trainer->graph, element, rows, n,
			  trainer->memory + trainer->plan.input);
	nn_forward(trainer->graph, &trainer->plan, &trainer->pass, trainer->memory);
	if (trainer->averages == NULL)
		targets_to_loss(trainer, n);
	compute_loss(trainer, labels, n, stats);
	if (isfinite(stats->loss) && !interrupt_pending())
	{
		nn_update_begin(&trainer->update);
		nn_update_states(trainer->graph, &trainer->plan, &trainer->pass,
						 trainer->memory, trainer->optimizer.weights);
		nn_backward(trainer->graph, &trainer->plan, &trainer->pass,
					trainer->memory);
		stats->gradient_norm = nn_update_end(&trainer->update);
		update_proxies(trainer);
		update_averages(trainer);
	}
	nn_restore_denormals(saved);
	if (!isfinite(stats->loss) && !interrupt_pending())
	{
		status_fail(status, STATUS_DIVERGED,
					"training diverged at step %lld: the loss is not finite",
					(long long) trainer->optimizer.step);
		return status_hint(status, "Lower the learning rate.");
	}
	return true;
}

void
nn_trainer_set_classes(NnTrainer *trainer, const int32_t *classes)
{
	trainer->classes = classes;
}

int64_t
nn_trainer_steps(const NnTrainer *trainer)
{
	return trainer->optimizer.step;
}

/* ---- state ---- */

static void
add_part(NnStatePart *parts, int *n, const char *name, void *data, size_t size)
{
	if (size > 0)
		parts[(*n)++] = (NnStatePart)
	{
		name, data, size
	};
}

/*
 * Parts are named, since their number depends on the optimizer and the loss.
 */
int
nn_trainer_state(NnTrainer *trainer, NnStatePart *parts)
{
	static const char *const moments[NN_MOMENTS] = {"moments/0", "moments/1", "moments/2"};
	static const char *const proxy_moments[NN_MOMENTS] = {
		"proxy_moments/0", "proxy_moments/1", "proxy_moments/2"
	};
	const NnTrainOptions *options = &trainer->options;
	size_t		weights = trainer->graph->unfrozen * sizeof(real);
	size_t		proxies = proxy_count(trainer->graph, options) * sizeof(real);
	size_t		keys = options->loss->kind == NN_LOSS_PAIRWISE ?
	(size_t) trainer->work.nkeys : 0;
	int			n = 0;

	trainer->counters[0] = trainer->optimizer.step;
	trainer->counters[1] = trainer->work.steps;
	trainer->counters[2] = trainer->work.nkeys;
	add_part(parts, &n, "counters", trainer->counters,
			 sizeof(trainer->counters));
	for (int i = 0; i < options->optimizer->moments(&options->optimizer_params);
		 i++)
		add_part(parts, &n, moments[i], trainer->optimizer.moments[i], weights);
	for (int i = 0; i < options->optimizer->moments(&options->optimizer_params);
		 i++)
		add_part(parts, &n, proxy_moments[i],
				 trainer->proxy_optimizer.moments[i], proxies);
	add_part(parts, &n, "proxies", trainer->proxy_optimizer.weights, proxies);
	add_part(parts, &n, "averages", trainer->averages,
			 trainer->averages == NULL ? 0 :
			 trainer->graph->weights * sizeof(real));
	add_part(parts, &n, "memory", trainer->work.x,
			 keys * (size_t) nn_graph_outputs(trainer->graph) * sizeof(double));
	add_part(parts, &n, "memory_labels", trainer->work.key_labels,
			 keys * sizeof(int32_t));
	return n;
}

bool
nn_trainer_set_counters(NnTrainer *trainer, const int64_t *counters)
{
	if (counters[0] < 0 || counters[1] < 0 || counters[2] < 0 ||
		counters[2] > trainer->work.capacity)
		return false;
	trainer->optimizer.step = counters[0];
	trainer->work.steps = counters[1];
	trainer->work.nkeys = (int) counters[2];
	return true;
}
