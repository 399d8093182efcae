/*
 * encoded.c
 *	  JPEG and PNG files as inputs of models whose input is a picture, and
 *	  image_info().
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "model/encoded.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(image_info);

bool
encoded_shape(const NnGraph *graph, int *height, int *width, int *channels)
{
	NnShape		shape = nn_graph_input(graph);

	if (shape.rank < 2 || shape.rank > 3)
		return false;
	*height = shape.dim[0];
	*width = shape.dim[1];
	*channels = shape.rank == 3 ? shape.dim[2] : 1;
	return *height <= MEDIA_MAX_SIDE && *width <= MEDIA_MAX_SIDE &&
		(*channels == 1 || *channels == 3);
}

bool
encoded_has_signature(const void *bytes, Size size)
{
	return media_format(bytes, size) != MEDIA_UNKNOWN;
}

bool
encoded_is_file(const InputTarget *target, const void *bytes, Size size)
{
	int			height;
	int			width;
	int			channels;
	MediaInfo	info;
	Status		status;

	if (!encoded_has_signature(bytes, size) || target->graph == NULL ||
		!encoded_shape(target->graph, &height, &width, &channels))
		return false;
	return size != nn_graph_inputs(target->graph) ||
		media_info(bytes, size, &info, &status);
}

/*
 * The header tells the size before anything is allocated: what decoding takes,
 * which must be within the budget.
 */
static Size
check_budget(const void *bytes, Size size, Budget budget, int height, int width,
			 int channels)
{
	MediaInfo	info;
	Status		status;
	Size		needed;

	if (!media_info(bytes, size, &info, &status))
		raise_status(&status);
	needed = media_memory(&info, height, width, channels);
	budget_require(budget, needed,
				   psprintf("%s pictures of %d x %d pixels",
							media_format_name(info.format), info.width,
							info.height),
				   "use smaller ones");
	return needed;
}

/* ---- decoding on a pool ---- */

typedef struct DecodeWorker
{
	Arena	   *arena;
	int			failed;			/* file, its first; -1: none */
	Status		status;
} DecodeWorker;

typedef struct Decoding
{
	const InputTarget *target;
	int			height;
	int			width;
	int			channels;
	const EncodedFile *files;
	DecodeWorker *workers;
} Decoding;

/* No code of PostgreSQL is called here. */
static void
decode_file(void *arg, int slice, int number)
{
	const Decoding *decoding = arg;
	const EncodedFile *file = &decoding->files[slice];
	DecodeWorker *worker = &decoding->workers[number];
	const uint8 *pixels;

	if (worker->failed >= 0)
		return;
	pixels = media_read(file->bytes, file->size, &decoding->target->image,
						decoding->height, decoding->width, decoding->channels,
						worker->arena, &worker->status);
	if (pixels == NULL)
		worker->failed = slice;
	else
		memcpy(file->pixels, pixels, (Size) decoding->height *
			   decoding->width * decoding->channels);
	arena_reset(worker->arena);
}

/* False without memory for all of them */
static bool
create_workers(Decoding *decoding, int n)
{
	bool		complete = true;

	decoding->workers = palloc0(sizeof(DecodeWorker) * n);
	for (int i = 0; i < n; i++)
	{
		decoding->workers[i].failed = -1;
		decoding->workers[i].arena = arena_create(&arena_malloc_source,
												  ARENA_NO_BUDGET);
		complete = complete && decoding->workers[i].arena != NULL;
	}
	return complete;
}

/* Of those that failed, the worker of the first file, or NULL */
static const DecodeWorker *
first_failure(const Decoding *decoding, int n)
{
	const DecodeWorker *first = NULL;

	for (int i = 0; i < n; i++)
	{
		const DecodeWorker *worker = &decoding->workers[i];

		if (worker->failed >= 0 &&
			(first == NULL || worker->failed < first->failed))
			first = worker;
	}
	return first;
}

/* Bytes that the largest of them takes; each must be within the budget. */
static Size
require_decodable(const Decoding *decoding, int n, int *current)
{
	Size		most = 0;

	for (int i = 0; i < n; i++)
	{
		const EncodedFile *file = &decoding->files[i];

		*current = file->row;
		most = Max(most, check_budget(file->bytes, file->size,
									  decoding->target->budget,
									  decoding->height, decoding->width,
									  decoding->channels));
	}
	*current = -1;
	return most;
}

void
encoded_decode(const InputTarget *target, const EncodedFile *files, int n,
			   ThreadPool *pool, int *current)
{
	Decoding	decoding = {.target = target,.files = files};
	const DecodeWorker *failure;
	Size		most;
	bool		complete;
	int			threads;

	if (!encoded_shape(target->graph, &decoding.height, &decoding.width,
					   &decoding.channels))
		elog(ERROR, "the model's input is not a picture");
	most = require_decodable(&decoding, n, current);
	/* each within the budget, all at once only if they are so together */
	if (budget_product(most, pool_threads(pool)) > budget_bytes(target->budget))
		pool = NULL;
	threads = pool_threads(pool);
	/* until the arenas are gone nothing raises an error */
	complete = create_workers(&decoding, threads);
	if (complete)
		pool_run(pool, n, decode_file, &decoding);
	for (int i = 0; i < threads; i++)
		arena_destroy(decoding.workers[i].arena);
	check_interrupts();
	if (!complete)
		raise_out_of_memory();
	failure = first_failure(&decoding, threads);
	if (failure == NULL)
		return;
	*current = files[failure->failed].row;
	raise_status(&failure->status);
}

/* A decoded picture in a context of its own, so that scratch goes at once */
uint8 *
encoded_resized(const void *bytes, Size size, const MediaSpec *spec,
				Budget budget, int height, int width, int channels)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "decoding of a picture",
												  ALLOCSET_DEFAULT_SIZES);
	Size		pixels = (Size) height * width * channels;
	uint8	   *result;
	const uint8 *decoded;
	Status		status;

	MemoryContextSwitchTo(context);
	(void) check_budget(bytes, size, budget, height, width, channels);
	decoded = media_read(bytes, size, spec, height, width, channels,
						 memory_arena(context, ARENA_NO_BUDGET), &status);
	check_interrupts();
	if (decoded == NULL)
		raise_status(&status);
	result = MemoryContextAllocHuge(caller, pixels);
	memcpy(result, decoded, pixels);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return result;
}

int
encoded_hint(const InputTarget *target, const void *bytes, Size size)
{
	MediaFormat format = media_format(bytes, size);
	const char *foreign = media_foreign_format(bytes, size);
	int			sides[3];

	if (format != MEDIA_UNKNOWN)
		return errhint("The bytes are a %s file, which is decoded for models whose input is a picture, {height,width,channels} with 1 or 3 channels.",
					   media_format_name(format));
	if (foreign != NULL &&
		encoded_shape(target->graph, &sides[0], &sides[1], &sides[2]))
		return errhint("The bytes begin as a %s file does; JPEG and PNG files are decoded.",
					   foreign);
	return 0;
}

/* Columns: format, width, height, channels, bit_depth, orientation */
#define INFO_COLUMNS 6

/*
 * image_info(image): what the header of a JPEG or PNG file says; 22P03 for
 * other bytes.  What follows the header may be damaged.
 */
Datum
image_info(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Datum		values[INFO_COLUMNS];
	bool		nulls[INFO_COLUMNS] = {false};
	MediaInfo	info;
	Status		status;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!media_info(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &info,
					&status))
		raise_status(&status);
	values[0] = CStringGetTextDatum(media_format_name(info.format));
	values[1] = Int32GetDatum(info.width);
	values[2] = Int32GetDatum(info.height);
	values[3] = Int32GetDatum(info.channels);
	values[4] = Int32GetDatum(info.bit_depth);
	values[5] = Int32GetDatum(info.orientation);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* All of a file is decoded, to as little as can be. */
static bool
is_decodable(const void *bytes, Size size, Status *status)
{
	MediaInfo	info;
	MediaSpec	spec;
	bool		sound;

	if (!media_info(bytes, size, &info, status))
		return false;
	if (media_memory(&info, 1, 1, 1) > budget_bytes(BUDGET_CACHE))
		return status_fail(status, STATUS_TOO_LARGE,
						   "%s picture of %d x %d pixels needs %zu MB of memory, more than similarity.cache_memory",
						   media_format_name(info.format), info.width,
						   info.height, info.memory >> 20);
	media_spec_default(&spec);
	sound = media_read(bytes, size, &spec, 1, 1, 1,
					   memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
					   status) != NULL;
	check_interrupts();
	return sound;
}

/*
 * image_error(image): NULL if these bytes are a JPEG or PNG file that can be
 * decoded to its end, in similarity.cache_memory; else what is wrong with it.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(image_error);
Datum
image_error(PG_FUNCTION_ARGS)
{
	bytea	   *image = PG_GETARG_BYTEA_PP(0);
	const void *bytes = VARDATA_ANY(image);
	Size		size = VARSIZE_ANY_EXHDR(image);
	Status		status;

	if (is_decodable(bytes, size, &status))
		PG_RETURN_NULL();
	if (status.code == STATUS_OUT_OF_MEMORY)
		raise_status(&status);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s%s", status.message,
											  status.detail[0] ? ": " : "",
											  status.detail)));
}
