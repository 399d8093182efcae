/*
 * train.c
 *	  Training steps: forward, loss, backward with the optimiser as the sink
 *	  of gradients.
 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "nn/loss.h"
#include "nn/optimizer.h"

struct NnTrainer
{
	const NnGraph *graph;
	NnTrainOptions options;
	NnOptimizer optimizer;
	NnPass		pass;
	int			first_trainable;	/* layers before it need no gradient */
	real	   *input;
	real	  **outputs;		/* of each layer */
	real	  **saved;			/* of each layer, or NULL */
	real	   *gradients[2];	/* between layers, used in turn */
	NnLossWork	work;
};

static size_t
saved_size(const NnLayer *layer)
{
	return layer->type->saved == NULL ? 0 : layer->type->saved(layer);
}

size_t
nn_trainer_memory(const NnGraph *graph, const NnTrainOptions *options)
{
	size_t		n = (size_t) options->max_batch;
	int			threads = pool_threads(options->pool);
	size_t		rows = graph->inputs + 2 * nn_graph_widest(graph);
	size_t		numbers;

	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		if (!layer->type->in_place)
			rows += layer->outputs;
		rows += saved_size(layer);
	}
	numbers = n * rows +
		nn_graph_scratch(graph, options->max_batch) * (size_t) threads +
		graph->weights * (size_t) options->optimizer->moments(&options->optimizer_params);
	return arena_bound(sizeof(NnTrainer) + numbers * sizeof(real) +
					   2 * (size_t) graph->nlayers * sizeof(real *) +
					   nn_loss_work_size(options->max_batch, nn_graph_outputs(graph)),
					   2 * (size_t) graph->nlayers + 14);
}

/* The optimiser as a sink */
static void
update_weights(void *context, size_t offset, size_t count, const real *gradient)
{
	const NnOptimizer *optimizer = context;

	optimizer->type->update(optimizer, offset, count, gradient);
}

static bool
allocate_activations(Arena *arena, NnTrainer *trainer)
{
	const NnGraph *graph = trainer->graph;
	size_t		n = (size_t) trainer->options.max_batch;
	real	   *previous;

	trainer->input = arena_alloc_array(arena, n * graph->inputs, sizeof(real));
	trainer->outputs = arena_alloc_zero(arena, (size_t) graph->nlayers * sizeof(real *));
	trainer->saved = arena_alloc_zero(arena, (size_t) graph->nlayers * sizeof(real *));
	if (trainer->input == NULL || trainer->outputs == NULL || trainer->saved == NULL)
		return false;
	previous = trainer->input;
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		size_t		saved = saved_size(layer);

		if (!layer->type->in_place)
			previous = arena_alloc_array(arena, n * layer->outputs, sizeof(real));
		trainer->outputs[i] = previous;
		if (saved > 0)
			trainer->saved[i] = arena_alloc_array(arena, n * saved, sizeof(real));
		if (previous == NULL || (saved > 0 && trainer->saved[i] == NULL))
			return false;
	}
	return true;
}

static bool
allocate_work(Arena *arena, NnTrainer *trainer)
{
	const NnGraph *graph = trainer->graph;
	const NnTrainOptions *options = &trainer->options;
	size_t		n = (size_t) options->max_batch;
	int			threads = pool_threads(options->pool);

	for (int i = 0; i < 2; i++)
	{
		trainer->gradients[i] = arena_alloc_array(arena, n * nn_graph_widest(graph), sizeof(real));
		if (trainer->gradients[i] == NULL)
			return false;
	}
	for (int i = 0; i < options->optimizer->moments(&options->optimizer_params); i++)
	{
		trainer->optimizer.moments[i] = arena_alloc_zero(arena, graph->weights * sizeof(real));
		if (trainer->optimizer.moments[i] == NULL)
			return false;
	}
	trainer->pass.scratch_size = nn_graph_scratch(graph, options->max_batch);
	trainer->pass.scratch = arena_alloc_array(arena, (size_t) threads * trainer->pass.scratch_size,
											  sizeof(real));
	return trainer->pass.scratch != NULL &&
		nn_loss_work(arena, options->max_batch, nn_graph_outputs(graph), &trainer->work);
}

/* Workers of the pool keep the setting: they only ever compute. */
static void
flush_denormals_task(void *arg, int slice, int worker)
{
	if (worker != 0)
		(void) nn_flush_denormals();
}

NnTrainer *
nn_trainer_create(Arena *arena, const NnGraph *graph, const NnTrainOptions *options,
				  real *weights, Status *status)
{
	NnTrainer  *trainer = arena_new(arena, NnTrainer);

	if (trainer == NULL)
		goto out_of_memory;
	trainer->graph = graph;
	trainer->options = *options;
	trainer->optimizer.type = options->optimizer;
	trainer->optimizer.params = options->optimizer_params;
	trainer->optimizer.weights = weights;
	trainer->pass.training = true;
	trainer->pass.seed = options->seed;
	trainer->pass.pool = options->pool;
	trainer->pass.weights = weights;
	trainer->pass.sink = update_weights;
	trainer->pass.sink_context = &trainer->optimizer;
	while (graph->layers[trainer->first_trainable].ntensors == 0)
		trainer->first_trainable++;
	if (!allocate_activations(arena, trainer) || !allocate_work(arena, trainer))
		goto out_of_memory;
	pool_run(options->pool, pool_threads(options->pool), flush_denormals_task, NULL);
	return trainer;

out_of_memory:
	status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory");
	return NULL;
}

static const real *
layer_input(const NnTrainer *trainer, int i)
{
	return i == 0 ? trainer->input : trainer->outputs[i - 1];
}

static void
forward(NnTrainer *trainer)
{
	for (int i = 0; i < trainer->graph->nlayers; i++)
	{
		const NnLayer *layer = &trainer->graph->layers[i];

		layer->type->forward(layer, &trainer->pass, layer_input(trainer, i),
							 trainer->outputs[i], trainer->saved[i]);
	}
}

/* gradients[0] holds the gradient of the last output. */
static void
backward(NnTrainer *trainer)
{
	int			current = 0;

	for (int i = trainer->graph->nlayers - 1; i >= trainer->first_trainable; i--)
	{
		const NnLayer *layer = &trainer->graph->layers[i];
		int			next = layer->type->in_place ? current : !current;
		real	   *din = i > trainer->first_trainable ? trainer->gradients[next] : NULL;

		layer->type->backward(layer, &trainer->pass, layer_input(trainer, i),
							  trainer->outputs[i], trainer->saved[i],
							  trainer->gradients[current], din);
		current = next;
	}
}

/*
 * Loss of the last outputs; leaves its gradient in gradients[0].  A loss
 * clips and compares distances, and so can make a number of a NaN: embeddings
 * that are not finite have no loss.
 */
static double
compute_loss(NnTrainer *trainer, const int32_t *labels, int n)
{
	const real *out = trainer->outputs[trainer->graph->nlayers - 1];
	int			dims = nn_graph_outputs(trainer->graph);
	size_t		count = (size_t) n * (size_t) dims;
	double		loss;

	for (size_t i = 0; i < count; i++)
	{
		if (!isfinite(out[i]))
			return NAN;
		trainer->work.x[i] = out[i];
	}
	loss = nn_loss_compute(trainer->options.loss, &trainer->options.loss_params,
						   labels, n, dims, &trainer->work);
	for (size_t i = 0; i < count; i++)
		trainer->gradients[0][i] = (real) trainer->work.dx[i];
	return loss;
}

bool
nn_trainer_step(NnTrainer *trainer, NnElement element, const void *const *rows,
				const int32_t *labels, int n, NnStepStats *stats, Status *status)
{
	unsigned	saved = nn_flush_denormals();
	const NnOptimizerType *optimizer = trainer->options.optimizer;

	trainer->pass.n = n;
	trainer->pass.step = (uint64_t) trainer->optimizer.step++;
	nn_gather(trainer->graph, element, rows, n, trainer->input);
	forward(trainer);
	stats->loss = compute_loss(trainer, labels, n);
	stats->learning_rate = optimizer->learning_rate(&trainer->options.optimizer_params);
	nn_loss_extremes(labels, n, &trainer->work, &stats->avg_positive, &stats->avg_negative);
	if (isfinite(stats->loss))
		backward(trainer);
	nn_restore_denormals(saved);
	if (!isfinite(stats->loss))
	{
		status_fail(status, STATUS_DIVERGED, "training diverged at step %lld: the loss is not finite",
					(long long) trainer->optimizer.step);
		return status_hint(status, "Lower the learning rate.");
	}
	return true;
}

int64_t
nn_trainer_steps(const NnTrainer *trainer)
{
	return trainer->optimizer.step;
}
