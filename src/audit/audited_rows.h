/*
 * audited_rows.h
 *	  The rows of a gallery, read once, and their neighbors among each other.
 *
 *		rows = audited_rows_read(gallery, CALL_AUDIT);
 *		audited_rows_neighbors(rows, ROWS_LABELED, ROWS_LABELED, k, exact,
 *							   &neighbors);
 *		audited_rows_close(rows);
 *
 * Rows have numbers 0, 1, ... in the order in which the table gave them.
 * Their labels and keys are in memory, within maintenance_work_mem, their
 * embeddings beyond work_mem on disk.  All of it is in the memory context that
 * was current.  SPI must be connected.
 */
#ifndef AUDIT_AUDITED_ROWS_H
#define AUDIT_AUDITED_ROWS_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "eval/label_audit.h"
#include "gallery/gallery.h"
#include "server/call_progress.h"
#include "server/labels.h"

typedef struct AuditedRows
{
	const Gallery *gallery;
	CallProgress progress;
	MemoryContext context;
	size_t		n;
	size_t		size;			/* of the arrays */
	int		   *labels;			/* codes; NO_LABEL is EVAL_NO_LABEL */
	char	  **keys;			/* of the gallery's key, or the row's ctid */
	Size		bytes;			/* of the above */
	size_t		labeled;		/* how many have a label */
	Labels	   *names;			/* of the codes */

	/* embeddings, in the order of the rows */
	Tuplestorestate *spool;
	int			pointer;		/* a read pointer beside the first */
	TupleTableSlot *slot;
} AuditedRows;

typedef enum RowKind
{
	ROWS_LABELED,
	ROWS_UNLABELED
} RowKind;

/* May the current role read what tells the rows apart: the key, or the ctid? */
extern bool audited_rows_readable(const Gallery *gallery);

/*
 * Read the rows that have an embedding, as the current role sees them.  ERROR
 * if there is none, or if rows cannot be told apart: a view without a key.
 */
extern AuditedRows *audited_rows_read(const Gallery *gallery, CallKind call);

/*
 * The k nearest of each row of one kind among the other rows of a kind: the
 * true ones, or those that look-ups find by an index, which needs a key.
 * Rows of other kinds have none.
 */
extern void audited_rows_neighbors(AuditedRows *rows, RowKind of,
								   RowKind among, int k, bool exact,
								   EvalNeighbors *neighbors);

/* The embeddings of n rows, in their order */
extern Embedding **audited_rows_embeddings(AuditedRows *rows,
										   const size_t *which, size_t n);

/* Forget the spool, and end the call. */
extern void audited_rows_close(AuditedRows *rows);

#endif							/* AUDIT_AUDITED_ROWS_H */
