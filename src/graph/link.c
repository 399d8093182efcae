/*
 * link.c
 *	  Insertion and repair.
 *
 * The candidates of a new node are all nodes that its search expanded, however
 * far: the far ones on the path become the long links that make the graph
 * navigable (measured: trimming them to the ef_construction nearest is ruinous
 * on hard data; see the README).
 *
 * Lists are changed by compare and swap: read the list, decide without any
 * lock, write it if it is still the same, else decide again.
 */
#include "graph/link.h"

#include <math.h>
#include <stdlib.h>

/* A neighbour whose list changes under our hands this often is left alone. */
#define MAX_ATTEMPTS 16

/* Dead nodes looked behind in one repair, per neighbour that a list may have */
#define DEAD_PER_DEGREE 4

struct GraphLinker
{
	Arena	   *arena;
	const GraphAccess *access;
	int			ef;
	float		alpha;
	GraphSearch *search;

	GraphCandidate *pool;
	int			npool;
	int			pool_capacity;

	float	  **scratch;		/* vectors copied by access->vector */
	int			nscratch;		/* in use */
	int			nallocated;
	int			scratch_capacity;

	float	   *own;			/* the vector of the node being repaired */
	GraphBits	visited;		/* of one repair */
	uint32_t   *dead;			/* dead nodes to look behind */
	GraphExpansion expansion;
};

static bool
out_of_memory(Status *status)
{
	return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while linking a graph");
}

GraphLinker *
graph_linker_create(Arena *arena, const GraphAccess *access,
					int ef_construction, float alpha, Status *status)
{
	GraphLinker *linker = arena_new(arena, GraphLinker);

	if (linker == NULL)
	{
		out_of_memory(status);
		return NULL;
	}
	linker->arena = arena;
	linker->access = access;
	linker->ef = ef_construction;
	linker->alpha = alpha;
	linker->visited.arena = arena;
	linker->search = graph_search_create(arena, access, status);
	if (linker->search == NULL)
		return NULL;
	return linker;
}

/* ---- candidates and their vectors ---- */

static bool
pool_add(GraphLinker *linker, uint32_t node, float distance)
{
	if (linker->npool == linker->pool_capacity)
	{
		int			capacity = linker->pool_capacity == 0 ? 256 : 2 * linker->pool_capacity;
		GraphCandidate *pool = arena_new_array(linker->arena, (size_t) capacity, GraphCandidate);

		if (pool == NULL)
			return false;
		for (int i = 0; i < linker->npool; i++)
			pool[i] = linker->pool[i];
		linker->pool = pool;
		linker->pool_capacity = capacity;
	}
	linker->pool[linker->npool++] = (GraphCandidate)
	{
		node, isnan(distance) ? INFINITY : distance, NULL
	};
	return true;
}

static int
compare_candidates(const void *left, const void *right)
{
	const GraphCandidate *a = left;
	const GraphCandidate *b = right;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static void
pool_sort(GraphLinker *linker)
{
	if (linker->npool > 1)
		qsort(linker->pool, (size_t) linker->npool, sizeof(GraphCandidate), compare_candidates);
}

/* A scratch vector that is not in use, or NULL */
static float *
new_scratch(GraphLinker *linker)
{
	if (linker->nscratch == linker->scratch_capacity)
	{
		int			capacity = linker->scratch_capacity == 0 ? 64 : 2 * linker->scratch_capacity;
		float	  **scratch = arena_new_array(linker->arena, (size_t) capacity, float *);

		if (scratch == NULL)
			return NULL;
		for (int i = 0; i < linker->nallocated; i++)
			scratch[i] = linker->scratch[i];
		linker->scratch = scratch;
		linker->scratch_capacity = capacity;
	}
	if (linker->nscratch == linker->nallocated)
	{
		float	   *vector = arena_new_array(linker->arena, linker->access->dims, float);

		if (vector == NULL)
			return NULL;
		linker->scratch[linker->nallocated++] = vector;
	}
	return linker->scratch[linker->nscratch++];
}

/*
 * Make sure that a candidate's vector is at hand.  *gone is set if the node is
 * free by now.
 */
static bool
load_vector(GraphLinker *linker, GraphCandidate *candidate, bool *gone)
{
	const GraphAccess *access = linker->access;
	float	   *scratch;

	*gone = false;
	if (candidate->vector != NULL)
		return true;
	scratch = new_scratch(linker);
	if (scratch == NULL)
		return false;
	candidate->vector = access->vector(access->context, candidate->node, scratch);
	if (candidate->vector != scratch)
		linker->nscratch--;
	*gone = candidate->vector == NULL;
	return true;
}

/* ---- selection ---- */

static bool
is_occluded(const GraphLinker *linker, const GraphCandidate *candidate,
			GraphCandidate *const *selected, int nselected)
{
	const GraphAccess *access = linker->access;

	for (int i = 0; i < nselected; i++)
	{
		float		between = access->distance(selected[i]->vector, candidate->vector, access->dims);

		if (graph_occludes(linker->alpha, between, candidate->distance))
			return true;
	}
	return false;
}

/*
 * Choose neighbours from the sorted pool, leaving out self; then fill the list
 * with the nearest that were occluded.
 */
static bool
select_neighbors(GraphLinker *linker, uint32_t self, GraphList *list, Status *status)
{
	int			degree = linker->access->degree;
	GraphCandidate *selected[GRAPH_MAX_DEGREE];
	GraphCandidate *fill[GRAPH_MAX_DEGREE];
	int			nfill = 0;

	list->n = 0;
	linker->nscratch = 0;
	for (int i = 0; i < linker->npool && list->n < degree; i++)
	{
		GraphCandidate *candidate = &linker->pool[i];
		bool		gone;

		if (candidate->node == self)
			continue;
		if (!load_vector(linker, candidate, &gone))
			return out_of_memory(status);
		if (gone)
			continue;
		if (!is_occluded(linker, candidate, selected, list->n))
		{
			selected[list->n] = candidate;
			graph_list_append(list, candidate->node, candidate->distance);
		}
		else if (nfill < degree)
			fill[nfill++] = candidate;
	}
	list->nselected = list->n;
	for (int i = 0; i < nfill && list->n < degree; i++)
		graph_list_append(list, fill[i]->node, fill[i]->distance);
	return true;
}

/* ---- back-links ---- */

/* Link owner to node if its list has a place for it. */
static bool
link_back(GraphLinker *linker, uint32_t owner, uint32_t node,
		  const float *vector, float distance, bool force)
{
	const GraphAccess *access = linker->access;

	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		GraphList	expected;
		GraphList	list;
		bool		live;
		float		to_selected[GRAPH_MAX_DEGREE];

		if (!access->read_list(access->context, owner, &expected, &live) || !live)
			return false;
		if (graph_list_contains(&expected, node))
			return true;
		if (!force && expected.nselected == access->degree &&
			expected.distances[expected.nselected - 1] <= distance)
			return false;
		for (int i = 0; i < expected.nselected; i++)
		{
			float	   *to = &to_selected[i];

			if (!access->score(access->context, expected.ids[i], vector, to) || isnan(*to))
				*to = INFINITY;
		}
		list = expected;
		if (!graph_list_add(&list, access->degree, linker->alpha, node, distance,
							to_selected, force))
			return false;
		if (access->write_list(access->context, owner, &expected, &list))
			return true;
	}
	return false;
}

/* Link all neighbours of a node back to it, the nearest one in any case. */
static void
link_back_all(GraphLinker *linker, const GraphList *list, uint32_t node, const float *vector)
{
	int			accepted = 0;

	for (int i = 0; i < list->n; i++)
		accepted += link_back(linker, list->ids[i], node, vector, list->distances[i], false);
	for (int i = 0; i < list->n && accepted == 0; i++)
		accepted += link_back(linker, list->ids[i], node, vector, list->distances[i], true);
}

/* ---- insertion ---- */

/* Search for the vector; the pool gets all live nodes expanded, near to far. */
static bool
find_candidates(GraphLinker *linker, const float *vector, uint32_t entry,
				uint32_t nodes, Status *status)
{
	const GraphFound *found;
	int			nfound;

	if (!graph_search_begin(linker->search, vector, linker->ef, entry, nodes,
							SIZE_MAX, status) ||
		!graph_search_pool(linker->search, &found, &nfound, status))
		return false;
	linker->npool = 0;
	for (int i = 0; i < nfound; i++)
		if (!pool_add(linker, found[i].node, found[i].distance))
			return out_of_memory(status);
	pool_sort(linker);
	return true;
}

/*
 * Try to give the row to a node with the same vector.  Such nodes are at the
 * least distance there is; with many duplicates it is the last node made that
 * has room, so they are tried from the back.
 */
static bool
merge(GraphLinker *linker, const float *vector, uint32_t *node)
{
	const GraphAccess *access = linker->access;
	float		least = linker->pool[0].distance;
	int			n = 1;

	while (n < linker->npool && linker->pool[n].distance <= least)
		n++;
	for (int i = n - 1; i >= 0; i--)
	{
		if (access->merge(access->context, linker->pool[i].node, vector))
		{
			*node = linker->pool[i].node;
			return true;
		}
	}
	return false;
}

GraphInsertResult
graph_insert(GraphLinker *linker, const float *vector, uint32_t entry,
			 uint32_t nodes, uint32_t *node, Status *status)
{
	const GraphAccess *access = linker->access;
	GraphList	list;

	if (!find_candidates(linker, vector, entry, nodes, status))
		return GRAPH_FAILED;
	if (linker->npool == 0)
		return GRAPH_ISOLATED;
	if (merge(linker, vector, node))
		return GRAPH_MERGED;
	if (!select_neighbors(linker, GRAPH_NO_NODE, &list, status))
		return GRAPH_FAILED;
	if (list.n == 0)
		return GRAPH_ISOLATED;
	*node = access->create(access->context, vector, &list);
	if (*node == GRAPH_NO_NODE)
		return GRAPH_ISOLATED;
	link_back_all(linker, &list, *node, vector);
	return GRAPH_INSERTED;
}

/* ---- repair ---- */

/*
 * One node met during a repair: a live one is a candidate, a dead one is to be
 * looked behind.
 */
static bool
meet(GraphLinker *linker, uint32_t node, const float *vector, int *ndead, Status *status)
{
	const GraphAccess *access = linker->access;

	switch (graph_bits_add(&linker->visited, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return out_of_memory(status);
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	if (!access->expand(access->context, node, vector, NULL, &linker->expansion))
		return true;
	if (linker->expansion.live)
		return pool_add(linker, node, linker->expansion.distance) || out_of_memory(status);
	if (*ndead < DEAD_PER_DEGREE * access->degree)
		linker->dead[(*ndead)++] = node;
	return true;
}

/*
 * Fill the pool with the live of a list and with those behind its dead ones.
 * Behind a dead node that only filled the list nothing is lost.  Dead nodes
 * behind dead ones are looked behind as long as the pool would not fill a
 * list.  *any says whether the list has dead nodes.
 */
static bool
find_behind_dead(GraphLinker *linker, uint32_t node, const GraphList *list,
				 const float *vector, uint32_t nodes, bool *any, Status *status)
{
	const GraphAccess *access = linker->access;
	int			ndead = 0;
	int			nselected = 0;

	linker->npool = 0;
	if (!graph_bits_reset(&linker->visited, nodes) ||
		graph_bits_add(&linker->visited, node) == GRAPH_BITS_NO_MEMORY)
		return out_of_memory(status);
	for (int i = 0; i < list->n; i++)
	{
		if (!meet(linker, list->ids[i], vector, &ndead, status))
			return false;
		if (i < list->nselected)
			nselected = ndead;
	}
	*any = ndead > 0;
	for (int next = 0; next < ndead; next++)
	{
		GraphList	behind;
		bool		live;

		if (next >= nselected && linker->npool >= access->degree)
			break;
		if (!access->read_list(access->context, linker->dead[next], &behind, &live))
			continue;
		for (int i = 0; i < behind.n; i++)
			if (!meet(linker, behind.ids[i], vector, &ndead, status))
				return false;
	}
	pool_sort(linker);
	return true;
}

static bool
prepare_repair(GraphLinker *linker, Status *status)
{
	if (linker->own == NULL)
		linker->own = arena_new_array(linker->arena, linker->access->dims, float);
	if (linker->dead == NULL)
		linker->dead = arena_new_array(linker->arena,
									   (size_t) DEAD_PER_DEGREE * GRAPH_MAX_DEGREE, uint32_t);
	return (linker->own != NULL && linker->dead != NULL) || out_of_memory(status);
}

bool
graph_repair(GraphLinker *linker, uint32_t node, uint32_t entry,
			 uint32_t nodes, bool *changed, Status *status)
{
	const GraphAccess *access = linker->access;
	const float *vector;

	*changed = false;
	if (!prepare_repair(linker, status))
		return false;
	vector = access->vector(access->context, node, linker->own);
	for (;;)
	{
		GraphList	expected;
		GraphList	list;
		bool		live;
		bool		relink;

		if (vector == NULL ||
			!access->read_list(access->context, node, &expected, &live) || !live)
			return true;
		if (!find_behind_dead(linker, node, &expected, vector, nodes, changed, status))
			return false;
		if (!*changed)
			return true;
		relink = linker->npool < access->degree / 4;
		if (relink && !find_candidates(linker, vector, entry, nodes, status))
			return false;
		if (!select_neighbors(linker, node, &list, status))
			return false;
		if (!access->write_list(access->context, node, &expected, &list))
			continue;
		if (relink)
			link_back_all(linker, &list, node, vector);
		return true;
	}
}
