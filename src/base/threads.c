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
	atomic_int	running;		/* workers that have not finished this run */
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

/* Wait until all workers have finished this run. */
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

static void *
worker_main(void *arg)
{
	Worker	   *worker = arg;
	ThreadPool *pool = worker->pool;
	unsigned	seen = 0;
	int			spin = MIN_SPIN;

	for (;;)
	{
		seen = wait_for_run(pool, seen, &spin);
		if (atomic_load_explicit(&pool->stop, memory_order_acquire))
			return NULL;
		run_slices(pool, worker->number);
		if (atomic_fetch_sub_explicit(&pool->running, 1,
									  memory_order_acq_rel) == 1)
		{
			pthread_mutex_lock(&pool->mutex);
			pthread_cond_signal(&pool->work_done);
			pthread_mutex_unlock(&pool->mutex);
		}
	}
}

/* Announce a new run, or the end, to workers that spin and that sleep. */
static void
announce_work(ThreadPool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	atomic_fetch_add_explicit(&pool->run, 1, memory_order_acq_rel);
	pthread_cond_broadcast(&pool->work_ready);
	pthread_mutex_unlock(&pool->mutex);
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
	announce_work(pool);
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

void
pool_run(ThreadPool *pool, int nslices, PoolTask task, void *arg)
{
	if (pool == NULL || pool->nthreads == 1 || nslices <= 1)
	{
		for (int slice = 0; slice < nslices && !interrupt_pending(); slice++)
			task(arg, slice, 0);
		return;
	}
	pool->task = task;
	pool->arg = arg;
	pool->nslices = nslices;
	atomic_store_explicit(&pool->running, pool->nworkers, memory_order_release);
	announce_work(pool);
	run_slices(pool, 0);
	wait_for_workers(pool);
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
