/*
 * loss_function.c
 *	  similarity.loss(): a loss of given embeddings and its gradient, for
 *	  users who want to know what a training minimizes, and for tests.
 *
 * Everything is computed in double.  Rows are taken as they are and scaled to
 * length 1 first unless the loss reads lengths.  The gradient is that of the
 * rows as given.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "embedding/embedding.h"
#include "kernel/gemm.h"
#include "nn/nn.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/params_json.h"
#include "server/stop.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(evaluate_loss);

/* Most products of one call: some seconds */
#define MAX_PRODUCTS ((int64) 1 << 33)

typedef struct Rows
{
	int			n;
	int			dims;
	double	   *x;
} Rows;

static void
raise_too_long(int n, int dims)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a loss of %d embeddings of %d dimensions would take too long", n, dims),
			 errhint("Give the embeddings of one batch.")));
}

static double *
alloc_numbers(int n, int dims)
{
	return MemoryContextAllocHuge(CurrentMemoryContext,
								  (Size) n * (Size) dims * sizeof(double));
}

/* An array of embeddings of the same dimensions as numbers */
static Rows
read_loss_rows(ArrayType *array, const char *name)
{
	Rows		rows = {0};
	Datum	   *values;
	bool	   *nulls;
	float	   *scratch;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", name)));
	rows.n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (rows.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name)));
	if ((double) rows.n * rows.n > MAX_PRODUCTS)
		raise_too_long(rows.n, 1);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &values, &nulls, &rows.n);
	scratch = palloc(sizeof(float) * EMBEDDING_MAX_DIMS);
	for (int i = 0; i < rows.n; i++)
	{
		Embedding  *e;
		const float *x;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not contain nulls", name)));
		e = embedding_check(DatumGetEmbedding(values[i]));
		if (i == 0)
		{
			rows.dims = e->dims;
			if ((double) rows.n * rows.n * rows.dims > MAX_PRODUCTS)
				raise_too_long(rows.n, rows.dims);
			rows.x = alloc_numbers(rows.n, rows.dims);
		}
		if (e->dims != rows.dims)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("%s must all have the same dimensions, not %d and %d",
							name, rows.dims, e->dims)));
		x = embedding_floats(e, scratch);
		for (int d = 0; d < rows.dims; d++)
			rows.x[(Size) i * rows.dims + d] = x[d];
	}
	return rows;
}

/* Labels of n rows; losses of pairs have no use for them and take NULL */
static int32 *
read_labels(FunctionCallInfo fcinfo, const NnLossType *type, int n)
{
	ArrayType  *array;

	if (PG_ARGISNULL(1))
	{
		if (nn_loss_kind(type) == NN_LOSS_VIEWS)
			return palloc0(sizeof(int32) * (Size) n);
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("labels must not be null")));
	}
	array = PG_GETARG_ARRAYTYPE_P(1);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("labels must not contain nulls")));
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there must be as many labels as embeddings"),
				 errdetail("There are %d labels and %d embeddings.",
						   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)),
						   n)));
	return (int32 *) ARR_DATA_PTR(array);
}

static void
check_proxy_labels(const NnLossRequest *request, const char *name)
{
	int			centers = nn_loss_centers(request->type, request->params);

	if (request->nsecond % centers != 0)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("loss \"%s\" needs %d proxies for each class, not %d in all",
						name, centers, request->nsecond)));
	for (int i = 0; i < request->n; i++)
	{
		if (request->labels[i] < 0 ||
			request->labels[i] >= request->nsecond / centers)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("label %d has no proxy", request->labels[i]),
					 errdetail("Loss \"%s\" takes labels from 0, and \"second\" has %d proxies.",
							   name, request->nsecond)));
	}
}

/* What the kind of loss wants of its second argument */
static void
check_second(const NnLossRequest *request, const char *name, int second_dims)
{
	NnLossKind	kind = nn_loss_kind(request->type);

	if (kind == NN_LOSS_PAIRWISE && request->nsecond > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("loss \"%s\" takes no second embeddings", name)));
	if (kind != NN_LOSS_PAIRWISE && request->nsecond == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("loss \"%s\" needs second embeddings", name),
				 kind == NN_LOSS_PROXY ?
				 errhint("Give one proxy for each class, in the order of labels from 0.") :
				 errhint("Give each embedding's partner, in the same order.")));
	if (request->nsecond > 0 && second_dims != request->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("second embeddings must have %d dimensions as the first, not %d",
						request->dims, second_dims)));
	if (kind == NN_LOSS_VIEWS && request->nsecond != request->n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("loss \"%s\" needs as many second embeddings as first ones", name),
				 errdetail("There are %d and %d.", request->nsecond,
						   request->n)));
	/* such losses also multiply dimensions with each other */
	if (kind == NN_LOSS_VIEWS &&
		(double) request->dims * request->dims * request->n > MAX_PRODUCTS)
		raise_too_long(request->n, request->dims);
	if (kind == NN_LOSS_PROXY)
		check_proxy_labels(request, name);
}

/* n rows of a gradient as embedding[] */
static ArrayType *
gradient_array(const double *gradient, int n, int dims)
{
	Datum	   *rows = palloc(sizeof(Datum) * (Size) n);

	for (int i = 0; i < n; i++)
	{
		Embedding  *row = embedding_new(dims);

		for (int d = 0; d < dims; d++)
			row->x[d] = (float) gradient[(Size) i * dims + d];
		embedding_check_finite(row);
		rows[i] = PointerGetDatum(row);
	}
	return construct_array(rows, n, embedding_type_oid(), -1, false,
						   TYPALIGN_INT);
}

static void
read_params(FunctionCallInfo fcinfo, const char *name, const NnLossType *type,
			Params *params)
{
	Status		status;

	params_from_jsonb(params, psprintf("loss \"%s\"", name),
					  nn_loss_description(type)->params,
					  PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), NULL);
	/* one batch has no earlier ones */
	if (nn_loss_kind(type) == NN_LOSS_PAIRWISE &&
		!params_set_number(params, "memory_size", 0, &status))
		raise_status(&status);
}

static Datum
evaluate_rows(FunctionCallInfo fcinfo, const NnLossRequest *request)
{
	TupleDesc	columns;
	Datum		values[3];
	bool		nulls[3] = {false, false, request->nsecond == 0};
	double	   *dx = alloc_numbers(request->n, request->dims);
	double	   *dsecond = alloc_numbers(Max(request->nsecond, 1),
										request->dims);
	Arena	   *arena = memory_arena(CurrentMemoryContext,
									 budget_bytes(BUDGET_TRAINING));
	double		value;
	Status		status;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!gemm_load(&status))
		raise_status(&status);
	if (!nn_loss_evaluate(arena, request, &value, dx, dsecond, &status))
		budget_raise_status(BUDGET_TRAINING, arena, &status,
							"the distances of the embeddings",
							"use fewer embeddings");
	check_interrupts();
	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the loss is not finite")));
	values[0] = Float8GetDatum(value);
	values[1] = PointerGetDatum(gradient_array(dx, request->n, request->dims));
	values[2] = nulls[2] ? (Datum) 0 :
		PointerGetDatum(gradient_array(dsecond, request->nsecond,
									   request->dims));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values,
											 nulls));
}

/*
 * loss(name, labels, embeddings, params, second).
 *
 * Checks that name and parameters exist (42704, 22023), that arrays have one
 * dimension and no nulls (2202E, 22004), embeddings the same dimensions
 * (22000), and labels and second arguments what the kind of loss wants
 * (check_second()).  Reads no table and needs no right.  54000 if it would
 * take more than MAX_PRODUCTS; 22003 if the loss or its gradient is not
 * finite.
 */
Datum
evaluate_loss(PG_FUNCTION_ARGS)
{
	NnLossRequest request = {0};
	Params		params;
	Status		status;
	Rows		rows;
	Rows		second = {0};
	char	   *name;

	for (int i = 0; i <= 2; i += 2)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null",
							i == 0 ? "name" : "embeddings")));
	}
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	request.type = nn_loss_type(name, &status);
	if (request.type == NULL)
		raise_status(&status);
	read_params(fcinfo, name, request.type, &params);
	rows = read_loss_rows(PG_GETARG_ARRAYTYPE_P(2), "embeddings");
	if (!PG_ARGISNULL(4))
		second = read_loss_rows(PG_GETARG_ARRAYTYPE_P(4), "second embeddings");
	request.params = &params;
	request.normalize = nn_loss_normalizes(request.type);
	request.n = rows.n;
	request.dims = rows.dims;
	request.x = rows.x;
	request.nsecond = second.n;
	request.second = second.x;
	request.labels = read_labels(fcinfo, request.type, rows.n);
	check_second(&request, name, second.dims);
	return evaluate_rows(fcinfo, &request);
}
