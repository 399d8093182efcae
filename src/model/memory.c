/*
 * memory.c
 *	  What a training may take.
 */
#include "postgres.h"

#include "base/size.h"
#include "guc.h"
#include "model/memory.h"

static double
megabytes(Size bytes)
{
	return (double) bytes / (1024 * 1024);
}

void
memory_check(const TrainingMemory *memory)
{
	Size		total;

	if (size_add(memory->parameters, memory->step, &total) &&
		size_add(total, memory->rows, &total) &&
		total <= (Size) guc_training_memory * 1024)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("training needs more memory than similarity.training_memory allows"),
			 errdetail("The parameters take %.1f MB, a step %.1f MB, and the first " UINT64_FORMAT " rows %.1f MB; %.1f MB are allowed.",
					   megabytes(memory->parameters), megabytes(memory->step),
					   memory->nrows, megabytes(memory->rows),
					   megabytes((Size) guc_training_memory * 1024)),
			 errhint("Raise similarity.training_memory, select fewer rows, or take smaller batches.")));
}
