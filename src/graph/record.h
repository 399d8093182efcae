/*
 * record.h
 *	  A node as stored, in memory and on pages alike.
 *
 *	  GraphRecord | uint32 ids[degree] | float distances[degree] |
 *	  uint32 selected, one bit a slot | codes of the neighbors | own vector
 *
 * A slot whose id is GRAPH_NO_NODE is empty.  Everything before the own vector
 * may change; that never does.  Slot s has its code in block s / 32, slot
 * s % 32 (kernel/codes.h); without codes that part is empty.  The own vector
 * is as in kernel/stored.h.
 */
#ifndef GRAPH_RECORD_H
#define GRAPH_RECORD_H

#include "base/status.h"
#include "graph/graph.h"
#include "kernel/codes.h"
#include "kernel/stored.h"

typedef enum GraphState
{
	GRAPH_FREE = 0,
	GRAPH_LIVE = 1,
	GRAPH_DEAD = 2
} GraphState;

typedef struct GraphRecord
{
	uint8_t		state;			/* GraphState */
	uint8_t		nrows;			/* 1 .. GRAPH_ROWS in a live node, else 0 */
	uint16_t	unused;
	uint32_t	lock;			/* used in memory only; 0 on pages */
	uint64_t	rows[GRAPH_ROWS];
} GraphRecord;

/* What all records of one graph have in common. */
typedef struct GraphShape
{
	int			degree;
	size_t		dims;
	StoredKind	kind;			/* of own vectors */
	size_t		originals_at;	/* offset, in an own vector, of the column's
								 * floats; 0: they are not kept */
	int			bits;			/* of codes; 0: no codes */
	size_t		coded;			/* dimensions that are coded */
	int			nblocks;		/* of codes, 32 slots each */
	CodesLayout codes;			/* of all but the last block */
	CodesLayout last;			/* of the last */
	size_t		codes_at;		/* offset of the codes */
	size_t		head;			/* everything before the own vector */
	size_t		own_size;		/* bytes of the own vector */
	size_t		size;			/* of a whole record, a multiple of 8 */
} GraphShape;

/*
 * The shape for records on pages of so many bytes.  With codes STORED_FLOAT
 * means what is asked for, not how it is done: own vectors that rank as int8,
 * and behind them the column's floats as they are, of which the operator's own
 * distance can be computed.  Without codes they are just these floats.  bits:
 * 1, 2 or 4; 0 chooses by dims; -1 means no codes.  As many dimensions are
 * coded as let the part that changes fit a page; if an eighth fewer lets one
 * more record share a page, that.  STATUS_INVALID_VALUE if there is no room for
 * codes at all.
 */
extern bool graph_shape(GraphShape *shape, size_t dims, int degree,
						StoredKind kind, int bits, size_t page_space,
						Status *status);

static inline uint32_t *
graph_record_ids(const GraphRecord *record)
{
	return (uint32_t *) (record + 1);
}

static inline float *
graph_record_distances(const GraphShape *shape, const GraphRecord *record)
{
	return (float *) (graph_record_ids(record) + shape->degree);
}

static inline uint32_t *
graph_record_selected(const GraphShape *shape, const GraphRecord *record)
{
	return (uint32_t *) (graph_record_distances(shape, record) + shape->degree);
}

static inline void *
graph_record_codes(const GraphShape *shape, const GraphRecord *record,
				   int block)
{
	return (char *) record + shape->codes_at + (size_t) block * shape->codes.size;
}

/* Where the own vector is if the record is whole. */
static inline void *
graph_record_own(const GraphShape *shape, const GraphRecord *record)
{
	return (char *) record + shape->head;
}

static inline const CodesLayout *
graph_shape_codes(const GraphShape *shape, int block)
{
	return block == shape->nblocks - 1 ? &shape->last : &shape->codes;
}

/* Can this head be what we wrote? */
extern bool graph_record_is_sound(const GraphRecord *record);

/* Make the part that changes that of a live node with one row, no neighbors. */
extern void graph_record_init(const GraphShape *shape, GraphRecord *record,
							  uint64_t row);

/* Neighbors in use */
extern int	graph_record_neighbors(const GraphShape *shape,
								   const GraphRecord *record);

extern void graph_record_get_list(const GraphShape *shape,
								  const GraphRecord *record, GraphList *list);

/* Does the record still hold the expected neighbors in the same order? */
extern bool graph_record_has_list(const GraphShape *shape,
								  const GraphRecord *record,
								  const GraphList *expected);

/* Is the neighbor in a slot a selected one? */
extern bool graph_record_slot_is_selected(const GraphShape *shape,
										  const GraphRecord *record, int slot);

/* The slot of the next node of the record's ring, or -1 */
extern int	graph_record_ring(const GraphShape *shape,
							  const GraphRecord *record);

/* The code of a slot, of a residual; nothing without codes. */
extern void graph_record_put_code(const GraphShape *shape, GraphRecord *record,
								  int slot, const float *residual);

/* Fill a slot but for its code, or empty it. */
extern void graph_record_put_slot(const GraphShape *shape, GraphRecord *record,
								  int slot, uint32_t node, float distance,
								  bool selected);
extern void graph_record_clear_slot(const GraphShape *shape,
									GraphRecord *record, int slot);

#endif							/* GRAPH_RECORD_H */
