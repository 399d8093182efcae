/*
 * bench_step.c
 *	  Steps of one network when asked for, for test/bench/turns.
 *
 *	  bench_step NETWORK BATCH THREADS [embed]
 *
 * NETWORK is hello, notebook, pictures or resnet18; embed runs it without
 * learning.  A number on standard input is answered, after so many steps, by
 * the milliseconds of one: of the processor, all threads, and of the clock.
 */
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "bench_models.h"

typedef struct Work
{
	NnTrainer  *trainer;		/* or infer */
	NnInfer    *infer;
	Batch		batch;
	int			rows;
	float	   *out;
} Work;

static const Model *
find_model(const char *name)
{
	static Model resnet;

	if (strcmp(name, "hello") == 0)
		return &hello_world;
	if (strcmp(name, "notebook") == 0)
		return &notebook;
	if (strcmp(name, "pictures") == 0)
		return &pictures;
	resnet = resnet18();
	return strcmp(name, "resnet18") == 0 ? &resnet : NULL;
}

static Work
open_work(const Model *model, int rows, ThreadPool *pool, bool embed)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph),
											sizeof(real));
	Work		work = {.batch = make_batch(rows, nn_graph_inputs(graph)),.rows = rows};
	Status		status;

	nn_init_weights(graph, 42, weights);
	work.out = malloc(sizeof(float) * nn_graph_outputs(graph) * (size_t) rows);
	if (!embed)
		work.trainer = make_trainer(arena, graph, rows, 0, pool, weights);
	else if ((work.infer = nn_infer_create(arena, graph, weights, rows, pool,
										   &status)) == NULL)
		die(&status);
	return work;
}

static void
run_step(Work *work)
{
	NnStepStats stats;
	Status		status;

	if (work->infer != NULL)
		nn_infer_run(work->infer, NN_UINT8, work->batch.rows, work->rows,
					 work->out);
	else if (!nn_trainer_step(work->trainer, NN_UINT8, work->batch.rows,
							  work->batch.labels, work->rows, &stats, &status))
		die(&status);
}

int
main(int argc, char **argv)
{
	const Model *model = argc > 3 ? find_model(argv[1]) : NULL;
	int			rows = argc > 3 ? atoi(argv[2]) : 0;
	int			threads = argc > 3 ? atoi(argv[3]) : 0;
	ThreadPool *pool = NULL;
	Status		status;
	Work		work;
	char		line[64];

	if (model == NULL || rows < 2 || threads < 1)
		return fputs("usage: bench_step hello|notebook|pictures|resnet18 BATCH THREADS [embed]\n", stderr), 2;
	kernel_init();
	if (!gemm_load(&status) ||
		(threads > 1 && (pool = pool_create(threads, &status)) == NULL))
		die(&status);
	work = open_work(model, rows, pool, argc > 4);
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		int			steps = atoi(line) < 1 ? 1 : atoi(line);
		double		processor = now(CLOCK_PROCESS_CPUTIME_ID);
		double		clock = now(CLOCK_MONOTONIC);

		for (int i = 0; i < steps; i++)
			run_step(&work);
		printf("%.4f %.4f\n",
			   1000 * (now(CLOCK_PROCESS_CPUTIME_ID) - processor) / steps,
			   1000 * (now(CLOCK_MONOTONIC) - clock) / steps);
		fflush(stdout);
	}
	return 0;
}
