/*
 * distance.c
 *	  Choosing the distance kernels for this processor.
 */
#include "kernel/distance.h"

#include <math.h>

#include "kernel/distance_tables.h"

static const KernelTable *tables[] = {&kernel_portable, NULL};

const KernelTable *kernel = &kernel_portable;

const KernelTable *const *
kernel_tables(void)
{
	return tables;
}

void
kernel_init(void)
{
	kernel = tables[0];
}

double
kernel_cosine_distance(const float *a, const float *b, size_t n)
{
	float		ab,
				aa,
				bb;
	double		similarity;

	kernel->cosine(a, b, n, &ab, &aa, &bb);
	similarity = (double) ab / sqrt((double) aa * (double) bb);
	return 1.0 - fmax(-1.0, fmin(1.0, similarity));
}
