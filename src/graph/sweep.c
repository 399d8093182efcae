/*
 * sweep.c
 *	  Every node that a search has not expanded, near to far.
 *
 * Only number and bound of a node are kept, so that a pass brings as many as
 * there is room for; who takes a node reads it again.  A node that was freed
 * and used again meanwhile has another bound, or rows that no snapshot taken
 * before the search can see.
 */
#include "graph/sweep.h"

#include <math.h>

/* Nodes prefetched ahead of a pass */
#define AHEAD 16

void
graph_sweep_begin(GraphSweep *sweep, double least)
{
	sweep->least = least;
	sweep->last_bound = least;
	sweep->last_node = -1;
	sweep->kept.n = 0;
	sweep->left = 0;
	sweep->complete = false;
}

/*
 * Read a live node, and its bound as well as it can be known where that
 * matters.
 */
static bool
read_node(const GraphSweep *sweep, uint32_t node)
{
	const GraphAccess *access = sweep->access;
	GraphExpansion *expansion = sweep->expansion;

	if (!access->expand(access->context, node, sweep->query, NULL, expansion) ||
		!expansion->live)
		return false;
	return expansion->bound >= sweep->least ||
		(access->refine != NULL && access->refine(access->context, expansion));
}

/* Is (bound, node) behind what came last? */
static bool
is_behind(const GraphSweep *sweep, double bound, uint32_t node)
{
	return bound > sweep->last_bound ||
		(bound == sweep->last_bound && (int64_t) node > sweep->last_node);
}

/*
 * The heap has the greatest at its top: keys are negated, and so are numbers,
 * for of equal keys the smaller value comes first.
 */
static bool
keep_least(GraphSweep *sweep, uint32_t node, double bound)
{
	GraphHeap  *kept = &sweep->kept;

	if (kept->n == sweep->room)
	{
		sweep->complete = false;
		if (bound >= -kept->items[0].key)
			return true;
		graph_heap_pop(kept);
	}
	return graph_heap_push(kept, -bound, ~node);
}

/* Popping from the top leaves the items in place, the least one first. */
static void
sort_kept(GraphSweep *sweep)
{
	GraphHeap  *kept = &sweep->kept;

	sweep->left = kept->n;
	while (kept->n > 0)
	{
		size_t		last = kept->n - 1;
		GraphHeapItem top = graph_heap_pop(kept);

		kept->items[last] = top;
	}
	kept->n = sweep->left;
}

/*
 * Look at all nodes once and keep the least behind the last that came, as many
 * as there is room for.  False when memory ran out.
 */
static bool
pass(GraphSweep *sweep)
{
	const GraphAccess *access = sweep->access;

	sweep->kept.n = 0;
	sweep->complete = true;
	for (uint32_t node = 0; node < sweep->nodes; node++)
	{
		if (access->prefetch != NULL && node + AHEAD < sweep->nodes)
			access->prefetch(access->context, node + AHEAD);
		if (!graph_bits_test(sweep->expanded, node) && read_node(sweep, node) &&
			is_behind(sweep, sweep->expansion->bound, node) &&
			!keep_least(sweep, node, sweep->expansion->bound))
			return false;
	}
	sort_kept(sweep);
	return true;
}

bool
graph_sweep_peek(GraphSweep *sweep, uint32_t *node, double *bound)
{
	const GraphHeapItem *item;

	*node = GRAPH_NO_NODE;
	*bound = INFINITY;
	if (sweep->left == 0)
	{
		if (sweep->complete)
			return true;
		if (!pass(sweep))
			return false;
		if (sweep->left == 0)
			return true;
	}
	item = &sweep->kept.items[sweep->kept.n - sweep->left];
	*node = ~item->value;
	*bound = -item->key;
	return true;
}

bool
graph_sweep_take(GraphSweep *sweep)
{
	const GraphHeapItem *item =
	&sweep->kept.items[sweep->kept.n - sweep->left--];
	uint32_t	node = ~item->value;
	double		bound = -item->key;

	sweep->last_bound = bound;
	sweep->last_node = node;
	return read_node(sweep, node) && sweep->expansion->bound == bound;
}
