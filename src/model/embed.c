/*
 * embed.c
 *	  embed(model, input) and embed(version, input), and what other rooms call.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "model/input.h"
#include "model/model.h"
#include "model/network.h"
#include "model/resolve.h"

static Embedding *
embed(const CatalogVersion *version, InputKind kind, Datum input)
{
	Network    *network = network_get(version);
	InputRow	row;

	input_open(&row, network_target(network), kind, input);
	return network_run(network, &row);
}

static Datum
embed_by_name(FunctionCallInfo fcinfo, InputKind kind)
{
	CatalogVersion version = resolve_model(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_EMBEDDING_P(embed(&version, kind, PG_GETARG_DATUM(1)));
}

static Datum
embed_by_version(FunctionCallInfo fcinfo, InputKind kind)
{
	CatalogVersion version = resolve_version(model_version_argument(PG_GETARG_INT64(0)));

	PG_RETURN_EMBEDDING_P(embed(&version, kind, PG_GETARG_DATUM(1)));
}

/*
 * embed(model, input): by the deployed version, which there must be, for
 * whoever may use the model.  The input's size, or an array's shape, must be
 * the model's.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_model_bytea);
Datum
embed_model_bytea(PG_FUNCTION_ARGS)
{
	return embed_by_name(fcinfo, INPUT_BYTES);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_model_array);
Datum
embed_model_array(PG_FUNCTION_ARGS)
{
	return embed_by_name(fcinfo, INPUT_ARRAY);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_model_embedding);
Datum
embed_model_embedding(PG_FUNCTION_ARGS)
{
	return embed_by_name(fcinfo, INPUT_EMBEDDING);
}

/* For literals and parameters whose type nobody has told */
PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_model_text);
Datum
embed_model_text(PG_FUNCTION_ARGS)
{
	CatalogVersion version = resolve_model(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			type;
	Datum		input = model_input_from_text(text_to_cstring(PG_GETARG_TEXT_PP(1)), &type);

	PG_RETURN_EMBEDDING_P(embed(&version, input_kind(type), input));
}

/*
 * embed(version, input): the right to use the version's model is asked for; who
 * has it not does not learn which model that is.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_version_text);
Datum
embed_version_text(PG_FUNCTION_ARGS)
{
	CatalogVersion version = resolve_version(model_version_argument(PG_GETARG_INT64(0)));
	Oid			type;
	Datum		input = model_input_from_text(text_to_cstring(PG_GETARG_TEXT_PP(1)), &type);

	PG_RETURN_EMBEDDING_P(embed(&version, input_kind(type), input));
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_version_bytea);
Datum
embed_version_bytea(PG_FUNCTION_ARGS)
{
	return embed_by_version(fcinfo, INPUT_BYTES);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_version_array);
Datum
embed_version_array(PG_FUNCTION_ARGS)
{
	return embed_by_version(fcinfo, INPUT_ARRAY);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_version_embedding);
Datum
embed_version_embedding(PG_FUNCTION_ARGS)
{
	return embed_by_version(fcinfo, INPUT_EMBEDDING);
}

/* ---- for other rooms ---- */

int
model_version_argument(int64 version)
{
	if (version < 1 || version > EMBEDDING_MAX_MODEL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model version %lld does not exist",
						(long long) version),
				 errhint("similarity.model_versions lists the versions that you may use.")));
	return (int) version;
}

int
model_deployed_version(const char *model)
{
	return resolve_model(model).id;
}

int
model_version_dims(int version)
{
	CatalogVersion entry;
	CatalogModel model;

	catalog_get_version(version, &entry);
	catalog_get_model_by_id(entry.model, &model);
	return model.dims;
}

Embedding *
model_embed(int version, Datum input, Oid type)
{
	CatalogVersion entry = resolve_version(version);

	return embed(&entry, input_kind(type), input);
}

/* Inputs that are together in memory, beside what the network takes */
#define MAX_PIECE_BYTES (32 * 1024 * 1024)

typedef struct Piece
{
	const NetworkRunner *runner;
	InputKind	kind;
	int			begin;			/* its first input, among all */
	int			current;		/* input of it that is read, or -1 */
	ModelInputContext describe;
	void	   *arg;			/* of describe */
	InputRow   *rows;
	const void **data;			/* of each of them */
} Piece;

static void
piece_error_context(void *arg)
{
	const Piece *piece = arg;

	if (piece->current >= 0)
		piece->describe(piece->arg, piece->begin + piece->current);
}

/* Read as many inputs as run at once: how many they are */
static int
read_piece(Piece *piece, const Datum *inputs, int n)
{
	const InputTarget *target = network_runner_target(piece->runner);
	ErrorContextCallback callback = {error_context_stack, piece_error_context, piece};
	Size		bytes = 0;
	int			i;

	error_context_stack = &callback;
	for (i = 0; i < Min(n, network_runner_rows(piece->runner)) &&
		 bytes < MAX_PIECE_BYTES; i++)
	{
		piece->current = i;
		input_open(&piece->rows[i], target, piece->kind, inputs[i]);
		bytes += piece->rows[i].size;
	}
	network_runner_decode(piece->runner, piece->rows, i, &piece->current);
	error_context_stack = callback.previous;
	for (int row = 0; row < i; row++)
		piece->data[row] = piece->rows[row].data;
	return i;
}

void
model_embed_many(int version, const Datum *inputs, Oid type, int n,
				 ModelInputContext describe, void *arg, Embedding **out)
{
	CatalogVersion entry = resolve_version(version);
	Piece		piece = {.kind = input_kind(type),.describe = describe,.arg = arg};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	MemoryContext of_piece;
	NetworkRunner *runner;
	int			done;

	if (n < 1)
		return;
	context = AllocSetContextCreate(caller, "embedding of many rows",
									ALLOCSET_DEFAULT_SIZES);
	of_piece = AllocSetContextCreate(context, "inputs", ALLOCSET_DEFAULT_SIZES);
	runner = network_runner(&entry, n, context);
	piece.runner = runner;
	piece.rows = MemoryContextAlloc(context, network_runner_rows(runner) *
									sizeof(InputRow));
	piece.data = MemoryContextAlloc(context, network_runner_rows(runner) *
									sizeof(void *));
	for (int i = 0; i < n; i += done)
	{
		piece.begin = i;
		MemoryContextSwitchTo(of_piece);
		done = read_piece(&piece, inputs + i, n - i);
		MemoryContextSwitchTo(caller);
		network_run_many(runner, input_element(piece.kind), piece.data, done,
						 out + i);
		MemoryContextReset(of_piece);
	}
	MemoryContextDelete(context);
}
