/*
 * pass_case.h
 *	  Two graphs that fork and join, and rows to train them on.
 */
#ifndef PASS_CASE_H
#define PASS_CASE_H

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn/plan.h"
#include "nn_model.h"

#define ROWS 6
#define INPUTS (6 * 5 * 2)
#define MAX_WEIGHTS 20000

/* Forks, joins of each kind, in-place layers in every position */
static const char *const residual[] = {
	"rescaling scale=0.5 name=scaled",
	"conv2d filters=4 kernel_size=3 padding=same use_bias=false",
	"batch_normalization name=stem",
	"activation activation=relu name=first",
	"conv2d filters=4 kernel_size=3 padding=same activation=silu",
	"batch_normalization",
	"add inputs=batch_normalization_1,first name=sum",
	"activation activation=relu name=block",
	"global_average_pooling2d keepdims=true name=squeezed",
	"conv2d filters=4 kernel_size=1 activation=hard_sigmoid name=share",
	"multiply inputs=block,share name=excited",
	"conv2d filters=6 kernel_size=1 strides=2 inputs=block name=shortcut",
	"conv2d filters=6 kernel_size=3 strides=2 padding=symmetric inputs=excited activation=tanh name=main",
	"multiply inputs=main,shortcut",
	"activation activation=gelu name=gate",
	"add inputs=gate,main,main",
	"global_average_pooling2d name=pooled",
	"flatten inputs=scaled name=raw",
	"dense units=5 activation=leaky_relu name=side",
	"concatenate inputs=pooled,side name=both",
	"layer_normalization",
	"activation activation=softmax inputs=both name=soft",
	"multiply inputs=layer_normalization,soft name=last",
	"metric_embedding units=4",
	NULL
};

/* Views and in-place layers of what is read again */
static const char *const shared[] = {
	"activation activation=relu name=relu",
	"flatten name=flat",
	"reshape target_shape=10,6 inputs=relu name=other",
	"activation activation=tanh inputs=other name=squashed",
	"reshape target_shape=60 name=back",
	"dense units=60 inputs=flat name=dense",
	"activation activation=relu name=again",
	"dropout rate=0.3 name=dropped",
	"add inputs=back,flat,dropped",
	"rescaling scale=2",
	"metric_embedding units=3",
	NULL
};

static Arena *arena;
static Status status;
static float pixels[ROWS][INPUTS];
static const void *rows[ROWS];
static int32_t labels[ROWS];

static void
make_rows(void)
{
	Random		random;

	random_init(&random, 4, 4);
	for (int i = 0; i < ROWS; i++)
	{
		for (int p = 0; p < INPUTS; p++)
			pixels[i][p] = (float) random_normal(&random);
		rows[i] = pixels[i];
		labels[i] = i % 2;
	}
}

static NnGraph *
open_graph(const char *const *model, real *weights)
{
	NnGraph    *graph;

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(6, 5, 2), model, &status);
	if (graph == NULL)
	{
		printf("# %s\n", status.message);
		exit(EXIT_FAILURE);
	}
	nn_init_weights(graph, 3, weights);
	return graph;
}

static void
train(NnGraph *graph, const char *optimizer, int steps, real *weights,
	  NnStepStats *stats)
{
	NnTrainOptions options = make_options("triplet", optimizer, ROWS, NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);

	for (int i = 0; i < steps; i++)
		CHECK(nn_trainer_step(trainer, NN_FLOAT32, rows, labels, ROWS, stats,
							  &status));
}

#endif							/* PASS_CASE_H */
