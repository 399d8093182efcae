/*
 * gallery.h
 *	  Galleries: their rows in the catalog, their tables, their calibrations.
 *
 * Everything here needs SPI connected and allocates in CurrentMemoryContext.
 * User tables are read as the invoker.
 */
#ifndef GALLERY_GALLERY_H
#define GALLERY_GALLERY_H

#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"

#include "base/status.h"
#include "embedding/embedding.h"
#include "eval/calibration.h"
#include "server/compat.h"
#include "server/role.h"

typedef struct Gallery
{
	int32		id;
	char	   *name;
	Oid			owner;			/* a role, which may be gone */
	Oid			relid;
	char	   *schema;			/* of relid, not quoted; NULL: it is gone */
	char	   *table;
	char	   *embedding;
	char	   *label;
	char	   *key;			/* NULL: there is none */
	char	   *image;			/* NULL: there is none */
	char	   *input;			/* column that attach() embeds; NULL: not
								 * attached */
	int			height;			/* of images; 0: not known */
	int			width;
	int			channels;
	const EmbeddingMetric *distance;
	char	   *model;			/* NULL: raw input cannot be embedded */
	int			version;		/* of model */
	char	   *relation;		/* qualified and quoted */
	bool		fresh;			/* a snapshot of its own is active */
	Oid			reader;			/* as whom its table is read; InvalidOid: as
								 * the current role */
} Gallery;

/*
 * The gallery of that name, its table and columns found and checked, the table
 * share-locked.  ERROR if there is no such gallery, if the current role may read
 * neither embedding nor label and does not own it, or if table or columns are
 * gone or changed.  Every gallery_open() or gallery_reopen() of a function
 * ends with gallery_close(), before SPI_finish().
 */
extern Gallery *gallery_open(const char *name);
extern void gallery_reopen(const Gallery *gallery);
extern void gallery_close(const Gallery *gallery);

/*
 * Names of the galleries of a model that belong to its owner, or to a role of
 * which the owner is a member; returns how many.
 */
extern int	gallery_names_of_model(const char *model, char ***names);

/* Set the version of these galleries, and of others of the same columns. */
extern void gallery_set_versions(const char *model, int version);

/* Another gallery of that table and column that is attached, or NULL. */
extern Gallery *gallery_find_attached(Oid relid, const char *embedding,
									  int32 except);

/* Record the input column of attach(); NULL: detached. */
extern void gallery_set_input(const Gallery *gallery, const char *input);

/* Is there a gallery of that name? */
extern bool gallery_exists(const char *name);

/* The gallery of that name as registered; its table is not checked. */
extern Gallery *gallery_find(const char *name);

/* ERRCODE_INSUFFICIENT_PRIVILEGE unless the current role owns it. */
extern void gallery_require_owner(const Gallery *gallery);

/*
 * Check the registered table and the columns that every look-up reads.  The
 * column of images is asked for by whoever shows them alone: a gallery goes on
 * answering without it.
 */
extern void gallery_resolve(Gallery *gallery);
extern void gallery_require_image(const Gallery *gallery);

/*
 * A calibration is kept for others, so it is made of what the gallery's owner
 * sees: from here on the table is read as the owner, between gallery_enter()
 * and gallery_leave().  ERROR unless the current role owns the gallery.
 */
extern void gallery_read_as_owner(Gallery *gallery);

extern void gallery_enter(const Gallery *gallery, RoleFrame *frame);
extern void gallery_leave(const Gallery *gallery, const RoleFrame *frame);

/*
 * Names, qualified and quoted, of the partitions of its table, if one of them is
 * a foreign table and the current role may read each of them by its name; else
 * NIL.  They are share-locked.
 */
extern List *gallery_shards(const Gallery *gallery);

/* ERROR: the gallery has no row with an embedding. */
pg_noreturn extern void gallery_raise_empty(const Gallery *gallery);

/* ERROR: the table has changed since the gallery was opened. */
pg_noreturn extern void gallery_raise_changed(const Gallery *gallery);

/*
 * A cursor over rows of the gallery's table, read as gallery_enter() says; sql
 * returns the embedding as its column'th value, or none if that is 0.
 */
extern Portal gallery_open_rows(const Gallery *gallery, const char *sql,
								int column);

/* Set schema, table and relation of relid; false if it does not exist. */
extern bool gallery_set_names(Gallery *gallery);

/* May the current role read a column, or a system column (negative)? */
extern bool gallery_may_read(Oid relid, AttrNumber column);

/* ERRCODE_INSUFFICIENT_PRIVILEGE unless it may read the gallery's columns. */
extern void gallery_require_read(const Gallery *gallery);

/* The same unless it may read something of the table, and so know its columns. */
extern void gallery_require_some_read(const Gallery *gallery);

/*
 * The same if row-level security or a view may hide rows from it that figures
 * of the calibration are made of; the gallery's owner made them.
 */
extern void gallery_require_all_rows(const Gallery *gallery);

/* Height, width and channels from {h,w,c} or {h,w}; ERROR if not an image. */
extern void gallery_set_shape(Gallery *gallery, ArrayType *shape);

/* ... or false */
extern bool gallery_try_shape(Gallery *gallery, ArrayType *shape);

/* Type modifier of a column */
extern int32 gallery_column_typmod(Oid relid, AttrNumber column);

/* The only column of the table's primary key, or NULL. */
extern char *gallery_primary_key(Oid relid);

/* How many columns the primary key has, 0 without one, and the first of them */
extern int	gallery_primary_key_columns(Oid relid, AttrNumber *first);

/* A calibration as match and evaluations need it. */
typedef struct Cutpoint
{
	char	   *name;
	double		distance;
} Cutpoint;

typedef struct Calibration
{
	EvalMatcher matcher;
	int			k;
	int			ncutpoints;		/* at least 1 */
	Cutpoint   *cutpoints;		/* by ascending distance */
	int64		queries;
	int			nmatched;		/* at least 1 */
	double	   *matched;		/* distances of matches, ascending, if many a
								 * selection */
} Calibration;

/* ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if it was never calibrated. */
extern Calibration *gallery_calibration(const Gallery *gallery);

/* NULL if it never was, or in another version of its model */
extern Calibration *gallery_calibration_or_null(const Gallery *gallery);

/* One of them by name; ERROR that lists the names. */
extern const Cutpoint *calibration_cutpoint(const Calibration *calibration,
											const Gallery *gallery,
											const char *name);

/* Detach: also drop the trigger unless another gallery of the column needs it. */
extern void gallery_end_trigger(const Gallery *gallery);

/* WARNING if the cut point accepts nothing. */
extern void cutpoint_check(const Gallery *gallery, const Cutpoint *cutpoint);

#endif							/* GALLERY_GALLERY_H */
