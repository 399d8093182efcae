/*
 * vector.c
 *	  Arithmetic on whole vectors.
 */
#include "kernel/vector.h"

#include <math.h>

double
kernel_norm(const float *x, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) x[i] * x[i];
	return sqrt(sum);
}

double
kernel_snr_distance(const float *q, const float *k, size_t n)
{
	double		q_mean = 0;
	double		d_mean = 0;
	double		q_variance = 0;
	double		d_variance = 0;

	for (size_t i = 0; i < n; i++)
	{
		q_mean += q[i];
		d_mean += (double) q[i] - k[i];
	}
	q_mean /= (double) n;
	d_mean /= (double) n;
	for (size_t i = 0; i < n; i++)
	{
		double		q_delta = q[i] - q_mean;
		double		d_delta = (double) q[i] - k[i] - d_mean;

		q_variance += q_delta * q_delta;
		d_variance += d_delta * d_delta;
	}
	return d_variance / q_variance;
}

bool
kernel_normalize(const float *x, size_t n, float *out)
{
	double		norm = kernel_norm(x, n);

	for (size_t i = 0; i < n; i++)
		out[i] = norm > 0 ? (float) (x[i] / norm) : 0;
	return norm > 0;
}

void
kernel_add(const float *a, const float *b, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] + b[i];
}

void
kernel_subtract(const float *a, const float *b, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] - b[i];
}

void
kernel_multiply(const float *a, const float *b, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] * b[i];
}

void
kernel_scale(const float *x, double factor, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (float) (x[i] * factor);
}

void
kernel_divide(const float *x, double divisor, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (float) (x[i] / divisor);
}

int
kernel_compare(const float *a, size_t na, const float *b, size_t nb)
{
	size_t		n = na < nb ? na : nb;

	for (size_t i = 0; i < n; i++)
	{
		if (a[i] < b[i])
			return -1;
		if (a[i] > b[i])
			return 1;
	}
	return (na > nb) - (na < nb);
}
