/*
 * reembed.h
 *	  A gallery's table copied with the embeddings of another model version,
 *	  while it is used: what reembed.c, copy.c, copy_rows.c, copy_indexes.c and swap.c share.
 *
 * Nothing here is found by a name: a table, its columns and its indexes may be
 * renamed between two transactions, and another may have the name then.
 */
#ifndef REEMBED_REEMBED_H
#define REEMBED_REEMBED_H

#include "gallery/gallery.h"
#include "utils/relcache.h"

/* An embedding column and what it is computed from */
typedef struct CopyColumn
{
	AttrNumber	embedding;
	AttrNumber	input;
} CopyColumn;

/* A table being copied */
typedef struct Copy
{
	Oid			relid;			/* the user's table */
	char	   *relation;		/* its name for messages, qualified and quoted */
	AttrNumber	key;			/* its primary key of one column; 0: it has
								 * none */
	int			version;		/* of the new embeddings */
	int			ncolumns;
	CopyColumn *columns;

	Oid			side;			/* the copy */
	Oid			file;			/* of the table, when the copy was begun */
	char	   *last_key;		/* as text: filled up to here; NULL: nothing
								 * yet */
	bool		filled;
} Copy;

/* ---- copy.c: each of these is part of the caller's transaction ---- */

/* ERROR unless the table can be copied and the current role owns it. */
extern void copy_check(const Copy *copy);

/* Begin a copy, or find one begun earlier that still fits. */
extern void copy_begin(Copy *copy);

/*
 * Open table and copy.  ERROR if they do not fit any more, or if the current
 * role does not own the table any more.  A table that was emptied or rewritten
 * since the copy was begun (no trigger tells of that) gets a new, empty copy.
 */
extern void copy_open(Copy *copy, Relation *table, Relation *side);

/* Remember how far it is. */
extern void copy_progress(const Copy *copy);

/* Forget a copy: trigger, side table, queue. */
extern void copy_end(Oid relid);

pg_noreturn extern void copy_raise_changed(const Copy *copy);

/* ---- copy_rows.c ---- */

/* Copy the next rows in the order of keys; returns how many. */
extern int64 copy_rows(Copy *copy, int limit);

/* Bring rows that changed meanwhile up to date; returns how many changes. */
extern int64 copy_changes(Copy *copy, int limit);

/* ---- copy_indexes.c ---- */

/* An index of the table and its copy; InvalidOid: not built yet */
typedef struct IndexPair
{
	Oid			index;
	Oid			side;
} IndexPair;

/*
 * The table's indexes with those of the copy that are like them.  Indexes of
 * the copy enforce nothing: not every moment's copy is consistent, and what
 * the last one holds is what the table's own indexes have enforced.
 */
extern List *indexes_pair(Relation table, Relation side);

/* Build one index that the table has and the copy lacks; false if none does. */
extern bool indexes_build_next(Copy *copy);

/* The copy's index of the table's primary key */
extern Oid	indexes_of_key(const Copy *copy, Relation table, Relation side);

/* ---- swap.c ---- */

/* Do table and copy have the same columns? */
extern bool swap_same_columns(Relation table, Relation side);

/* An embedding column's type modifier, bound to the new version if it is bound to one */
extern int32 swap_typmod(int32 typmod, int version);

/*
 * Exchange storage of table and copy and of their indexes, and end the copy;
 * both are locked exclusively by the caller.
 */
extern void swap_storage(Copy *copy);

#endif							/* REEMBED_REEMBED_H */
