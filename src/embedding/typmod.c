/*
 * typmod.c
 *	  What type modifiers say, of whatever type has the layout of embedding.
 *
 * vector and halfvec of the extension vector are such types.  Their modifier is
 * the number of dimensions, as clients expect that read it from the catalog; it
 * is told from embedding's by the function that reads it, whatever the type's
 * name and schema.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "embedding/embedding.h"
#include "embedding/vector_type.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(coercion_support);

/* The C function that reads a type's modifier; NULL if there is none */
static PGFunction
modifier_reader(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			reader = InvalidOid;
	FmgrInfo	function;

	if (HeapTupleIsValid(tuple))
	{
		reader = ((Form_pg_type) GETSTRUCT(tuple))->typmodin;
		ReleaseSysCache(tuple);
	}
	if (!OidIsValid(reader))
		return NULL;
	fmgr_info(reader, &function);
	return function.fn_addr;
}

int32
embedding_typmod(Oid type, int32 typmod)
{
	PGFunction	reader;

	type = getBaseTypeAndTypmod(type, &typmod);
	if (typmod < 0)
		return -1;
	if (type == BITOID)
		return typmod <= EMBEDDING_MAX_DIMS ?
			EMBEDDING_TYPMOD(typmod, ELEMENT_BIT, 0) : -1;
	reader = modifier_reader(type);
	if (reader == similarity_vector_typmod_in)
		return EMBEDDING_TYPMOD(typmod, ELEMENT_FLOAT, 0);
	if (reader == similarity_halfvec_typmod_in)
		return EMBEDDING_TYPMOD(typmod, ELEMENT_HALF, 0);
	return reader == embedding_typmod_in ? typmod : -1;
}

/* What the expression is before it is called another type */
static Node *
without_relabels(Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/*
 * Support function of length coercions: one that changes nothing is left out,
 * since the argument is of a column with the same dimensions, precision and
 * model.  So ALTER TABLE from vector(n) to embedding(n) or back need not write
 * the table again.
 */
Datum
coercion_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	FuncExpr   *call;
	Node	   *inner;
	Const	   *asked;
	int32		typmod;
	int32		has;

	if (request == NULL || !IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	call = ((SupportRequestSimplify *) request)->fcall;
	if (list_length(call->args) != 3 || !IsA(lsecond(call->args), Const))
		PG_RETURN_POINTER(NULL);
	asked = lsecond_node(Const, call->args);
	if (asked->constisnull)
		PG_RETURN_POINTER(NULL);
	typmod = DatumGetInt32(asked->constvalue);
	inner = without_relabels(linitial(call->args));
	has = embedding_typmod(exprType(inner), exprTypmod(inner));
	if (has < 0 || has != embedding_typmod(call->funcresulttype, typmod))
		PG_RETURN_POINTER(NULL);
	PG_RETURN_POINTER(makeRelabelType((Expr *) linitial(call->args),
									  call->funcresulttype, typmod, InvalidOid,
									  call->funcformat));
}
