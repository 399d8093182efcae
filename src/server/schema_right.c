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
#include "server/cursor.h"
#include "server/schema_right.h"

void
require_create_right(Oid role)
{
	if (namespace_aclcheck(get_namespace_oid("similarity", false), role,
						   ACL_CREATE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for schema similarity"),
				 errdetail("Creating or receiving models and galleries requires CREATE on it."),
				 errhint("GRANT CREATE ON SCHEMA similarity TO %s;",
						 quote_identifier(GetUserNameFromId(role, false)))));
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(guard_schema);

/* What the command made in the extension's schemas, also as another extension */
#define FOREIGN_OBJECTS \
	"SELECT c.object_identity FROM pg_catalog.pg_event_trigger_ddl_commands() c" \
	" WHERE c.schema_name OPERATOR(pg_catalog.=) ANY ('{similarity,_similarity}'::pg_catalog.text[])" \
	" OR (c.object_type OPERATOR(pg_catalog.=) 'extension' AND EXISTS (SELECT FROM pg_catalog.pg_extension x" \
	" JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) x.extnamespace" \
	" WHERE x.oid OPERATOR(pg_catalog.=) c.objid AND n.nspname OPERATOR(pg_catalog.=) ANY ('{similarity,_similarity}'::pg_catalog.name[])))"

/* Of the session: the trigger fires for every command. */
static SPIPlanPtr
foreign_objects(void)
{
	static SPIPlanPtr plan = NULL;
	SPIPlanPtr	made;

	if (plan != NULL)
		return plan;
	made = cursor_prepare(FOREIGN_OBJECTS, 0, NULL);
	SPI_keepplan(made);
	return plan = made;
}

/*
 * guard_schema(): event trigger at the end of every command that defines
 * something; an ERROR if that stands in a schema of the extension, but for
 * superusers
 */
Datum
guard_schema(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.guard_schema must be called as an event trigger")));
	if (superuser())
		PG_RETURN_NULL();
	SPI_connect();
	if (SPI_execute_plan(foreign_objects(), NULL, NULL, false,
						 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read what the command made");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot create %s in a schema of extension similarity",
						SPI_getvalue(SPI_tuptable->vals[0],
									 SPI_tuptable->tupdesc, 1)),
				 errdetail("CREATE on schema similarity is for models and galleries; other objects could be taken for the extension's.")));
	SPI_finish();
	PG_RETURN_NULL();
}
