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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/size.h"
#include "kernel/gemm.h"
#include "kernel/vector.h"

#define MIN_BLOCK 64
#define MAX_BLOCK 512
#ifndef MAX_TILE
#define MAX_TILE 512
#endif

/* Pairs of a block: what bounds the time between two calls */
#define BLOCK_PAIRS 4000000

/* Numbers in the rows of a block, as long as it has MIN_BLOCK rows: 8 MB */
#define BLOCK_NUMBERS (2 * 1024 * 1024)

/* Squares above it may overflow in a sum, or a product with them */
#define LARGE_SQUARE (FLT_MAX / 16)

#define ROUNDING 0x1p-24

/* Below it underflow may be all there is of a product */
#define SMALL_NORM 1e-10f

/* What underflow can lose, relative to nothing */
#define TINY 1e-30

typedef struct Query
{
	double		norm;
	float		factor;			/* s */
	float		offset;			/* o */
	size_t		count;			/* of its candidates */
	bool		finished;		/* they are its k nearest, sorted */
} Query;

typedef struct Worker
{
	float	   *scores;			/* tile x block */
	float	   *distances;		/* of a query's candidates, or of a block */
	Neighbor   *scratch;		/* k, to sort */
	uint16_t	passed[MAX_BLOCK];	/* rows of the block */
} Worker;

struct NeighborSearch
{
	ThreadPool *pool;
	NeighborMetric metric;
	NeighborDistance distance;
	size_t		dims;
	size_t		n;
	size_t		k;
	size_t		capacity;		/* candidates of a query: more than k */
	size_t		block;
	size_t		tile;			/* queries of a slice */
	double		error;			/* e */
	const float *vectors;
	const void *const *items;
	Query	   *queries;
	Neighbor   *candidates;		/* n x capacity, in no order */
	Worker	   *workers;		/* one per thread */

	/* the block at work */
	const float *rows;
	const void *const *row_items;
	const uint64_t *row_ids;
	size_t		nrows;
	float	   *row_numbers;	/* r */
	double		most;			/* of those that are numbers */
	uint64_t	arrived;
};

/* ---- candidates ---- */

/* Does a come after b?  NaN comes last, ties in the order of arrival. */
static bool
is_after(const Neighbor *a, const Neighbor *b)
{
	if (a->distance > b->distance ||
		(isnan(a->distance) && !isnan(b->distance)))
		return true;
	if (a->distance < b->distance ||
		(isnan(b->distance) && !isnan(a->distance)))
		return false;
	return a->order > b->order;
}

static void
swap(Neighbor *a, Neighbor *b)
{
	Neighbor	t = *a;

	*a = *b;
	*b = t;
}

/* The middle one of first, middle and last comes to the front. */
static void
choose_pivot(Neighbor *item, size_t n)
{
	Neighbor   *middle = &item[n / 2];
	Neighbor   *last = &item[n - 1];

	if (is_after(middle, last))
		swap(middle, last);
	if (is_after(item, last))
		swap(item, last);
	else if (is_after(middle, item))
		swap(item, middle);
}

/*
 * Bring the k nearest of n candidates, 0 < k < n, to the front, the k-th last
 * among them: quickselect (Hoare 1961).  No two are equal.
 */
static void
select_nearest(Neighbor *item, size_t n, size_t k)
{
	size_t		left = 0;		/* the k-th is in left .. right - 1 */
	size_t		right = n;

	while (right - left > 1)
	{
		size_t		i = left;
		size_t		j = right;

		choose_pivot(item + left, right - left);
		for (;;)
		{
			while (++i < right && is_after(&item[left], &item[i]))
				continue;
			while (is_after(&item[--j], &item[left]))
				continue;
			if (i >= j)
				break;
			swap(&item[i], &item[j]);
		}
		swap(&item[left], &item[j]);
		if (j == k - 1)
			return;
		if (j < k - 1)
			left = j + 1;
		else
			right = j;
	}
}

/* ---- the k nearest of many, by their distances as floats ---- */

/* Ascending as floats are, from -infinity to infinity */
static float
float_of_key(uint32_t key)
{
	uint32_t	bits = key >> 31 ? key ^ (uint32_t) 1 << 31 : ~key;
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

#define LEAST_KEY 0x007fffffu	/* of -infinity */
#define MOST_KEY 0xff800000u

/* Written for the compiler's vectors */
static unsigned
count_within(const float *distances, unsigned n, float limit)
{
	unsigned	count = 0;

	for (unsigned i = 0; i < n; i++)
		count += distances[i] <= limit;
	return count;
}

/*
 * The least float that k of n distances are within, or one between that and the
 * next; infinity if they are fewer.  A bisection of the bits: at most 32 passes
 * of one comparison a distance, without branches to be guessed.
 */
static float
find_limit(const float *distances, unsigned n, unsigned k)
{
	uint32_t	low = LEAST_KEY;
	uint32_t	high = MOST_KEY;

	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;
		unsigned	count = count_within(distances, n, float_of_key(middle));

		if (count == k)
			return float_of_key(middle);
		if (count < k)
			low = middle + 1;
		else
			high = middle;
	}
	return float_of_key(low);
}

/* Move the items within the limit to the front: how many they are. */
static size_t
keep_within(Neighbor *item, const float *distances, size_t n, float limit)
{
	size_t		kept = 0;

	for (size_t i = 0; i < n; i++)
	{
		item[kept] = item[i];
		kept += distances[i] <= limit;
	}
	return kept;
}

static double
farthest_of(const Neighbor *item, size_t n)
{
	double		farthest = -INFINITY;

	for (size_t i = 0; i < n; i++)
		farthest = item[i].distance > farthest ? item[i].distance : farthest;
	return farthest;
}

/*
 * Drop candidates that are not among the k nearest, all of them or, where
 * distances are the same as floats, nearly all.  Returns how many are left and
 * in *farthest the distance of the last of them.
 */
static size_t
keep_k(Neighbor *item, size_t n, size_t k, float *distances, double *farthest)
{
	float		limit;
	size_t		count;

	for (size_t i = 0; i < n; i++)
		distances[i] = (float) item[i].distance;
	limit = find_limit(distances, (unsigned) n, (unsigned) k);
	count = count_within(distances, (unsigned) n, limit);
	if (count < k || count > k + (n - k) / 4)
	{
		select_nearest(item, n, k);
		*farthest = item[k - 1].distance;
		return k;
	}
	count = keep_within(item, distances, n, limit);
	*farthest = farthest_of(item, count);
	return count;
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
		if (search->metric == NEIGHBOR_L2 ||
			search->metric == NEIGHBOR_L2_SQUARED)
		{
			double		square = search->metric == NEIGHBOR_L2 ? t * t : t;

			factor = 1;
			offset = (norm * norm * (1 - e) - square * (1 + e)) / 2 - TINY;
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
	search->most = 0;
	for (size_t i = 0; i < search->nrows; i++)
	{
		double		norm = kernel_norm(search->rows + i * search->dims,
									   search->dims);
		double		number = norm;

		if (search->metric == NEIGHBOR_L2 ||
			search->metric == NEIGHBOR_L2_SQUARED)
			number = norm * norm / 2 * (1 - search->error);
		search->row_numbers[i] = norm * norm < LARGE_SQUARE ? (float) number :
			NAN;
		if (norm * norm < LARGE_SQUARE)
			search->most = fmax(search->most, number);
	}
}

/* ---- one block ---- */

/* The nearest so far, and from now on a threshold that only nearer pass */
static void
drop_farthest(NeighborSearch *search, Query *query, Neighbor *candidates,
			  Worker *worker)
{
	double		farthest;

	query->count = keep_k(candidates, query->count, search->k,
						  worker->distances, &farthest);
	set_threshold(search, query, farthest);
}

/* Compute a pair that passed, and keep it as a candidate. */
static void
consider(NeighborSearch *search, size_t q, size_t row, Worker *worker)
{
	Query	   *query = &search->queries[q];
	Neighbor   *candidates = search->candidates + q * search->capacity;

	candidates[query->count++] = (Neighbor)
	{
		.distance = search->distance(search->items[q], search->row_items[row]),
			.order = search->arrived + row,
			.id = search->row_ids[row]
	};
	if (query->count == search->capacity)
		drop_farthest(search, query, candidates, worker);
}

#define LANES 32

/* Does any of LANES scores pass?  Written for the compiler's vectors. */
static bool
any_passes(const float *scores, const float *numbers, float factor,
		   float offset)
{
	uint32_t	any = 0;

	for (int i = 0; i < LANES; i++)
		any |= !(scores[i] < factor * numbers[i] + offset);
	return any != 0;
}

/* Add the lanes that pass to the list of n, row first being the first lane. */
static size_t
list_lanes(const float *scores, const float *numbers, float factor,
		   float offset, size_t first, uint16_t *list, size_t n)
{
	uint8_t		passed[LANES];
	uint64_t	words[LANES / 8];

	for (int i = 0; i < LANES; i++)
		passed[i] = !(scores[i] < factor * numbers[i] + offset);
	memcpy(words, passed, sizeof(passed));
	for (size_t w = 0; w < LANES / 8; w++)
	{
		if (words[w] == 0)
			continue;
		for (size_t i = 8 * w; i < 8 * w + 8; i++)
		{
			list[n] = (uint16_t) (first + i);
			n += passed[i];
		}
	}
	return n;
}

static bool
passes(const Query *query, float score, float number)
{
	return !(score < query->factor * number + query->offset);
}

/* The rows of the block that pass: how many they are */
static size_t
list_passed(const NeighborSearch *search, const Query *query,
			const float *scores, uint16_t *list)
{
	const float *numbers = search->row_numbers;
	float		factor = query->factor;
	float		offset = query->offset;
	size_t		n = 0;
	size_t		i;

	for (i = 0; i + LANES <= search->nrows; i += LANES)
		if (any_passes(scores + i, numbers + i, factor, offset))
			n = list_lanes(scores + i, numbers + i, factor, offset, i, list, n);
	for (; i < search->nrows; i++)
	{
		list[n] = (uint16_t) i;
		n += passes(query, scores[i], numbers[i]);
	}
	return n;
}

/*
 * By the scores alone: a distance that k rows of the block are within, or NaN.
 * Rows are ranked by what the comparison has of them, then the limit becomes a
 * distance with errors on the other side.
 */
static double
limit_of_scores(const NeighborSearch *search, const Query *query,
				const float *scores, float *ranks)
{
	const float *numbers = search->row_numbers;
	double		e = 2 * search->error;
	double		limit;
	double		square;

	for (size_t i = 0; i < search->nrows; i++)
	{
		if (search->metric == NEIGHBOR_COSINE)
			ranks[i] = numbers[i] > SMALL_NORM ? -scores[i] / numbers[i] : NAN;
		else if (search->metric == NEIGHBOR_INNER_PRODUCT)
			ranks[i] = numbers[i] >= 0 ? -scores[i] : NAN;
		else
			ranks[i] = numbers[i] - scores[i];
	}
	limit = find_limit(ranks, (unsigned) search->nrows, (unsigned) search->k);
	if (isinf(limit))
		return NAN;
	if (search->metric == NEIGHBOR_COSINE)
		return query->norm > SMALL_NORM ? 1 + limit / query->norm + e : NAN;
	if (search->metric == NEIGHBOR_INNER_PRODUCT)
		return limit + e * query->norm * search->most + TINY;
	square = query->norm * query->norm;
	square = fmax(0, 2 * limit + square +
				  e * (square + 4 * search->most)) + 4 * TINY;
	return search->metric == NEIGHBOR_L2 ? sqrt(square) * (1 + e) : square;
}

static void
consider_row_of_scores(NeighborSearch *search, size_t q, const float *scores,
					   Worker *worker)
{
	Query	   *query = &search->queries[q];
	size_t		n;

	if (search->arrived == 0 && search->nrows > search->k)
		set_threshold(search, query,
					  limit_of_scores(search, query, scores,
									  worker->distances));
	n = list_passed(search, query, scores, worker->passed);
	for (size_t i = 0; i < n; i++)
	{
		size_t		row = worker->passed[i];

		/* the threshold may have risen since */
		if (passes(query, scores[row], search->row_numbers[row]))
			consider(search, q, row, worker);
	}
}

static void
run_tile(void *arg, int slice, int worker)
{
	NeighborSearch *search = arg;
	size_t		first = (size_t) slice * search->tile;
	size_t		count = search->n - first < search->tile ? search->n - first :
	search->tile;
	float	   *scores = search->workers[worker].scores;

	gemm_f32(false, true, (int) count, (int) search->nrows, (int) search->dims,
			 1, search->vectors + first * search->dims, (int) search->dims,
			 search->rows, (int) search->dims, 0, scores, (int) search->nrows);
	for (size_t q = 0; q < count && !interrupt_pending(); q++)
		consider_row_of_scores(search, first + q, scores + q * search->nrows,
							   &search->workers[worker]);
}

static void
run_tile_of_pairs(void *arg, int slice, int worker)
{
	NeighborSearch *search = arg;
	size_t		first = (size_t) slice * search->tile;

	for (size_t q = first; q < first + search->tile && q < search->n &&
		 !interrupt_pending(); q++)
		for (size_t row = 0; row < search->nrows; row++)
			consider(search, q, row, &search->workers[worker]);
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
allocate_search(NeighborSearch *search, Arena *arena)
{
	size_t		nthreads = (size_t) pool_threads(search->pool);
	size_t		pairs;

	if (!size_mul(search->n, search->capacity, &pairs))
		return false;
	search->queries = arena_new_array(arena, search->n, Query);
	search->candidates = arena_new_array(arena, pairs, Neighbor);
	search->row_numbers = arena_new_array(arena, search->block, float);
	search->workers = arena_new_array(arena, nthreads, Worker);
	if (search->queries == NULL || search->candidates == NULL ||
		search->row_numbers == NULL || search->workers == NULL)
		return false;
	for (size_t i = 0; i < nthreads; i++)
	{
		Worker	   *worker = &search->workers[i];

		worker->scores = arena_new_array(arena, search->tile * search->block,
										 float);
		worker->distances = arena_new_array(arena,
											clamp(search->capacity, MAX_BLOCK,
												  SIZE_MAX), float);
		worker->scratch = arena_new_array(arena, search->k, Neighbor);
		if (worker->scores == NULL || worker->distances == NULL ||
			worker->scratch == NULL)
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
		search->capacity = neighbors_capacity(k);
		search->block = clamp(BLOCK_PAIRS / (n + 1), MIN_BLOCK,
							  clamp(BLOCK_NUMBERS / (dims + 1), MIN_BLOCK,
									MAX_BLOCK));
		search->tile = clamp((n + nthreads - 1) / nthreads, 1, MAX_TILE);
		search->error = 4 * ((double) dims + 16) * ROUNDING;
	}
	if (search == NULL || !allocate_search(search, arena))
	{
		status_out_of_memory(status, NULL);
		status_detail(status, "The %zu nearest of %zu queries do not fit.", k,
					  n);
		return NULL;
	}
	search->arrived = 0;
	for (size_t q = 0; q < n; q++)
	{
		search->queries[q].count = 0;
		search->queries[q].finished = false;
		search->queries[q].norm = metric == NEIGHBOR_OTHER ? 0 :
			kernel_norm(vectors + q * dims, dims);
		set_threshold(search, &search->queries[q], NAN);
	}
	return search;
}

size_t
neighbors_capacity(size_t k)
{
	return k + k / 2 + 16;
}

size_t
neighbors_affordable(size_t bytes, size_t dims, size_t k, size_t item_size)
{
	size_t		query = sizeof(Query) + neighbors_capacity(k) * sizeof(Neighbor) + dims * sizeof(float) + item_size;

	return clamp(bytes / query, 1, NEIGHBOR_MAX_QUERIES);
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

/* ---- sorting many: by digits of 11 bits, lowest first ---- */

#define DIGIT_BITS 11
#define DIGITS 6
#define BUCKETS (1 << DIGIT_BITS)

/* Below this many comparisons are as fast. */
#define FEW 128

/* Ascending as is_after() but for ties: -0 as 0, NaN last */
static uint64_t
sort_key(const Neighbor *item)
{
	double		distance = item->distance == 0 ? 0 : item->distance;
	uint64_t	bits;

	if (isnan(distance))
		return UINT64_MAX;
	memcpy(&bits, &distance, sizeof(bits));
	return bits >> 63 ? ~bits : bits | (uint64_t) 1 << 63;
}

static size_t
digit_of(const Neighbor *item, int digit)
{
	return (size_t) (sort_key(item) >> (digit * DIGIT_BITS)) & (BUCKETS - 1);
}

/* Move n items to where their digit puts them; false if all have the same. */
static bool
sort_by_digit(const Neighbor *from, Neighbor *to, size_t n, int digit,
			  uint32_t *buckets)
{
	uint32_t	start = 0;

	if (buckets[digit_of(from, digit)] == n)
		return false;
	for (int i = 0; i < BUCKETS; i++)
	{
		uint32_t	count = buckets[i];

		buckets[i] = start;
		start += count;
	}
	for (size_t i = 0; i < n; i++)
		to[buckets[digit_of(&from[i], digit)]++] = from[i];
	return true;
}

static void
sort_ties(Neighbor *item, size_t n)
{
	size_t		first = 0;

	for (size_t i = 1; i <= n; i++)
	{
		if (i < n && sort_key(&item[i]) == sort_key(&item[first]))
			continue;
		if (i - first > 1)
			qsort(item + first, i - first, sizeof(Neighbor), compare_neighbors);
		first = i;
	}
}

/* scratch has room for n */
static void
sort_neighbors(Neighbor *item, size_t n, Neighbor *scratch)
{
	uint32_t	buckets[DIGITS][BUCKETS] = {{0}};
	Neighbor   *from = item;
	Neighbor   *to = scratch;

	for (size_t i = 0; i < n; i++)
		for (int digit = 0; digit < DIGITS; digit++)
			buckets[digit][digit_of(&item[i], digit)]++;
	for (int digit = 0; digit < DIGITS; digit++)
	{
		if (sort_by_digit(from, to, n, digit, buckets[digit]))
		{
			Neighbor   *t = from;

			from = to;
			to = t;
		}
	}
	if (from != item)
		memcpy(item, from, n * sizeof(Neighbor));
	sort_ties(item, n);
}

static void
finish_query(NeighborSearch *search, size_t q, Worker *worker)
{
	Query	   *query = &search->queries[q];
	Neighbor   *candidates = search->candidates + q * search->capacity;

	if (query->finished)
		return;
	if (query->count > search->k)
		drop_farthest(search, query, candidates, worker);
	if (query->count > search->k)
	{
		select_nearest(candidates, query->count, search->k);
		query->count = search->k;
	}
	if (query->count > FEW)
		sort_neighbors(candidates, query->count, worker->scratch);
	else
		qsort(candidates, query->count, sizeof(Neighbor), compare_neighbors);
	query->finished = true;
}

static void
finish_tile(void *arg, int slice, int worker)
{
	NeighborSearch *search = arg;
	size_t		first = (size_t) slice * search->tile;

	for (size_t q = first; q < first + search->tile && q < search->n &&
		 !interrupt_pending(); q++)
		finish_query(search, q, &search->workers[worker]);
}

void
neighbors_finish(NeighborSearch *search)
{
	pool_run(search->pool, (int) ((search->n + search->tile -
								   1) / search->tile), finish_tile, search);
}

size_t
neighbors_within(const double *distances, size_t n, double kth)
{
	size_t		count = 0;

	for (size_t i = 0; i < n; i++)
		count += distances[i] <= kth || isnan(kth);
	return count;
}

const Neighbor *
neighbors_of(NeighborSearch *search, size_t query, size_t *n)
{
	finish_query(search, query, &search->workers[0]);
	*n = search->queries[query].count;
	return search->candidates + query * search->capacity;
}
