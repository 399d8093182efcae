/*
 * lanes.h
 *	  How inner loops are written once and compiled for several instruction
 *	  sets: included by the files that hold them.
 */
#ifndef NN_LANES_H
#define NN_LANES_H

#include "kernel/distance.h"
#include "nn/layer.h"

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

/*
 * Elements that one vector register holds.  A vector type wider than the
 * registers compiles to traffic with the stack (measured: four times slower),
 * so it is AVX2's width on x86, which AVX-512 machines run as fast, and
 * NEON's elsewhere.
 */
#if defined(__x86_64__)
#define LANE_BYTES 32
#else
#define LANE_BYTES 16
#endif
#define LANES ((int) (LANE_BYTES / sizeof(real)))

typedef real Lanes __attribute__((vector_size(LANE_BYTES), aligned(sizeof(real))));

/* What a comparison of two vectors gives: all ones where it holds */
#ifdef NN_DOUBLE
typedef int64_t MaskWord;
#else
typedef int32_t MaskWord;
#endif
typedef MaskWord LaneMask __attribute__((vector_size(LANE_BYTES), aligned(sizeof(MaskWord))));

/* relu without a branch, or x itself; NaN stays NaN */
#define CLIP(x, relu) \
	((relu) ? (Lanes) ((LaneMask) (x) & ~((x) < (Lanes) {0})) : (x))

/*
 * The first, and the last, halves of two vectors in turn: a0 b0 a1 b1 ...  Of
 * eight floats conv_kernels.c has a faster way.
 */
#if defined(__x86_64__) || !defined(NN_DOUBLE)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 2)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

#define LOAD(p) (*(const Lanes *) (p))
#define STORE(p, x) (*(Lanes *) (p) = (x))

#endif							/* NN_LANES_H */
