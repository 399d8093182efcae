/*
 * guc.h
 *	  Every setting of the extension, alphabetical.
 */
#ifndef SERVER_GUC_H
#define SERVER_GUC_H

#include "postgres.h"

#define GUC_MAX_THREADS 256

typedef enum SimilarityOrder
{
	ORDER_RELAXED,				/* return a row found late when it is found */
	ORDER_STRICT				/* skip it */
} SimilarityOrder;

/* Of what is shown in a terminal, as the room report has it */
typedef enum SimilarityStyle
{
	STYLE_PLAIN,
	STYLE_COLOR256,
	STYLE_TRUECOLOR,
	STYLE_ASCII
} SimilarityStyle;

#define GUC_MAX_COLUMNS 4096
/* Of the settings hnsw.iterative_scan and ivfflat.iterative_scan */
typedef enum IterativeScan
{
	ITERATIVE_OFF,				/* as ITERATIVE_STRICT without a limit of rows */
	ITERATIVE_RELAXED,
	ITERATIVE_STRICT
} IterativeScan;

#define GUC_HNSW_EF_SEARCH 40	/* the default, which asks for nothing */
#define GUC_HNSW_MAX_EF_SEARCH 1000

extern int	guc_cache_memory;	/* kB */
extern int	guc_columns;		/* of a terminal; 0 = not known */
extern int	guc_ef_search;		/* 0 = the index's */
extern int	guc_max_jobs_per_role;
extern int	guc_hnsw_ef_search;
extern int	guc_hnsw_iterative_scan;	/* IterativeScan */
extern int	guc_hnsw_max_scan_tuples;
extern int	guc_ivfflat_iterative_scan; /* IterativeScan */
extern int	guc_ivfflat_probes;
extern int	guc_progress_interval;	/* ms; 0 = no lines */
extern int	guc_search_order;	/* SimilarityOrder */
extern int	guc_style;			/* SimilarityStyle */
extern int	guc_threads;		/* 0 = one per processor */
extern int	guc_training_memory;	/* kB */

extern void guc_init(void);

/* pgvector's settings, defined when first called: ours in the extension vector */
extern void guc_init_drop_in(void);

/* Threads that a pool should have: guc_threads or the processors. */
extern int	guc_pool_threads(void);

#endif							/* SERVER_GUC_H */
