/*
 * mixed_tables.h
 *	  The kernel tables that mixed.c chooses from.
 */
#ifndef KERNEL_MIXED_TABLES_H
#define KERNEL_MIXED_TABLES_H

#include "kernel/mixed.h"

extern const MixedTable mixed_portable;

#if defined(__x86_64__)
extern const MixedTable mixed_avx2; /* and F16C */
extern const MixedTable mixed_avx512;
#elif defined(__aarch64__)
extern const MixedTable mixed_neon;
#endif

#endif							/* KERNEL_MIXED_TABLES_H */
