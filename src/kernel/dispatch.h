/*
 * dispatch.h
 *	  What this processor can do, and the one call that chooses kernels for it.
 */
#ifndef KERNEL_DISPATCH_H
#define KERNEL_DISPATCH_H

#include <stdbool.h>

/* The best instruction set of this processor that kernels are compiled for */
typedef enum KernelLevel
{
	KERNEL_PORTABLE,			/* what every processor of the platform has */
	KERNEL_AVX2,				/* AVX2, FMA and F16C */
	KERNEL_AVX512				/* AVX-512 F, VL, DQ and BW */
} KernelLevel;

extern KernelLevel kernel_level(void);

/* Of x86; false elsewhere */
extern bool kernel_has_vnni(void);
extern bool kernel_has_popcnt(void);

/* Choose all tables; idempotent, called from _PG_init and from unit tests. */
extern void kernel_init(void);

#endif							/* KERNEL_DISPATCH_H */
