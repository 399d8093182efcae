/*
 * schema_right.c
 *	  Who may create models and galleries, and that nobody creates anything else.
 *
 * CREATE on a schema also lets a role put functions there.  In this one they
 * would run as whoever calls similarity.lookup('g', '[1,2]'): a function that
 * fits the arguments better than the extension's own is preferred.  Therefore an
 * event trigger keeps everything else out of the extension's schemas.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "server/compat.h"
#include "server/schema_right.h"

void
require_create_right(Oid role)
{
	if (namespace_aclcheck(get_namespace_oid("similarity", false), role, ACL_CREATE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for schema similarity"),
				 errdetail("Whoever creates or is given models and galleries needs CREATE on it."),
				 errhint("GRANT CREATE ON SCHEMA similarity TO %s;",
						 quote_identifier(GetUserNameFromId(role, false)))));
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(guard_schema);

/* guard_schema(): event trigger at the end of every command that defines something */
Datum
guard_schema(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.guard_schema must be called as an event trigger")));
	if (superuser())
		PG_RETURN_NULL();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SELECT object_identity FROM pg_catalog.pg_event_trigger_ddl_commands()"
					" WHERE schema_name OPERATOR(pg_catalog.=) ANY (ARRAY['similarity', '_similarity'])", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read what the command made");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot create %s in a schema of extension similarity",
						SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
				 errdetail("CREATE on schema similarity is for models and galleries; other objects could be taken for the extension's.")));
	SPI_finish();
	PG_RETURN_NULL();
}
