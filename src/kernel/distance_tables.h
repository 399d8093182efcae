/*
 * distance_tables.h
 *	  The kernel tables that distance.c chooses from.
 */
#ifndef KERNEL_DISTANCE_TABLES_H
#define KERNEL_DISTANCE_TABLES_H

#include "kernel/distance.h"

extern const KernelTable kernel_portable;

#endif							/* KERNEL_DISTANCE_TABLES_H */
