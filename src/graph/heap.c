/*
 * heap.c
 *	  A binary heap.  Equal keys come out with the smaller value first, so
 *	  that a search does not depend on the order of insertion.
 */
#include "graph/heap.h"

#include <stdlib.h>
#include <string.h>

/* Of equal keys the smaller value comes first: one order for all machines. */
static inline bool
before(GraphHeapItem a, GraphHeapItem b)
{
	return a.key < b.key || (a.key == b.key && a.value < b.value);
}

static bool
grow_heap(GraphHeap *heap)
{
	size_t		capacity = heap->capacity == 0 ? 256 : 2 * heap->capacity;
	GraphHeapItem *items = arena_new_array(heap->arena, capacity,
										   GraphHeapItem);

	if (items == NULL)
		return false;
	if (heap->n > 0)
		memcpy(items, heap->items, heap->n * sizeof(*items));
	heap->items = items;
	heap->capacity = capacity;
	return true;
}

bool
graph_heap_push(GraphHeap *heap, double key, uint32_t value)
{
	GraphHeapItem item = {key, value};
	size_t		i;

	if (heap->n == heap->capacity && !grow_heap(heap))
		return false;
	for (i = heap->n++; i > 0 && before(item, heap->items[(i - 1) / 2]);
		 i = (i - 1) / 2)
		heap->items[i] = heap->items[(i - 1) / 2];
	heap->items[i] = item;
	return true;
}

GraphHeapItem
graph_heap_pop(GraphHeap *heap)
{
	GraphHeapItem top = heap->items[0];
	GraphHeapItem last = heap->items[--heap->n];
	size_t		i = 0;

	for (;;)
	{
		size_t		child = 2 * i + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n &&
			before(heap->items[child + 1], heap->items[child]))
			child++;
		if (!before(heap->items[child], last))
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = last;
	return top;
}

static int
compare(const void *a, const void *b)
{
	const GraphHeapItem *x = a;
	const GraphHeapItem *y = b;

	return before(*x, *y) ? -1 : before(*y, *x);
}

/* Sorted items are a heap. */
void
graph_heap_cut(GraphHeap *heap, size_t n)
{
	if (heap->n <= n)
		return;
	qsort(heap->items, heap->n, sizeof(*heap->items), compare);
	heap->n = n;
}
