/*
 * similarity.c
 *	  The front door: module magic and _PG_init.
 *
 * This is the only file that knows all rooms.
 */
#include "postgres.h"

#include "fmgr.h"

#include "hnsw/hnsw.h"
#include "kernel/distance.h"
#include "server/guc.h"
#include "server/stop.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	guc_init();
	watch_interrupts();
	hnsw_init_options();
	kernel_init();
}
