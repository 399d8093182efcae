/*
 * search.c
 *	  Beam search that streams.
 *
 * "waiting" holds nodes seen but not expanded, by estimated distance.
 * Expanding the best of them gives its true distance: it goes to "window",
 * the ef nearest expanded and not yet returned, and what falls out of the
 * window goes to "spare".  A beam ends when the window is full and nothing
 * waiting looks nearer than its farthest (HNSW's rule, Malkov and Yashunin,
 * 2016).  The window, sorted, is the batch that is returned; the next beam
 * starts with the nearest of spare in its window and goes on with what waits.
 *
 * When nothing waits any more, or too much, a sweep over the node numbers
 * brings what was not expanded: nodes that no list leads to, and those for
 * which there was no room to wait.
 */
#include "graph/search.h"

#include <math.h>
#include <string.h>

#include "graph/heap.h"

struct GraphSearch
{
	Arena	   *arena;
	const GraphAccess *access;

	const float *query;
	int			ef;
	uint32_t	nodes;
	size_t		max_waiting;

	GraphBits	seen;
	GraphBits	expanded;
	GraphHeap	waiting;		/* node numbers */
	GraphHeap	window;			/* indexes into found[], farthest first */
	GraphHeap	spare;			/* indexes into found[] */

	GraphFound *found;
	size_t		nfound;
	size_t		found_capacity;
	uint32_t   *unused;			/* entries of found[] already returned */
	size_t		nunused;

	uint32_t   *batch;			/* indexes into found[], near to far */
	int			batch_capacity;
	int			nbatch;
	int			next;			/* the next one to return */

	bool		sweeping;
	uint32_t	sweep;			/* the next number to look at */
	size_t		expansions;
	GraphExpansion expansion;
};

static bool
out_of_memory(Status *status)
{
	return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while searching a graph");
}

GraphSearch *
graph_search_create(Arena *arena, const GraphAccess *access, Status *status)
{
	GraphSearch *search = arena_new(arena, GraphSearch);

	if (search == NULL)
	{
		out_of_memory(status);
		return NULL;
	}
	search->arena = arena;
	search->access = access;
	search->seen.arena = arena;
	search->expanded.arena = arena;
	search->waiting.arena = arena;
	search->window.arena = arena;
	search->spare.arena = arena;
	return search;
}

bool
graph_search_begin(GraphSearch *search, const float *query, int ef,
				   uint32_t entry, uint32_t nodes,
				   size_t max_waiting, Status *status)
{
	search->query = query;
	search->ef = ef;
	search->nodes = nodes;
	search->max_waiting = max_waiting;
	search->waiting.n = 0;
	search->window.n = 0;
	search->spare.n = 0;
	search->nfound = 0;
	search->nunused = 0;
	search->nbatch = 0;
	search->next = 0;
	search->sweeping = false;
	search->sweep = 0;
	search->expansions = 0;
	if (!graph_bits_reset(&search->seen, nodes) ||
		!graph_bits_reset(&search->expanded, nodes))
		return out_of_memory(status);
	if (search->batch_capacity < ef)
	{
		search->batch = arena_new_array(search->arena, (size_t) ef, uint32_t);
		if (search->batch == NULL)
		{
			search->batch_capacity = 0;
			return out_of_memory(status);
		}
		search->batch_capacity = ef;
	}
	if (entry >= nodes)
		return true;
	if (graph_bits_add(&search->seen, entry) == GRAPH_BITS_NO_MEMORY ||
		!graph_heap_push(&search->waiting, 0, entry))
		return out_of_memory(status);
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
		size_t		capacity = search->found_capacity == 0 ? 256 : 2 * search->found_capacity;
		GraphFound *found = arena_new_array(search->arena, capacity, GraphFound);
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

/* A live node was expanded: into the window, and what falls out to spare. */
static bool
keep(GraphSearch *search, uint32_t node, const GraphExpansion *expansion)
{
	int64_t		i = new_found(search);
	GraphFound *found;

	if (i < 0)
		return false;
	found = &search->found[i];
	found->node = node;
	found->distance = isnan(expansion->distance) ? INFINITY : expansion->distance;
	found->nrows = expansion->nrows;
	memcpy(found->rows, expansion->rows, sizeof(found->rows));
	if (!graph_heap_push(&search->window, -found->distance, (uint32_t) i))
		return false;
	if (search->window.n > (size_t) search->ef)
	{
		GraphHeapItem item = graph_heap_pop(&search->window);

		return graph_heap_push(&search->spare, -item.key, item.value);
	}
	return true;
}

/* New neighbours of an expanded node wait for their turn. */
static bool
wait_neighbors(GraphSearch *search, const GraphExpansion *expansion)
{
	for (int i = 0; i < expansion->n; i++)
	{
		float		estimate = expansion->estimates[i];

		switch (graph_bits_add(&search->seen, expansion->ids[i]))
		{
			case GRAPH_BITS_NO_MEMORY:
				return false;
			case GRAPH_BITS_PRESENT:
				continue;
			case GRAPH_BITS_ADDED:
				break;
		}
		if (isnan(estimate))
			estimate = INFINITY;
		if (!graph_heap_push(&search->waiting, estimate, expansion->ids[i]))
			return false;
	}
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
			return out_of_memory(status);
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	search->expansions++;
	if (!access->expand(access->context, node, search->query,
						search->sweeping ? NULL : &search->seen, expansion))
		return true;
	if ((expansion->live && !keep(search, node, expansion)) ||
		(!search->sweeping && !wait_neighbors(search, expansion)))
		return out_of_memory(status);
	return true;
}

static bool
window_is_full(const GraphSearch *search)
{
	return search->window.n >= (size_t) search->ef;
}

/* Expand until the window holds the ef nearest that can be reached. */
static bool
run_beam(GraphSearch *search, Status *status)
{
	while (search->waiting.n > 0)
	{
		if (window_is_full(search) &&
			search->waiting.items[0].key >= -search->window.items[0].key)
			return true;
		if (search->waiting.n + search->nfound > search->max_waiting)
			break;
		if (!expand(search, graph_heap_pop(&search->waiting).value, status))
			return false;
	}
	return true;
}

/* Go on through the node numbers until the window is full. */
static bool
run_sweep(GraphSearch *search, Status *status)
{
	search->waiting.n = 0;
	search->sweeping = true;
	while (!window_is_full(search) && search->sweep < search->nodes)
	{
		if (!expand(search, search->sweep++, status))
			return false;
	}
	return true;
}

/* The nearest of those that fell out of an earlier window come first. */
static bool
refill_window(GraphSearch *search)
{
	while (!window_is_full(search) && search->spare.n > 0)
	{
		GraphHeapItem item = graph_heap_pop(&search->spare);

		if (!graph_heap_push(&search->window, -item.key, item.value))
			return false;
	}
	return true;
}

static bool
next_batch(GraphSearch *search, Status *status)
{
	for (int i = 0; i < search->nbatch; i++)
		search->unused[search->nunused++] = search->batch[i];
	search->nbatch = 0;
	search->next = 0;
	if (!refill_window(search))
		return out_of_memory(status);
	if (!search->sweeping && !run_beam(search, status))
		return false;
	if (!window_is_full(search) && !run_sweep(search, status))
		return false;
	search->nbatch = (int) search->window.n;
	for (int i = search->nbatch - 1; i >= 0; i--)
		search->batch[i] = graph_heap_pop(&search->window).value;
	return true;
}

bool
graph_search_next(GraphSearch *search, GraphFound *found, Status *status)
{
	if (search->next == search->nbatch)
	{
		if (!next_batch(search, status) || search->nbatch == 0)
			return false;
	}
	*found = search->found[search->batch[search->next++]];
	return true;
}

bool
graph_search_pool(GraphSearch *search, const GraphFound **found, int *nfound, Status *status)
{
	if (!run_beam(search, status))
		return false;
	*found = search->found;
	*nfound = (int) search->nfound;
	return true;
}

size_t
graph_search_expansions(const GraphSearch *search)
{
	return search->expansions;
}
