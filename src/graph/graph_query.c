/*
 * graph_query.c
 *	  A vector in the space of a graph, and scoring records against it.
 *
 * To look at a node is to score it: to its distance belongs the difference of
 * query and node, from which its codes tell how far its neighbors are.  A
 * newcomer looks at the node that it asks for a place in the same way: the
 * estimates are its distances to the neighbors that are there, so that no
 * other record is read to decide.
 */
#include "graph/graph_query.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "graph/list.h"
#include "kernel/vector.h"

/* ---- making ---- */

bool
graph_space_init(GraphSpace *space, Arena *arena, const GraphMetric *metric,
				 const GraphShape *shape, uint64_t seed, const float *center,
				 Status *status)
{
	Rotation   *rotation;

	space->metric = metric;
	space->shape = *shape;
	if (!metric->coded)
		return true;
	rotation = rotation_create(arena, shape->dims, seed, status);
	if (rotation == NULL)
		return false;
	space_init(&space->space, metric->space, rotation,
			   metric->space == SPACE_INNER_PRODUCT ? NULL : center);
	return true;
}

GraphQuery *
graph_query_create(Arena *arena, const GraphSpace *space)
{
	size_t		dims = space->shape.dims;
	GraphQuery *query = arena_new(arena, GraphQuery);

	if (query == NULL)
		return NULL;
	query->space = space;
	query->own = arena_alloc(arena, space->shape.own_size);
	query->residual = arena_new_array(arena, dims, float);
	if (space->metric->coded)
	{
		query->stored = stored_query_create(arena, &space->space);
		query->codes = codes_query_create(arena, &space->shape.codes);
		if (query->stored == NULL || query->codes == NULL)
			return NULL;
		query->x = query->stored->x;
		if (space->shape.originals_at > 0)
		{
			query->original = arena_new_array(arena, dims, float);
			if (query->original == NULL)
				return NULL;
		}
	}
	else
		query->x = arena_new_array(arena, dims, float);
	if (query->own == NULL || query->residual == NULL || query->x == NULL)
		return NULL;
	return query;
}

GraphScratch *
graph_scratch_create(Arena *arena, const GraphShape *shape)
{
	GraphScratch *scratch = arena_new(arena, GraphScratch);

	if (scratch == NULL)
		return NULL;
	scratch->decoded = arena_new_array(arena, shape->dims, float);
	scratch->residual = arena_new_array(arena, shape->dims, float);
	return scratch->decoded == NULL || scratch->residual == NULL ? NULL :
		scratch;
}

/* ---- setting ---- */

static bool
is_inner_product(const GraphSpace *space)
{
	return space->metric->coded && space->metric->space == SPACE_INNER_PRODUCT;
}

/* The column's floats that a node keeps */
static const float *
originals(const GraphShape *shape, const void *own)
{
	size_t		at = shape->originals_at > 0 ? shape->originals_at :
	sizeof(StoredHead);

	return (const float *) ((const char *) own + at);
}

/* Do nodes keep all that the operator looks at? */
static bool
keeps_originals(const GraphSpace *space)
{
	return space->shape.originals_at > 0 || !space->metric->coded;
}

/* Under inner product the codes are asked about the query itself. */
static void
set_codes(GraphQuery *query)
{
	if (is_inner_product(query->space))
		codes_query_set(&query->space->shape.codes, query->codes, query->x,
						kernel_norm(query->x, query->space->shape.dims));
}

void
graph_query_set(GraphQuery *query, const float *vector)
{
	size_t		size = query->space->shape.dims * sizeof(float);

	if (query->stored != NULL)
		stored_query_set(query->stored, vector);
	else
		memcpy(query->x, vector, size);
	if (query->original != NULL)
		memcpy(query->original, vector, size);
	query->exact = keeps_originals(query->space);
	if (query->space->metric->bits != NULL)
		graph_query_encode(query);
	set_codes(query);
}

void
graph_query_set_stored(GraphQuery *query, const void *own)
{
	const GraphShape *shape = &query->space->shape;

	stored_decode(shape->kind, own, shape->dims, query->x);
	if (query->stored != NULL)
	{
		query->stored->norm = kernel_norm(query->x, shape->dims) * (1 + 1e-9);
		query->stored->error = stored_head(own).radius;
		query->stored->center_product = 0;
	}
	if (query->original != NULL)
		memcpy(query->original, originals(shape, own),
			   shape->dims * sizeof(float));
	query->exact = keeps_originals(query->space);
	memcpy(query->own, own, shape->own_size);
	set_codes(query);
}

/*
 * What equal vectors would store is equal byte by byte: merging and rings
 * compare that.
 */
void
graph_query_encode(GraphQuery *query)
{
	const GraphShape *shape = &query->space->shape;

	if (query->original != NULL)
	{
		/* Nodes compare what they have stored byte by byte. */
		memset(query->own, 0, shape->originals_at);
		memcpy((char *) query->own + shape->originals_at, query->original,
			   shape->dims * sizeof(float));
	}
	stored_encode(shape->kind, query->x, shape->dims,
				  query->stored != NULL ? query->stored->error : 0, query->own);
}

bool
graph_query_is_zero(const GraphQuery *query)
{
	return query->stored != NULL && isnan(query->stored->error);
}

/* ---- distances ---- */

/* Of two stored vectors of bits */
static double
bits_distance(const GraphSpace *space, const void *a, const void *b)
{
	return space->metric->bits((const uint8_t *) a + sizeof(StoredHead),
							   (const uint8_t *) b + sizeof(StoredHead),
							   (space->shape.dims + 7) / 8);
}

/*
 * NaN and what overflows counts as infinitely far; but minus infinity is no
 * distance: it marks the next of a ring.
 */
static float
as_distance(double d)
{
	if (isnan(d))
		return INFINITY;
	return d < -FLT_MAX ? -FLT_MAX : (float) d;
}

float
graph_query_distance(GraphQuery *query, const void *own)
{
	const GraphSpace *space = query->space;

	if (query->stored != NULL)
		return as_distance(stored_distance(query->stored, space->shape.kind,
										   own));
	if (space->metric->bits != NULL)
		return as_distance(bits_distance(space, query->own, own));
	return as_distance(space->metric->plain(query->x,
											originals(&space->shape, own),
											space->shape.dims));
}

/* What the operator returns */
static double
operator_distance(const GraphQuery *query, const void *own)
{
	const GraphSpace *space = query->space;

	if (space->metric->bits != NULL)
		return bits_distance(space, query->own, own);
	return space->metric->floats(query->original != NULL ? query->original :
								 query->x, originals(&space->shape, own),
								 space->shape.dims);
}

double
graph_query_bound(const GraphQuery *query, const void *own, float distance)
{
	double		bound;

	if (query->exact)
		bound = operator_distance(query, own);
	else if (query->stored != NULL)
		bound = stored_bound(query->stored, own, distance);
	else
		bound = stored_sum_bound(operator_distance(query, own),
								 query->space->shape.dims);
	return isnan(bound) ? INFINITY : bound;
}

double
graph_query_value(const GraphQuery *query, float distance)
{
	if (query->stored != NULL && query->space->metric->space == SPACE_COSINE)
		return (double) distance * distance / 2;
	return distance;
}

/* A node as a query sees it */
typedef struct Score
{
	float		distance;
	const float *difference;	/* query - node, in the query; L2 and cosine
								 * with codes only */
} Score;

static Score
score_node(GraphQuery *query, const void *own)
{
	Score		node = {.distance = graph_query_distance(query, own)};

	if (query->stored != NULL && !is_inner_product(query->space))
		node.difference = query->stored->difference;
	return node;
}

/*
 * Estimated distances to the neighbors of a node that was scored, by slot;
 * infinite for empty slots.  With codes only.
 */
static void
estimate_neighbors(GraphQuery *query, const GraphRecord *record, Score node,
				   float *out)
{
	const GraphShape *shape = &query->space->shape;
	bool		products = is_inner_product(query->space);

	if (!products)
		codes_query_set(&shape->codes, query->codes, node.difference,
						node.distance);
	for (int block = 0; block < shape->nblocks; block++)
	{
		const CodesLayout *layout = graph_shape_codes(shape, block);
		const void *codes = graph_record_codes(shape, record, block);

		if (products)
			codes_products(layout, codes, query->codes, -(double) node.distance,
						   out + block * CODES_MAX_SLOTS);
		else
			codes_distances(layout, codes, query->codes,
							out + block * CODES_MAX_SLOTS);
	}
}

/* Keep the neighbors that were not seen. */
static void
take_unseen(const GraphShape *shape, const GraphRecord *record,
			const GraphBits *seen, GraphExpansion *out)
{
	const uint32_t *ids = graph_record_ids(record);

	for (int i = 0; i < shape->degree; i++)
	{
		if (ids[i] == GRAPH_NO_NODE || graph_bits_test(seen, ids[i]))
			continue;
		out->ids[out->n] = ids[i];
		out->estimates[out->n] = out->estimates[i];
		out->n++;
	}
}

/* Under the record's lock: nothing of the record is copied but its rows. */
void
graph_query_expand(GraphQuery *query, const GraphRecord *record,
				   const void *own, const GraphBits *seen, GraphExpansion *out)
{
	Score		node = score_node(query, own);

	out->live = record->state == GRAPH_LIVE;
	out->nrows = record->nrows;
	memcpy(out->rows, record->rows, sizeof(out->rows));
	out->distance = node.distance;
	out->reach = as_distance((double) out->distance +
							 2 * (double) stored_head(own).radius);
	out->bound = graph_query_bound(query, own, out->distance);
	out->n = 0;
	if (seen == NULL)
		return;
	if (query->stored != NULL)
		estimate_neighbors(query, record, node, out->estimates);
	take_unseen(&query->space->shape, record, seen, out);
}

float
graph_between(const GraphSpace *space, const void *a, const void *b)
{
	double		l2;
	double		na;
	double		nb;

	if (space->metric->bits != NULL)
		return as_distance(bits_distance(space, a, b));
	if (!space->metric->coded)
		return as_distance(space->metric->plain(originals(&space->shape, a),
												originals(&space->shape, b),
												space->shape.dims));
	l2 = stored_between(space->shape.kind, a, b, space->shape.dims);
	if (!is_inner_product(space))
		return as_distance(l2);
	na = stored_head(a).norm;
	nb = stored_head(b).norm;
	return as_distance(-(na * na + nb * nb - l2 * l2) / 2);
}

/* ---- lists in records ---- */

/* Put a newcomer into a slot of a node that it has scored. */
static void
put_newcomer(GraphRecord *record, const void *own, int slot,
			 const GraphNewcomer *newcomer, Score node, float distance,
			 bool selected)
{
	GraphQuery *query = newcomer->query;
	const GraphShape *shape = &query->space->shape;
	const float *residual = node.difference;

	graph_record_put_slot(shape, record, slot, newcomer->node, distance,
						  selected);
	if (shape->bits == 0)
		return;
	if (residual == NULL)
	{
		stored_residual(shape->kind, query->x, own, shape->dims,
						query->residual);
		residual = query->residual;
	}
	graph_record_put_code(shape, record, slot, residual);
}

/*
 * Put a newcomer that is equal to the owner between it and the next of its
 * ring.
 */
static GraphLinkResult
link_into_ring(GraphRecord *record, const void *own,
			   const GraphNewcomer *newcomer)
{
	GraphQuery *query = newcomer->query;
	const GraphShape *shape = &query->space->shape;
	float		far[GRAPH_MAX_DEGREE];
	int			slot = graph_record_ring(shape, record);

	if ((slot < 0 ? GRAPH_NO_NODE :
		 graph_record_ids(record)[slot]) != newcomer->before)
		return GRAPH_CHANGED;
	for (int i = 0; i < shape->degree; i++)
		far[i] = INFINITY;
	if (slot < 0)
		slot = graph_list_place(shape, record, query->space->metric->alpha,
								GRAPH_RING, far, true).slot;
	put_newcomer(record, own, slot, newcomer, score_node(query, own),
				 GRAPH_RING, true);
	return GRAPH_LINKED;
}

GraphLinkResult
graph_record_link(GraphRecord *record, const void *own,
				  const GraphNewcomer *newcomer)
{
	GraphQuery *query = newcomer->query;
	const GraphShape *shape = &query->space->shape;
	uint32_t   *ids = graph_record_ids(record);
	float		to[GRAPH_MAX_DEGREE];
	Score		owner;
	GraphPlace	place;

	for (int i = 0; i < shape->degree; i++)
		if (ids[i] == newcomer->node)
			return GRAPH_LINKED;
	if (newcomer->ring)
		return link_into_ring(record, own, newcomer);
	owner = score_node(query, own);
	if (query->stored != NULL)
		estimate_neighbors(query, record, owner, to);
	else
	{
		if (!graph_record_has_list(shape, record, newcomer->expected))
			return GRAPH_CHANGED;
		for (int i = 0, n = 0; i < shape->degree; i++)
			to[i] = ids[i] == GRAPH_NO_NODE ? INFINITY : newcomer->to[n++];
	}
	place = graph_list_place(shape, record, query->space->metric->alpha,
							 owner.distance, to, newcomer->force);
	if (place.slot < 0)
		return GRAPH_REFUSED;
	put_newcomer(record, own, place.slot, newcomer, owner, owner.distance,
				 place.selected);
	return GRAPH_LINKED;
}

/* -1 if it is not there */
static int
find_in_list(const GraphList *list, uint32_t node)
{
	for (int i = 0; i < list->n; i++)
		if (list->ids[i] == node)
			return i;
	return -1;
}

void
graph_record_put(const GraphShape *shape, GraphRecord *record, const void *own,
				 int slot, uint32_t node, float distance, bool selected,
				 const void *neighbor, GraphScratch *scratch)
{
	graph_record_put_slot(shape, record, slot, node, distance, selected);
	if (shape->bits == 0)
		return;
	stored_decode(shape->kind, neighbor, shape->dims, scratch->decoded);
	stored_residual(shape->kind, scratch->decoded, own, shape->dims,
					scratch->residual);
	graph_record_put_code(shape, record, slot, scratch->residual);
}

void
graph_record_set_list(const GraphShape *shape, GraphRecord *record,
					  const void *own, const GraphList *list,
					  const void *const *owns, GraphScratch *scratch)
{
	uint32_t   *ids = graph_record_ids(record);
	bool		placed[GRAPH_MAX_DEGREE] = {false};
	int			slot = 0;

	for (int s = 0; s < shape->degree; s++)
	{
		int			i = ids[s] == GRAPH_NO_NODE ? -1 :
		find_in_list(list, ids[s]);

		if (i >= 0 && !placed[i])
		{
			placed[i] = true;
			graph_record_put_slot(shape, record, s, ids[s], list->distances[i],
								  list->selected[i]);
		}
		else if (ids[s] != GRAPH_NO_NODE)
			graph_record_clear_slot(shape, record, s);
	}
	for (int i = 0; i < list->n; i++)
	{
		if (placed[i])
			continue;
		while (ids[slot] != GRAPH_NO_NODE)
			slot++;
		graph_record_put(shape, record, own, slot, list->ids[i],
						 list->distances[i], list->selected[i], owns[i],
						 scratch);
	}
}
