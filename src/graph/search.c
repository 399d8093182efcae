/*
 * search.c
 *	  Best-first search that streams.
 *
 * "waiting" holds nodes seen but not expanded, by estimated distance.
 * Expanding the best of them gives its distance to what is stored, and it goes
 * to "ready", by bound.  The least of ready are returned in batches.  A batch is
 * settled when the best estimate is clearly beyond its last: by the factor
 * "stretch", since estimates err and the way to a near node may lead over a
 * farther one.  That is the adaptive stop of the README applied to each batch in
 * turn, so that nobody must say how many are wanted.  On hard data it would go
 * on for long: a batch is settled as well when a window of others, ef at first,
 * was found beyond it.  The first batch is as large as a LIMIT usually is, so
 * that a search for a few rows has done all its work before the first goes
 * out; batches and window grow with the number returned.
 *
 * When nothing waits any more, or when the search has expanded so many nodes
 * that reading all of them is not much dearer, a sweep (sweep.h) brings the
 * rest: what was dropped for want of room, nodes that no list leads to, and all
 * that lies farther.
 */
#include "graph/search.h"

#include <math.h>
#include <string.h>

#include "graph/heap.h"
#include "graph/sweep.h"

/* Excess of squared distances over a result's at ef = 40 */
#define STRETCH 0.2f
#define STRETCH_EF 40

/*
 * Nodes of the first batch; of further ones a part of what was returned.  The
 * window beyond a batch likewise grows from ef.  Measured, see the README.
 */
#define FIRST_BATCH 16
#define BATCH_SHARE 4
#define WINDOW_SHARE 1

/*
 * The part of all nodes after which the search sweeps: reading a node in turn
 * costs about an eighth of expanding it at a random place.
 */
#define SWEEP_SHARE 8

/* A node found takes four times the room of one that waits. */
#define READY_SHARE 4

/* Part of ef that a pool gets at least */
#define POOL_LEAST 0.3

struct GraphSearch
{
	Arena	   *arena;
	const GraphAccess *access;

	GraphQuery *query;
	GraphLimits limits;
	float		stretch;
	uint32_t	nodes;

	GraphBits	seen;
	GraphBits	expanded;
	GraphHeap	waiting;		/* node numbers, by estimate */
	GraphHeap	ready;			/* indexes into found[], by bound */

	/*
	 * Minus how far the nearest of ready reach, as many as the next batch has
	 * nodes: the last of the batch is at the top.  In a pool, minus the least
	 * distances.
	 */
	GraphHeap	nearest;
	size_t		batch;			/* nodes of the next batch; 0 in a pool */
	size_t		settled;		/* nodes of ready that may be returned */

	GraphFound *found;
	size_t		nfound;
	size_t		found_capacity;
	uint32_t   *unused;			/* entries of found[] already returned */
	size_t		nunused;

	bool		sweeping;
	GraphSweep	sweep;

	size_t		expansions;
	size_t		returned;
	size_t		late;
	double		greatest;		/* bound returned */
	GraphExpansion expansion;
};

GraphSearch *
graph_search_create(Arena *arena, const GraphAccess *access, Status *status)
{
	GraphSearch *search = arena_new(arena, GraphSearch);

	if (search == NULL)
	{
		status_out_of_memory(status, "while searching a graph");
		return NULL;
	}
	search->arena = arena;
	search->access = access;
	search->seen.arena = arena;
	search->expanded.arena = arena;
	search->waiting.arena = arena;
	search->ready.arena = arena;
	search->nearest.arena = arena;
	search->sweep.kept.arena = arena;
	return search;
}

/* Let a node wait unless it has been seen; false when out of memory. */
static bool
wait_for(GraphSearch *search, uint32_t node, float estimate)
{
	switch (graph_bits_add(&search->seen, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return false;
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	return graph_heap_push(&search->waiting, isnan(estimate) ? INFINITY :
						   estimate, node);
}

/*
 * The entry point comes last: it is there for when the root's nodes are gone.
 */
static bool
wait_for_seeds(GraphSearch *search, const GraphStart *start)
{
	GraphSeed	seeds[GRAPH_SEEDS];
	int			n = 0;

	if (start->root != NULL)
		n = graph_root_seeds(start->root, search->query, seeds);
	for (int i = 0; i < n; i++)
		if (!wait_for(search, seeds[i].node, seeds[i].estimate))
			return false;
	return start->entry == GRAPH_NO_NODE ||
		wait_for(search, start->entry, INFINITY);
}

/*
 * How far beyond a result the best estimate must be.  It grows with ef, so
 * that more effort finds more on easy data as well; measured, see the README.
 */
static float
stretch_of(const GraphAccess *access, int ef)
{
	if (!access->space->metric->adaptive)
		return INFINITY;
	return sqrtf(1 + STRETCH * sqrtf((float) ef / STRETCH_EF));
}

/* Where estimates cannot tell when to stop, results come in batches of ef. */
static size_t
first_batch(const GraphSearch *search)
{
	return isinf(search->stretch) ? (size_t) search->limits.ef : FIRST_BATCH;
}

bool
graph_search_begin(GraphSearch *search, GraphQuery *query,
				   const GraphStart *start, const GraphLimits *limits,
				   Status *status)
{
	search->query = query;
	search->limits = *limits;
	search->stretch = stretch_of(search->access, limits->ef);
	search->nodes = start->nodes;
	search->waiting.n = 0;
	search->ready.n = 0;
	search->nearest.n = 0;
	search->nfound = 0;
	search->nunused = 0;
	search->sweeping = false;
	search->expansions = 0;
	search->returned = 0;
	search->late = 0;
	search->greatest = -INFINITY;
	search->settled = 0;
	search->batch = first_batch(search);
	if (!graph_bits_reset(&search->seen, start->nodes) ||
		!graph_bits_reset(&search->expanded, start->nodes) ||
		!wait_for_seeds(search, start))
		return status_out_of_memory(status, "while searching a graph");
	return true;
}

/* A place in found[], or -1 */
static int64_t
new_found(GraphSearch *search)
{
	if (search->nunused > 0)
		return search->unused[--search->nunused];
	if (search->nfound == search->found_capacity)
	{
		size_t		capacity = search->found_capacity == 0 ? 256 :
		2 * search->found_capacity;
		GraphFound *found = arena_new_array(search->arena, capacity,
											GraphFound);
		uint32_t   *unused = arena_new_array(search->arena, capacity, uint32_t);

		if (found == NULL || unused == NULL)
			return -1;
		if (search->nfound > 0)
			memcpy(found, search->found, search->nfound * sizeof(*found));
		search->found = found;
		search->unused = unused;
		search->found_capacity = capacity;
	}
	return (int64_t) search->nfound++;
}

/* Note how far a node is: "nearest" keeps the least n. */
static bool
note_nearest(GraphSearch *search, float distance, size_t n)
{
	GraphHeap  *nearest = &search->nearest;

	if (n == 0 || (nearest->n == n && -distance <= nearest->items[0].key))
		return true;
	if (!graph_heap_push(nearest, -distance, 0))
		return false;
	if (nearest->n > n)
		graph_heap_pop(nearest);
	return true;
}

/* What the caller gets of a node, without its neighbors */
static void
copy_found(GraphFound *found, uint32_t node, const GraphExpansion *expansion)
{
	found->node = node;
	found->distance = expansion->distance;
	found->reach = expansion->reach;
	found->bound = expansion->bound;
	found->nrows = expansion->nrows;
	memcpy(found->rows, expansion->rows, sizeof(found->rows));
}

/*
 * Has an expanded node come too late for its place?  What storing hides makes
 * a bound less than the distance, so that the accessor may know better.
 */
static bool
is_late(GraphSearch *search, GraphExpansion *expansion)
{
	const GraphAccess *access = search->access;

	if (search->limits.relaxed || expansion->bound >= search->greatest)
		return false;
	return access->refine == NULL ||
		!access->refine(access->context, expansion) ||
		expansion->bound < search->greatest;
}

/*
 * Does the node come after all others, as zero vectors do by cosine?  Handed
 * out before everything else was found, it would make all that late; and it is
 * nothing that was found beyond a batch.
 */
static bool
is_last(const GraphSearch *search, const GraphExpansion *expansion)
{
	return search->batch > 0 && !search->limits.relaxed &&
		expansion->bound == INFINITY;
}

/* A live node was expanded: it is ready, or left to the sweep. */
static bool
make_ready(GraphSearch *search, uint32_t node, GraphExpansion *expansion)
{
	int64_t		i;

	if (is_last(search, expansion))
	{
		graph_bits_remove(&search->expanded, node);
		return true;
	}
	if (is_late(search, expansion))
	{
		search->late++;
		return true;
	}
	i = new_found(search);
	if (i < 0)
		return false;
	copy_found(&search->found[i], node, expansion);
	return graph_heap_push(&search->ready, expansion->bound, (uint32_t) i) &&
		note_nearest(search, expansion->reach, search->batch);
}

/* The best of those that wait are likely to be next. */
static void
prefetch_waiting(const GraphSearch *search)
{
	const GraphAccess *access = search->access;
	int			wanted = 1;

	if (access->prefetch == NULL)
		return;
	for (size_t i = 0; i < search->waiting.n && i < (size_t) wanted; i++)
		wanted = access->prefetch(access->context,
								  search->waiting.items[i].value);
}

/* If one of the new neighbors is better than all that wait, it will be next. */
static void
prefetch_neighbor(const GraphSearch *search, const GraphExpansion *expansion)
{
	const GraphAccess *access = search->access;
	int			best = -1;

	if (access->prefetch == NULL)
		return;
	for (int i = 0; i < expansion->n; i++)
		if (best < 0 || expansion->estimates[i] < expansion->estimates[best])
			best = i;
	if (best >= 0 && (search->waiting.n == 0 ||
					  expansion->estimates[best] < search->waiting.items[0].key))
		access->prefetch(access->context, expansion->ids[best]);
}

/* New neighbors of an expanded node wait for their turn. */
static bool
wait_neighbors(GraphSearch *search, const GraphExpansion *expansion)
{
	prefetch_neighbor(search, expansion);
	for (int i = 0; i < expansion->n; i++)
		if (!wait_for(search, expansion->ids[i], expansion->estimates[i]))
			return false;
	return true;
}

/* Expand one node that has not been before. */
static bool
expand(GraphSearch *search, uint32_t node, Status *status)
{
	GraphExpansion *expansion = &search->expansion;
	const GraphAccess *access = search->access;

	switch (graph_bits_add(&search->expanded, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return status_out_of_memory(status, "while searching a graph");
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	search->expansions++;
	prefetch_waiting(search);
	if (!access->expand(access->context, node, search->query, &search->seen,
						expansion))
		return true;
	if ((expansion->live && !make_ready(search, node, expansion)) ||
		!wait_neighbors(search, expansion))
		return status_out_of_memory(status, "while searching a graph");
	if (search->waiting.n > search->limits.waiting)
		graph_heap_cut(&search->waiting, search->limits.waiting / 2);
	return true;
}

/* ---- batches ---- */

/* Nodes that must have been found beyond a batch */
static size_t
window(const GraphSearch *search)
{
	size_t		ef = (size_t) search->limits.ef;
	size_t		grown = search->returned / WINDOW_SHARE;

	return grown > ef ? grown : ef;
}

/* Is what waits clearly beyond the last of the batch? */
static bool
is_beyond_batch(const GraphSearch *search)
{
	return !isinf(search->stretch) && search->nearest.n == search->batch &&
		search->waiting.n > 0 &&
		search->waiting.items[0].key > search->stretch * -search->nearest.items[0].key;
}

/*
 * May the batch go out: is enough found beyond it, or nothing nearer to expect?
 */
static bool
is_settled(const GraphSearch *search)
{
	return search->ready.n >= search->batch + window(search) ||
		search->ready.n > search->limits.waiting / READY_SHARE ||
		is_beyond_batch(search);
}

/* How many are to be settled next, and how far the last of them is */
static bool
plan_batch(GraphSearch *search)
{
	size_t		grown = search->returned / BATCH_SHARE;

	search->batch = isinf(search->stretch) ? first_batch(search) : 1;
	if (grown > search->batch)
		search->batch = grown;
	search->nearest.n = 0;
	for (size_t i = 0; i < search->ready.n; i++)
	{
		const GraphFound *found = &search->found[search->ready.items[i].value];

		if (!note_nearest(search, found->reach, search->batch))
			return false;
	}
	return true;
}

/* From here on all nodes are known, but for those that came too late. */
static void
begin_sweep(GraphSearch *search)
{
	GraphSweep *sweep = &search->sweep;
	size_t		room = search->limits.waiting < search->nodes ?
	search->limits.waiting : search->nodes;

	search->sweeping = true;
	search->waiting.n = 0;
	sweep->access = search->access;
	sweep->query = search->query;
	sweep->expanded = &search->expanded;
	sweep->nodes = search->nodes;
	sweep->room = room > 0 ? room : 1;
	sweep->expansion = &search->expansion;
	graph_sweep_begin(sweep, search->limits.relaxed ? -INFINITY :
					  search->greatest);
}

/* Expand until a batch is settled, or everything is left to a sweep. */
static bool
settle(GraphSearch *search, Status *status)
{
	if (search->returned > 0 && !plan_batch(search))
		return status_out_of_memory(status, "while searching a graph");
	while (!is_settled(search))
	{
		if (search->waiting.n == 0 ||
			search->expansions > search->nodes / SWEEP_SHARE)
		{
			begin_sweep(search);
			return true;
		}
		if (!expand(search, graph_heap_pop(&search->waiting).value, status))
			return false;
	}
	search->settled = search->batch < search->ready.n ? search->batch :
		search->ready.n;
	return true;
}

/* ---- results ---- */

static void
take_ready(GraphSearch *search, GraphFound *found)
{
	uint32_t	i = graph_heap_pop(&search->ready).value;

	*found = search->found[i];
	search->unused[search->nunused++] = i;
}

/* The next of what was found before the sweep and what the sweep brings */
static bool
next_of_sweep(GraphSearch *search, GraphFound *found, bool *end, Status *status)
{
	GraphSweep *sweep = &search->sweep;
	uint32_t	node;
	double		bound;

	for (;;)
	{
		if (!graph_sweep_peek(sweep, &node, &bound))
			return status_out_of_memory(status, "while searching a graph");
		*end = node == GRAPH_NO_NODE && search->ready.n == 0;
		if (*end)
			return true;
		if (search->ready.n > 0 &&
			(node == GRAPH_NO_NODE || search->ready.items[0].key <= bound))
		{
			take_ready(search, found);
			return true;
		}
		if (graph_sweep_take(sweep))
		{
			copy_found(found, node, sweep->expansion);
			return true;
		}
	}
}

bool
graph_search_next(GraphSearch *search, GraphFound *found, Status *status)
{
	bool		end = false;

	if (!search->sweeping && search->settled == 0 && !settle(search, status))
		return false;
	if (search->sweeping)
	{
		if (!next_of_sweep(search, found, &end, status) || end)
			return false;
	}
	else
	{
		take_ready(search, found);
		search->settled--;
	}
	if (found->bound > search->greatest)
		search->greatest = found->bound;
	search->returned++;
	return true;
}

/*
 * May the search for neighbors of a new node end, since every candidate that
 * waits would be pruned from its list?  The rule of lists prunes most of what
 * is farther than the m-th nearest found by a factor of alpha.
 */
static bool
is_enclosed(const GraphSearch *search)
{
	const GraphSpace *space = search->access->space;

	return space->metric->adaptive &&
		search->expansions >= POOL_LEAST * search->limits.ef &&
		search->nearest.n == (size_t) space->shape.degree / 2 &&
		search->waiting.items[0].key >
		space->metric->alpha * -search->nearest.items[0].key;
}

bool
graph_search_pool(GraphSearch *search, const GraphFound **found, int *nfound,
				  Status *status)
{
	size_t		noted = 0;

	search->batch = 0;
	while (search->waiting.n > 0 &&
		   search->expansions < (size_t) search->limits.ef &&
		   !is_enclosed(search))
	{
		if (!expand(search, graph_heap_pop(&search->waiting).value, status))
			return false;
		for (; noted < search->nfound; noted++)
			if (!note_nearest(search, search->found[noted].distance,
							  (size_t) search->access->space->shape.degree / 2))
				return status_out_of_memory(status, "while searching a graph");
	}
	*found = search->found;
	*nfound = (int) search->nfound;
	return true;
}

size_t
graph_search_expansions(const GraphSearch *search)
{
	return search->expansions;
}

size_t
graph_search_late(const GraphSearch *search)
{
	return search->late;
}
