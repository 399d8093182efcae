/*
 * neighbors.c
 *	  The exact k nearest of many queries at once.
 *
 * A score g = <q, x> out of the product passes if
 *
 *		g >= s(q) * r(x) + o(q)
 *
 * with numbers of the row and of the query and its k-th distance t so far, so
 * that one comparison per pair decides.  With e a bound on all relative errors:
 *
 *	L2		g >= (|x|^2 + |q|^2 - t^2) / 2		r = |x|^2 / 2 less e, s = 1
 *	cosine	g >= |q| |x| (1 - t)				r = |x|, s = |q| (1 - t - e)
 *	product	g >= -t								r = |x|, s = - e |q|, o = -t
 *
 * e is twice what sums of dims products can lose in any order of addition, in
 * the product and in the caller's distance.  Pairs for which floats do not
 * suffice pass: the comparison is written so that NaN passes.
 */
#include "kernel/neighbors.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "kernel/gemm.h"
#include "kernel/vector.h"

#define MIN_BLOCK 64
#define MAX_BLOCK 512
#define MAX_TILE 512

/* Pairs of a block: what bounds the time between two calls */
#define BLOCK_PAIRS 4000000

/* Squares above it may overflow in a sum, or a product with them */
#define LARGE_SQUARE (FLT_MAX / 16)

#define ROUNDING 0x1p-24

/* What underflow can lose, relative to nothing */
#define TINY 1e-30

typedef struct Query
{
	double		norm;
	float		factor;			/* s */
	float		offset;			/* o */
	size_t		count;			/* of the heap */
} Query;

struct NeighborSearch
{
	ThreadPool *pool;
	NeighborMetric metric;
	NeighborDistance distance;
	size_t		dims;
	size_t		n;
	size_t		k;
	size_t		block;
	size_t		tile;			/* queries of a slice */
	double		error;			/* e */
	const float *vectors;
	const void *const *items;
	Query	   *queries;
	Neighbor   *heaps;			/* n x k, the farthest first */
	float	  **scores;			/* per worker, tile x block */

	/* the block at work */
	const float *rows;
	const void *const *row_items;
	const uint64_t *row_ids;
	size_t		nrows;
	float	   *row_numbers;	/* r */
	uint64_t	arrived;
};

/* ---- heaps ---- */

/* Does a come after b?  NaN comes last, ties in the order of arrival. */
static bool
is_after(const Neighbor *a, const Neighbor *b)
{
	if (a->distance > b->distance || (isnan(a->distance) && !isnan(b->distance)))
		return true;
	if (a->distance < b->distance || (isnan(b->distance) && !isnan(a->distance)))
		return false;
	return a->order > b->order;
}

static void
sift_down(Neighbor *heap, size_t n, size_t at, Neighbor item)
{
	for (;;)
	{
		size_t		child = 2 * at + 1;

		if (child + 1 < n && is_after(&heap[child + 1], &heap[child]))
			child++;
		if (child >= n || !is_after(&heap[child], &item))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = item;
}

static void
sift_up(Neighbor *heap, size_t at, Neighbor item)
{
	while (at > 0 && is_after(&item, &heap[(at - 1) / 2]))
	{
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = item;
}

/* ---- thresholds ---- */

/* From the k-th distance so far to the numbers of the comparison */
static void
set_threshold(const NeighborSearch *search, Query *query, double t)
{
	double		e = search->error;
	double		norm = query->norm;
	double		factor = 0;
	double		offset = -INFINITY;

	if (!isnan(t) && norm * norm < LARGE_SQUARE)
	{
		if (search->metric == NEIGHBOR_L2)
		{
			factor = 1;
			offset = (norm * norm * (1 - e) - t * t * (1 + e)) / 2 - TINY;
		}
		else if (search->metric == NEIGHBOR_COSINE)
		{
			factor = norm * (1 - t - e);
			offset = -TINY;
		}
		else if (search->metric == NEIGHBOR_INNER_PRODUCT)
		{
			factor = -e * norm;
			offset = -t - e * fabs(t) - TINY;
		}
	}
	query->factor = (float) factor;
	query->offset = (float) offset;
}

/* r of every row of the block; NaN lets a row pass. */
static void
set_row_numbers(NeighborSearch *search)
{
	for (size_t i = 0; i < search->nrows; i++)
	{
		double		norm = kernel_norm(search->rows + i * search->dims, search->dims);
		double		number = norm;

		if (search->metric == NEIGHBOR_L2)
			number = norm * norm / 2 * (1 - search->error);
		search->row_numbers[i] = norm * norm < LARGE_SQUARE ? (float) number : NAN;
	}
}

/* ---- one block ---- */

/* Compute a pair that passed, and keep it if it is near enough. */
static void
consider(NeighborSearch *search, size_t q, size_t row)
{
	Query	   *query = &search->queries[q];
	Neighbor   *heap = search->heaps + q * search->k;
	Neighbor	found = {
		.distance = search->distance(search->items[q], search->row_items[row]),
		.order = search->arrived + row,
		.id = search->row_ids[row]
	};

	if (query->count < search->k)
		sift_up(heap, query->count++, found);
	else if (is_after(&heap[0], &found))
		sift_down(heap, search->k, 0, found);
	else
		return;
	if (query->count == search->k)
		set_threshold(search, query, heap[0].distance);
}

/* Does any of LANES scores pass?  Written for the compiler's vectors. */
#define LANES 16

static bool
any_passes(const float *scores, const float *numbers, float factor, float offset)
{
	int			passed = 0;

	for (int i = 0; i < LANES; i++)
		passed |= !(scores[i] < factor * numbers[i] + offset);
	return passed != 0;
}

static void
consider_row_of_scores(NeighborSearch *search, size_t q, const float *scores)
{
	const Query *query = &search->queries[q];
	size_t		n = search->nrows;

	for (size_t i = 0; i < n; i += LANES)
	{
		size_t		end = i + LANES < n ? i + LANES : n;

		if (end == i + LANES &&
			!any_passes(scores + i, search->row_numbers + i, query->factor, query->offset))
			continue;
		for (size_t j = i; j < end; j++)
			if (!(scores[j] < query->factor * search->row_numbers[j] + query->offset))
				consider(search, q, j);
	}
}

static void
run_tile(void *arg, int slice, int worker)
{
	NeighborSearch *search = arg;
	size_t		first = (size_t) slice * search->tile;
	size_t		count = search->n - first < search->tile ? search->n - first : search->tile;
	float	   *scores = search->scores[worker];

	gemm_f32(false, true, (int) count, (int) search->nrows, (int) search->dims,
			 1, search->vectors + first * search->dims, (int) search->dims,
			 search->rows, (int) search->dims, 0, scores, (int) search->nrows);
	for (size_t q = 0; q < count; q++)
		consider_row_of_scores(search, first + q, scores + q * search->nrows);
}

static void
run_tile_of_pairs(void *arg, int slice, int worker)
{
	NeighborSearch *search = arg;
	size_t		first = (size_t) slice * search->tile;

	(void) worker;
	for (size_t q = first; q < first + search->tile && q < search->n; q++)
		for (size_t row = 0; row < search->nrows; row++)
			consider(search, q, row);
}

void
neighbors_add(NeighborSearch *search, const float *vectors,
			  const void *const *items, const uint64_t *ids, size_t n)
{
	int			slices = (int) ((search->n + search->tile - 1) / search->tile);

	search->rows = vectors;
	search->row_items = items;
	search->row_ids = ids;
	search->nrows = n;
	if (n > 0 && search->metric == NEIGHBOR_OTHER)
		pool_run(search->pool, slices, run_tile_of_pairs, search);
	else if (n > 0)
	{
		set_row_numbers(search);
		pool_run(search->pool, slices, run_tile, search);
	}
	search->arrived += n;
}

/* ---- beginning and end ---- */

static size_t
clamp(size_t x, size_t least, size_t most)
{
	return x < least ? least : x > most ? most : x;
}

static bool
allocate(NeighborSearch *search, Arena *arena)
{
	size_t		nthreads = (size_t) pool_threads(search->pool);
	size_t		pairs;

	if (!size_mul(search->n, search->k, &pairs))
		return false;
	search->queries = arena_new_array(arena, search->n, Query);
	search->heaps = arena_new_array(arena, pairs, Neighbor);
	search->row_numbers = arena_new_array(arena, search->block, float);
	search->scores = arena_new_array(arena, nthreads, float *);
	if (search->queries == NULL || search->heaps == NULL ||
		search->row_numbers == NULL || search->scores == NULL)
		return false;
	for (size_t i = 0; i < nthreads; i++)
	{
		search->scores[i] = arena_new_array(arena, search->tile * search->block, float);
		if (search->scores[i] == NULL)
			return false;
	}
	return true;
}

NeighborSearch *
neighbors_create(Arena *arena, ThreadPool *pool,
				 NeighborMetric metric, NeighborDistance distance,
				 size_t dims, const float *vectors,
				 const void *const *items, size_t n, size_t k,
				 Status *status)
{
	size_t		nthreads = (size_t) pool_threads(pool);
	NeighborSearch *search = arena_new(arena, NeighborSearch);

	if (metric != NEIGHBOR_OTHER && !gemm_load(status))
		return NULL;
	if (search != NULL)
	{
		search->pool = pool;
		search->metric = metric;
		search->distance = distance;
		search->dims = dims;
		search->vectors = vectors;
		search->items = items;
		search->n = n;
		search->k = k;
		search->block = clamp(BLOCK_PAIRS / (n + 1), MIN_BLOCK, MAX_BLOCK);
		search->tile = clamp((n + nthreads - 1) / nthreads, 1, MAX_TILE);
		search->error = 4 * ((double) dims + 16) * ROUNDING;
	}
	if (search == NULL || !allocate(search, arena))
	{
		status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory");
		status_detail(status, "The %zu nearest of %zu queries do not fit.", k, n);
		return NULL;
	}
	search->arrived = 0;
	for (size_t q = 0; q < n; q++)
	{
		search->queries[q].count = 0;
		search->queries[q].norm = metric == NEIGHBOR_OTHER ? 0 :
			kernel_norm(vectors + q * dims, dims);
		set_threshold(search, &search->queries[q], NAN);
	}
	return search;
}

size_t
neighbors_block(const NeighborSearch *search)
{
	return search->block;
}

static int
compare_neighbors(const void *a, const void *b)
{
	return is_after(a, b) ? 1 : -1;
}

const Neighbor *
neighbors_of(NeighborSearch *search, size_t query, size_t *n)
{
	Neighbor   *heap = search->heaps + query * search->k;

	*n = search->queries[query].count;
	qsort(heap, *n, sizeof(Neighbor), compare_neighbors);
	return heap;
}
