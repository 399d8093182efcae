/*
 * distance_tables.h
 *	  The kernel tables that distance.c chooses from.
 */
#ifndef KERNEL_DISTANCE_TABLES_H
#define KERNEL_DISTANCE_TABLES_H

#include <float.h>
#include <stdbool.h>

#include "kernel/distance.h"

extern const KernelTable kernel_portable;

#if defined(__x86_64__)
extern const KernelTable kernel_avx2;
extern const KernelTable kernel_avx512;
#elif defined(__aarch64__)
extern const KernelTable kernel_neon;
#endif

/* Can a sum of squares be trusted: neither overflowed nor near underflow? */
static inline bool
kernel_is_sound(float sum)
{
	return sum > 1e-30f && sum <= FLT_MAX;
}

/* Called by kernel_init(). */
extern void distance_kernels_init(void);

#endif							/* KERNEL_DISTANCE_TABLES_H */
