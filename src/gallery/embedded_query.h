/*
 * embedded_query.h
 *	  A user's query of (input, label[, image]), embedded in batches.
 */
#ifndef GALLERY_EMBEDDED_QUERY_H
#define GALLERY_EMBEDDED_QUERY_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "server/call_progress.h"
#include "server/user_query.h"

typedef struct LabeledBatch
{
	int			n;				/* 0 at the end */
	Datum	   *inputs;
	Embedding **embeddings;
	char	  **labels;			/* or keys; NULL entries are SQL's NULL */
	char	  **keys;			/* of QUERY_SAMPLE; NULL entries: none */
	Datum	   *images;
	bool	   *has_image;
} LabeledBatch;

typedef struct LabeledRows
{
	const Gallery *gallery;
	UserQuery  *query;
	int64		rows;			/* read before this batch */
	MemoryContext context;		/* of the batch */
	LabeledBatch batch;
	CallProgress progress;		/* of the call that reads them */
} LabeledRows;

/*
 * Open the argument "query" as the invoker; ERROR unless its columns fit.  The
 * call is shown until query_close(), which no error needs, and which may come
 * before the last row.
 */
extern LabeledRows *query_open(const Gallery *gallery, const char *query,
							   QueryKind kind, CallKind call);
extern void query_close(LabeledRows *source);

/* The next rows, embedded; valid until the next call.  No rows: the query is closed. */
extern const LabeledBatch *query_next(LabeledRows *source);

#endif							/* GALLERY_EMBEDDED_QUERY_H */
