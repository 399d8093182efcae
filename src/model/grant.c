/*
 * grant.c
 *	  Who may use a model, and whose it is.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "model/model.h"
#include "model/model_catalog.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "server/schema_right.h"

/* $2 of a statement: a role, which must exist, or NULL for "public" */
static void
arg_grantee(CatalogArgs *args, text *role)
{
	char	   *name = text_to_cstring(role);
	bool		everybody = strcmp(name, "public") == 0;	/* no role can have this
															 * name */

	catalog_arg(args, OIDOID, everybody ? (Datum) 0 :
				ObjectIdGetDatum(get_role_oid(name, false)), everybody);
}

/* $1 of a statement: a model of the current role */
static void
arg_own_model(CatalogArgs *args, text *name)
{
	CatalogModel model;

	catalog_get_model(text_to_cstring(name), &model);
	catalog_require_owner(&model);
	catalog_arg_int(args, model.id);
}

static void
run_grant(const char *sql, const CatalogArgs *args)
{
	SPI_connect();
	catalog_run(sql, args);
	SPI_finish();
}

/*
 * grant_usage(model, role), for the model's owner; role "public" is everybody.
 * What was granted already is left as it is.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(grant_usage);
Datum
grant_usage(PG_FUNCTION_ARGS)
{
	CatalogArgs args = {0};

	model_require_writable("similarity.grant_usage()");
	arg_own_model(&args, PG_GETARG_TEXT_PP(0));
	arg_grantee(&args, PG_GETARG_TEXT_PP(1));
	run_grant("INSERT INTO _similarity.model_grant (model, grantee) SELECT m.id, $2 FROM _similarity.model m"
			  " WHERE m.id OPERATOR(pg_catalog.=) $1 AND NOT EXISTS (SELECT FROM _similarity.model_grant g"
			  " WHERE g.model OPERATOR(pg_catalog.=) $1 AND g.grantee::pg_catalog.oid IS NOT DISTINCT FROM $2)"
			  " FOR KEY SHARE", &args);
	PG_RETURN_VOID();
}

/*
 * revoke_usage(model, role), for the model's owner; no ERROR if there is no
 * grant.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(revoke_usage);
Datum
revoke_usage(PG_FUNCTION_ARGS)
{
	CatalogArgs args = {0};

	model_require_writable("similarity.revoke_usage()");
	arg_own_model(&args, PG_GETARG_TEXT_PP(0));
	arg_grantee(&args, PG_GETARG_TEXT_PP(1));
	run_grant("DELETE FROM _similarity.model_grant WHERE model OPERATOR(pg_catalog.=) $1"
			  " AND grantee::pg_catalog.oid IS NOT DISTINCT FROM $2", &args);
	PG_RETURN_VOID();
}

/*
 * set_model_owner(model, role), for the model's owner.  As ALTER ... OWNER TO:
 * only to a role that one is a member of, and that may create models.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(set_model_owner);
Datum
set_model_owner(PG_FUNCTION_ARGS)
{
	Oid			owner = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(1)),
									 false);
	CatalogArgs args = {0};

	model_require_writable("similarity.set_model_owner()");
	check_can_set_role(GetUserId(), owner);
	arg_own_model(&args, PG_GETARG_TEXT_PP(0));
	if (!superuser())
		require_create_right(owner);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(owner), false);
	run_grant("UPDATE _similarity.model SET owner = $2 WHERE id OPERATOR(pg_catalog.=) $1", &args);
	PG_RETURN_VOID();
}
