/*
 * reembed.h
 *	  A gallery's table copied with the embeddings of another model version,
 *	  while it is used: what reembed.c, copy.c and swap.c share.
 */
#ifndef GALLERY_REEMBED_H
#define GALLERY_REEMBED_H

#include "gallery/gallery.h"

/* An embedding column and what it is computed from */
typedef struct CopyColumn
{
	char	   *embedding;
	char	   *input;
} CopyColumn;

/* A table being copied.  All names are quoted. */
typedef struct Copy
{
	Oid			relid;			/* the user's table */
	char	   *relation;
	char	   *key_name;		/* its primary key of one column, not quoted */
	char	   *key;			/* quoted */
	char	   *key_type;
	char	   *key_greater;	/* operators of its default order */
	char	   *key_equal;
	int			version;		/* of the new embeddings */
	int			ncolumns;
	CopyColumn *columns;		/* their names are not quoted */

	Oid			side;			/* the copy */
	char	   *side_relation;
	char	   *last_key;		/* as text: filled up to here; NULL: nothing
								 * yet */
	bool		filled;
} Copy;

/* ---- copy.c: each of these is part of the caller's transaction ---- */

/* ERROR unless the table can be copied and the current role owns it. */
extern void copy_check(const Copy *copy);

/* Begin a copy, or find one begun earlier that still fits. */
extern void copy_begin(Copy *copy);

/* Copy the next rows in the order of keys; returns how many. */
extern int64 copy_rows(Copy *copy, int limit);

/* Bring rows that changed meanwhile up to date; returns how many changes. */
extern int64 copy_changes(Copy *copy, int limit);

/* Build one index that the table has and the copy lacks; false if none does. */
extern bool copy_next_index(Copy *copy);

/* Forget a copy: triggers, side table, queue. */
extern void copy_end(Oid relid);

/* ---- swap.c ---- */

/* Pairs of indexes, the table's and the copy's */
typedef struct IndexPair
{
	Oid			index;
	Oid			side;			/* InvalidOid: not built yet */
} IndexPair;

extern List *swap_index_pairs(const Copy *copy);

/* Do table and copy have the same columns? */
extern bool swap_same_columns(Oid relid, Oid side);

/*
 * Exchange storage of table and copy and of their indexes; both are locked
 * exclusively by the caller.
 */
extern void swap_storage(const Copy *copy);

/* Set the type modifier of a column of a table and of its indexes on it. */
extern void swap_set_typmod(Oid relid, const char *column, int32 typmod);

#endif							/* GALLERY_REEMBED_H */
