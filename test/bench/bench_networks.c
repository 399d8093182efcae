/*
 * bench_networks.c
 *	  Forward passes of known networks beside the rate of matrix products.
 *
 *	  model/networks | test/bench/networks | bench_networks [NAME]
 *
 * One thread and its processor time, products and pictures by turns, medians:
 * what others do on the machine matters little.  Operations are two for each
 * multiplication of a convolution or dense layer.
 */
#include <string.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn/layer.h"
#include "bench.h"
#include "../unit/nn_model.h"

#define GEMM_SIZE 768
#define BATCH 2
#define RUNS 5

/* Operations a second of one product */
static double
gemm_rate(float *m)
{
	size_t		size = (size_t) GEMM_SIZE * GEMM_SIZE;
	double		start = now(CLOCK_THREAD_CPUTIME_ID);

	gemm_f32(false, false, GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1, m, GEMM_SIZE,
			 m + size, GEMM_SIZE, 0, m + 2 * size, GEMM_SIZE);
	return 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / (now(CLOCK_THREAD_CPUTIME_ID) - start);
}

/* Of one picture: each weight of a kernel meets each pixel of the output. */
static double
operations(const NnGraph *graph)
{
	double		sum = 0;

	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		for (int t = 0; t < layer->ntensors; t++)
		{
			if (strstr(layer->tensors[t].name, "kernel") != NULL)
				sum += 2.0 * (double) layer->tensors[t].count *
					(double) layer->outputs / nn_channels(&layer->output);
		}
	}
	return sum;
}

/* A network from standard input; false at its end */
static bool
read_network(NnSpec *spec, char *name)
{
	char		line[512];
	Status		status;

	status_clear(&status);
	if (scanf("%63s %d %d %d\n", name, &spec->input.dim[0],
			  &spec->input.dim[1], &spec->input.dim[2]) != 4)
		return false;
	spec->input.rank = 3;
	spec->nlayers = 0;
	while (fgets(line, sizeof(line), stdin) != NULL && line[0] != '\n' &&
		   spec->nlayers < NN_MAX_LAYERS)
	{
		line[strcspn(line, "\n")] = '\0';
		if (!parse_layer(&spec->layers[spec->nlayers++], line, &status))
			die(&status);
	}
	return true;
}

static void
bench(const char *name, const NnSpec *spec)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	Status		status;
	NnGraph    *graph = nn_graph_create(arena, spec, &status);
	float	   *m = calloc((size_t) 3 * GEMM_SIZE * GEMM_SIZE, sizeof(float));
	double		seconds[RUNS];
	double		rates[RUNS];
	const void *rows[BATCH];
	uint8_t    *image;
	real	   *weights;
	float	   *out;
	NnInfer    *infer;

	if (graph == NULL)
		die(&status);
	image = malloc(nn_graph_inputs(graph));
	weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	out = malloc(sizeof(float) * (size_t) nn_graph_outputs(graph) * BATCH);
	/* small and positive, as variances must be: drawing them takes longer */
	for (size_t i = 0; i < nn_graph_weights(graph); i++)
		weights[i] = (real) ((i * 2654435761U >> 16 & 255) + 1) / 16384;
	for (size_t i = 0; i < nn_graph_inputs(graph); i++)
		image[i] = (uint8_t) random_at(1, 2, i);
	for (int i = 0; i < BATCH; i++)
		rows[i] = image;
	infer = nn_infer_create(arena, graph, weights, BATCH, NULL, &status);
	if (infer == NULL)
		die(&status);
	for (int i = 0; i < RUNS; i++)
	{
		double		start;

		rates[i] = gemm_rate(m);
		start = now(CLOCK_THREAD_CPUTIME_ID);
		nn_infer_run(infer, NN_UINT8, rows, BATCH, out);
		seconds[i] = (now(CLOCK_THREAD_CPUTIME_ID) - start) / BATCH;
	}
	printf("%-20s %6.2f Gop %8.1f ms %7.1f Gop/s, %4.0f %% of sgemm's %.1f\n",
		   name, operations(graph) / 1e9, 1000 * median(seconds, RUNS),
		   operations(graph) / median(seconds, RUNS) / 1e9,
		   100 * operations(graph) / median(seconds, RUNS) / median(rates, RUNS),
		   median(rates, RUNS) / 1e9);
	fflush(stdout);
	free(image);
	free(out);
	free(m);
	arena_destroy(arena);
}

int
main(int argc, char **argv)
{
	static NnLayerSpec layers[NN_MAX_LAYERS];
	NnSpec		spec = {.layers = layers};
	char		name[NN_NAME_SIZE];
	Status		status;

	kernel_init();
	if (!gemm_load(&status))
		die(&status);
	while (read_network(&spec, name))
	{
		if (argc < 2 || strcmp(argv[1], name) == 0)
			bench(name, &spec);
	}
	return 0;
}
