/*
 * role.h
 *	  Acting as another role for a while, and who may watch whom.
 *
 * Whatever may run code of a table's owner (expressions and operators of its
 * indexes, CHECK constraints, functions of views) must not run it with the
 * rights of whoever called us.  As PostgreSQL's own index builds do it, it runs
 * as the owner, in a security-restricted operation, with a search_path in which
 * nobody can plant anything.
 */
#ifndef SERVER_ROLE_H
#define SERVER_ROLE_H

#include "postgres.h"

typedef struct RoleFrame
{
	Oid			user;
	int			context;		/* of security */
	int			nest;			/* of settings */
} RoleFrame;

/*
 * Act as a role until role_leave(), which must come before the transaction
 * commits.  An error leaves by itself: aborting the (sub)transaction restores
 * role, context and settings.
 */
extern void role_enter(RoleFrame *frame, Oid role);
extern void role_leave(const RoleFrame *frame);

/*
 * May the current role see what a role's sessions and jobs do?  The rule of
 * pg_stat_activity.
 */
extern bool role_may_watch(Oid role);

/*
 * From here to the end of the level of settings, values print as text that any
 * session reads as the same value, whatever the user's settings are.
 */
extern void portable_text(void);

#endif							/* SERVER_ROLE_H */
