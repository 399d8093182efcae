/*
 * distance_tables.h
 *	  The kernel tables that distance.c chooses from.
 */
#ifndef KERNEL_DISTANCE_TABLES_H
#define KERNEL_DISTANCE_TABLES_H

#include "kernel/distance.h"

extern const KernelTable kernel_portable;

#if defined(__x86_64__)
extern const KernelTable kernel_avx2;
extern const KernelTable kernel_avx512;
#elif defined(__aarch64__)
extern const KernelTable kernel_neon;
#endif

#endif							/* KERNEL_DISTANCE_TABLES_H */
