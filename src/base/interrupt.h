/*
 * interrupt.h
 *	  May long work go on?
 *
 * The server says once where its flags are: "cancel" and "end".  Once one of
 * them is set, pool_run() begins no further slice, products and loops over
 * layers, tiles and rows end early, and what they would have computed is
 * garbage of the right size.  It stays set until the server answers it, which
 * it does on the thread that called us and not before the call returns: so
 * whatever ran last was skipped as well, and nothing was computed of garbage
 * but what the caller throws away.
 *
 * Whoever calls long work from a server room therefore calls
 * check_interrupts() of server/stop.h right after it, before it looks at
 * a result.  Whoever writes long work here looks at interrupt_pending() at
 * least every some 10 ms, also on threads, and never leaves anything but
 * results half done.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Never set before interrupt_watch() */
extern const volatile sig_atomic_t *interrupt_cancel;
extern const volatile sig_atomic_t *interrupt_end;

extern void interrupt_watch(const volatile sig_atomic_t * cancel,
							const volatile sig_atomic_t * end);

static inline bool
interrupt_pending(void)
{
	return (*interrupt_cancel | *interrupt_end) != 0;
}

/* In pass i of a loop whose passes are too short to look in each of them */
static inline bool
interrupt_pending_at(size_t i)
{
	return i % 64 == 0 && interrupt_pending();
}

/*
 * A long loop over numbers in pieces, so that the inner one is as fast as ever:
 *
 *		for (size_t i = 0, end; i < n && !interrupt_pending();)
 *			for (end = interrupt_piece(i, n); i < end; i++)
 */
#define INTERRUPT_NUMBERS ((size_t) 256 * 1024)

static inline size_t
interrupt_piece(size_t begin, size_t n)
{
	return n - begin < INTERRUPT_NUMBERS ? n : begin + INTERRUPT_NUMBERS;
}

/* memset() to 0 and memcpy() of what may be gigabytes */
extern void interrupt_zero(void *to, size_t size);
extern void interrupt_copy(void *to, const void *from, size_t size);

#endif							/* BASE_INTERRUPT_H */
