/*
 * vectors.h
 *	  Vector files of the index benchmark, as data.py writes them, and recall
 *	  that counts ties.
 */
#ifndef BENCH_VECTORS_H
#define BENCH_VECTORS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_K 10

typedef struct Vectors
{
	int32_t		n;
	int32_t		dims;
	float	   *x;
} Vectors;

static inline void *
bench_read(const char *stem, const char *suffix, size_t *size)
{
	char		path[1024];
	FILE	   *file;
	void	   *bytes;

	snprintf(path, sizeof(path), "%s.%s", stem, suffix);
	file = fopen(path, "rb");
	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	*size = (size_t) ftell(file);
	rewind(file);
	bytes = malloc(*size);
	if (bytes == NULL || fread(bytes, 1, *size, file) != *size)
	{
		fprintf(stderr, "could not read %s\n", path);
		exit(1);
	}
	fclose(file);
	return bytes;
}

static inline Vectors
vectors_read(const char *stem, const char *suffix)
{
	size_t		size;
	int32_t    *head = (int32_t *) bench_read(stem, suffix, &size);
	Vectors		v;

	v.n = head[0];
	v.dims = head[1];
	v.x = (float *) (head + 2);
	return v;
}

/* The distance that truth files hold, in double */
static inline double
vectors_distance(const float *a, const float *b, int dims, int cosine)
{
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;
	double		l2 = 0;

	for (int i = 0; i < dims; i++)
	{
		ab += (double) a[i] * b[i];
		aa += (double) a[i] * a[i];
		bb += (double) b[i] * b[i];
		l2 += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	}
	return cosine ? 1 - ab / sqrt(aa * bb) : sqrt(l2);
}

/* How many of k returned rows are at most as far as the true 10th neighbor */
static inline int
vectors_hits(const Vectors *base, const float *query, const int64_t *rows, int k,
			 double kth, int cosine)
{
	int			hits = 0;

	for (int i = 0; i < k; i++)
	{
		double		d = vectors_distance(base->x + (size_t) rows[i] * base->dims, query,
										 base->dims, cosine);

		hits += d <= kth + 1e-6 * fabs(kth) + 1e-9;
	}
	return hits;
}

static inline double
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

#endif							/* BENCH_VECTORS_H */
