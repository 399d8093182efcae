/*
 * threads.c
 *	  The thread pool: a mutex, two condition variables and a static schedule.
 *
 * Work arrives in pieces of at least some 10 us, milliseconds apart or back to
 * back.  A worker therefore looks for the next piece for SPIN_ROUNDS turns
 * before it sleeps; the caller does the same while it waits for the workers.
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
#include <unistd.h>

#include "base/interrupt.h"

#define SPIN_ROUNDS 20000

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

/* Wait until the pool's run number differs from seen. */
static unsigned
wait_for_run(ThreadPool *pool, unsigned seen)
{
	unsigned	run;

	for (int i = 0; i < SPIN_ROUNDS; i++)
	{
		run = atomic_load_explicit(&pool->run, memory_order_acquire);
		if (run != seen)
			return run;
		spin_pause();
	}
	pthread_mutex_lock(&pool->mutex);
	while ((run = atomic_load_explicit(&pool->run,
									   memory_order_acquire)) == seen)
		pthread_cond_wait(&pool->work_ready, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	return run;
}

static void *
worker_main(void *arg)
{
	Worker	   *worker = arg;
	ThreadPool *pool = worker->pool;
	unsigned	seen = 0;

	for (;;)
	{
		seen = wait_for_run(pool, seen);
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

	for (int i = 0; i < SPIN_ROUNDS; i++)
	{
		if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0)
			return;
		spin_pause();
	}
	pthread_mutex_lock(&pool->mutex);
	while (atomic_load_explicit(&pool->running, memory_order_acquire) != 0)
		pthread_cond_wait(&pool->work_done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
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
