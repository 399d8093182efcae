/*
 * augment_function.c
 *	  augment(): an augmented picture to look at.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "model/encoded.h"
#include "model/model_catalog.h"
#include "server/arguments.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"
#include "train/augmentation.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(augment_image);

enum
{
	ARG_IMAGE, ARG_PIPELINE, ARG_SEED, ARG_VIEW, ARG_MODEL, ARG_SHAPE
};

/* ---- which size ---- */

/* As a training of the model sees it */
static const uint8 *
read_for_model(FunctionCallInfo fcinfo, AugmentFormat *format)
{
	InputTarget target = {.budget = BUDGET_CACHE};
	CatalogModel model;
	InputRow	row;
	NnShape		shape;

	catalog_get_model(argument_text(fcinfo, ARG_MODEL, "model"), &model);
	catalog_require_usage(&model);
	target.graph = catalog_model_graph(&model,
									   memory_arena(CurrentMemoryContext,
													ARENA_NO_BUDGET),
									   &target.image);
	shape = nn_graph_input(target.graph);
	augmentation_require_picture(&shape, format);
	input_read(&row, &target, INPUT_BYTES, PG_GETARG_DATUM(ARG_IMAGE));
	return row.data;
}

static void
read_shape(ArrayType *array, AugmentFormat *format)
{
	NnShape		shape = {0};

	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) ||
		ARR_DIMS(array)[0] > NN_MAX_RANK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shape must be an array of 2 or 3 integers without nulls"),
				 errhint("It is {height,width,channels} with 1 or 3 channels, or {height,width}.")));
	shape.rank = ARR_DIMS(array)[0];
	memcpy(shape.dim, ARR_DATA_PTR(array), sizeof(int32) * shape.rank);
	augmentation_require_picture(&shape, format);
}

static Size
format_size(const AugmentFormat *format)
{
	return (Size) format->height * format->width * format->channels;
}

/* Pixels of a shape, or a file that is brought to it */
static const uint8 *
read_for_shape(FunctionCallInfo fcinfo, AugmentFormat *format)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(ARG_IMAGE);
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	MediaSpec	spec;

	read_shape(PG_GETARG_ARRAYTYPE_P(ARG_SHAPE), format);
	if (size == format_size(format))
		return (const uint8 *) VARDATA_ANY(bytes);
	if (!encoded_has_signature(VARDATA_ANY(bytes), size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("image has %zu bytes, but its shape %dx%dx%d has %zu",
						size, format->height, format->width, format->channels,
						format_size(format))));
	media_spec_default(&spec);
	return encoded_resized(VARDATA_ANY(bytes), size, &spec, BUDGET_CACHE,
						   format->height, format->width, format->channels);
}

/* A file at its own size, in color unless it is gray */
static const uint8 *
read_file(FunctionCallInfo fcinfo, AugmentFormat *format)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(ARG_IMAGE);
	const void *data = VARDATA_ANY(bytes);
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	MediaSpec	spec;
	MediaInfo	info;
	Status		status;

	if (!encoded_has_signature(data, size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("image is neither a JPEG nor a PNG file"),
				 errhint("Pixels need a model, or a shape: model => 'name' or shape => '{28,28,1}'.")));
	if (!media_info(data, size, &info, &status))
		raise_status(&status);
	format->height = media_shown_height(&info);
	format->width = media_shown_width(&info);
	format->channels = info.channels <= 2 ? 1 : 3;
	media_spec_default(&spec);
	return encoded_resized(data, size, &spec, BUDGET_CACHE, format->height,
						   format->width, format->channels);
}

static const uint8 *
read_picture(FunctionCallInfo fcinfo, AugmentFormat *format)
{
	if (!PG_ARGISNULL(ARG_MODEL) && !PG_ARGISNULL(ARG_SHAPE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model and shape cannot be given together")));
	if (!PG_ARGISNULL(ARG_MODEL))
		return read_for_model(fcinfo, format);
	if (!PG_ARGISNULL(ARG_SHAPE))
		return read_for_shape(fcinfo, format);
	return read_file(fcinfo, format);
}

/* ---- the picture ---- */

static void
require_budget(const AugmentFormat *format)
{
	Size		needed = budget_sum(augment_scratch(format),
									budget_sum(2 * format_size(format),
											   media_png_bound(format->height,
															   format->width,
															   format->channels)));

	budget_require(BUDGET_CACHE, needed,
				   psprintf("pictures of %d x %d pixels", format->width,
							format->height),
				   "give a smaller shape");
}

static bytea *
write_png(const uint8 *pixels, const AugmentFormat *format)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	Size		size;
	Status		status;
	const uint8 *file = media_write_png(pixels, format->height, format->width,
										format->channels, arena, &size,
										&status);
	bytea	   *result;

	if (file == NULL)
		raise_status(&status);
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), file, size);
	return result;
}

/*
 * augment(image, pipeline, seed, view, model, shape): a PNG file of an
 * augmented picture; NULL for no image.
 *
 * 22023 for what is wrong with a pipeline (42704 for a name that does not
 * exist), 22P03 for a file that is damaged, 42501 without USAGE of the model,
 * 53400 beyond similarity.cache_memory.
 */
Datum
augment_image(PG_FUNCTION_ARGS)
{
	AugmentSteps *steps;
	AugmentFormat format = {0};
	AugmentKey	key = {0};
	Augmentation *augmentation;
	const uint8 *picture;
	uint8	   *out;
	Status		status;

	argument_require(fcinfo, ARG_PIPELINE, "pipeline");
	argument_require(fcinfo, ARG_SEED, "seed");
	key.seed = (uint64) PG_GETARG_INT64(ARG_SEED);
	key.view = (uint32) argument_integer(fcinfo, ARG_VIEW, "view", 1, 2) - 1;
	steps = augmentation_read(PG_GETARG_JSONB_P(ARG_PIPELINE));
	if (PG_ARGISNULL(ARG_IMAGE))
		PG_RETURN_NULL();
	picture = read_picture(fcinfo, &format);
	require_budget(&format);
	augmentation = augment_create(memory_arena(CurrentMemoryContext,
											   ARENA_NO_BUDGET),
								  steps->steps, steps->nsteps, &format,
								  &status);
	if (augmentation == NULL)
		raise_status(&status);
	out = MemoryContextAllocHuge(CurrentMemoryContext, format_size(&format));
	augment_picture(augmentation, &key, picture, NULL, out,
					MemoryContextAllocHuge(CurrentMemoryContext,
										   augment_scratch(&format)));
	check_interrupts();
	PG_RETURN_BYTEA_P(write_png(out, &format));
}
