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

/* Never set before interrupt_watch() */
extern const volatile sig_atomic_t *interrupt_cancel;
extern const volatile sig_atomic_t *interrupt_end;

extern void interrupt_watch(const volatile sig_atomic_t * cancel, const volatile sig_atomic_t * end);

static inline bool
interrupt_pending(void)
{
	return (*interrupt_cancel | *interrupt_end) != 0;
}

#endif							/* BASE_INTERRUPT_H */
