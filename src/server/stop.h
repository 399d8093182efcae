/*
 * stop.h
 *	  Answering interrupts that stopped a pure room.
 */
#ifndef SERVER_STOP_H
#define SERVER_STOP_H

/* Let the pure rooms see this backend's flags; called by _PG_init. */
extern void watch_interrupts(void);

/*
 * After each call of long work in a pure room, before its results are used:
 * as CHECK_FOR_INTERRUPTS(), but it never returns if the work was stopped.
 */
extern void check_interrupts(void);

#endif							/* SERVER_STOP_H */
