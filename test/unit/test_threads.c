/*
 * test_threads.c
 *	  The thread pool: every slice once and in order on its worker, long waits
 *	  asleep, signals blocked in workers, nothing left behind.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/threads.h"
#include "unit.h"

#define MAX_SLICES 1000

typedef struct Record
{
	atomic_int	calls[MAX_SLICES];
	int			worker[MAX_SLICES];
	int			last[16];		/* last slice of each worker */
	atomic_bool disordered;
	int			nthreads;
} Record;

static void
record_slice(void *arg, int slice, int worker)
{
	Record	   *record = arg;

	atomic_fetch_add(&record->calls[slice], 1);
	record->worker[slice] = worker;
	if (worker < 0 || worker >= record->nthreads ||
		slice <= record->last[worker])
		atomic_store(&record->disordered, true);
	record->last[worker] = slice;
}

static void
check_runs(ThreadPool *pool, int nthreads, int nslices)
{
	static Record record;

	memset(&record, 0, sizeof(record));
	record.nthreads = nthreads;
	for (int i = 0; i < 16; i++)
		record.last[i] = -1;
	pool_run(pool, nslices, record_slice, &record);
	CHECK(!record.disordered);
	for (int i = 0; i < nslices; i++)
	{
		CHECK(record.calls[i] == 1);
		/* the assignment is static; a single slice stays with the caller */
		CHECK(record.worker[i] == (nslices == 1 ? 0 : i % nthreads));
	}
	for (int i = nslices; i < MAX_SLICES; i++)
		CHECK(record.calls[i] == 0);
}

static void
test_every_slice_once(void)
{
	for (int nthreads = 1; nthreads <= 5; nthreads++)
	{
		Status		status;
		ThreadPool *pool = pool_create(nthreads, &status);

		CHECK(pool != NULL && pool_threads(pool) == nthreads);
		for (int nslices = 0; nslices <= 20; nslices++)
			check_runs(pool, nthreads, nslices);
		check_runs(pool, nthreads, MAX_SLICES);
		pool_destroy(pool);
	}
	check_runs(NULL, 1, 10);
	CHECK(pool_threads(NULL) == 1);
	pool_destroy(NULL);
}

/* Back to back and with sleeping workers: the hand-over must not lose a run */
static void
add_one(void *arg, int slice, int worker)
{
	atomic_fetch_add((atomic_long *) arg, slice + 1);
}

static void
test_many_runs(void)
{
	Status		status;
	ThreadPool *pool = pool_create(3, &status);
	atomic_long sum = 0;
	struct timespec pause = {0, 2000000};

	for (int i = 0; i < 20000; i++)
		pool_run(pool, 4, add_one, &sum);
	CHECK(sum == 20000 * 10);
	for (int i = 0; i < 50; i++)
	{
		nanosleep(&pause, NULL);
		pool_run(pool, 4, add_one, &sum);
	}
	CHECK(sum == 20050 * 10);
	pool_destroy(pool);
}

/* The caller's share is nothing, the worker's takes two milliseconds. */
static void
sleep_on_worker(void *arg, int slice, int worker)
{
	struct timespec pause = {0, 2000000};

	if (worker > 0)
		nanosleep(&pause, NULL);
}

/*
 * Waits that spinning did not shorten are slept through: 100 milliseconds of
 * them cost the caller's processor a fraction, whatever the machine.
 */
static void
test_long_waits_sleep(void)
{
	Status		status;
	ThreadPool *pool = pool_create(2, &status);
	struct timespec before;
	struct timespec after;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	for (int i = 0; i < 50; i++)
		pool_run_each(pool, sleep_on_worker, NULL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	CHECK((double) (after.tv_sec - before.tv_sec) +
		  1e-9 * (double) (after.tv_nsec - before.tv_nsec) < 0.012);
	pool_destroy(pool);
}

/* Who did slice 1 of two? */
static void
note_thread(void *arg, int slice, int worker)
{
	if (slice == 1)
		*(pthread_t *) arg = pthread_self();
}

/*
 * The caller has nothing to do and the worker sleeps: the caller does all, many
 * times of a hundred, and never where a task is meant for the worker's thread.
 */
static void
test_late_workers_are_helped(void)
{
	Status		status;
	ThreadPool *pool = pool_create(2, &status);
	struct timespec pause = {0, 2000000};
	pthread_t	thread;
	int			helped = 0;

	for (int i = 0; i < 100; i++)
	{
		nanosleep(&pause, NULL);
		pool_run(pool, 2, note_thread, &thread);
		helped += pthread_equal(thread, pthread_self()) != 0;
		pool_run_each(pool, note_thread, &thread);
		CHECK(!pthread_equal(thread, pthread_self()));
	}
	CHECK(helped > 0);
	pool_destroy(pool);
}

static void
read_mask(void *arg, int slice, int worker)
{
	pthread_sigmask(SIG_SETMASK, NULL, &((sigset_t *) arg)[worker]);
}

static void
test_signal_masks(void)
{
	Status		status;
	sigset_t	mine;
	sigset_t	masks[4];
	static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGHUP, SIGQUIT};
	ThreadPool *pool = pool_create(4, &status);

	pool_run_each(pool, read_mask, masks);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	for (int s = 0; s < 6; s++)
	{
		CHECK(sigismember(&mine, signals[s]) == 0);
		CHECK(sigismember(&masks[0], signals[s]) == 0);
		for (int w = 1; w < 4; w++)
			CHECK(sigismember(&masks[w], signals[s]) == 1);
	}
	pool_destroy(pool);
}

static int
count_threads(void)
{
	DIR		   *dir = opendir("/proc/self/task");
	int			n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;				/* . and .. */
}

/* Are there so many threads?  One that was joined is in /proc a moment longer. */
static bool
there_are_threads(int wanted)
{
	for (int i = 0; i < 1000; i++)
	{
		int			n = count_threads();

		if (n == wanted || n < 0)
			return true;
		usleep(1000);
	}
	return false;
}

static void
test_no_thread_stays(void)
{
	const int	before = 1;		/* counted, it might hold one of the last
								 * test's */
	Status		status;

	for (int i = 0; i < 200; i++)
	{
		ThreadPool *pool = pool_create(1 + i % 6, &status);

		CHECK(there_are_threads(before + i % 6));
		pool_destroy(pool);
	}
	CHECK(there_are_threads(before));
}

static void
test_slices_cover(void)
{
	for (long n = 0; n < 50; n++)
	{
		for (int nslices = 1; nslices < 9; nslices++)
		{
			long		next = 0;
			long		begin;
			long		end;

			for (int s = 0; s < nslices; s++)
			{
				pool_slice(n, s, nslices, &begin, &end);
				CHECK(begin == next && end >= begin &&
					  end - begin <= n / nslices + 1);
				next = end;
			}
			CHECK(next == n);
		}
	}
	CHECK(pool_processors() >= 1);
}

/* Every worker gets as many slices, unless there are not enough items. */
static void
test_even_slices(void)
{
	for (int nthreads = 1; nthreads <= 5; nthreads++)
	{
		Status		status;
		ThreadPool *pool = pool_create(nthreads, &status);

		for (int least = 1; least < 20; least++)
		{
			int			slices = pool_even_slices(pool, least, 100);

			CHECK(slices >= least && slices < least + nthreads &&
				  slices % nthreads == 0);
			CHECK(pool_even_slices(pool, least, least) == least);
		}
		pool_destroy(pool);
	}
	CHECK(pool_even_slices(NULL, 11, 64) == 11);
}

int
main(void)
{
	RUN(test_every_slice_once);
	RUN(test_many_runs);
	RUN(test_long_waits_sleep);
	RUN(test_late_workers_are_helped);
	RUN(test_signal_masks);
	RUN(test_no_thread_stays);
	RUN(test_slices_cover);
	RUN(test_even_slices);
	return unit_done();
}
