/*
 * source.h
 *	  Training data: from the user's query to rows.
 */
#ifndef TRAIN_SOURCE_H
#define TRAIN_SOURCE_H

#include "postgres.h"

#include "utils/array.h"

#include "model/input.h"
#include "nn/nn.h"
#include "server/call_progress.h"
#include "server/labels.h"
#include "train/row_store.h"

typedef struct SourceRequest
{
	const char *what;			/* argument that the query is */
	const char *query;			/* one SELECT of (input, label) */
	InputTarget target;			/* what inputs are read for; without graph
								 * their size is that of the first row */
	ArrayType  *known_classes;	/* text[]: labels to keep; NULL keeps all */
	int			max_examples;	/* of a class, the first ones; 0: all */
	bool		unlabeled;		/* labels are not needed, and not kept */
	bool		some_labels;	/* they may be NULL, or all be missing */
	bool		categories;		/* classes have one, the third column */
	int			max_fetch;		/* rows that are wanted at once */
	ThreadPool *pool;			/* that decodes files, or NULL */
	TrainingMemory *memory;		/* rows are counted here */
	CallProgress *progress;		/* or NULL */
	CallPhase	phase;
} SourceRequest;

/*
 * Rows as the engine takes them, each in the type it was stored in: bytea as
 * NN_UINT8, arrays of numbers and embedding as NN_FLOAT32.  Labels have codes
 * in the order of known_classes, else in that of the rows.  Without labels each
 * row is its own class, and classes is NULL.
 */
typedef struct SourceRows
{
	NnElement	element;
	Size		row_size;		/* bytes */
	uint32		nrows;
	RowStore   *store;
	RowStore   *files;			/* without a model to decode them for: pieces
								 * of files, whose places are the rows; or
								 * NULL */
	int32	   *labels;			/* of each row, 0 .. nclasses - 1; of
								 * some_labels NO_LABEL where there is none */
	uint32		labeled;		/* rows that have one */
	int			nclasses;
	Labels	   *classes;		/* and how many rows are items of each */
	int32	   *categories;		/* of each class, 0 .. ncategories - 1; or
								 * NULL */
	int			ncategories;
} SourceRows;

/*
 * Run the query once, through a cursor, with the rights and row-level
 * security of the current user, and keep its rows in context.  SPI must be
 * connected.  ERROR, with the number of the row in its context, unless
 * the query is a SELECT of an input of the model's size and a label, neither
 * of them NULL, whose labels fit into similarity.training_memory.
 */
extern SourceRows *source_read(MemoryContext context,
							   const SourceRequest *request);

/* The file of a row, if rows are files, palloc'd */
extern bytea *source_file(const SourceRows *rows, const void *row);

/* A hash of rows and labels: equal if a query gave the same once more */
extern uint64 source_hash(const SourceRows *rows);

#endif							/* TRAIN_SOURCE_H */
