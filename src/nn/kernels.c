/*
 * kernels.c
 *	  The engine's inner loops.
 *
 * Each loop is written once, as a function that is inlined into one wrapper
 * per instruction set; the compiler vectorises each for its own.  The choice
 * follows the distance kernels'.
 */
#include "nn/kernels.h"

#include <math.h>
#include <string.h>

#include "kernel/distance.h"

#define BODY static inline __attribute__((always_inline))

/*
 * Define name(params) that calls body(args) compiled for the instruction set
 * of this processor.
 */
#if defined(__x86_64__)
#define DISPATCH(name, params, args) \
	static __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))) void \
	name##_avx512 params { name##_body args; } \
	static __attribute__((target("avx2,fma"))) void \
	name##_avx2 params { name##_body args; } \
	void name params \
	{ \
		switch (kernel_level()) \
		{ \
			case KERNEL_AVX512: name##_avx512 args; break; \
			case KERNEL_AVX2: name##_avx2 args; break; \
			default: name##_body args; \
		} \
	}
#else
#define DISPATCH(name, params, args) void name params { name##_body args; }
#endif

/* NN_DIRECT_FILTERS numbers, one vector register with AVX-512 */
typedef real Filters __attribute__((vector_size(NN_DIRECT_FILTERS * sizeof(real)),
									aligned(sizeof(real))));

/* What a comparison of two vectors gives: all ones where it holds */
#ifdef NN_DOUBLE
typedef int64_t MaskWord;
#else
typedef int32_t MaskWord;
#endif
typedef MaskWord FilterMask __attribute__((vector_size(NN_DIRECT_FILTERS * sizeof(MaskWord)),
										   aligned(sizeof(MaskWord))));

/* relu without a branch, or x itself; NaN stays NaN */
#define CLIP(x, relu) \
	((relu) ? (Filters) ((FilterMask) (x) & ~((x) < (Filters) {0})) : (x))

#define PIXELS_AT_ONCE 4

BODY void
nn_direct_forward_body(const real *patches, const real *weights, const real *bias,
					   int pixels, int taps, int filters, bool relu, real *out)
{
	const Filters zero = {0};

	for (int f = 0; f < filters; f += NN_DIRECT_FILTERS)
	{
		Filters		start = bias != NULL ? *(const Filters *) (bias + f) : zero;
		int			p = 0;

		for (; p + PIXELS_AT_ONCE <= pixels; p += PIXELS_AT_ONCE)
		{
			const real *x = patches + (size_t) p * taps;
			Filters		sum[PIXELS_AT_ONCE] = {start, start, start, start};

			for (int t = 0; t < taps; t++)
			{
				Filters		w = *(const Filters *) (weights + (size_t) t * filters + f);

				for (int i = 0; i < PIXELS_AT_ONCE; i++)
					sum[i] += x[(size_t) i * taps + t] * w;
			}
			for (int i = 0; i < PIXELS_AT_ONCE; i++)
				*(Filters *) (out + (size_t) (p + i) * filters + f) =
					CLIP(sum[i], relu);
		}
		for (; p < pixels; p++)
		{
			const real *x = patches + (size_t) p * taps;
			Filters		sum = start;

			for (int t = 0; t < taps; t++)
				sum += x[t] * *(const Filters *) (weights + (size_t) t * filters + f);
			*(Filters *) (out + (size_t) p * filters + f) =
				CLIP(sum, relu);
		}
	}
}

DISPATCH(nn_direct_forward,
		 (const real *patches, const real *weights, const real *bias,
		  int pixels, int taps, int filters, bool relu, real *out),
		 (patches, weights, bias, pixels, taps, filters, relu, out))

/* Taps whose sums are kept in registers at once */
#define TAPS_AT_ONCE 9

BODY void
nn_direct_backward_body(const real *patches, const real *dout,
						int pixels, int taps, int filters,
						real *dkernel, real *dbias)
{
	for (int f = 0; f < filters; f += NN_DIRECT_FILTERS)
	{
		for (int first = 0; first < taps; first += TAPS_AT_ONCE)
		{
			int			last = taps - first < TAPS_AT_ONCE ? taps - first : TAPS_AT_ONCE;
			Filters		sum[TAPS_AT_ONCE] = {0};

			for (int p = 0; p < pixels; p++)
			{
				const real *x = patches + (size_t) p * taps + first;
				Filters		d = *(const Filters *) (dout + (size_t) p * filters + f);

				if (last == TAPS_AT_ONCE)
				{
					for (int t = 0; t < TAPS_AT_ONCE; t++)
						sum[t] += x[t] * d;
				}
				else
				{
					for (int t = 0; t < last; t++)
						sum[t] += x[t] * d;
				}
			}
			for (int t = 0; t < last; t++)
				*(Filters *) (dkernel + (size_t) (first + t) * filters + f) += sum[t];
		}
		if (dbias != NULL)
		{
			Filters		sum = {0};

			for (int p = 0; p < pixels; p++)
				sum += *(const Filters *) (dout + (size_t) p * filters + f);
			*(Filters *) (dbias + f) += sum;
		}
	}
}

DISPATCH(nn_direct_backward,
		 (const real *patches, const real *dout, int pixels, int taps,
		  int filters, real *dkernel, real *dbias),
		 (patches, dout, pixels, taps, filters, dkernel, dbias))

BODY void
nn_gemv_add_body(const real *restrict x, const real *restrict w, size_t k, int units,
				 real *restrict y)
{
	for (size_t i = 0; i < k; i++)
	{
		const real *row = w + i * (size_t) units;

		if (x[i] == 0)
			continue;
		for (int u = 0; u < units; u++)
			y[u] += x[i] * row[u];
	}
}

DISPATCH(nn_gemv_add,
		 (const real *x, const real *w, size_t k, int units, real *y),
		 (x, w, k, units, y))

static inline real
square_root(real x)
{
#ifdef NN_DOUBLE
	return sqrt(x);
#else
	return sqrtf(x);
#endif
}

BODY void
nn_adam_update_body(const NnAdamStep *step, size_t n, const real *restrict gradient,
					real *restrict weights, real *restrict m, real *restrict v)
{
	const NnAdamStep s = *step;

	for (size_t i = 0; i < n; i++)
	{
		real		g = gradient[i];
		real		mi = m[i] + (g - m[i]) * s.share_1;
		real		vi = v[i] + (g * g - v[i]) * s.share_2;

		m[i] = mi;
		v[i] = vi;
		weights[i] -= s.rate * mi / (square_root(vi) + s.epsilon);
	}
}

DISPATCH(nn_adam_update,
		 (const NnAdamStep *step, size_t n, const real *gradient,
		  real *weights, real *m, real *v),
		 (step, n, gradient, weights, m, v))

BODY void
nn_sgd_update_body(const NnSgdStep *step, size_t n, const real *restrict gradient,
				   real *restrict weights, real *restrict velocity)
{
	const NnSgdStep s = *step;

	if (velocity == NULL)
	{
		for (size_t i = 0; i < n; i++)
			weights[i] -= s.rate * gradient[i];
		return;
	}
	for (size_t i = 0; i < n; i++)
	{
		real		g = s.rate * gradient[i];

		velocity[i] = s.momentum * velocity[i] - g;
		weights[i] += s.nesterov ? s.momentum * velocity[i] - g : velocity[i];
	}
}

DISPATCH(nn_sgd_update,
		 (const NnSgdStep *step, size_t n, const real *gradient,
		  real *weights, real *velocity),
		 (step, n, gradient, weights, velocity))
