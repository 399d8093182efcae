/*
 * plan_cache.h
 *	  Plans that a session keeps for its next calls.
 *
 * Planning one of our short statements costs more than running it.  So its
 * generic plan is kept by the backend, under everything that may change it
 * without PostgreSQL's own plan cache noticing: the text, the types of its
 * arguments, the role and all settings of the planner.  What happens to tables,
 * indexes, functions, policies or row_security, and DISCARD PLANS, PostgreSQL
 * notices, and plans again.
 */
#ifndef SERVER_PLAN_CACHE_H
#define SERVER_PLAN_CACHE_H

#include "postgres.h"

#include "executor/spi.h"

/*
 * The kept plan of a statement, or a new one, valid until user is reset or
 * deleted.  SPI must be connected.  variant tells plans of one text apart that
 * the caller wants to be made separately; 0 if there is no need.
 */
extern SPIPlanPtr plan_cache_get(const char *sql, int nargs, Oid *types,
								 int variant, MemoryContext user);

#endif							/* SERVER_PLAN_CACHE_H */
