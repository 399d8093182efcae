/*
 * interrupt.c
 *	  May long work go on?
 */
#include "base/interrupt.h"

static const volatile sig_atomic_t never = 0;

const volatile sig_atomic_t *interrupt_cancel = &never;
const volatile sig_atomic_t *interrupt_end = &never;

void
interrupt_watch(const volatile sig_atomic_t * cancel, const volatile sig_atomic_t * end)
{
	interrupt_cancel = cancel;
	interrupt_end = end;
}
