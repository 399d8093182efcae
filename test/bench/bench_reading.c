/*
 * bench_reading.c
 *	  The floor of a scan: milliseconds to read so many bytes of memory once
 *	  with one process, in pages of shared memory as a server's buffers are.
 *
 *	  bench_reading BYTES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static volatile uint64_t sink;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e3 * (double) t.tv_sec + 1e-6 * (double) t.tv_nsec;
}

static uint64_t
read_all(const uint64_t *p, size_t n)
{
	uint64_t	sum[4] = {0};

	for (size_t i = 0; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
			sum[j] += p[i + j];
	return sum[0] + sum[1] + sum[2] + sum[3];
}

int
main(int argc, char **argv)
{
	size_t		bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	double		best = 1e300;
	void	   *memory;

	if (bytes == 0)
		return fputs("usage: bench_reading BYTES\n", stderr), 2;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return perror("mmap"), 1;
	memset(memory, 1, bytes);
	for (int try = 0; try < 5; try++)
	{
		double		start = now();

		sink = read_all(memory, bytes / sizeof(uint64_t));
		start = now() - start;
		best = start < best ? start : best;
	}
	printf("%.1f\n", best);
	return 0;
}
