/*
 * test_drift.c
 *	  Quantiles and the Kolmogorov-Smirnov test against values computed by hand
 *	  and those of the published table.
 */
#include <math.h>

#include "eval/drift.h"
#include "unit.h"

static void
test_sort(void)
{
	double		x[] = {3, NAN, 1, INFINITY, 2};

	eval_sort(x, 5);
	CHECK(x[0] == 1 && x[1] == 2 && x[2] == 3 && isinf(x[3]) && isinf(x[4]));
}

static void
test_choose(void)
{
	double		values[] = {1, 2, 3, 4, 5, 6, 7};

	CHECK(eval_choose(values, 7, 7) == 7 && values[6] == 7);
	CHECK(eval_choose(values, 7, 3) == 3);
	CHECK(values[0] == 1 && values[1] == 4 && values[2] == 7);
	CHECK(eval_choose(values, 3, 1) == 1 && values[0] == 1);
}

static void
test_quantiles(void)
{
	double		x[] = {1, 2, 4, 8, INFINITY};

	CHECK(eval_quantile(x, 1, 0) == 1 && eval_quantile(x, 1, 1) == 1);
	CHECK(eval_quantile(x, 4, 0.5) == 3 && eval_quantile(x, 4, 0) == 1 &&
		  eval_quantile(x, 4, 1) == 8);
	CHECK(fabs(eval_quantile(x, 4, 0.9) - 6.8) < 1e-12);
	CHECK(eval_quantile(x, 5, 0.75) == 8 && isinf(eval_quantile(x, 5, 1)) &&
		  isinf(eval_quantile(x, 5, 0.9)));
	CHECK(eval_share_beyond(x, 5, 2) == 0.6 && eval_share_beyond(x, 5, 0) == 1);
	CHECK(eval_share_beyond(x, 4, 8) == 0 && eval_share_beyond(x, 0, 1) == 0);
}

static void
test_distance(void)
{
	double		a[] = {1, 2, 3, 4};
	double		b[] = {3, 4, 5, 6};
	double		c[] = {2, 2, 2};
	double		d[] = {INFINITY, INFINITY};

	CHECK(eval_ks_distance(a, 4, a, 4) == 0);
	CHECK(eval_ks_distance(a, 4, b, 4) == 0.5 &&
		  eval_ks_distance(b, 4, a, 4) == 0.5);
	CHECK(eval_ks_distance(a, 4, c, 3) == 0.5);
	CHECK(eval_ks_distance(a, 4, d, 2) == 1 &&
		  eval_ks_distance(d, 2, d, 1) == 0);
}

/* The distribution of Kolmogorov at published points (Smirnov 1948) */
static void
test_probability(void)
{
	double		n = 1e12;
	double		root = sqrt(n / 2);

	CHECK(eval_ks_probability(0, 10, 10) == 1);
	CHECK(fabs(eval_ks_probability(1.3581 / root, n, n) - 0.05) < 1e-5);
	CHECK(fabs(eval_ks_probability(1.6276 / root, n, n) - 0.01) < 1e-5);
	CHECK(fabs(eval_ks_probability(1.22385 / root, n, n) - 0.10) < 1e-5);
	CHECK(fabs(eval_ks_probability(0.5 / root, n, n) - 0.963945) < 1e-5);
	CHECK(eval_ks_probability(1, 1000, 1000) < 1e-100);
	CHECK(eval_ks_probability(0.1, 50, 50) > eval_ks_probability(0.2, 50, 50));
}

int
main(void)
{
	RUN(test_sort);
	RUN(test_choose);
	RUN(test_quantiles);
	RUN(test_distance);
	RUN(test_probability);
	return unit_done();
}
