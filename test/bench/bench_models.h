/*
 * bench_models.h
 *	  Networks whose steps are measured, and batches for them.
 */
#ifndef BENCH_MODELS_H
#define BENCH_MODELS_H

#include <stdarg.h>
#include <string.h>

#include "base/random.h"
#include "bench.h"
#include "../unit/nn_model.h"

typedef struct Model
{
	NnShape		input;
	const char *const *layers;
} Model;

static const char *const hello_layers[] = {
	"rescaling scale=0.00392156862745098",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"flatten",
	"dense units=64 activation=relu",
	"metric_embedding units=64",
	NULL
};

static const char *const notebook_layers[] = {
	"rescaling scale=0.00392156862745098",
	"conv2d filters=32 kernel_size=3 activation=relu",
	"conv2d filters=32 kernel_size=3 activation=relu",
	"max_pooling2d",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"flatten",
	"metric_embedding units=64",
	NULL
};

/* Four convolutions on pictures in color, each halved after */
static const char *const pictures_layers[] = {
	"rescaling scale=0.00392156862745098",
	"conv2d filters=32 kernel_size=3 padding=same activation=relu",
	"max_pooling2d",
	"conv2d filters=64 kernel_size=3 padding=same activation=relu",
	"max_pooling2d",
	"conv2d filters=128 kernel_size=3 padding=same activation=relu",
	"max_pooling2d",
	"conv2d filters=128 kernel_size=3 padding=same activation=relu",
	"max_pooling2d",
	"flatten",
	"metric_embedding units=64",
	NULL
};

static const Model hello_world = {{3, {28, 28, 1}}, hello_layers};
static const Model notebook = {{3, {28, 28, 1}}, notebook_layers};
static const Model pictures = {{3, {64, 64, 3}}, pictures_layers};

/* model/resnet18_sim.json */
#define RESNET_LAYERS 80

static char resnet_texts[RESNET_LAYERS][160];
static const char *resnet_layers[RESNET_LAYERS + 1];
static int	resnet_count;

static inline void
__attribute__((format(printf, 1, 2)))
add_resnet(const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	vsnprintf(resnet_texts[resnet_count], sizeof(resnet_texts[0]), format,
			  arguments);
	va_end(arguments);
	resnet_layers[resnet_count] = resnet_texts[resnet_count];
	resnet_count++;
}

/* Block number b reads the layer of the one before it and is called "b". */
static inline void
add_block(int b, int filters, int stride, bool project)
{
	if (project)
	{
		add_resnet("conv2d filters=%d kernel_size=1 strides=%d use_bias=false inputs=%d", filters, stride, b - 1);
		add_resnet("batch_normalization name=%d_shortcut", b);
	}
	add_resnet("conv2d filters=%d kernel_size=3 strides=%d padding=same use_bias=false inputs=%d", filters, stride, b - 1);
	add_resnet("batch_normalization");
	add_resnet("activation activation=relu");
	add_resnet("conv2d filters=%d kernel_size=3 padding=same use_bias=false",
			   filters);
	add_resnet("batch_normalization name=%d_main", b);
	if (project)
		add_resnet("add inputs=%d_shortcut,%d_main", b, b);
	else
		add_resnet("add inputs=%d,%d_main", b - 1, b);
	add_resnet("activation activation=relu name=%d", b);
}

static inline Model
resnet18(void)
{
	Model		model = {{3, {32, 32, 3}}, resnet_layers};

	resnet_count = 0;
	add_resnet("rescaling scale=0.00392156862745098");
	add_resnet("conv2d filters=64 kernel_size=3 padding=same use_bias=false");
	add_resnet("batch_normalization");
	add_resnet("activation activation=relu name=0");
	for (int b = 1; b <= 8; b++)
		add_block(b, 64 << (b - 1) / 2, b > 2 && b % 2 == 1 ? 2 : 1,
				  b % 2 == 1);
	add_resnet("generalized_mean_pooling2d");
	add_resnet("metric_embedding units=128");
	resnet_layers[resnet_count] = NULL;
	return model;
}

static inline NnGraph *
open_graph(Arena *arena, const Model *model)
{
	Status		status;
	NnGraph    *graph = make_graph(arena, model->input, model->layers, &status);

	if (graph == NULL)
		die(&status);
	return graph;
}

/* total_steps: of a cosine schedule; 0: a constant learning rate */
static inline NnTrainer *
make_trainer(Arena *arena, const NnGraph *graph, int batch, int total_steps,
			 ThreadPool *pool, real *weights)
{
	Status		status;
	NnTrainOptions options = {.max_batch = batch,.seed = 42,.pool = pool,.total_steps = total_steps};
	NnTrainer  *trainer;

	options.loss = nn_loss_type("multi_similarity", &status);
	options.optimizer = nn_optimizer_type("adam", &status);
	params_init(&options.loss_params, "loss",
				nn_loss_description(options.loss)->params);
	params_init(&options.optimizer_params, "optimizer",
				nn_optimizer_description(options.optimizer)->params);
	options.schedule = nn_schedule_type(total_steps > 0 ? "cosine" : "constant",
										&status);
	params_init(&options.schedule_params, "schedule",
				nn_schedule_description(options.schedule)->params);
	trainer = nn_trainer_create(arena, graph, &options, weights, &status);
	if (trainer == NULL)
		die(&status);
	return trainer;
}

/* What rows are made of: images of random bytes, each class twice */
typedef struct Batch
{
	uint8_t    *images;
	const void **rows;
	int32_t    *labels;
} Batch;

static inline Batch
make_batch(int n, size_t size)
{
	Batch		batch = {
		malloc((size_t) n * size), malloc(sizeof(void *) * (size_t) n),
		malloc(sizeof(int32_t) * (size_t) n)
	};

	for (size_t i = 0; i < (size_t) n * size; i++)
		batch.images[i] = (uint8_t) random_at(1, 2, (uint64_t) i);
	for (int i = 0; i < n; i++)
	{
		batch.rows[i] = batch.images + (size_t) i * size;
		batch.labels[i] = i / 2;
	}
	return batch;
}

static inline void
free_batch(Batch *batch)
{
	free(batch->images);
	free(batch->rows);
	free(batch->labels);
}

#endif							/* BENCH_MODELS_H */
