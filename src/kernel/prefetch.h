/*
 * prefetch.h
 *	  Ask the processor for memory that will be read soon.
 */
#ifndef KERNEL_PREFETCH_H
#define KERNEL_PREFETCH_H

#include <stddef.h>

#define KERNEL_CACHE_LINE 64

/* Any address is allowed: what is not mapped is not fetched. */
static inline void
kernel_prefetch(const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += KERNEL_CACHE_LINE)
		__builtin_prefetch((const char *) bytes + i);
}

#endif							/* KERNEL_PREFETCH_H */
