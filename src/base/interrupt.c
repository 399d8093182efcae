/*
 * interrupt.c
 *	  May long work go on?
 */
#include "base/interrupt.h"

#include <string.h>

static const volatile sig_atomic_t never = 0;

const volatile sig_atomic_t *interrupt_cancel = &never;
const volatile sig_atomic_t *interrupt_end = &never;

void
interrupt_watch(const volatile sig_atomic_t * cancel,
				const volatile sig_atomic_t * end)
{
	interrupt_cancel = cancel;
	interrupt_end = end;
}

/* Bytes at once: new memory is slow to be touched */
#define PIECE_BYTES ((size_t) 4 * 1024 * 1024)

static inline size_t
piece_bytes(size_t done, size_t size)
{
	return size - done < PIECE_BYTES ? size - done : PIECE_BYTES;
}

void
interrupt_zero(void *to, size_t size)
{
	for (size_t i = 0; i < size && !interrupt_pending(); i += PIECE_BYTES)
		memset((char *) to + i, 0, piece_bytes(i, size));
}

void
interrupt_copy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size && !interrupt_pending(); i += PIECE_BYTES)
		memcpy((char *) to + i, (const char *) from + i, piece_bytes(i, size));
}
