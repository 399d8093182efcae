/*
 * dropped_relations.c
 *	  A table goes, and its galleries with it.
 *
 * PostgreSQL keeps no dependency between a table and a row of ours: an event
 * trigger tells which tables a command dropped.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "server/catalog_dependents.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(forget_dropped);

/* OIDs of the relations that the command dropped; false: there is none */
static bool
dropped_relations(Datum *relations)
{
	bool		isnull;

	if (SPI_execute("SELECT pg_catalog.array_agg(objid) FROM pg_catalog.pg_event_trigger_dropped_objects()"
					" WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
					" AND objsubid OPERATOR(pg_catalog.=) 0", true,
					0) != SPI_OK_SELECT)
		elog(ERROR, "dropped objects could not be read");
	*relations = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return !isnull;
}

/*
 * forget_dropped(): event trigger of commands that drop something, run as
 * whoever drops a table, also one who may not touch its galleries
 */
Datum
forget_dropped(PG_FUNCTION_ARGS)
{
	Datum		relations;
	CatalogArgs args = {0};

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.forget_dropped must be called as an event trigger")));
	SPI_connect();
	if (dropped_relations(&relations))
	{
		catalog_arg(&args, OIDARRAYOID, relations, false);
		catalog_forget_relations(&args);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
