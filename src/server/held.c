/*
 * held.c
 *	  Roles and relations held by OID and printed by name: the types
 *	  _similarity.role and _similarity.relation.
 *
 * Both are OIDs in all but their text.  "-" is none, also for an object that is
 * gone: its OID would be that of another one where a dump is loaded.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(held_role_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(held_role_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(held_relation_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(held_relation_out);

#define NONE "-"

/* The n identifiers of a name with dots, as their output quoted them */
static List *
parse_name(const char *text, int n)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(text), '.', &names) ||
		list_length(names) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name syntax: \"%s\"", text)));
	return names;
}

/*
 * A name as held_role_out() writes it.  One that nobody has gives none and a
 * WARNING, so that a dump's table loads.
 */
Datum
held_role_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	Oid			role;

	if (strcmp(text, NONE) == 0)
		PG_RETURN_OID(InvalidOid);
	role = get_role_oid(linitial(parse_name(text, 1)), true);
	if (!OidIsValid(role))
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role %s does not exist", text),
				 errdetail("What belonged to it is the superusers', and what was granted to it is granted to nobody.")));
	PG_RETURN_OID(role);
}

/* Of any OID: "-" where no role has it */
Datum
held_role_out(PG_FUNCTION_ARGS)
{
	char	   *name = GetUserNameFromId(PG_GETARG_OID(0), true);

	PG_RETURN_CSTRING(name == NULL ? pstrdup(NONE) :
					  pstrdup(quote_identifier(name)));
}

/*
 * A qualified name as held_relation_out() writes it; missing as held_role_in()
 */
Datum
held_relation_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	List	   *names;
	Oid			schema;
	Oid			relation = InvalidOid;

	if (strcmp(text, NONE) == 0)
		PG_RETURN_OID(InvalidOid);
	names = parse_name(text, 2);
	schema = get_namespace_oid(linitial(names), true);
	if (OidIsValid(schema))
		relation = get_relname_relid(lsecond(names), schema);
	if (!OidIsValid(relation))
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s does not exist", text),
				 errdetail("Galleries of it can only be dropped.")));
	PG_RETURN_OID(relation);
}

/* Of any OID: "-" where no relation has it */
Datum
held_relation_out(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		PG_RETURN_CSTRING(pstrdup(NONE));
	PG_RETURN_CSTRING(quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name));
}
