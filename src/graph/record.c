/*
 * record.c
 *	  A node as stored.
 */
#include "graph/record.h"

#include <string.h>

/* Bits of a dimension by the number of dimensions: see the README. */
static int
choose_bits(size_t dims)
{
	return dims <= 96 ? 4 : dims <= 192 ? 2 : 1;
}

/* Lay out a record whose codes have so many dimensions. */
static bool
lay_out(GraphShape *shape, size_t coded, Status *status)
{
	int			full = shape->degree < CODES_MAX_SLOTS ? shape->degree :
	CODES_MAX_SLOTS;
	size_t		codes_size = 0;

	shape->coded = coded;
	shape->nblocks = 0;
	if (shape->bits > 0)
	{
		int			rest = shape->degree % CODES_MAX_SLOTS;

		shape->nblocks = (shape->degree + CODES_MAX_SLOTS -
						  1) / CODES_MAX_SLOTS;
		if (!codes_layout(&shape->codes, shape->dims, coded, shape->bits, full,
						  status) ||
			!codes_layout(&shape->last, shape->dims, coded, shape->bits,
						  rest == 0 ? full : rest, status))
			return false;
		codes_size = (size_t) (shape->nblocks -
							   1) * shape->codes.size + shape->last.size;
	}
	shape->head = (shape->codes_at + codes_size + 7) & ~(size_t) 7;
	shape->size = (shape->head + shape->own_size + 7) & ~(size_t) 7;
	return true;
}

/* How many dimensions codes of so many bytes together can have */
static size_t
coded_within(const GraphShape *shape, size_t bytes)
{
	int			full = shape->degree < CODES_MAX_SLOTS ? shape->degree :
	CODES_MAX_SLOTS;

	return codes_coded_within(bytes / (size_t) shape->nblocks, shape->dims,
							  shape->bits, full);
}

/* Code less if that makes the part that changes fit a page. */
static bool
fit_head(GraphShape *shape, size_t page_space, Status *status)
{
	size_t		coded;

	if (shape->head <= page_space)
		return true;
	coded = coded_within(shape, page_space - 8 - shape->codes_at);
	if (coded == 0)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "a list of %d neighbors does not fit a page",
						   shape->degree);
	return lay_out(shape, coded, status);
}

/* Code less if that makes one more record fit a page. */
static bool
fit_page(GraphShape *shape, size_t page_space, Status *status)
{
	size_t		share = page_space / (page_space / shape->size +
									  1) & ~(size_t) 7;
	size_t		other = shape->codes_at + shape->own_size + 16;
	size_t		coded;

	if (share <= other)
		return true;
	coded = coded_within(shape, share - other);
	if (coded >= shape->coded || coded < shape->dims - shape->dims / 8)
		return true;
	return lay_out(shape, coded, status);
}

bool
graph_shape(GraphShape *shape, size_t dims, int degree, StoredKind kind,
			int bits, size_t page_space, Status *status)
{
	size_t		selected = ((size_t) degree + 31) / 32 * sizeof(uint32_t);

	memset(shape, 0, sizeof(*shape));
	shape->degree = degree;
	shape->dims = dims;
	shape->kind = kind;
	shape->bits = bits < 0 ? 0 : bits == 0 ? choose_bits(dims) : bits;
	if (kind == STORED_FLOAT && shape->bits > 0)
	{
		shape->kind = STORED_INT8;
		shape->originals_at = (stored_size(STORED_INT8,
										   dims) + sizeof(float) - 1) /
			sizeof(float) * sizeof(float);
	}
	shape->own_size = shape->originals_at > 0 ?
		shape->originals_at + dims * sizeof(float) : stored_size(kind, dims);
	shape->codes_at = sizeof(GraphRecord) +
		(size_t) degree * (sizeof(uint32_t) + sizeof(float)) + selected;
	return lay_out(shape, dims, status) &&
		(shape->bits == 0 || (fit_head(shape, page_space, status) &&
							  fit_page(shape, page_space, status)));
}

/*
 * A page may hold anything: what this lets pass can be read without leaving the
 * record.  Ids may be of nodes that do not exist: whoever follows one finds
 * none.
 */
bool
graph_record_is_sound(const GraphRecord *record)
{
	if (record->state > GRAPH_DEAD)
		return false;
	if (record->state == GRAPH_LIVE)
		return record->nrows >= 1 && record->nrows <= GRAPH_ROWS;
	return record->nrows == 0;
}

/* The own vector, behind head, is left as it is. */
void
graph_record_init(const GraphShape *shape, GraphRecord *record, uint64_t row)
{
	memset(record, 0, shape->head);
	record->state = GRAPH_LIVE;
	record->nrows = 1;
	record->rows[0] = row;
	for (int i = 0; i < shape->degree; i++)
		graph_record_ids(record)[i] = GRAPH_NO_NODE;
	for (int block = 0; block < shape->nblocks; block++)
		codes_init(graph_shape_codes(shape, block),
				   graph_record_codes(shape, record, block));
}

int
graph_record_neighbors(const GraphShape *shape, const GraphRecord *record)
{
	const uint32_t *ids = graph_record_ids(record);
	int			n = 0;

	for (int i = 0; i < shape->degree; i++)
		n += ids[i] != GRAPH_NO_NODE;
	return n;
}

bool
graph_record_slot_is_selected(const GraphShape *shape,
							  const GraphRecord *record, int slot)
{
	return (graph_record_selected(shape,
								  record)[slot / 32] >> (slot % 32) & 1) != 0;
}

int
graph_record_ring(const GraphShape *shape, const GraphRecord *record)
{
	const float *distances = graph_record_distances(shape, record);

	for (int i = 0; i < shape->degree; i++)
		if (graph_record_ids(record)[i] != GRAPH_NO_NODE &&
			distances[i] == GRAPH_RING)
			return i;
	return -1;
}

void
graph_record_get_list(const GraphShape *shape, const GraphRecord *record,
					  GraphList *list)
{
	const uint32_t *ids = graph_record_ids(record);
	const float *distances = graph_record_distances(shape, record);

	list->n = 0;
	for (int i = 0; i < shape->degree; i++)
	{
		if (ids[i] == GRAPH_NO_NODE)
			continue;
		list->ids[list->n] = ids[i];
		list->distances[list->n] = distances[i];
		list->selected[list->n] = graph_record_slot_is_selected(shape, record,
																i);
		list->n++;
	}
}

bool
graph_record_has_list(const GraphShape *shape, const GraphRecord *record,
					  const GraphList *expected)
{
	const uint32_t *ids = graph_record_ids(record);
	int			n = 0;

	for (int i = 0; i < shape->degree; i++)
	{
		if (ids[i] == GRAPH_NO_NODE)
			continue;
		if (n == expected->n || expected->ids[n] != ids[i])
			return false;
		n++;
	}
	return n == expected->n;
}

void
graph_record_put_code(const GraphShape *shape, GraphRecord *record,
					  int slot, const float *residual)
{
	int			block = slot / CODES_MAX_SLOTS;

	if (shape->bits > 0)
		codes_put(graph_shape_codes(shape, block),
				  graph_record_codes(shape, record, block),
				  slot % CODES_MAX_SLOTS, residual);
}

void
graph_record_put_slot(const GraphShape *shape, GraphRecord *record, int slot,
					  uint32_t node, float distance, bool selected)
{
	uint32_t   *bits = &graph_record_selected(shape, record)[slot / 32];

	graph_record_ids(record)[slot] = node;
	graph_record_distances(shape, record)[slot] = distance;
	if (selected)
		*bits |= UINT32_C(1) << (slot % 32);
	else
		*bits &= ~(UINT32_C(1) << (slot % 32));
}

/* Its code as well, so that it is estimated to be infinitely far. */
void
graph_record_clear_slot(const GraphShape *shape, GraphRecord *record, int slot)
{
	int			block = slot / CODES_MAX_SLOTS;

	graph_record_put_slot(shape, record, slot, GRAPH_NO_NODE, 0, false);
	if (shape->bits > 0)
		codes_clear(graph_shape_codes(shape, block),
					graph_record_codes(shape, record, block),
					slot % CODES_MAX_SLOTS);
}
