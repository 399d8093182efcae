/*
 * bench_crowd.c
 *	  What a step of training takes while other processes want the processors.
 *
 *	  bench_crowd [BUSY [SECONDS]]
 *
 * BUSY processes (5) that never wait run beside it.  By turns of a second the
 * pool trains a small network, and one process a processor does the same steps
 * on one thread, for itself: these never wait for each other, so that the
 * steps they do together are the fair share of this machine in this moment.
 * SECONDS (60) is the time in all for each network.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "bench.h"
#include "../unit/nn_model.h"

#define MAX_PROCESSES 64
#define TURN_SECONDS 1.0
#define POLL_NANOSECONDS 1000000

enum
{
	NOBODY, POOL, FAIR
};

/* Between the processes */
typedef struct Shared
{
	atomic_int	turn;
	atomic_long steps[MAX_PROCESSES];
} Shared;

typedef struct Net
{
	const char *name;
	int			batch;
	const char *layers[10];
} Net;

static const Net nets[] = {
	{"notebook, step of 60", 60, {
			"rescaling scale=0.00392156862745098",
			"conv2d filters=32 kernel_size=3 activation=relu",
			"conv2d filters=32 kernel_size=3 activation=relu",
			"max_pooling2d",
			"conv2d filters=64 kernel_size=3 activation=relu",
			"conv2d filters=64 kernel_size=3 activation=relu",
			"flatten",
			"metric_embedding units=64",
			NULL
	}},
	{"hello world, step of 10 x 2", 20, {
			"rescaling scale=0.00392156862745098",
			"conv2d filters=64 kernel_size=3 activation=relu",
			"flatten",
			"dense units=64 activation=relu",
			"metric_embedding units=64",
			NULL
	}}
};

#define NETS ((int) (sizeof(nets) / sizeof(nets[0])))
#define IMAGE_SIZE 784

/* A network in training, and a batch of random bytes, each class twice */
typedef struct Training
{
	NnTrainer  *trainer;
	uint8_t    *images;
	const void **rows;
	int32_t    *labels;
	int			batch;
} Training;

static void
open_training(Training *training, const Net *net, int batch, ThreadPool *pool)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnShape		input = {3, {28, 28, 1}};
	NnTrainOptions options = {.max_batch = batch,.seed = 42,.pool = pool};
	Status		status;
	NnGraph    *graph = make_graph(arena, input, net->layers, &status);
	real	   *weights;

	if (graph == NULL)
		die(&status);
	weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	nn_init_weights(graph, 42, weights);
	options.loss = nn_loss_type("multi_similarity", &status);
	options.optimizer = nn_optimizer_type("adam", &status);
	options.schedule = nn_schedule_type("constant", &status);
	params_init(&options.loss_params, "loss",
				nn_loss_description(options.loss)->params);
	params_init(&options.optimizer_params, "optimizer",
				nn_optimizer_description(options.optimizer)->params);
	params_init(&options.schedule_params, "schedule",
				nn_schedule_description(options.schedule)->params);
	training->trainer = nn_trainer_create(arena, graph, &options, weights,
										  &status);
	if (training->trainer == NULL)
		die(&status);
	training->batch = batch;
	training->images = malloc((size_t) batch * IMAGE_SIZE);
	training->rows = malloc(sizeof(void *) * (size_t) batch);
	training->labels = malloc(sizeof(int32_t) * (size_t) batch);
	for (size_t i = 0; i < (size_t) batch * IMAGE_SIZE; i++)
		training->images[i] = (uint8_t) random_at(1, 2, (uint64_t) i);
	for (int i = 0; i < batch; i++)
	{
		training->rows[i] = training->images + (size_t) i * IMAGE_SIZE;
		training->labels[i] = i / 2;
	}
}

static void
step(Training *training)
{
	NnStepStats stats;
	Status		status;

	if (!nn_trainer_step(training->trainer, NN_UINT8, training->rows,
						 training->labels, training->batch, &stats, &status))
		die(&status);
}

/* ---- the other processes ---- */

static pid_t children[2 * MAX_PROCESSES];
static int	nchildren = 0;

/* In the child: true.  Children end with this process. */
static bool
start_child(void)
{
	pid_t		child;

	fflush(stdout);
	child = fork();
	if (child == 0)
	{
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return true;
	}
	if (child > 0)
		children[nchildren++] = child;
	return false;
}

static void
end_children(int keep)
{
	while (nchildren > keep)
	{
		kill(children[--nchildren], SIGKILL);
		waitpid(children[nchildren], NULL, 0);
	}
}

static void
start_busy(int n)
{
	for (int i = 0; i < n; i++)
		if (start_child())
			for (volatile long turns = 0;; turns++)
				;
}

/* Steps on one thread, whenever it is their turn */
static void
start_fair(Shared *shared, const Net *net, int processes)
{
	struct timespec poll = {0, POLL_NANOSECONDS};
	Training	training;

	for (int i = 0; i < processes; i++)
	{
		if (!start_child())
			continue;
		open_training(&training, net, net->batch, NULL);
		for (;;)
		{
			if (atomic_load(&shared->turn) == FAIR)
			{
				step(&training);
				atomic_fetch_add(&shared->steps[i], 1);
			}
			else
				nanosleep(&poll, NULL);
		}
	}
}

/* ---- turns ---- */

/* Sums of all turns of one kind */
typedef struct Sums
{
	double		steps;
	double		seconds;
	double		cpu;
} Sums;

static void
pool_turn(Training *training, Sums *sums)
{
	double		start = now(CLOCK_MONOTONIC);
	double		cpu = now(CLOCK_PROCESS_CPUTIME_ID);

	while (now(CLOCK_MONOTONIC) < start + TURN_SECONDS)
	{
		step(training);
		sums->steps++;
	}
	sums->seconds += now(CLOCK_MONOTONIC) - start;
	sums->cpu += now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

/* What is begun and not done counts half a step. */
static void
fair_turn(Shared *shared, int processes, Sums *sums)
{
	double		start = now(CLOCK_MONOTONIC);
	long		steps = 0;

	for (int i = 0; i < processes; i++)
		steps -= atomic_load(&shared->steps[i]);
	atomic_store(&shared->turn, FAIR);
	usleep((useconds_t) (1e6 * TURN_SECONDS));
	for (int i = 0; i < processes; i++)
		steps += atomic_load(&shared->steps[i]);
	sums->steps += (double) steps + 0.5 * processes;
	sums->seconds += now(CLOCK_MONOTONIC) - start;
	atomic_store(&shared->turn, NOBODY);
	usleep((useconds_t) (0.2e6 * TURN_SECONDS));
}

static void
bench_net(const Net *net, int busy, double seconds, Shared *shared)
{
	int			processes = pool_processors();
	Status		status;
	ThreadPool *pool;
	Training	training;
	Sums		pooled = {0};
	Sums		fair = {0};
	double		start;

	start_fair(shared, net, processes);
	start_busy(busy);
	pool = pool_create(processes, &status);
	if (pool == NULL)
		die(&status);
	open_training(&training, net, net->batch, pool);
	step(&training);
	for (start = now(CLOCK_MONOTONIC); now(CLOCK_MONOTONIC) < start + seconds;)
	{
		pool_turn(&training, &pooled);
		fair_turn(shared, processes, &fair);
	}
	printf("%-28s %4d %9.2f ms %9.2f ms %8.2f %9.2f ms\n", net->name, busy,
		   1000 * pooled.seconds / pooled.steps,
		   1000 * fair.seconds / fair.steps,
		   pooled.seconds / pooled.steps / (fair.seconds / fair.steps),
		   1000 * pooled.cpu / pooled.steps);
	fflush(stdout);
	pool_destroy(pool);
	end_children(0);
}

int
main(int argc, char **argv)
{
	int			busy = argc > 1 ? atoi(argv[1]) : 5;
	double		seconds = argc > 2 ? atof(argv[2]) : 60;
	Status		status;
	Shared	   *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE,
							  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	kernel_init();
	if (shared == MAP_FAILED || pool_processors() > MAX_PROCESSES ||
		busy < 0 || busy > MAX_PROCESSES || !gemm_load(&status))
		return 1;
	printf("%-28s %4s %12s %12s %8s %12s\n", "", "busy", "pool", "fair share",
		   "ratio", "CPU a step");
	for (int i = 0; i < NETS; i++)
		bench_net(&nets[i], busy, seconds, shared);
	return 0;
}
