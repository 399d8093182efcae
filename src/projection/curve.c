/*
 * curve.c
 *	  How near points shall be in the picture: 1 / (1 + a d^(2 b)).
 *
 * Fitted by the method of Levenberg and Marquardt, in log a and b, so that a
 * stays positive.
 */
#include "projection/curve.h"

#include <math.h>

#define SAMPLES 300
#define MAX_STEPS 200

/* What a step needs: the sum of squares, its gradient and J'J */
typedef struct Fitting
{
	double		error;
	double		gradient[2];
	double		aa;
	double		ab;
	double		bb;
} Fitting;

static Fitting
evaluate_fit(double min_dist, double spread, double a, double b)
{
	Fitting		f = {0};

	for (int i = 1; i < SAMPLES; i++)	/* at 0 the curve is 1 anyway */
	{
		double		d = 3 * spread * i / (SAMPLES - 1);
		double		wanted = d <= min_dist ? 1 : exp(-(d - min_dist) / spread);
		double		power = a * pow(d, 2 * b);
		double		value = 1 / (1 + power);
		double		slope = -value * value * power; /* by log a */
		double		slope_b = slope * 2 * log(d);
		double		residual = value - wanted;

		f.error += residual * residual;
		f.gradient[0] += residual * slope;
		f.gradient[1] += residual * slope_b;
		f.aa += slope * slope;
		f.ab += slope * slope_b;
		f.bb += slope_b * slope_b;
	}
	return f;
}

void
curve_fit(double min_dist, double spread, double *a, double *b)
{
	double		log_a = -2 * log(spread);
	double		damping = 1e-3;
	Fitting		f;

	*b = 1;
	f = evaluate_fit(min_dist, spread, exp(log_a), *b);
	for (int i = 0; i < MAX_STEPS && damping < 1e9; i++)
	{
		double		aa = f.aa * (1 + damping);
		double		bb = f.bb * (1 + damping);
		double		det = aa * bb - f.ab * f.ab;
		double		step_a = (f.ab * f.gradient[1] - bb * f.gradient[0]) / det;
		double		step_b = (f.ab * f.gradient[0] - aa * f.gradient[1]) / det;
		Fitting		next = evaluate_fit(min_dist, spread, exp(log_a + step_a),
										*b + step_b);

		if (next.error < f.error)
		{
			log_a += step_a;
			*b += step_b;
			f = next;
			damping /= 10;
		}
		else
			damping *= 10;
	}
	*a = exp(log_a);
}
