/*
 * threads.c
 *	  The thread pool: a mutex, two condition variables and a static schedule.
 *
 * Work arrives in pieces of at least some 10 us, milliseconds apart or back to
 * back.  A worker therefore looks for the next piece for some turns before it
 * sleeps; the caller does the same while it waits for the workers.
 *
 * On a quiet machine that saves waking up, some 50 us.  Where other processes
 * want the processors, who is waited for often does not run, and the turns are
 * charged to this process, which gets less time after.  The two differ in how
 * long the sleep was that follows turns in vain: a serial part of a step takes
 * a fraction of a millisecond, another process's turn on the processor several.
 * So each thread spins twice as long after a short sleep and half as long after
 * a long one.
 *
 * A worker that comes late, from sleep or from a queue for the processor, finds
 * its slices done by whoever had nothing left to do: they are claimed, as a whole
 * and by one thread, before they begin.  Scratch and sums go with the slices and
 * not with the thread, so that who computes them changes no bit.
 */
#include "base/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"

/* Turns of a wait: 12 us to half a millisecond.  A benchmark sets the least. */
#ifndef MIN_SPIN
#define MIN_SPIN 500
#endif
#define MAX_SPIN 20000

/* A sleep that more turns would have spared, in nanoseconds */
#define SHORT_SLEEP 500000

typedef struct Worker
{
	struct ThreadPool *pool;
	pthread_t	thread;
	int			number;			/* 1 .. nthreads - 1 */
	atomic_uint claimed;		/* the last run whose slices were claimed */
} Worker;

struct ThreadPool
{
	int			nthreads;
	int			nworkers;		/* started so far */
	int			spin;			/* the caller's turns */
	Worker	   *workers;
	pthread_mutex_t mutex;
	pthread_cond_t work_ready;
	pthread_cond_t work_done;

	/* Each run has a number; workers wait for it to change. */
	atomic_uint run;
	atomic_int	running;		/* workers whose slices are not done */
	atomic_bool each;			/* on its own thread each */
	atomic_bool stop;

	PoolTask	task;
	void	   *arg;
	int			nslices;
};

static inline void
spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

static void
run_slices(ThreadPool *pool, int worker)
{
	for (int slice = worker; slice < pool->nslices && !interrupt_pending();
		 slice += pool->nthreads)
		pool->task(pool->arg, slice, worker);
}

static int64_t
nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

/*
 * The turns of the next wait after a sleep.  Waits that end in time change
 * nothing: turns were enough.
 */
static void
adapt_spin(int *spin, int64_t began)
{
	*spin = nanoseconds() - began < SHORT_SLEEP ? *spin * 2 : *spin / 2;
	if (*spin < MIN_SPIN)
		*spin = MIN_SPIN;
	if (*spin > MAX_SPIN)
		*spin = MAX_SPIN;
}

/* Wait until the pool's run number differs from seen. */
static unsigned
wait_for_run(ThreadPool *pool, unsigned seen, int *spin)
{
	unsigned	run;
	int64_t		began;

	for (int i = 0; i < *spin; i++)
	{
		run = atomic_load_explicit(&pool->run, memory_order_acquire);
		if (run != seen)
			return run;
		spin_pause();
	}
	began = nanoseconds();
	pthread_mutex_lock(&pool->mutex);
	while ((run = atomic_load_explicit(&pool->run,
									   memory_order_acquire)) == seen)
		pthread_cond_wait(&pool->work_ready, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	adapt_spin(spin, began);
	return run;
}

/* Wait until the slices of all workers are done. */
static void
wait_for_workers(ThreadPool *pool)
{
	int64_t		began;

	for (int i = 0; i < pool->spin; i++)
	{
		if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0)
			return;
		spin_pause();
	}
	began = nanoseconds();
	pthread_mutex_lock(&pool->mutex);
	while (atomic_load_explicit(&pool->running, memory_order_acquire) != 0)
		pthread_cond_wait(&pool->work_done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	adapt_spin(&pool->spin, began);
}

/*
 * In each run one thread claims a worker's slices.  One that comes so late that
 * the run is over claims nothing: by then the number is that run's or a later.
 */
static bool
claim_slices(ThreadPool *pool, int worker, unsigned run)
{
	unsigned	before = run - 1;

	return atomic_compare_exchange_strong(&pool->workers[worker - 1].claimed,
										  &before, run);
}

/* What is claimed here; true: it was the last that had to be done. */
static bool
finish_slices(ThreadPool *pool, int worker, unsigned run)
{
	if (!claim_slices(pool, worker, run))
		return false;
	run_slices(pool, worker);
	return atomic_fetch_sub_explicit(&pool->running, 1,
									 memory_order_acq_rel) == 1;
}

/* Slices of workers that have not begun */
static bool
help_others(ThreadPool *pool, unsigned run)
{
	bool		last = false;

	for (int worker = 1; worker < pool->nthreads &&
		 !atomic_load_explicit(&pool->each, memory_order_relaxed); worker++)
		last |= finish_slices(pool, worker, run);
	return last;
}

static void *
worker_main(void *arg)
{
	Worker	   *worker = arg;
	ThreadPool *pool = worker->pool;
	unsigned	seen = 0;
	int			spin = MIN_SPIN;

	for (;;)
	{
		bool		last;

		seen = wait_for_run(pool, seen, &spin);
		if (atomic_load_explicit(&pool->stop, memory_order_acquire))
			return NULL;
		last = finish_slices(pool, worker->number, seen);
		if (help_others(pool, seen) || last)
		{
			pthread_mutex_lock(&pool->mutex);
			pthread_cond_signal(&pool->work_done);
			pthread_mutex_unlock(&pool->mutex);
		}
	}
}

/* Announce a new run, or the end, to workers that spin and that sleep. */
static unsigned
announce_work(ThreadPool *pool)
{
	unsigned	run;

	pthread_mutex_lock(&pool->mutex);
	run = atomic_fetch_add_explicit(&pool->run, 1, memory_order_acq_rel) + 1;
	pthread_cond_broadcast(&pool->work_ready);
	pthread_mutex_unlock(&pool->mutex);
	return run;
}

ThreadPool *
pool_create(int nthreads, Status *status)
{
	ThreadPool *pool = calloc(1, sizeof(ThreadPool));
	Worker	   *workers = calloc((size_t) nthreads, sizeof(Worker));
	sigset_t	all;
	sigset_t	saved;

	if (pool == NULL || workers == NULL)
	{
		free(pool);
		free(workers);
		status_out_of_memory(status, NULL);
		return NULL;
	}
	pool->nthreads = nthreads;
	pool->spin = MIN_SPIN;
	pool->workers = workers;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work_ready, NULL);
	pthread_cond_init(&pool->work_done, NULL);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	for (int i = 1; i < nthreads; i++)
	{
		Worker	   *worker = &workers[pool->nworkers];
		int			error;

		worker->pool = pool;
		worker->number = i;
		error = pthread_create(&worker->thread, NULL, worker_main, worker);
		if (error != 0)
		{
			pthread_sigmask(SIG_SETMASK, &saved, NULL);
			pool_destroy(pool);
			status_fail(status, STATUS_UNAVAILABLE,
						"could not create a thread: %s", strerror(error));
			status_hint(status, "Lower similarity.threads.");
			return NULL;
		}
		pool->nworkers++;
	}
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return pool;
}

void
pool_destroy(ThreadPool *pool)
{
	if (pool == NULL)
		return;
	atomic_store_explicit(&pool->stop, true, memory_order_release);
	(void) announce_work(pool);
	for (int i = 0; i < pool->nworkers; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->work_done);
	pthread_cond_destroy(&pool->work_ready);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->workers);
	free(pool);
}

int
pool_threads(const ThreadPool *pool)
{
	return pool == NULL ? 1 : pool->nthreads;
}

static void
run_on_all(ThreadPool *pool, int nslices, PoolTask task, void *arg, bool each)
{
	unsigned	run;

	pool->task = task;
	pool->arg = arg;
	pool->nslices = nslices;
	atomic_store_explicit(&pool->each, each, memory_order_relaxed);
	atomic_store_explicit(&pool->running, pool->nworkers, memory_order_release);
	run = announce_work(pool);
	run_slices(pool, 0);
	(void) help_others(pool, run);
	wait_for_workers(pool);
}

void
pool_run(ThreadPool *pool, int nslices, PoolTask task, void *arg)
{
	if (pool != NULL && pool->nthreads > 1 && nslices > 1)
	{
		run_on_all(pool, nslices, task, arg, false);
		return;
	}
	for (int slice = 0; slice < nslices && !interrupt_pending(); slice++)
		task(arg, slice, 0);
}

void
pool_run_each(ThreadPool *pool, PoolTask task, void *arg)
{
	if (pool != NULL && pool->nthreads > 1)
		run_on_all(pool, pool->nthreads, task, arg, true);
	else
		task(arg, 0, 0);
}

int
pool_even_slices(const ThreadPool *pool, int least, int n)
{
	int			threads = pool_threads(pool);
	long		slices = (least + (long) threads - 1) / threads * threads;

	return slices < n ? (int) slices : n;
}

int
pool_processors(void)
{
	cpu_set_t	set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
	{
		int			n = CPU_COUNT(&set);

		return n > 0 ? n : 1;
	}
	return 1;
}
