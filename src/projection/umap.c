/*
 * umap.c
 *	  A neighbor embedding in the manner of UMAP (McInnes, Healy and Melville,
 *	  2018): neighbors, their graph, principal components to begin with, and the
 *	  layout.
 */
#include "projection/umap.h"

#include <math.h>

#include "base/interrupt.h"
#include "base/random.h"
#include "projection/curve.h"
#include "projection/fuzzy_graph.h"
#include "projection/layout.h"
#include "projection/pca.h"

const UmapOptions umap_defaults = {15, 0.1, 1, 0, 42};

/* Where the layout begins: how far out, and what keeps equal points apart */
#define EXTENT 10.0
#define NOISE 1e-4

typedef enum UmapStage
{
	STAGE_NEIGHBORS,
	STAGE_GRAPH,
	STAGE_BEGINNING,
	STAGE_LAYOUT,
	STAGE_END
} UmapStage;

struct Umap
{
	Arena	   *arena;
	Arena	   *scratch;
	ThreadPool *pool;
	Points		points;
	UmapOptions options;
	UmapStage	stage;
	NeighborLists lists;
	FuzzyGraph	graph;
	Layout		layout;
	float	   *y;
};

static int
epochs_of(size_t n, const UmapOptions *options)
{
	return options->epochs > 0 ? options->epochs : n <= 10000 ? 500 : 200;
}

/* ---- where the layout begins ---- */

/*
 * The first two principal components, which keep what is far apart far apart
 * (Kobak and Linderman, 2021); points that do not vary begin at random.
 */
static bool
set_beginning(Umap *umap, Status *status)
{
	const Points *points = &umap->points;
	int			components = points->dims < 2 ? 1 : 2;
	float	   *y = umap->y;
	float		largest = 0;
	Random		random;
	Pca			pca;

	arena_reset(umap->scratch);
	if (!pca_fit(umap->scratch, umap->pool, points->vectors, points->n,
				 points->dims, components, &pca, status))
		return false;
	pca_project(&pca, umap->pool, points->vectors, points->n, y);
	if (components == 1)
		for (size_t i = points->n; i-- > 0;)
		{
			y[2 * i] = y[i];
			y[2 * i + 1] = 0;
		}
	for (size_t i = 0; i < 2 * points->n; i++)
		largest = fabsf(y[i]) > largest ? fabsf(y[i]) : largest;
	random_init(&random, umap->options.seed, 0);
	for (size_t i = 0; i < 2 * points->n && !interrupt_pending_at(i); i++)
	{
		double		noise = largest > 0 ? NOISE : 1;
		double		place = largest > 0 ? y[i] / (double) largest : 0;

		y[i] = (float) (EXTENT * (place + noise * random_normal(&random)));
	}
	return true;
}

static bool
begin_layout(Umap *umap, Status *status)
{
	LayoutOptions options = {
		.epochs = epochs_of(umap->points.n, &umap->options),
		.seed = umap->options.seed
	};

	curve_fit(umap->options.min_dist, umap->options.spread, &options.a,
			  &options.b);
	return set_beginning(umap, status) &&
		layout_begin(umap->arena, &umap->graph, umap->y, options,
					 &umap->layout, status);
}

/* ---- steps ---- */

Umap *
umap_create(Arena *arena, Arena *scratch, ThreadPool *pool,
			const Points *points, const UmapOptions *options, Status *status)
{
	Umap	   *umap;

	if (points->n < 1 || points->n > UMAP_MAX_POINTS ||
		options->neighbors < 2 || options->neighbors > UMAP_MAX_NEIGHBORS ||
		!(options->spread > 0) || !(options->min_dist >= 0) ||
		!(options->min_dist <= options->spread) || options->epochs < 0 ||
		options->epochs > UMAP_MAX_EPOCHS)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"options of the neighbor embedding are out of range");
		return NULL;
	}
	umap = arena_new(arena, Umap);
	if (umap != NULL)
	{
		umap->arena = arena;
		umap->scratch = scratch;
		umap->pool = pool;
		umap->points = *points;
		umap->options = *options;
		umap->y = arena_new_array(arena, 2 * points->n, float);
	}
	if (umap == NULL || umap->y == NULL)
	{
		status_out_of_memory(status, "for a neighbor embedding");
		return NULL;
	}
	if (!neighbor_lists_create(arena, points->n, (size_t) options->neighbors,
							   &umap->lists, status))
		return NULL;
	return umap;
}

/* One step of a stage, and whether the stage is done */
static bool
run_stage(Umap *umap, bool *done, Status *status)
{
	*done = true;
	switch (umap->stage)
	{
		case STAGE_NEIGHBORS:
			if (!neighbor_lists_step(&umap->lists, &umap->points,
									 umap->scratch, umap->pool, status))
				return false;
			*done = umap->lists.done == umap->points.n;
			return true;
		case STAGE_GRAPH:
			return fuzzy_graph_create(umap->arena, umap->pool, &umap->lists,
									  umap->lists.k, &umap->graph, status);
		case STAGE_BEGINNING:
			return begin_layout(umap, status);
		case STAGE_LAYOUT:
			layout_step(&umap->layout, umap->pool);
			*done = umap->layout.epoch == umap->layout.options.epochs;
			return true;
		case STAGE_END:
			break;
	}
	return false;
}

bool
umap_step(Umap *umap, Status *status)
{
	bool		done;

	if (umap->stage == STAGE_END || !run_stage(umap, &done, status))
		return false;
	if (interrupt_pending())
		return true;
	umap->stage = done ? umap->stage + 1 : umap->stage;
	return umap->stage != STAGE_END;
}

/* Neighbors take about as long as some epochs; who waits wants a number. */
double
umap_done(const Umap *umap)
{
	double		n = (double) umap->points.n;
	double		pairs = n * (double) umap->points.dims / 1e5;
	double		epochs = epochs_of(umap->points.n, &umap->options);
	double		neighbors = pairs / (pairs + epochs);

	if (umap->stage == STAGE_NEIGHBORS)
		return neighbors * (double) umap->lists.done / n;
	if (umap->stage < STAGE_LAYOUT)
		return neighbors;
	if (umap->stage == STAGE_END)
		return 1;
	return neighbors + (1 - neighbors) * umap->layout.epoch / epochs;
}

const float *
umap_coordinates(const Umap *umap)
{
	return umap->y;
}

const NeighborLists *
umap_neighbors(const Umap *umap)
{
	return &umap->lists;
}

/* ---- memory ---- */

size_t
umap_bytes(size_t n, const UmapOptions *options)
{
	size_t		k = (size_t) options->neighbors;

	return arena_bound(sizeof(Umap) + 2 * n * sizeof(float) +
					   neighbor_lists_bytes(n, k) + fuzzy_graph_bytes(n, k) +
					   layout_bytes(n), 9);
}

size_t
umap_scratch_bytes(size_t dims, const UmapOptions *options, int nthreads)
{
	size_t		lists = neighbor_lists_scratch_bytes((size_t) options->neighbors,
													 nthreads);
	size_t		pca = pca_bytes(dims, 2, nthreads);

	return lists > pca ? lists : pca;
}
