/*
 * record.h
 *	  A node as stored, in memory and on pages alike: head, neighbours, their
 *	  distances, vector.
 *
 *	  GraphRecord | uint32 ids[degree] | float distances[degree] | float vector[dims]
 */
#ifndef GRAPH_RECORD_H
#define GRAPH_RECORD_H

#include "graph/graph.h"

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
	uint8_t		nneighbors;
	uint8_t		nselected;
	uint32_t	lock;			/* used in memory only; 0 on pages */
	uint64_t	rows[GRAPH_ROWS];
} GraphRecord;

/* Sizes of all records of one graph, in bytes. */
typedef struct GraphShape
{
	int			degree;
	size_t		dims;
	size_t		head;			/* everything before the vector */
	size_t		size;			/* of a whole record, a multiple of 8 */
} GraphShape;

static inline GraphShape
graph_shape(size_t dims, int degree)
{
	GraphShape	shape = {.degree = degree,.dims = dims};

	shape.head = sizeof(GraphRecord) + (size_t) degree * (sizeof(uint32_t) + sizeof(float));
	shape.size = (shape.head + dims * sizeof(float) + 7) & ~(size_t) 7;
	return shape;
}

static inline uint32_t *
graph_record_ids(GraphRecord *record)
{
	return (uint32_t *) (record + 1);
}

static inline float *
graph_record_distances(GraphRecord *record, int degree)
{
	return (float *) (graph_record_ids(record) + degree);
}

static inline float *
graph_record_vector(GraphRecord *record, int degree)
{
	return graph_record_distances(record, degree) + degree;
}

/* Can this head be what we wrote? */
extern bool graph_record_is_sound(const GraphRecord *record, int degree);

/* Between a sound record and a list */
extern void graph_record_get_list(GraphRecord *record, int degree, GraphList *list);
extern void graph_record_set_list(GraphRecord *record, int degree, const GraphList *list);

/* Does the record still hold the expected list? */
extern bool graph_record_has_list(GraphRecord *record, int degree, const GraphList *expected);

#endif							/* GRAPH_RECORD_H */
