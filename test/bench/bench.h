/*
 * bench.h
 *	  Clocks, medians and failures of the programs that measure.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/status.h"

/* Seconds of a clock: of the wall, of the process or of a thread */
static inline double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static inline int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Sorts them */
static inline double
median(double *x, int n)
{
	qsort(x, (size_t) n, sizeof(double), compare_doubles);
	return x[n / 2];
}

static inline void
die(const Status *status)
{
	fprintf(stderr, "%s\n", status->message);
	exit(1);
}

#endif							/* BENCH_H */
