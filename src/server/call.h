/*
 * call.h
 *	  What a function knows of its call, and where its rows go.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "utils/tuplestore.h"

/* Is this a CALL that may commit, or anything else, which may not? */
static inline bool
call_is_atomic(FunctionCallInfo fcinfo)
{
	return !(fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
			 !castNode(CallContext, fcinfo->context)->atomic) ||
		IsSubTransaction();
}

/* A row of the result, after InitMaterializedSRF() */
static inline void
put_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

#endif							/* SERVER_CALL_H */
