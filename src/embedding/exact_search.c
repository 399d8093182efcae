/*
 * exact_search.c
 *	  The exact k nearest rows of many queries: embeddings for
 *	  kernel/neighbors.h.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "embedding/exact_search.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"

struct ExactSearch
{
	NeighborSearch *neighbors;
	const Embedding *query;		/* one of them */
	int			model;			/* tag that the queries agree on, or 0 */
	bool		as_bits;		/* items are converted: threads cannot do that */

	/* a block of rows */
	int			block;
	int			n;
	float	   *vectors;		/* n x dims */
	const void **items;
	uint64	   *ids;
	MemoryContext context;		/* of those that are copies */
};

int
exact_search_affordable(const EmbeddingMetric *metric, int dims, int k,
						Size item_size)
{
	Size		bits = metric->of_bits ? embedding_size(ELEMENT_BIT, dims) : 0;

	return (int) neighbors_affordable(budget_bytes(BUDGET_MAINTENANCE), dims, k,
									  sizeof(void *) + bits + item_size);
}

/* What distances are computed of, beside its floats for matrix products */
static const Embedding *
take_item(const ExactSearch *search, Embedding *e, float *vector)
{
	embedding_decode(e, vector);
	return search->as_bits ? embedding_convert(e, ELEMENT_BIT) : e;
}

static float *
allocate_vectors(int n, int dims)
{
	return palloc_extended(sizeof(float) * n * dims, MCXT_ALLOC_HUGE);
}

ExactSearch *
exact_search_begin(const EmbeddingMetric *metric, ThreadPool *pool,
				   Embedding *const *queries, int n, int k)
{
	ExactSearch *search = palloc0(sizeof(ExactSearch));
	int			dims = queries[0]->dims;
	float	   *vectors = allocate_vectors(n, dims);
	const void **items = palloc_extended(sizeof(void *) * n, MCXT_ALLOC_HUGE);
	Status		status;

	search->query = queries[0];
	search->as_bits = metric->of_bits;
	for (int i = 0; i < n; i++)
	{
		embedding_check_dims(queries[0], queries[i]);
		embedding_merge_model(&search->model, queries[i]);
		items[i] = take_item(search, queries[i], vectors + (Size) i * dims);
	}
	search->neighbors = neighbors_create(memory_arena(CurrentMemoryContext,
													  ARENA_NO_BUDGET), pool,
										 metric->kind, metric->distance, dims,
										 vectors, items, n, k, &status);
	if (search->neighbors == NULL)
		raise_status(&status);
	search->block = (int) neighbors_block(search->neighbors);
	search->vectors = allocate_vectors(search->block, dims);
	search->items = palloc(sizeof(void *) * search->block);
	search->ids = palloc(sizeof(uint64) * search->block);
	search->context = AllocSetContextCreate(CurrentMemoryContext,
											"block of rows",
											ALLOCSET_DEFAULT_SIZES);
	return search;
}

int
exact_search_block(const ExactSearch *search)
{
	return search->block;
}

void
exact_search_add(ExactSearch *search, Datum value, uint64 id, bool stays)
{
	MemoryContext caller = MemoryContextSwitchTo(search->context);
	Embedding  *e = stays ? DatumGetEmbedding(value) :
	(Embedding *) PG_DETOAST_DATUM_COPY(value);
	int			i = search->n;

	embedding_check_dims(embedding_check(e), search->query);
	if (e->model != 0 && search->model != 0 && e->model != search->model)
		embedding_raise_model_mismatch(e->model, search->model);
	search->items[i] = take_item(search, e,
								 search->vectors + (Size) i * e->dims);
	search->ids[i] = id;
	search->n++;
	MemoryContextSwitchTo(caller);
	if (search->n == search->block)
		exact_search_flush(search);
}

void
exact_search_flush(ExactSearch *search)
{
	neighbors_add(search->neighbors, search->vectors, search->items,
				  search->ids, search->n);
	check_interrupts();
	search->n = 0;
	MemoryContextReset(search->context);
}

/* Neighbors are sorted on the pool. */
void
exact_search_finish(ExactSearch *search)
{
	exact_search_flush(search);
	neighbors_finish(search->neighbors);
	check_interrupts();
}

const Neighbor *
exact_search_found(ExactSearch *search, int query, int *n)
{
	size_t		count;
	const Neighbor *found = neighbors_of(search->neighbors, query, &count);

	*n = (int) count;
	return found;
}
