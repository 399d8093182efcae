/*
 * distance_cost.c
 *	  What the planner is told about distances.
 *
 * A distance costs its call and something for each dimension.  The dimensions
 * come from the type modifiers of its arguments, so a column that does not say
 * how many it has leaves the constant cost of pg_proc.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"

#include "embedding/embedding.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(distance_support);

/* Units are cpu_operator_cost; see README on how they were measured. */
#define CALL_COST 2
#define UNKNOWN_COST 4			/* pg_proc's */

static const double dimension_cost[ELEMENT_KINDS] = {
	[ELEMENT_FLOAT] = 0.02,[ELEMENT_HALF] = 0.008,
	[ELEMENT_INT8] = 0.004,[ELEMENT_BIT] = 0.001
};

double
embedding_distance_cost(int32 typmod)
{
	if (typmod < 0)
		return UNKNOWN_COST;
	return CALL_COST + EMBEDDING_TYPMOD_DIMS(typmod) *
		dimension_cost[EMBEDDING_TYPMOD_KIND(typmod)];
}

/* Arguments of a call or an operator; NIL of anything else */
static List *
arguments_of(Node *node)
{
	if (node == NULL)
		return NIL;
	if (IsA(node, FuncExpr))
		return ((FuncExpr *) node)->args;
	if (IsA(node, OpExpr))
		return ((OpExpr *) node)->args;
	return NIL;
}

/*
 * Support function of distances: the cost of the costlier argument that says
 * what it is, or nothing, and pg_proc's cost stands.
 */
Datum
distance_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestCost *cost;
	ListCell   *cell;
	double		most = 0;

	if (request == NULL || !IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(NULL);
	cost = (SupportRequestCost *) request;
	foreach(cell, arguments_of(cost->node))
	{
		int32		typmod = exprTypmod(lfirst(cell));

		if (typmod >= 0)
			most = Max(most, embedding_distance_cost(typmod));
	}
	if (most == 0)
		PG_RETURN_POINTER(NULL);
	cost->startup = 0;
	cost->per_tuple = most * cpu_operator_cost;
	PG_RETURN_POINTER(cost);
}
