/*
 * trigger.h
 *	  The room's triggers on users' tables, and its own names there.
 */
#ifndef GALLERY_TRIGGER_H
#define GALLERY_TRIGGER_H

#include "postgres.h"

#include "commands/trigger.h"

/* The number of the column that an argument of the trigger names; ERROR with the hint. */
extern AttrNumber trigger_column(const TriggerData *trigger, int argument,
								 const char *hint);

/*
 * The trigger of a table that runs the function of schema similarity, made by
 * a user or internal; if argument is not NULL, the one whose first argument it
 * is.  InvalidOid if there is none.  Names of triggers say nothing: anybody may
 * have taken them, and long ones are cut.
 */
extern Oid	trigger_find(Oid relid, const char *function, const char *argument,
						 bool internal);

/* InvalidOid: nothing to do */
extern void trigger_drop(Oid trigger);

/* A name that nobody can have taken, with this beginning */
extern char *trigger_random_name(const char *beginning);

#endif							/* GALLERY_TRIGGER_H */
