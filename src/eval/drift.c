/*
 * drift.c
 *	  Quantiles and the Kolmogorov-Smirnov test of two samples.
 */
#include "eval/drift.h"

#include <math.h>
#include <stdlib.h>

#include "eval/classification.h"

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

void
eval_sort(double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(values[i]))
			values[i] = INFINITY;
	qsort(values, n, sizeof(double), compare_doubles);
}

size_t
eval_choose(double *values, size_t n, size_t most)
{
	if (n <= most)
		return n;
	for (size_t i = 0; i < most; i++)
		values[i] = values[most == 1 ? 0 : i * (n - 1) / (most - 1)];
	return most;
}

double
eval_quantile(const double *values, size_t n, double p)
{
	double		position = p * (double) (n - 1);
	size_t		below = (size_t) position;
	double		part = position - (double) below;

	if (part == 0 || values[below] == values[below + 1])
		return values[below];
	return values[below] + part * (values[below + 1] - values[below]);
}

double
eval_share_beyond(const double *values, size_t n, double threshold)
{
	size_t		within = 0;

	while (within < n && eval_accepts(values[within], threshold))
		within++;
	return n == 0 ? 0 : (double) (n - within) / (double) n;
}

double
eval_ks_distance(const double *a, size_t na, const double *b, size_t nb)
{
	double		greatest = 0;
	size_t		i = 0;
	size_t		j = 0;

	while (i < na && j < nb)
	{
		double		x = a[i] < b[j] ? a[i] : b[j];
		double		difference;

		while (i < na && a[i] <= x)
			i++;
		while (j < nb && b[j] <= x)
			j++;
		difference = fabs((double) i / (double) na - (double) j / (double) nb);
		greatest = difference > greatest ? difference : greatest;
	}
	return greatest;
}

/* 2 sum (-1)^(i-1) exp(-2 i^2 x^2) */
double
eval_ks_probability(double distance, double na, double nb)
{
	double		root = sqrt(na * nb / (na + nb));
	double		x = (root + 0.12 + 0.11 / root) * distance;
	double		sum = 0;
	double		sign = 1;

	if (x < 0.2)
		return 1;				/* the series converges slowly there; it gives
								 * 1 - 1e-13 */
	for (int i = 1; i <= 100; i++)
	{
		double		term = exp(-2 * (double) i * i * x * x);

		sum += sign * term;
		if (term < 1e-16)
			break;
		sign = -sign;
	}
	sum *= 2;
	return sum > 1 ? 1 : sum < 0 ? 0 : sum;
}
