/*
 * real.h
 *	  The engine's number type: float, or double in the build that checks
 *	  gradients (-DNN_DOUBLE).
 */
#ifndef NN_REAL_H
#define NN_REAL_H

#ifdef NN_DOUBLE
typedef double real;
#define nn_gemm gemm_f64
#else
typedef float real;
#define nn_gemm gemm_f32
#endif

#endif							/* NN_REAL_H */
