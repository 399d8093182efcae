/*
 * errors.h
 *	  From a pure room's Status to a PostgreSQL error.
 */
#ifndef SERVER_ERRORS_H
#define SERVER_ERRORS_H

#include "postgres.h"

#include "base/status.h"
#include "server/compat.h"

/* ereport(ERROR) with the SQLSTATE, message, detail and hint of a failure. */
pg_noreturn extern void raise_status(const Status *status);

/* Where memory outside of PostgreSQL's contexts ran out. */
pg_noreturn extern void raise_out_of_memory(void);

#endif							/* SERVER_ERRORS_H */
