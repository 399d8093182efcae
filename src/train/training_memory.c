/*
 * training_memory.c
 *	  What a training may take.
 */
#include "postgres.h"

#include "base/size.h"
#include "server/guc.h"
#include "train/training_memory.h"

static double
megabytes(Size bytes)
{
	return (double) bytes / (1024 * 1024);
}

static Size
allowed(void)
{
	return (Size) guc_training_memory * 1024;
}

/* All but the inputs of rows; false if it overflows */
static bool
fixed_size(const TrainingMemory *memory, Size *total)
{
	return size_add(memory->parameters, memory->step, total) &&
		size_add(*total, memory->batch, total) &&
		size_add(*total, memory->features, total) &&
		size_add(*total, memory->validation, total) &&
		size_add(*total, memory->labels, total);
}

void
memory_check(const TrainingMemory *memory)
{
	Size		total;

	if (fixed_size(memory, &total) && total <= allowed())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("training needs more memory than similarity.training_memory allows"),
			 errdetail("The parameters take %.1f MB, a step %.1f MB, validation %.1f MB, and the labels of the first " UINT64_FORMAT " rows %.1f MB; %.1f MB are allowed.",
					   megabytes(memory->parameters),
					   megabytes(memory->step) + megabytes(memory->batch),
					   megabytes(memory->validation), memory->nrows,
					   megabytes(memory->labels), megabytes(allowed())),
			 errhint("Raise similarity.training_memory, or use smaller batches.")));
}

Size
memory_planned(const TrainingMemory *memory)
{
	Size		total;

	return fixed_size(memory, &total) && size_add(total, memory->rows, &total) ?
		total : SIZE_MAX;
}

bool
memory_fits(const TrainingMemory *memory, Size size)
{
	Size		total;

	return fixed_size(memory, &total) &&
		size_add(total, memory->rows, &total) &&
		size_add(total, size, &total) && total <= allowed();
}
