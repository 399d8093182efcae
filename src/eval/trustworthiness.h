/*
 * trustworthiness.h
 *	  Are those who are neighbors in a picture neighbors in the data as well?
 */
#ifndef EVAL_TRUSTWORTHINESS_H
#define EVAL_TRUSTWORTHINESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"

/*
 * Trustworthiness (Venna and Kaski, 2001) of n points y as a picture of n points
 * x, by Euclidean distances in both:
 *
 *	T(k) = 1 - 2 / (m k (2 n - 3 k - 1)) sum_i sum_j max(0, r(i, j) - k)
 *
 * over m points i and their k nearest j in y, where j is the r(i, j)-th nearest
 * of i in x, from 1; of equal distances the earlier point is the nearer one.  1
 * is a picture without false neighbors; one drawn at random has about 0.5.
 *
 * i are every step-th point: 1 takes all.  1 <= k < n / 2.  False and status
 * also when memory for n numbers a thread is missing.  Stopped by an interrupt
 * as base/interrupt.h has it.
 */
extern bool eval_trustworthiness(Arena *arena, ThreadPool *pool,
								 const float *x, size_t dims,
								 const float *y, size_t picture_dims,
								 size_t n, size_t k, size_t step,
								 double *value, Status *status);

#endif							/* EVAL_TRUSTWORTHINESS_H */
