/*
 * evaluate_pass.h
 *	  One pass over a query and the neighbors of its rows.
 */
#ifndef EVALUATE_EVALUATE_PASS_H
#define EVALUATE_EVALUATE_PASS_H

#include "postgres.h"

#include "evaluate/gallery_sample.h"
#include "gallery/embedded_query.h"
#include "server/labels.h"

/* Called for each row: its label and n neighbors' labels and distances. */
typedef void (*PassFunction) (void *state, int label, const int *labels,
							  const double *distances, int n);

/*
 * Call function for each row of query, in their order, with its label (none of
 * QUERY_INPUTS: EVAL_NO_LABEL) and its k nearest:
 * the true ones, or those that look-ups find.  ERROR if there is no row or the
 * gallery is empty.
 */
typedef struct Pass Pass;
extern Pass *gallery_pass(const Gallery *gallery, const char *query,
						  QueryKind kind, bool exact, int k,
						  Labels *labels, PassFunction function, void *state);

/*
 * The same of items that are at hand, with their true neighbors.  Those without
 * a label are left out.  There is no error without any.
 */
extern Pass *gallery_pass_items(const Gallery *gallery,
								const LabeledItems *items, int k,
								Labels *labels, PassFunction function,
								void *state);

/* After a pass that was not exact: the share of the k true nearest it found. */
extern double pass_index_recall(const Pass *pass, int k);

/* What a pass found out about the items of its query. */
typedef struct PassItems
{
	int64		n;
	int64		own;			/* have the embedding of a row of the gallery */
	int64		nowhere;		/* have no distance to any row */
} PassItems;

extern const PassItems *pass_items(const Pass *pass);

/* Of a pass only the match of each row, in arrays that grow */
typedef struct Matches
{
	int64		n;
	int64		size;
	int		   *labels;			/* of the query */
	int		   *predicted;
	double	   *distances;
	bool	   *hits;
	EvalMatcher matcher;
	bool		drop_closest;	/* the items stand in the gallery: leave each
								 * one's nearest row out */
} Matches;

extern Matches *matches_create(EvalMatcher matcher, bool drop_closest);

/* How many neighbors it takes to match by k of them. */
extern int	matches_depth(const Matches *matches, int k);
extern void matches_add(Matches *matches, int label, const int *labels,
						const double *distances, int n);

#endif							/* EVALUATE_EVALUATE_PASS_H */
