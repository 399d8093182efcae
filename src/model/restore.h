/*
 * restore.h
 *	  Models while a dump is being loaded.
 */
#ifndef MODEL_RESTORE_H
#define MODEL_RESTORE_H

#include "postgres.h"

/*
 * For a session that loads a dump: wait for a version that other sessions of
 * the same restore are about to bring.  ERROR with a hint if they do not.
 */
extern void restore_await_version(int id);

#endif							/* MODEL_RESTORE_H */
