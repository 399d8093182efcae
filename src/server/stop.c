/*
 * stop.c
 *	  Answering interrupts that stopped a pure room.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/interrupt.h"
#include "server/stop.h"

void
watch_interrupts(void)
{
	interrupt_watch(&QueryCancelPending, &ProcDiePending);
}

void
check_interrupts(void)
{
	bool		stopped = interrupt_pending();

	CHECK_FOR_INTERRUPTS();
	/* only where interrupts are held off: there is no result all the same */
	if (stopped)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling statement due to user request")));
}
