/*
 * owned.c
 *	  What a role owns and what was granted to it: reassign_owned() and DROP
 *	  OWNED.
 *
 * An event trigger runs at the end of DROP OWNED, which has checked that the
 * current role has the rights of those whose property it drops.  REASSIGN OWNED
 * calls no event trigger in any version of PostgreSQL, so that models and
 * galleries do not follow it.  Therefore a DROP OWNED that comes after it, as it
 * does before DROP ROLE, must not take them for unwanted: without CASCADE it
 * is refused while there are any.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/user.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "model/model.h"
#include "model/model_catalog.h"
#include "server/catalog.h"
#include "server/catalog_dependents.h"
#include "server/schema_right.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(drop_owned);
PGDLLEXPORT PG_FUNCTION_INFO_V1(reassign_owned);

/* $1 of a statement */
static void
arg_roles(CatalogArgs *args, List *roles)
{
	Datum	   *oids = palloc(sizeof(Datum) * list_length(roles));

	for (int i = 0; i < list_length(roles); i++)
		oids[i] = ObjectIdGetDatum(list_nth_oid(roles, i));
	catalog_arg(args, OIDARRAYOID,
				PointerGetDatum(construct_array(oids, list_length(roles),
												OIDOID, sizeof(Oid), true,
												TYPALIGN_INT)), false);
}

static void
refuse_owned(const CatalogArgs *args)
{
	char	   *owned = catalog_owned_by(args);

	if (owned != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop what the role owns because it owns %s",
						owned),
				 errdetail("REASSIGN OWNED does not reach models and galleries."),
				 errhint("Run similarity.reassign_owned() to keep them, or DROP OWNED ... CASCADE to drop them.")));
}

/* As drop_model(), after galleries. */
static void
drop_models(const CatalogArgs *args)
{
	uint64		n = catalog_run("SELECT id FROM _similarity.model WHERE owner OPERATOR(pg_catalog.=) ANY ($1) ORDER BY id", args);
	int32	   *ids = palloc(sizeof(int32) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
		ids[i] = catalog_column_int(i, 1, "a model");
	for (uint64 i = 0; i < n; i++)
	{
		CatalogModel model;

		catalog_get_model_by_id(ids[i], &model);
		catalog_lock_model(&model, AccessExclusiveLock, false);
		catalog_lock_versions(model.id, 0);
		catalog_delete_model(model.id);
	}
}

static void
drop_all(const CatalogArgs *args)
{
	catalog_delete_galleries_of(args);
	drop_models(args);
}

/*
 * drop_owned(): event trigger at the end of DROP OWNED, whose own checks of
 * rights have passed.  An ERROR if a role owns models or galleries and CASCADE
 * was not said.
 */
Datum
drop_owned(PG_FUNCTION_ARGS)
{
	DropOwnedStmt *statement;
	CatalogArgs args = {0};

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo) ||
		!IsA(((EventTriggerData *) fcinfo->context)->parsetree, DropOwnedStmt))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.drop_owned must be called as an event trigger of DROP OWNED")));
	statement = castNode(DropOwnedStmt,
						 ((EventTriggerData *) fcinfo->context)->parsetree);
	SPI_connect();
	arg_roles(&args, roleSpecsToIds(statement->roles));
	if (statement->behavior == DROP_CASCADE)
		drop_all(&args);
	else
		refuse_owned(&args);
	catalog_run("DELETE FROM _similarity.model_grant WHERE grantee OPERATOR(pg_catalog.=) ANY ($1)", &args);
	SPI_finish();
	PG_RETURN_NULL();
}

/* As REASSIGN OWNED checks it */
static void
require_rights(Oid role)
{
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to reassign models and galleries"),
				 errdetail("Only roles with the privileges of role \"%s\" may do it.", GetUserNameFromId(role, false))));
}

/*
 * reassign_owned(role, new_owner): for who has the rights of both, as REASSIGN
 * OWNED; the new owner must be allowed to create models.
 */
Datum
reassign_owned(PG_FUNCTION_ARGS)
{
	Oid			role = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)),
									false);
	Oid			owner = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(1)),
									 false);
	CatalogArgs args = {0};

	model_require_writable("similarity.reassign_owned()");
	require_rights(role);
	require_rights(owner);
	if (!superuser())
		require_create_right(owner);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(role), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(owner), false);
	SPI_connect();
	catalog_reassign_owned(&args);
	SPI_finish();
	PG_RETURN_VOID();
}
