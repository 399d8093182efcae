/*
 * errors.h
 *	  From a pure room's Status to a PostgreSQL error.
 */
#ifndef SERVER_ERRORS_H
#define SERVER_ERRORS_H

#include "postgres.h"

#include "base/status.h"

/* ereport(ERROR) with the SQLSTATE, message, detail and hint of a failure. */
extern void raise_status(const Status *status) pg_attribute_noreturn();

#endif							/* SERVER_ERRORS_H */
