/*
 * options.h
 *	  What CREATE INDEX ... WITH says of an index (options.c).
 */
#ifndef HNSW_OPTIONS_H
#define HNSW_OPTIONS_H

#include "postgres.h"

#include "utils/rel.h"

#include "hnsw/page.h"

#define HNSW_DEFAULT_M 16
#define HNSW_MIN_M 4
#define HNSW_MAX_M 100
#define HNSW_DEFAULT_EF_CONSTRUCTION 100
#define HNSW_MIN_EF_CONSTRUCTION 8
#define HNSW_MAX_EF_CONSTRUCTION 2000
#define HNSW_DEFAULT_EF_SEARCH 40
#define HNSW_MIN_EF_SEARCH 1
#define HNSW_MAX_EF_SEARCH 100000
#define HNSW_MIN_TARGET_RECALL 0.5
#define HNSW_MAX_TARGET_RECALL 0.9999

typedef struct HnswOptions
{
	int32		vl_len_;
	int			m;
	int			ef_construction;
	int			ef_search;		/* 0: not said */
	double		target_recall;	/* 0: not said */
	int			vectors;		/* HnswVectors */
	int			bits;			/* 0: by dimensions */
	int			passes;			/* 0: a second if the data are hard */
	int			lists;			/* of ivfflat: without effect */
} HnswOptions;

/* How own vectors are stored; auto is int8, and float for expressions. */
typedef enum HnswVectors
{
	HNSW_VECTORS_AUTO,
	HNSW_VECTORS_INT8,
	HNSW_VECTORS_HALF,
	HNSW_VECTORS_FLOAT
} HnswVectors;

#define HNSW_DEFAULT_PASSES 0
#define HNSW_MAX_PASSES 4

extern int	hnsw_m(Relation index);
extern int	hnsw_ef_construction(Relation index);

/*
 * The effort of searches: the setting, else the option ef_search, else what
 * the build found for target_recall, else the default.  hnsw_own_ef() leaves
 * the setting out.
 */
extern int	hnsw_ef_search(Relation index, const HnswStats *stats);

/* What a scan does with a row found late, and how many rows it may give. */
extern int	hnsw_search_order(Relation index);
extern int64 hnsw_max_rows(Relation index);

/* Is it of an access method of the extension vector? */
extern bool hnsw_is_drop_in(Relation index);

extern int	hnsw_own_ef(Relation index, const HnswStats *stats);
extern double hnsw_target_recall(Relation index);
extern int	hnsw_bits(Relation index);
extern int	hnsw_passes(Relation index);

/* How own vectors are stored: by the option, the metric and the column */
extern StoredKind hnsw_kind(Relation index);

/* Is that int8 by default, which a build may find too coarse for its data? */
extern bool hnsw_kind_is_open(Relation index);

#endif							/* HNSW_OPTIONS_H */
