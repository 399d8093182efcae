/*
 * validate.c
 *	  Checking an operator class, for amvalidate().
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type_d.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "hnsw/hnsw.h"

/*
 * Strategies: 1 is the distance to order by; 2 is kept for a range condition.
 */
#define STRATEGY_DISTANCE 1

/* As the validators of PostgreSQL do: INFO, and go on to the next fault */
static bool
complain(const char *family, const char *what)
{
	ereport(INFO,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("operator family \"%s\" of access method similarity_hnsw %s",
					family, what)));
	return false;
}

/* A distance between two values of the class's type, as float8 */
static bool
validate_operator(const FormData_pg_amop *member, const char *family)
{
	if (member->amopstrategy != STRATEGY_DISTANCE)
		return complain(family,
						"contains an operator with an invalid strategy number");
	if (member->amoppurpose != AMOP_ORDER ||
		get_op_rettype(member->amopopr) != FLOAT8OID ||
		member->amoplefttype != member->amoprighttype)
		return complain(family,
						"contains an operator that is not a distance of two equal types");
	return true;
}

/*
 * Its result is a pointer to a GraphMetric, which cannot be checked here; only
 * superusers make operator classes.
 */
static bool
validate_function(const FormData_pg_amproc *member, const char *family)
{
	if (member->amprocnum != 1 ||
		!check_amproc_signature(member->amproc, INTERNALOID, true, 1, 1,
								INTERNALOID))
		return complain(family,
						"contains a support function of another kind than 1, (internal) returning internal");
	return true;
}

/* All members of the family, and the class's own operator and function */
static bool
validate_members(Form_pg_opclass class, const char *family)
{
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY,
												ObjectIdGetDatum(class->opcfamily));
	CatCList   *functions = SearchSysCacheList1(AMPROCNUM,
												ObjectIdGetDatum(class->opcfamily));
	bool		has_operator = false;
	bool		has_function = false;
	bool		valid = true;

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop member = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		valid &= validate_operator(member, family);
		has_operator |= member->amoplefttype == class->opcintype;
	}
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_amproc member =
		(Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple);

		valid &= validate_function(member, family);
		has_function |= member->amproclefttype == class->opcintype;
	}
	ReleaseCatCacheList(functions);
	ReleaseCatCacheList(operators);
	if (!has_operator)
		valid = complain(family, "lacks the distance operator, strategy 1");
	if (!has_function)
		valid = complain(family, "lacks support function 1");
	return valid;
}

/* palloc'd */
static char *
family_name(Oid family)
{
	HeapTuple	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(family));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", family);
	name = pstrdup(NameStr(((Form_pg_opfamily) GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);
	return name;
}

bool
hnsw_validate(Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass class;
	bool		valid;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class = (Form_pg_opclass) GETSTRUCT(tuple);
	valid = validate_members(class, family_name(class->opcfamily));
	ReleaseSysCache(tuple);
	return valid;
}
