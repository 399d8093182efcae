/*
 * pair_histogram.c
 *	  Distances of pairs, counted in bins of one round width.
 */
#include "eval/pair_histogram.h"

#include <math.h>

/* A power of ten is exact up to 10^22: a quotient by it rounds once. */
static double
bin_scale(double value, int exponent)
{
	return exponent < 0 ? value / pow(10, -exponent) :
		value * pow(10, exponent);
}

double
eval_histogram_edge(const EvalHistogram *histogram, int i)
{
	return bin_scale((double) (histogram->first + i) * histogram->mantissa,
					 histogram->exponent);
}

/* The least of 1, 2, 5 times a power of ten that is not below a width */
static void
set_width(EvalHistogram *histogram, double width)
{
	histogram->exponent = (int) floor(log10(width));
	for (;; histogram->exponent++)
	{
		static const int mantissas[] = {1, 2, 5};

		for (int i = 0; i < 3; i++)
		{
			histogram->mantissa = mantissas[i];
			if (bin_scale(mantissas[i], histogram->exponent) >= width)
				return;
		}
	}
}

/* Quotients near the edge of a bin round to either side: the edges decide. */
static int64_t
place(const EvalHistogram *histogram, double distance)
{
	double		width = bin_scale(histogram->mantissa, histogram->exponent);
	int64_t		place = (int64_t) floor(distance / width);

	if (distance < bin_scale((double) place * histogram->mantissa,
							 histogram->exponent))
		return place - 1;
	if (distance >= bin_scale((double) (place + 1) * histogram->mantissa,
							  histogram->exponent))
		return place + 1;
	return place;
}

/*
 * Equal distances, and those that rounding alone tells apart, get a width that
 * their size gives: 2^53 of it are beyond any double's digits.
 */
static double
least_width(double least, double greatest)
{
	double		size = fmax(fabs(least), fabs(greatest));

	return size == 0 ? 1e-3 : fmax(size * 1e-9, 1e-290);
}

bool
eval_histogram_create(EvalHistogram *histogram, double least, double greatest,
					  int most, Arena *arena, Status *status)
{
	/* half of each, since the difference may be infinite */
	double		width = (greatest / 2 - least / 2) / (most - 1) * 2;

	set_width(histogram, fmax(width, least_width(least, greatest)));
	histogram->first = place(histogram, least);
	histogram->n = (int) (place(histogram, greatest) - histogram->first) + 1;
	for (int pair = 0; pair < EVAL_PAIRS; pair++)
	{
		int64_t    *counts = arena_alloc_zero(arena,
											  sizeof(int64_t) * histogram->n);

		histogram->total[pair] = histogram->beyond[pair] = 0;
		histogram->counts[pair] = counts;
		if (counts == NULL)
			return status_out_of_memory(status, "for a histogram");
	}
	return true;
}

void
eval_histogram_add(EvalHistogram *histogram, EvalPair pair, double distance)
{
	int64_t		bin;

	if (!isfinite(distance))
	{
		histogram->beyond[pair]++;
		return;
	}
	bin = place(histogram, distance) - histogram->first;
	if (bin < 0)
		bin = 0;
	if (bin >= histogram->n)
		bin = histogram->n - 1;
	histogram->counts[pair][bin]++;
	histogram->total[pair]++;
}
