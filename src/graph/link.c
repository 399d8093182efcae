/*
 * link.c
 *	  Insertion and repair.
 *
 * The candidates of a new node are all nodes that its search expanded, however
 * far: the far ones on the path become the long links that make the graph
 * navigable (measured: trimming them to the ef_construction nearest is ruinous
 * on hard data; see the README).  So are those inserted by others meanwhile:
 * rows that follow each other in a table are often near each other, and two
 * that do not know of each other leave a hole where a search ends.
 *
 * With codes a newcomer's place in a list is decided under one lock, from the
 * owner's record alone.  Without, its distances to the owner's neighbors are
 * computed before, and if the list has changed meanwhile, once more.
 */
#include "graph/link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph_query.h"

/* A neighbor whose list changes under our hands this often is left alone. */
#define MAX_ATTEMPTS 16

/* Dead nodes of a ring that are passed by */
#define MAX_RING_STEPS 1024

/* Dead nodes looked behind in one repair, per neighbor that a list may have */
#define DEAD_PER_DEGREE 4

/* A further pass selects by alpha to the power of 0, 1 ... this. */
#define MOST_POWER 3

/* A node that might become a neighbor */
typedef struct Candidate
{
	uint32_t	node;
	float		distance;		/* from the owner of the list, not NaN */
	const void *own;			/* NULL until somebody needs it */

	/* while a list is selected */
	bool		done;			/* selected, or not to be */
	int			compared;		/* with so many of those selected */
	float		between;		/* the least distance from one of them */
} Candidate;

struct GraphLinker
{
	Arena	   *arena;
	const GraphAccess *access;
	int			ef;
	GraphSearch *search;
	GraphQuery *query;			/* the vector of the node that is linked */
	GraphScratch *scratch;		/* for making lists */
	void	   *own;			/* room for a stored vector that is looked at
								 * once */

	Candidate  *pool;
	int			npool;
	int			pool_capacity;

	void	  **copies;			/* stored vectors copied by access->own */
	int			ncopies;		/* in use */
	int			nallocated;
	int			copies_capacity;

	GraphBits	visited;		/* of one repair */
	uint32_t   *dead;			/* dead nodes to look behind */
	GraphExpansion expansion;
};

GraphLinker *
graph_linker_create(Arena *arena, const GraphAccess *access,
					int ef_construction, Status *status)
{
	GraphLinker *linker = arena_new(arena, GraphLinker);

	if (linker == NULL)
	{
		status_out_of_memory(status, "while linking a graph");
		return NULL;
	}
	linker->arena = arena;
	linker->access = access;
	linker->ef = ef_construction;
	linker->visited.arena = arena;
	linker->query = graph_query_create(arena, access->space);
	linker->scratch = graph_scratch_create(arena, &access->space->shape);
	linker->own = arena_alloc(arena, access->space->shape.own_size);
	linker->search = graph_search_create(arena, access, status);
	if (linker->search == NULL)
		return NULL;
	if (linker->query == NULL || linker->scratch == NULL || linker->own == NULL)
	{
		status_out_of_memory(status, "while linking a graph");
		return NULL;
	}
	return linker;
}

/* ---- candidates and their vectors ---- */

static bool
pool_add(GraphLinker *linker, uint32_t node, float distance)
{
	if (linker->npool == linker->pool_capacity)
	{
		int			capacity = linker->pool_capacity == 0 ? 256 :
		2 * linker->pool_capacity;
		Candidate  *pool = arena_new_array(linker->arena, (size_t) capacity,
										   Candidate);

		if (pool == NULL)
			return false;
		for (int i = 0; i < linker->npool; i++)
			pool[i] = linker->pool[i];
		linker->pool = pool;
		linker->pool_capacity = capacity;
	}
	linker->pool[linker->npool++] = (Candidate)
	{
		.node = node,.distance = isnan(distance) ? INFINITY : distance
	};
	return true;
}

/* Near to far; by number where equal, so that one thread gives one graph */
static int
compare_candidates(const void *left, const void *right)
{
	const Candidate *a = left;
	const Candidate *b = right;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static void
pool_sort(GraphLinker *linker)
{
	if (linker->npool > 1)
		qsort(linker->pool, (size_t) linker->npool, sizeof(Candidate),
			  compare_candidates);
}

/* Room for a stored vector that is not in use, or NULL */
static void *
new_copy(GraphLinker *linker)
{
	if (linker->ncopies == linker->copies_capacity)
	{
		int			capacity = linker->copies_capacity == 0 ? 64 :
		2 * linker->copies_capacity;
		void	  **copies = arena_new_array(linker->arena, (size_t) capacity,
											 void *);

		if (copies == NULL)
			return NULL;
		for (int i = 0; i < linker->nallocated; i++)
			copies[i] = linker->copies[i];
		linker->copies = copies;
		linker->copies_capacity = capacity;
	}
	if (linker->ncopies == linker->nallocated)
	{
		void	   *own = arena_alloc(linker->arena,
									  linker->access->space->shape.own_size);

		if (own == NULL)
			return NULL;
		linker->copies[linker->nallocated++] = own;
	}
	return linker->copies[linker->ncopies++];
}

/*
 * Make sure that a candidate's stored vector is at hand.  *gone is set if the
 * node is free by now.
 */
static bool
load_own(GraphLinker *linker, Candidate *candidate, bool *gone)
{
	const GraphAccess *access = linker->access;
	void	   *copy;

	*gone = false;
	if (candidate->own != NULL)
		return true;
	copy = new_copy(linker);
	if (copy == NULL)
		return false;
	candidate->own = access->own(access->context, candidate->node, copy);
	if (candidate->own != copy)
		linker->ncopies--;
	*gone = candidate->own == NULL;
	return true;
}

/* ---- selection ---- */

/* A list and the stored vectors of its nodes */
typedef struct Selection
{
	GraphList	list;
	const void *owns[GRAPH_MAX_DEGREE];
} Selection;

/* The vector goes along: codes are made of it when the list is written. */
static void
selection_append(Selection *selection, const Candidate *candidate,
				 bool selected)
{
	selection->owns[selection->list.n] = candidate->own;
	graph_list_append(&selection->list, candidate->node, candidate->distance,
					  selected);
}

/* It is compared with each selected one once, whatever the alphas. */
static bool
candidate_is_occluded(const GraphLinker *linker, Candidate *candidate,
					  const Selection *selection, float alpha)
{
	for (;;)
	{
		float		between;

		if (candidate->compared > 0 &&
			graph_occludes(alpha, candidate->between, candidate->distance))
			return true;
		if (candidate->compared == selection->list.n)
			return false;
		between = graph_between(linker->access->space,
								selection->owns[candidate->compared++],
								candidate->own);
		candidate->between = fminf(candidate->between, between);
	}
}

/*
 * Forget what the last one compared.  Copies of stored vectors are used again,
 * so that none may be at hand.
 */
static void
begin_selection(GraphLinker *linker, uint32_t self, Selection *selection)
{
	selection->list.n = 0;
	linker->ncopies = 0;
	for (int i = 0; i < linker->npool; i++)
	{
		linker->pool[i].done = linker->pool[i].node == self;
		linker->pool[i].compared = 0;
		linker->pool[i].between = INFINITY;
	}
}

/* Choose neighbors from the sorted pool as long as there are places. */
static bool
select_more(GraphLinker *linker, Selection *selection, float alpha,
			Status *status)
{
	int			degree = linker->access->space->shape.degree;

	for (int i = 0; i < linker->npool && selection->list.n < degree; i++)
	{
		Candidate  *candidate = &linker->pool[i];
		bool		gone;

		if (candidate->done)
			continue;
		if (!load_own(linker, candidate, &gone))
			return status_out_of_memory(status, "while linking a graph");
		candidate->done = gone ||
			!candidate_is_occluded(linker, candidate, selection, alpha);
		if (candidate->done && !gone)
			selection_append(selection, candidate, true);
	}
	return true;
}

/* Fill a short list with the nearest that were occluded. */
static void
fill_list(GraphLinker *linker, Selection *selection)
{
	int			filled = graph_list_filled(linker->access->space->shape.degree);

	for (int i = 0; i < linker->npool && selection->list.n < filled; i++)
		if (!linker->pool[i].done)
			selection_append(selection, &linker->pool[i], false);
}

/* Choose neighbors from the pool, leaving out self. */
static bool
select_neighbors(GraphLinker *linker, uint32_t self, Selection *selection,
				 Status *status)
{
	begin_selection(linker, self, selection);
	if (!select_more(linker, selection, linker->access->space->metric->alpha,
					 status))
		return false;
	fill_list(linker, selection);
	return true;
}

/*
 * The same where time matters less: strictly first, so that far candidates get
 * their places before near ones that others nearly occlude take them.
 */
static bool
select_again(GraphLinker *linker, uint32_t self, Selection *selection,
			 Status *status)
{
	float		alpha = 1;

	begin_selection(linker, self, selection);
	for (int power = 0; power <= MOST_POWER; power++)
	{
		if (!select_more(linker, selection, alpha, status))
			return false;
		alpha *= linker->access->space->metric->alpha;
	}
	fill_list(linker, selection);
	return true;
}

/* ---- back-links ---- */

/*
 * Distances of the node that is linked to the neighbors of another, without
 * codes
 */
static bool
score_list(GraphLinker *linker, uint32_t owner, GraphList *list, float *to)
{
	const GraphAccess *access = linker->access;
	bool		live;

	if (!access->read_list(access->context, owner, list, &live) || !live)
		return false;
	for (int i = 0; i < list->n; i++)
		if (!access->score(access->context, list->ids[i], linker->query,
						   &to[i]))
			to[i] = INFINITY;
	return true;
}

/* Link owner to node if its list has a place for it. */
static bool
link_back(GraphLinker *linker, uint32_t owner, uint32_t node, bool force)
{
	const GraphAccess *access = linker->access;
	GraphNewcomer newcomer = {.node = node,.query = linker->query,.force = force};
	GraphList	list;
	float		to[GRAPH_MAX_DEGREE];

	if (access->space->metric->coded)
		return access->link(access->context, owner, &newcomer) == GRAPH_LINKED;
	newcomer.expected = &list;
	newcomer.to = to;
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		GraphLinkResult result;

		if (!score_list(linker, owner, &list, to))
			return false;
		result = access->link(access->context, owner, &newcomer);
		if (result != GRAPH_CHANGED)
			return result == GRAPH_LINKED;
	}
	return false;
}

/* Link all neighbors of a node back to it, the nearest one in any case. */
static void
link_back_all(GraphLinker *linker, const GraphList *list, uint32_t node)
{
	int			accepted = 0;

	for (int i = 0; i < list->n; i++)
		accepted += link_back(linker, list->ids[i], node, false);
	for (int i = 0; i < list->n && accepted == 0; i++)
		accepted += link_back(linker, list->ids[i], node, true);
}

/* ---- rings ---- */

/* The next of a list's ring, or GRAPH_NO_NODE */
static uint32_t
ring_next(const GraphList *list)
{
	for (int i = 0; i < list->n; i++)
		if (list->distances[i] == GRAPH_RING)
			return list->ids[i];
	return GRAPH_NO_NODE;
}

/*
 * The candidates as far from the query as what will be stored of it is: those
 * from *first on that may have stored the same.  Others may be nearer, where
 * the product is larger or rounding has come nearer to the query.
 */
static int
at_own_distance(GraphLinker *linker, int *first)
{
	GraphQuery *query = linker->query;
	float		distance = graph_query_distance(query, query->own);
	int			n = 0;

	*first = 0;
	while (*first < linker->npool && linker->pool[*first].distance < distance)
		(*first)++;
	while (*first + n < linker->npool &&
		   linker->pool[*first + n].distance == distance)
		n++;
	return n;
}

/*
 * A live node that is equal to the one that is linked, among the candidates, or
 * GRAPH_NO_NODE.
 */
static bool
find_equal(GraphLinker *linker, uint32_t *equal, Status *status)
{
	size_t		size = linker->access->space->shape.own_size;
	int			first;
	int			n = at_own_distance(linker, &first);

	*equal = GRAPH_NO_NODE;
	linker->ncopies = 0;
	for (int i = first; i < first + n && *equal == GRAPH_NO_NODE; i++)
	{
		Candidate  *candidate = &linker->pool[i];
		bool		gone;

		if (!load_own(linker, candidate, &gone))
			return status_out_of_memory(status, "while linking a graph");
		if (!gone && memcmp(candidate->own, linker->query->own, size) == 0)
			*equal = candidate->node;
		candidate->own = NULL;	/* the copy is used again */
	}
	return true;
}

/* Let a node be selected first, as the next of the ring; add it if need be. */
static bool
prefer(GraphLinker *linker, uint32_t node)
{
	bool		known = false;

	for (int i = 0; i < linker->npool; i++)
	{
		if (linker->pool[i].node != node)
			continue;
		linker->pool[i].distance = GRAPH_RING;
		known = true;
	}
	if (!known && !pool_add(linker, node, GRAPH_RING))
		return false;
	pool_sort(linker);
	return true;
}

/*
 * Come between an equal node and the next of its ring.  Others may do the same
 * at the same time: then the place is behind them.
 */
static void
enter_ring(GraphLinker *linker, uint32_t equal, uint32_t before, uint32_t next,
		   uint32_t node)
{
	const GraphAccess *access = linker->access;
	GraphNewcomer newcomer = {.node = node,.query = linker->query,.ring = true};
	uint32_t	owner = equal;

	newcomer.before = before;
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		GraphList	list;
		bool		live;
		uint32_t	after;

		if (access->link(access->context, owner, &newcomer) != GRAPH_CHANGED ||
			!access->read_list(access->context, owner, &list, &live))
			return;
		after = ring_next(&list);
		if (after == GRAPH_NO_NODE || after == node)
			return;
		/* Somebody came in between, or repair has passed by a dead one. */
		if (after != next)
			owner = after;
		newcomer.before = next;
	}
}

/* Has a node stored what the query has? */
static bool
is_equal(GraphLinker *linker, uint32_t node)
{
	const GraphAccess *access = linker->access;
	const void *own = access->own(access->context, node, linker->own);

	return own != NULL &&
		memcmp(own, linker->query->own, access->space->shape.own_size) == 0;
}

/*
 * The next live node of a node's ring, by its list; GRAPH_NO_NODE if there is
 * none but the node itself.  The query holds what is stored of it: whatever a
 * list says, nothing else gets a place that never gives way.
 */
static uint32_t
live_ring_next(GraphLinker *linker, uint32_t node, const GraphList *list)
{
	const GraphAccess *access = linker->access;
	uint32_t	next = ring_next(list);
	GraphList	behind;
	bool		live;

	for (int step = 0; step < MAX_RING_STEPS; step++)
	{
		if (next == GRAPH_NO_NODE || next == node ||
			!access->read_list(access->context, next, &behind, &live))
			return GRAPH_NO_NODE;
		if (live)
			return is_equal(linker, next) ? next : GRAPH_NO_NODE;
		next = ring_next(&behind);
	}
	return GRAPH_NO_NODE;
}

/* Keep a node in its ring when its neighbors are selected anew. */
static bool
stay_in_ring(GraphLinker *linker, uint32_t node, const GraphList *list)
{
	uint32_t	next = live_ring_next(linker, node, list);

	return next == GRAPH_NO_NODE || prefer(linker, next);
}

/* ---- insertion ---- */

/* Add a node that the search may have missed. */
static bool
add_missed(GraphLinker *linker, uint32_t node)
{
	const GraphAccess *access = linker->access;
	float		distance;

	for (int i = 0; i < linker->npool; i++)
		if (linker->pool[i].node == node)
			return true;
	return !access->score(access->context, node, linker->query, &distance) ||
		pool_add(linker, node, distance);
}

/*
 * Search for the query; the pool gets all live nodes expanded, and what the
 * search could not see, near to far.
 */
static bool
find_candidates(GraphLinker *linker, const GraphStart *start, Status *status)
{
	const GraphAccess *access = linker->access;
	GraphLimits limits = {.ef = linker->ef,.waiting = SIZE_MAX};
	const GraphFound *found = NULL;
	int			nfound = 0;
	uint32_t	node;

	if (!graph_search_begin(linker->search, linker->query, start, &limits,
							status) ||
		!graph_search_pool(linker->search, &found, &nfound, status))
		return false;
	linker->npool = 0;
	for (int i = 0; i < nfound; i++)
		if (!pool_add(linker, found[i].node, found[i].distance))
			return status_out_of_memory(status, "while linking a graph");
	if (access->missed != NULL)
		while ((node = access->missed(access->context)) != GRAPH_NO_NODE)
			if (!add_missed(linker, node))
				return status_out_of_memory(status, "while linking a graph");
	pool_sort(linker);
	return true;
}

/*
 * Try to give the row to a node that has stored the same.  With many duplicates
 * it is the last node made that has room, so they are tried from the back.
 */
static bool
merge(GraphLinker *linker, uint64_t row, uint32_t *node)
{
	const GraphAccess *access = linker->access;
	int			first;
	int			n = at_own_distance(linker, &first);

	for (int i = first + n - 1; i >= first; i--)
	{
		if (access->merge(access->context, linker->pool[i].node, linker->query,
						  row))
		{
			*node = linker->pool[i].node;
			return true;
		}
	}
	return false;
}

GraphQuery *
graph_linker_query(GraphLinker *linker)
{
	return linker->query;
}

/*
 * Find the place in a ring, if an equal node was found: *before is the next of
 * its list, *next the next that lives.  A dead one must get no new link, since
 * vacuum may be about to free it.
 */
static bool
find_ring(GraphLinker *linker, uint32_t *equal, uint32_t *before,
		  uint32_t *next, Status *status)
{
	const GraphAccess *access = linker->access;
	GraphList	list;
	bool		live;

	if (!find_equal(linker, equal, status))
		return false;
	if (*equal == GRAPH_NO_NODE ||
		!access->read_list(access->context, *equal, &list, &live) || !live)
	{
		*equal = GRAPH_NO_NODE;
		return true;
	}
	*before = ring_next(&list);
	*next = live_ring_next(linker, *equal, &list);
	if (*next == GRAPH_NO_NODE)
		*next = *equal;
	return prefer(linker, *next) ||
		status_out_of_memory(status, "while linking a graph");
}

GraphInsertResult
graph_insert(GraphLinker *linker, uint64_t row, const GraphStart *start,
			 uint32_t *node, Status *status)
{
	const GraphAccess *access = linker->access;
	Selection	selection;
	uint32_t	equal;
	uint32_t	before = GRAPH_NO_NODE;
	uint32_t	next = GRAPH_NO_NODE;

	if (!find_candidates(linker, start, status))
		return GRAPH_FAILED;
	if (linker->npool == 0)
		return GRAPH_ISOLATED;
	if (merge(linker, row, node))
		return GRAPH_MERGED;
	if (!find_ring(linker, &equal, &before, &next, status) ||
		!select_neighbors(linker, GRAPH_NO_NODE, &selection, status))
		return GRAPH_FAILED;
	if (selection.list.n == 0)
		return GRAPH_ISOLATED;
	*node = access->create(access->context, linker->query, row, &selection.list,
						   selection.owns, linker->scratch);
	if (*node == GRAPH_NO_NODE)
		return GRAPH_ISOLATED;
	if (equal != GRAPH_NO_NODE)
		enter_ring(linker, equal, before, next, *node);
	link_back_all(linker, &selection.list, *node);
	return GRAPH_INSERTED;
}

/* ---- repair and further passes ---- */

/* Make the query that of a node.  False if the node is free. */
static bool
load_query(GraphLinker *linker, uint32_t node)
{
	const GraphAccess *access = linker->access;
	const void *own = access->own(access->context, node, linker->own);

	if (own == NULL)
		return false;
	graph_query_set_stored(linker->query, own);
	return true;
}

/*
 * One node visited in a repair: a live one is a candidate, a dead one is to be
 * looked behind.
 */
static bool
visit(GraphLinker *linker, uint32_t node, int *ndead, Status *status)
{
	const GraphAccess *access = linker->access;

	switch (graph_bits_add(&linker->visited, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return status_out_of_memory(status, "while linking a graph");
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	if (!access->expand(access->context, node, linker->query, NULL,
						&linker->expansion))
		return true;
	if (linker->expansion.live)
		return pool_add(linker, node, linker->expansion.distance) ||
			status_out_of_memory(status, "while linking a graph");
	if (*ndead < DEAD_PER_DEGREE * GRAPH_MAX_DEGREE)
		linker->dead[(*ndead)++] = node;
	return true;
}

/* All of a list, the selected first; *nselected dead ones are among those. */
static bool
visit_list(GraphLinker *linker, const GraphList *list, int *ndead,
		   int *nselected, Status *status)
{
	for (int i = 0; i < list->n; i++)
		if (list->selected[i] && !visit(linker, list->ids[i], ndead, status))
			return false;
	*nselected = *ndead;
	for (int i = 0; i < list->n; i++)
		if (!list->selected[i] && !visit(linker, list->ids[i], ndead, status))
			return false;
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
				 uint32_t nodes, bool *any, Status *status)
{
	const GraphAccess *access = linker->access;
	int			ndead = 0;
	int			nselected;

	linker->npool = 0;
	if (!graph_bits_reset(&linker->visited, nodes) ||
		graph_bits_add(&linker->visited, node) == GRAPH_BITS_NO_MEMORY)
		return status_out_of_memory(status, "while linking a graph");
	if (!visit_list(linker, list, &ndead, &nselected, status))
		return false;
	*any = ndead > 0;
	for (int next = 0; next < ndead; next++)
	{
		GraphList	behind;
		bool		live;

		if (next >= nselected && linker->npool >= access->space->shape.degree)
			break;
		if (!access->read_list(access->context, linker->dead[next], &behind,
							   &live))
			continue;
		for (int i = 0; i < behind.n; i++)
			if (!visit(linker, behind.ids[i], &ndead, status))
				return false;
	}
	pool_sort(linker);
	return true;
}

/* False if the list has changed since expected was read */
static bool
rewrite(GraphLinker *linker, uint32_t node, const GraphList *expected,
		const Selection *selection)
{
	const GraphAccess *access = linker->access;

	return access->rewrite(access->context, node, expected, &selection->list,
						   selection->owns, linker->scratch);
}

bool
graph_repair(GraphLinker *linker, uint32_t node, const GraphStart *start,
			 bool *changed, Status *status)
{
	const GraphAccess *access = linker->access;

	*changed = false;
	if (linker->dead == NULL)
		linker->dead = arena_new_array(linker->arena,
									   (size_t) DEAD_PER_DEGREE * GRAPH_MAX_DEGREE, uint32_t);
	if (linker->dead == NULL)
		return status_out_of_memory(status, "while linking a graph");
	if (!load_query(linker, node))
		return true;
	for (;;)
	{
		GraphList	expected;
		Selection	selection;
		bool		live;
		bool		relink;

		if (!access->read_list(access->context, node, &expected, &live) ||
			!live)
			return true;
		if (!find_behind_dead(linker, node, &expected, start->nodes, changed,
							  status))
			return false;
		if (!*changed)
			return true;
		relink = linker->npool < access->space->shape.degree / 4;
		if (relink && !find_candidates(linker, start, status))
			return false;
		if (!stay_in_ring(linker, node, &expected))
			return status_out_of_memory(status, "while linking a graph");
		if (!select_neighbors(linker, node, &selection, status))
			return false;
		if (!rewrite(linker, node, &expected, &selection))
			continue;
		if (relink)
			link_back_all(linker, &selection.list, node);
		return true;
	}
}

bool
graph_relink(GraphLinker *linker, uint32_t node, const GraphStart *start,
			 Status *status)
{
	const GraphAccess *access = linker->access;
	GraphList	expected;
	Selection	selection;
	bool		live;

	if (!load_query(linker, node) ||
		!access->read_list(access->context, node, &expected, &live) || !live)
		return true;
	if (!find_candidates(linker, start, status))
		return false;
	for (int i = 0; i < expected.n; i++)
	{
		bool		known = expected.distances[i] == GRAPH_RING;	/* added below */

		for (int j = 0; j < linker->npool && !known; j++)
			known = linker->pool[j].node == expected.ids[i];
		if (!known && !pool_add(linker, expected.ids[i], expected.distances[i]))
			return status_out_of_memory(status, "while linking a graph");
	}
	pool_sort(linker);
	if (!stay_in_ring(linker, node, &expected))
		return status_out_of_memory(status, "while linking a graph");
	if (!select_again(linker, node, &selection, status))
		return false;
	if (rewrite(linker, node, &expected, &selection))
		link_back_all(linker, &selection.list, node);
	return true;
}
