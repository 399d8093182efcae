/*
 * role.c
 *	  Acting as another role for a while, and who may watch whom.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"

#include "server/role.h"

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
role_enter(RoleFrame *frame, Oid role)
{
	GetUserIdAndSecContext(&frame->user, &frame->context);
	SetUserIdAndSecContext(role,
						   frame->context | SECURITY_RESTRICTED_OPERATION);
	frame->nest = NewGUCNestLevel();
	set_locally("search_path", "pg_catalog, pg_temp");
}

void
role_leave(const RoleFrame *frame)
{
	AtEOXact_GUC(false, frame->nest);
	SetUserIdAndSecContext(frame->user, frame->context);
}

bool
role_may_watch(Oid role)
{
	return has_privs_of_role(GetUserId(), role) ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/* What pg_dump and postgres_fdw set */
void
portable_text(void)
{
	set_locally("datestyle", "ISO");
	set_locally("intervalstyle", "postgres");
	set_locally("extra_float_digits", "3");
	set_locally("lc_monetary", "C");
}
