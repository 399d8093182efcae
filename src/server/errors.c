/*
 * errors.c
 *	  From a pure room's Status to a PostgreSQL error.
 */
#include "postgres.h"

#include "server/errors.h"

static int
status_sqlstate(StatusCode code)
{
	switch (code)
	{
		case STATUS_INVALID_VALUE:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case STATUS_UNKNOWN_NAME:
			return ERRCODE_UNDEFINED_OBJECT;
		case STATUS_SHAPE_MISMATCH:
		case STATUS_NOT_A_NUMBER:
			return ERRCODE_DATA_EXCEPTION;
		case STATUS_BAD_TEXT:
			return ERRCODE_INVALID_TEXT_REPRESENTATION;
		case STATUS_BAD_BINARY:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case STATUS_OUT_OF_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case STATUS_TOO_LARGE:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case STATUS_OUT_OF_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case STATUS_DIVERGED:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case STATUS_CORRUPTED:
			return ERRCODE_DATA_CORRUPTED;
		case STATUS_UNAVAILABLE:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case STATUS_SUCCESS:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

void
raise_status(const Status *status)
{
	ereport(ERROR,
			(errcode(status_sqlstate(status->code)),
			 errmsg_internal("%s", status->message),
			 status->detail[0] ? errdetail_internal("%s", status->detail) : 0,
			 status->hint[0] ? errhint("%s", status->hint) : 0));
}

void
raise_out_of_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory")));
}
