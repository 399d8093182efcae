/*
 * threads.h
 *	  The thread pool of training, batched embedding and index build.
 *
 * Workers are created with every signal blocked, so that PostgreSQL's signal
 * handlers only ever run on the main thread, and they never call PostgreSQL.
 * The caller takes part as worker 0.  A pool of one thread creates nothing
 * and runs everything on the caller.
 */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdbool.h>

#include "base/status.h"

typedef struct ThreadPool ThreadPool;

/*
 * One piece of work: slice is 0 .. nslices-1.  worker is 0 .. nthreads-1 and
 * is unique among the tasks that run at the same time, so that it can index
 * scratch memory.  It is not always the same thread: another one takes all
 * slices of a worker that has not begun.
 */
typedef void (*PoolTask) (void *arg, int slice, int worker);

/* nthreads >= 1, the caller included.  NULL and status if that fails. */
extern ThreadPool *pool_create(int nthreads, Status *status);

/* Wait for the workers to end and free the pool.  NULL is allowed. */
extern void pool_destroy(ThreadPool *pool);

/* NULL counts as a pool of one thread. */
extern int	pool_threads(const ThreadPool *pool);

/*
 * Run task(arg, slice, worker) for every slice and return when all are done.
 * Slice s runs on worker s % nthreads in ascending order: the assignment is
 * static, so that results do not depend on timing.  Slices that have not begun
 * when an interrupt arrives are left out (base/interrupt.h).
 */
extern void pool_run(ThreadPool *pool, int nslices, PoolTask task, void *arg);

/*
 * Run task(arg, w, w) on the thread of each worker w itself: for what is of
 * threads, not of slices.
 */
extern void pool_run_each(ThreadPool *pool, PoolTask task, void *arg);

/*
 * How many slices n items shall have, if they need so many at least: as many
 * for one worker as for any other, since all wait for who has most.
 */
extern int	pool_even_slices(const ThreadPool *pool, int least, int n);

/* The processors this process may run on, at least 1. */
extern int	pool_processors(void);

/* pool_slice: the half-open range of n items that slice of nslices covers. */
static inline void
pool_slice(long n, int slice, int nslices, long *begin, long *end)
{
	*begin = n * slice / nslices;
	*end = n * (slice + 1) / nslices;
}

#endif							/* BASE_THREADS_H */
