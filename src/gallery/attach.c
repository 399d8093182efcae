/*
 * attach.c
 *	  attach(): keep the embeddings of a gallery current by a trigger.
 *
 * A table has one trigger for each embedding column, for all galleries of that
 * column.  It embeds with the privileges of the role that writes the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "gallery/gallery.h"
#include "gallery/gallery_input.h"
#include "gallery/trigger.h"
#include "model/model.h"
#include "server/compat.h"
#include "server/dump.h"
#include "server/role.h"
#include "server/tuple.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_attach);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_detach);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_embed_row);

/* ---- attach and detach ---- */

static void
execute_utility(const char *sql)
{
	int			code = SPI_execute(sql, false, 0);

	if (code < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
}

/*
 * One trigger for each embedding column, named after it if the name is free:
 * long names are cut, and then those of two columns may be the same.
 */
static char *
trigger_name(const Gallery *gallery)
{
	char	   *name = makeObjectName("similarity_embed", gallery->embedding,
									  NULL);

	for (int i = 1; OidIsValid(get_trigger_oid(gallery->relid, name, true));
		 i++)
		name = makeObjectName("similarity_embed", gallery->embedding,
							  psprintf("%d", i));
	return name;
}

static void
drop_trigger(const Gallery *gallery)
{
	trigger_drop(trigger_find(gallery->relid, "embed_row", gallery->embedding,
							  false));
}

static void
create_trigger(const Gallery *gallery, const char *input)
{
	execute_utility(psprintf("CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION similarity.embed_row(%s, %s)",
							 quote_identifier(trigger_name(gallery)),
							 gallery->relation,
							 quote_literal_cstr(gallery->embedding),
							 quote_literal_cstr(input)));
}

static void
require_table_owner(const Gallery *gallery)
{
	if (!class_ownercheck(gallery->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, gallery->table);
}

static Oid
table_owner(const Gallery *gallery)
{
	Relation	relation = relation_open(gallery->relid, AccessShareLock);
	Oid			owner = relation->rd_rel->relowner;

	relation_close(relation, AccessShareLock);
	return owner;
}

static void
check_input(const Gallery *gallery, const char *input)
{
	AttrNumber	number = get_attnum(gallery->relid, input);
	Oid			type;

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						input, gallery->table)));
	type = get_atttype(gallery->relid, number);
	if (!model_takes_input(type) || strcmp(input, gallery->embedding) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" cannot be the input of a gallery",
						input),
				 errdetail("The input column must be of type bytea, an array of numbers or embedding, and not \"%s\".",
						   gallery->embedding)));
}

/*
 * attach(gallery, input), strict.
 *
 * Needs the owner of both gallery and table (42501), checked under the table's
 * lock.  The gallery must have a model that the caller may use (55000, 42501),
 * and input be another column of a type that can be embedded (42703, 42804).
 * The trigger is created as the table's owner, who will also restore it from a
 * dump.
 */
Datum
gallery_attach(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *input = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Gallery    *gallery;
	RoleFrame	owner;

	model_require_writable("similarity.attach()");
	SPI_connect();
	gallery = gallery_open(name);

	/*
	 * nobody may change the table, or make it another's, before the trigger
	 * is there
	 */
	LockRelationOid(gallery->relid, ShareRowExclusiveLock);
	gallery_require_owner(gallery);
	require_table_owner(gallery);
	gallery_require_input(gallery, BYTEAOID);
	check_input(gallery, input);
	role_enter(&owner, table_owner(gallery));
	drop_trigger(gallery);
	create_trigger(gallery, input);
	role_leave(&owner);
	gallery_set_input(gallery, input);
	gallery_close(gallery);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Drop the trigger, unless another gallery of the column needs it. */
void
gallery_end_trigger(const Gallery *gallery)
{
	require_table_owner(gallery);
	gallery_set_input(gallery, NULL);
	if (gallery_find_attached(gallery->relid, gallery->embedding,
							  gallery->id) == NULL)
		drop_trigger(gallery);
}

/*
 * detach(gallery), strict.  Needs the same two owners.  Embeddings stay as
 * they are.
 */
Datum
gallery_detach(PG_FUNCTION_ARGS)
{
	Gallery    *gallery;

	model_require_writable("similarity.detach()");
	SPI_connect();
	gallery = gallery_open(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	gallery_require_owner(gallery);
	gallery_end_trigger(gallery);
	gallery_close(gallery);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- the trigger ---- */

/* What the rows of one statement share, in fn_extra */
typedef struct EmbedRow
{
	int			version;
	AttrNumber	embedding;
	AttrNumber	input;
	Oid			type;			/* of input */
	int32		typmod;			/* of embedding */
	Oid			domain;			/* that embedding is of, or InvalidOid */
	void	   *domain_checks;
} EmbedRow;

/* The attached gallery of the table, or of its topmost partitioned table */
static Gallery *
attached_gallery(const TriggerData *trigger)
{
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	List	   *ancestors = get_partition_ancestors(relid);
	Oid			root = ancestors == NIL ? relid : llast_oid(ancestors);
	char	  **arguments = trigger->tg_trigger->tgargs;
	Gallery    *gallery = gallery_find_attached(root, arguments[0], 0);

	if (gallery == NULL || strcmp(gallery->input, arguments[1]) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of relation \"%s\" is not attached to a gallery",
						arguments[0],
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("Run similarity.attach(), or drop the trigger \"%s\".",
						 trigger->tg_trigger->tgname)));
	return gallery;
}

/*
 * The gallery's current version.  The table is locked, so that reembed()
 * cannot change it, but the statement's snapshot may be older.
 */
static int
current_version(const TriggerData *trigger)
{
	int			version;

	SPI_connect();
	PushActiveSnapshot(GetLatestSnapshot());
	version = attached_gallery(trigger)->version;
	PopActiveSnapshot();
	SPI_finish();
	return version;
}

static AttrNumber
column_number(const TriggerData *trigger, int argument, Oid *type)
{
	AttrNumber	number = trigger_column(trigger, argument,
										"If it was renamed, run similarity.attach() again.");

	*type = TupleDescAttr(RelationGetDescr(trigger->tg_relation), number - 1)->atttypid;
	return number;
}

static EmbedRow *
begin_trigger(FunctionCallInfo fcinfo, const TriggerData *trigger)
{
	EmbedRow   *rows = fcinfo->flinfo->fn_extra;
	Oid			type;

	if (rows != NULL)
		return rows;
	rows = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(EmbedRow));
	rows->embedding = column_number(trigger, 0, &type);
	if (getBaseType(type) != embedding_type_oid())
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type embedding",
						trigger->tg_trigger->tgargs[0])));
	rows->input = column_number(trigger, 1, &rows->type);
	if (!model_takes_input(rows->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type bytea, an array of numbers or embedding", trigger->tg_trigger->tgargs[1])));
	rows->typmod = TupleDescAttr(RelationGetDescr(trigger->tg_relation),
								 rows->embedding - 1)->atttypmod;
	if (getBaseTypeAndTypmod(type, &rows->typmod) != type)
		rows->domain = type;
	rows->version = current_version(trigger);
	fcinfo->flinfo->fn_extra = rows;
	return rows;
}


/* Is the embedding in the row what it should be? */
static bool
is_current(const TriggerData *trigger, const EmbedRow *rows, HeapTuple row,
		   TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(row, rows->embedding, desc, &isnull);
	bool		input_is_null = heap_attisnull(row, rows->input, desc);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);

	if (isnull || input_is_null)
		return isnull && input_is_null;
	if (embedding_check(DatumGetEmbedding(value))->model != rows->version)
		return false;
	if (!update ||
		tuple_same_value(trigger->tg_trigtuple, row, desc, rows->input))
		return true;
	/* given together with its new input */
	return !tuple_same_value(trigger->tg_trigtuple, row, desc,
							 rows->embedding);
}

/* The writer of a row need not know that it is embedded. */
static void
embed_error_context(void *arg)
{
	const TriggerData *trigger = arg;

	errcontext("column \"%s\" of relation \"%s\", which similarity.attach() keeps current",
			   trigger->tg_trigger->tgargs[0],
			   RelationGetRelationName(trigger->tg_relation));
}

static Datum
embed_input(const TriggerData *trigger, const EmbedRow *rows, Datum input)
{
	ErrorContextCallback callback = {error_context_stack, embed_error_context, unconstify(TriggerData *, trigger)};
	Datum		value;

	error_context_stack = &callback;
	value = PointerGetDatum(embedding_coerce(model_embed(rows->version, input,
														 rows->type),
											 rows->typmod));
	error_context_stack = callback.previous;
	return value;
}

static HeapTuple
embed_tuple(const TriggerData *trigger, EmbedRow *rows, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			column = rows->embedding;
	bool		isnull;
	Datum		value = 0;
	Datum		input;

	if (is_current(trigger, rows, row, desc))
		return row;
	input = heap_getattr(row, rows->input, desc, &isnull);
	if (!isnull)
		value = embed_input(trigger, rows, input);
	/* the executor does not check domains after triggers */
	if (OidIsValid(rows->domain))
		domain_check(value, isnull, rows->domain, &rows->domain_checks,
					 GetMemoryChunkContext(rows));
	return heap_modify_tuple_by_cols(row, desc, 1, &column, &value, &isnull);
}

/*
 * embed_row(embedding, input): the trigger that attach() creates.
 *
 * 39P01 if it is called in another way.  It embeds with the rights of whoever
 * writes the row, USAGE on the model included; 55000 if the column is not
 * attached to a gallery any more.
 */
Datum
gallery_embed_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 2)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.embed_row must be called as a trigger before a row is written")));
	/* a dump restores embeddings too, before the catalog that we would read */
	if (loading_dump() &&
		class_ownercheck(RelationGetRelid(trigger->tg_relation), GetUserId()))
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
							   trigger->tg_newtuple : trigger->tg_trigtuple);
	return PointerGetDatum(embed_tuple(trigger, begin_trigger(fcinfo, trigger),
									   TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple));
}
