/*
 * source.h
 *	  Training data: from the user's query to rows in memory.
 */
#ifndef MODEL_SOURCE_H
#define MODEL_SOURCE_H

#include "postgres.h"

#include "utils/array.h"

#include "model/memory.h"
#include "nn/nn.h"

typedef struct SourceRequest
{
	const char *query;			/* one SELECT of (input, label) */
	const NnGraph *graph;		/* of the model, for the size of an input */
	ArrayType  *known_classes;	/* text[]: labels to keep; NULL keeps all */
	TrainingMemory *memory;		/* rows and nrows are counted here */
} SourceRequest;

/*
 * Rows as the engine takes them, each in the type it was stored in: bytea as
 * NN_UINT8, real[] and embedding as NN_FLOAT32.  Labels are numbered from 0
 * in the order of known_classes, else in the order they appear.
 */
typedef struct SourceRows
{
	NnElement	element;
	Size		row_size;		/* bytes */
	uint32		nrows;
	int32	   *labels;			/* of each row, 0 .. nclasses - 1 */
	int			nclasses;
	char	  **classes;		/* the label's text of each class */
	uint32		rows_per_block;
	char	  **blocks;
} SourceRows;

/*
 * Run the query once, through a cursor, with the rights and row-level
 * security of the current user, and keep its rows in context.  SPI must be
 * connected.  ERROR, with the number of the row in its context, unless
 * the query is a SELECT of an input of the model's size and a label, neither
 * of them NULL, whose rows fit into similarity.training_memory.
 */
extern SourceRows *source_read(MemoryContext context, const SourceRequest *request);

/* The i-th row */
static inline const void *
source_row(const SourceRows *rows, uint32 i)
{
	return rows->blocks[i / rows->rows_per_block] +
		i % rows->rows_per_block * rows->row_size;
}

#endif							/* MODEL_SOURCE_H */
