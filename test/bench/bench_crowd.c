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

#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "bench_models.h"

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
	const Model *model;
} Net;

static const Net nets[] = {
	{"notebook, step of 60", 60, &notebook},
	{"hello world, step of 10 x 2", 20, &hello_world}
};

#define NETS ((int) (sizeof(nets) / sizeof(nets[0])))

/* A network in training, and what it learns */
typedef struct Training
{
	NnTrainer  *trainer;
	Batch		batch;
	int			rows;
} Training;

static void
open_training(Training *training, const Net *net, ThreadPool *pool)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, net->model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph),
											sizeof(real));

	nn_init_weights(graph, 42, weights);
	training->trainer = make_trainer(arena, graph, net->batch, 0, pool, weights);
	training->batch = make_batch(net->batch, nn_graph_inputs(graph));
	training->rows = net->batch;
}

static void
step(Training *training)
{
	NnStepStats stats;
	Status		status;

	if (!nn_trainer_step(training->trainer, NN_UINT8, training->batch.rows,
						 training->batch.labels, training->rows, &stats, &status))
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
		open_training(&training, net, NULL);
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
	open_training(&training, net, pool);
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
