/*
 * dump.h
 *	  Is this session loading a dump?
 */
#ifndef SERVER_DUMP_H
#define SERVER_DUMP_H

#include "postgres.h"

#include "utils/guc.h"

/*
 * Scripts of pg_dump and the sessions of pg_restore turn check_function_bodies
 * off before they do anything, since what functions refer to may come later.
 * The same holds for what our functions look up.
 */
static inline bool
loading_dump(void)
{
	return !check_function_bodies;
}

#endif							/* SERVER_DUMP_H */
