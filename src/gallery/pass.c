/*
 * pass.c
 *	  One pass over a query and the neighbours of its rows: what calibration
 *	  and every evaluation are made of.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gallery/gallery.h"

typedef struct Pass
{
	SPIPlanPtr	plan;
	Labels	   *labels;
	PassFunction function;
	void	   *state;
	int		   *codes;			/* of k neighbours */
	double	   *distances;
	MemoryContext scratch;		/* of one row */
} Pass;

void
gallery_raise_empty(const Gallery *gallery)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("gallery \"%s\" is empty", gallery->name),
			 errdetail("Table %s has no row with an embedding.", gallery->relation)));
}

static void
pass_row(Pass *pass, const Gallery *gallery, const char *label, const Embedding *query)
{
	MemoryContext previous = MemoryContextSwitchTo(pass->scratch);
	int			n = neighbors_find(pass->plan, query);
	SPITupleTable *table = SPI_tuptable;

	if (n == 0)
		gallery_raise_empty(gallery);
	for (int i = 0; i < n; i++)
	{
		pass->codes[i] = labels_code(pass->labels, labels_of_column(table, i, NEIGHBOR_LABEL));
		pass->distances[i] = neighbors_distance(table, i);
	}
	SPI_freetuptable(table);
	MemoryContextSwitchTo(previous);
	pass->function(pass->state, labels_code(pass->labels, label), pass->codes, pass->distances, n);
	MemoryContextReset(pass->scratch);
}

int64
gallery_pass(const Gallery *gallery, const char *query, int k,
			 Labels *labels, PassFunction function, void *state)
{
	LabeledRows *source = query_open(gallery, query, QUERY_LABELS);
	Pass		pass = {neighbors_prepare(gallery, NEIGHBOR_LABELS, k), labels, function, state};
	const LabeledBatch *batch;

	pass.codes = palloc(sizeof(int) * k);
	pass.distances = palloc(sizeof(double) * k);
	pass.scratch = AllocSetContextCreate(CurrentMemoryContext, "neighbors", ALLOCSET_DEFAULT_SIZES);
	while ((batch = query_next(source))->n > 0)
	{
		for (int i = 0; i < batch->n; i++)
			pass_row(&pass, gallery, batch->labels[i], batch->embeddings[i]);
	}
	if (source->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("query returned no rows")));
	return source->rows;
}

/* ---- matches ---- */

Matches *
matches_create(EvalMatcher matcher)
{
	Matches    *matches = palloc0(sizeof(Matches));

	matches->matcher = matcher;
	matches->size = 1024;
	matches->labels = palloc(sizeof(int) * matches->size);
	matches->predicted = palloc(sizeof(int) * matches->size);
	matches->distances = palloc(sizeof(double) * matches->size);
	matches->hits = palloc(sizeof(bool) * matches->size);
	return matches;
}

static void
grow_matches(Matches *matches)
{
	matches->size *= 2;
	matches->labels = repalloc_huge(matches->labels, sizeof(int) * matches->size);
	matches->predicted = repalloc_huge(matches->predicted, sizeof(int) * matches->size);
	matches->distances = repalloc_huge(matches->distances, sizeof(double) * matches->size);
	matches->hits = repalloc_huge(matches->hits, sizeof(bool) * matches->size);
}

void
matches_add(Matches *matches, int label, const int *labels, const double *distances, int n)
{
	EvalMatch	match = eval_match(matches->matcher, labels, distances, n);

	if (matches->n == matches->size)
		grow_matches(matches);
	matches->labels[matches->n] = label;
	matches->predicted[matches->n] = match.label;
	matches->distances[matches->n] = match.distance;
	matches->hits[matches->n] = eval_match_hits(match, label);
	matches->n++;
}
