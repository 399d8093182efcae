/*
 * errors.h
 *	  From a pure room's Status to a PostgreSQL error.
 */
#ifndef SIMILARITY_ERRORS_H
#define SIMILARITY_ERRORS_H

#include "postgres.h"

#include "base/status.h"

/* ereport(ERROR) with the SQLSTATE, message, detail and hint of a failure. */
extern void raise_status(const Status *status) pg_attribute_noreturn();

#endif							/* SIMILARITY_ERRORS_H */
