/*
 * schema_right.h
 *	  Who may create models and galleries.
 */
#ifndef SERVER_SCHEMA_RIGHT_H
#define SERVER_SCHEMA_RIGHT_H

#include "postgres.h"

/*
 * Models and galleries are objects of the schema "similarity": a role that
 * makes one, or is given one, needs CREATE on it.  ERRCODE_INSUFFICIENT_PRIVILEGE
 * with a hint without it.
 */
extern void require_create_right(Oid role);

#endif							/* SERVER_SCHEMA_RIGHT_H */
