/*
 * fuzzy_graph.c
 *	  How strongly points hold together: UMAP's fuzzy graph (McInnes, Healy and
 *	  Melville, 2018, algorithms 2 and 3).
 *
 * Point i holds its j-th nearest at the distance d with the strength
 *
 *		exp(-max(0, d - rho) / sigma)
 *
 * rho being the distance of its nearest (of other place), and sigma such that
 * the strengths of its k nearest sum to log2(k): so each point has a measure of
 * distance of its own, by how dense it is around.  Where i holds j with a, and j
 * holds i with b, the edge has the weight a + b - a b.
 */
#include "projection/fuzzy_graph.h"

#include <math.h>

#include "base/interrupt.h"

#define TILE 256				/* points of a slice */
#define MAX_HALVINGS 64
#define TOLERANCE 1e-5

/* sigma is at least this part of the mean distance beyond rho, or all are held
 * or none. */
#define LEAST_SIGMA 1e-3

/* ---- the strengths of a point's neighbors ---- */

static double
sum_of(const float *distances, size_t n, double rho, double sigma)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		d = distances[i] - rho;

		sum += d > 0 ? exp(-d / sigma) : 1;
	}
	return sum;
}

/* By doubling and halving, for the sum grows with sigma */
static double
choose_sigma(const float *distances, size_t n, double rho, double wanted)
{
	double		low = 0;
	double		high = INFINITY;
	double		sigma;
	double		mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += distances[i] > rho ? (distances[i] - rho) / (double) n : 0;
	if (mean == 0)
		return 1;				/* all are at rho */
	sigma = mean;
	for (int i = 0; i < MAX_HALVINGS; i++)
	{
		double		sum = sum_of(distances, n, rho, sigma);

		if (fabs(sum - wanted) < TOLERANCE)
			break;
		if (sum > wanted)
			high = sigma;
		else
			low = sigma;
		sigma = isinf(high) ? 2 * sigma : (low + high) / 2;
	}
	return fmax(sigma, LEAST_SIGMA * mean);
}

void
fuzzy_memberships(const float *distances, size_t n, float *memberships)
{
	size_t		count = n;
	double		rho;
	double		sigma;

	while (count > 0 && isinf(distances[count - 1]) &&
		   distances[count - 1] > 0)
		memberships[--count] = 0;
	if (count == 0)
		return;
	/* the nearest that is not the same: negative distances are inner products */
	rho = distances[0];
	for (size_t i = 0; i < count && rho == 0; i++)
		rho = distances[i];
	sigma = choose_sigma(distances, count, rho, log2((double) count));
	for (size_t i = 0; i < count; i++)
		memberships[i] = distances[i] > rho ?
			(float) exp(-(distances[i] - rho) / sigma) : 1;
}

/* ---- the graph ---- */

typedef struct Making
{
	const NeighborLists *lists;
	size_t		k;
	float	   *strengths;		/* n x k */
	FuzzyGraph *graph;
} Making;

static void
set_strengths(void *arg, int slice, int worker)
{
	const Making *making = arg;
	const NeighborLists *lists = making->lists;
	size_t		end = ((size_t) slice + 1) * TILE;

	for (size_t i = (size_t) slice * TILE; i < end && i < lists->n; i++)
		fuzzy_memberships(lists->distances + i * lists->k, making->k,
						  making->strengths + i * making->k);
}

/* With what strength does i hold j?  0: not at all. */
static float
strength_of(const Making *making, size_t i, uint32_t j)
{
	const uint32_t *ids = making->lists->ids + i * making->lists->k;

	for (size_t l = 0; l < making->k; l++)
		if (ids[l] == j)
			return making->strengths[i * making->k + l];
	return 0;
}

typedef void (*EdgeFunction) (FuzzyGraph *graph, uint32_t from, uint32_t to,
							  float weight);

/* For each edge, once in each direction that the graph will have */
static void
visit_edges(const Making *making, EdgeFunction visit)
{
	const NeighborLists *lists = making->lists;

	for (size_t i = 0; i < lists->n && !interrupt_pending_at(i); i++)
		for (size_t l = 0; l < making->k; l++)
		{
			uint32_t	j = lists->ids[i * lists->k + l];
			float		a = making->strengths[i * making->k + l];
			float		b;

			if (j == NO_NEIGHBOR || a <= 0)
				continue;
			b = strength_of(making, j, (uint32_t) i);
			visit(making->graph, (uint32_t) i, j, a + b - a * b);
			if (b <= 0)			/* j's list will not bring it */
				visit(making->graph, j, (uint32_t) i, a);
		}
}

static void
count_edge(FuzzyGraph *graph, uint32_t from, uint32_t to, float weight)
{
	graph->begin[from + 1]++;
}

/* begin[from] is where the next edge goes, and so the end when all are there. */
static void
put_edge(FuzzyGraph *graph, uint32_t from, uint32_t to, float weight)
{
	uint32_t	place = graph->begin[from]++;

	graph->ends[place] = to;
	graph->weights[place] = weight;
}

bool
fuzzy_graph_create(Arena *arena, ThreadPool *pool, const NeighborLists *lists,
				   size_t k, FuzzyGraph *graph, Status *status)
{
	size_t		n = lists->n;
	Making		making = {lists, k,.graph = graph};

	graph->n = n;
	making.strengths = arena_new_array(arena, n * k, float);
	graph->begin = arena_alloc_zero(arena, (n + 2) * sizeof(uint32_t));
	if (making.strengths == NULL || graph->begin == NULL)
		return status_out_of_memory(status, "for the graph of neighbors");
	pool_run(pool, (int) ((n + TILE - 1) / TILE), set_strengths, &making);
	if (interrupt_pending())
		return true;
	visit_edges(&making, count_edge);
	for (size_t i = 0; i < n; i++)
		graph->begin[i + 1] += graph->begin[i];
	graph->ends = arena_new_array(arena, graph->begin[n] + 1, uint32_t);
	graph->weights = arena_new_array(arena, graph->begin[n] + 1, float);
	if (graph->ends == NULL || graph->weights == NULL)
		return status_out_of_memory(status, "for the graph of neighbors");
	visit_edges(&making, put_edge);
	for (size_t i = n; i > 0; i--)
		graph->begin[i] = graph->begin[i - 1];
	graph->begin[0] = 0;
	return true;
}

size_t
fuzzy_graph_bytes(size_t n, size_t k)
{
	return arena_bound(n * k * sizeof(float) + (n + 2) * sizeof(uint32_t) +
					   (2 * n * k + 1) * (sizeof(uint32_t) + sizeof(float)),
					   4);
}
