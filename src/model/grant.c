/*
 * grant.c
 *	  Who may use a model, and whose it is.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "compat.h"
#include "model/catalog.h"
#include "model/model.h"

/* A role of this name must exist, "public" apart. */
static char *
grantee_name(text *role)
{
	char	   *name = text_to_cstring(role);

	if (strcmp(name, "public") != 0)
		get_role_oid(name, false);
	return name;
}

/* Run a statement of ($1 model, $2 role) for the model's owner. */
static void
run_for_owner(text *model_name, const char *role, const char *function, const char *sql)
{
	CatalogModel model;
	CatalogArgs args = {0};

	model_require_writable(function);
	catalog_get_model(text_to_cstring(model_name), &model);
	catalog_require_owner(&model);
	catalog_arg_int(&args, model.id);
	catalog_arg_text(&args, role);
	SPI_connect();
	catalog_run(sql, &args);
	SPI_finish();
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(grant_usage);
Datum
grant_usage(PG_FUNCTION_ARGS)
{
	run_for_owner(PG_GETARG_TEXT_PP(0), grantee_name(PG_GETARG_TEXT_PP(1)), "similarity.grant_usage()",
				  "INSERT INTO _similarity.model_grant (model, grantee) "
				  "SELECT id, $2::pg_catalog.name FROM _similarity.model "
				  "WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE ON CONFLICT DO NOTHING");
	PG_RETURN_VOID();
}

/* The role may be gone. */
PGDLLEXPORT PG_FUNCTION_INFO_V1(revoke_usage);
Datum
revoke_usage(PG_FUNCTION_ARGS)
{
	run_for_owner(PG_GETARG_TEXT_PP(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), "similarity.revoke_usage()",
				  "DELETE FROM _similarity.model_grant WHERE model OPERATOR(pg_catalog.=) $1 "
				  "AND grantee OPERATOR(pg_catalog.=) $2::pg_catalog.name");
	PG_RETURN_VOID();
}

/* As ALTER ... OWNER TO: only to a role that one is a member of. */
PGDLLEXPORT PG_FUNCTION_INFO_V1(set_model_owner);
Datum
set_model_owner(PG_FUNCTION_ARGS)
{
	char	   *owner = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			role = get_role_oid(owner, false);

	check_can_set_role(GetUserId(), role);
	run_for_owner(PG_GETARG_TEXT_PP(0), owner, "similarity.set_model_owner()",
				  "UPDATE _similarity.model SET owner = $2::pg_catalog.name "
				  "WHERE id OPERATOR(pg_catalog.=) $1");
	PG_RETURN_VOID();
}
