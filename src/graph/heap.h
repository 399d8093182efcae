/*
 * heap.h
 *	  A binary heap of (key, value), least key first, that grows in an arena.
 *	  A heap with the greatest key first holds negated keys.
 */
#ifndef GRAPH_HEAP_H
#define GRAPH_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct GraphHeapItem
{
	double		key;			/* not NaN */
	uint32_t	value;
} GraphHeapItem;

typedef struct GraphHeap
{
	Arena	   *arena;
	GraphHeapItem *items;
	size_t		n;
	size_t		capacity;
} GraphHeap;

/* False when out of memory; the heap stays as it was. */
extern bool graph_heap_push(GraphHeap *heap, double key, uint32_t value);

/* Take the item with the least key; the heap must not be empty. */
extern GraphHeapItem graph_heap_pop(GraphHeap *heap);

/* Keep the n items with the least keys. */
extern void graph_heap_cut(GraphHeap *heap, size_t n);

#endif							/* GRAPH_HEAP_H */
