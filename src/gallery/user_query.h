/*
 * user_query.h
 *	  A user's query of (input, label[, image]), embedded in batches.
 */
#ifndef GALLERY_USER_QUERY_H
#define GALLERY_USER_QUERY_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "server/cursor.h"

typedef enum QueryKind
{
	QUERY_LABELS,				/* (input, label) */
	QUERY_INPUTS,				/* (input), or (input, anything) */
	QUERY_KEYS,					/* (input, key) */
	QUERY_REPORT				/* (input, label) or (input, label, image),
								 * labels may be NULL */
} QueryKind;

typedef struct LabeledBatch
{
	int			n;				/* 0 at the end */
	Datum	   *inputs;
	Embedding **embeddings;
	char	  **labels;			/* NULL entries are SQL's NULL */
	Datum	   *images;
	bool	   *has_image;
} LabeledBatch;

typedef struct LabeledRows
{
	const Gallery *gallery;
	Portal		portal;
	Oid			type;			/* of input */
	int			columns;
	QueryKind	kind;
	int64		rows;			/* read before this batch */
	MemoryContext context;		/* of the batch */
	CursorPace	pace;
	SPITupleTable *table;		/* the last that was fetched, */
	uint64		taken;			/* so many of its rows read, */
	List	   *held;			/* and those before it, of the same batch */
	Size		fetched;		/* bytes of what was fetched for the batch */
	LabeledBatch batch;
} LabeledRows;

/* Open a SELECT as the invoker; ERROR unless its columns fit. */
extern LabeledRows *query_open(const Gallery *gallery, const char *query, QueryKind kind);

/* The next rows, embedded; valid until the next call.  No rows: the query is closed. */
extern const LabeledBatch *query_next(LabeledRows *source);

#endif							/* GALLERY_USER_QUERY_H */
