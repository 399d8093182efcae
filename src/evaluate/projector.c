/*
 * projector.c
 *	  Embeddings as points in the plane, with a backend's memory, threads and
 *	  interrupts.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "eval/trustworthiness.h"
#include "evaluate/projector.h"
#include "kernel/vector.h"
#include "projection/pca.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"
#include "server/stop.h"

/* Items at which trustworthiness is measured, about */
#define TRUST_SAMPLE 1000

struct Projector
{
	Points		points;
	UmapOptions options;
	ThreadPool *pool;
	Arena	   *arena;			/* what stays */
	Arena	   *scratch;		/* reset by each step */
	Umap	   *umap;			/* NULL: not run yet */
	float	   *components;		/* n x 2 */
	double		variance[2];
	CallProgress *progress;
};

static const char *const method_names[] = {"umap", "pca"};

ProjectionMethod
projection_method(const char *name)
{
	for (int i = 0; i < lengthof(method_names); i++)
		if (pg_strcasecmp(name, method_names[i]) == 0)
			return (ProjectionMethod) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized method of projection \"%s\"", name),
			 errhint("Methods are umap and pca.")));
}

/* ---- the points ---- */

/* As floats; directions are all that the cosine distance sees. */
static void
set_vectors(Projector *projector, Embedding *const *items, bool directions)
{
	size_t		dims = projector->points.dims;
	float	   *vectors = palloc_extended(sizeof(float) * dims *
										  projector->points.n,
										  MCXT_ALLOC_HUGE);
	int			model = 0;

	for (size_t i = 0; i < projector->points.n; i++)
	{
		embedding_check_dims(items[0], items[i]);
		embedding_merge_model(&model, items[i]);
		embedding_decode(items[i], vectors + i * dims);
		if (directions)
			kernel_normalize(vectors + i * dims, dims, vectors + i * dims);
	}
	projector->points.vectors = vectors;
}

/* Of the arenas: what stays, the coordinates of both methods among it */
static Size
staying_bytes(int n, const UmapOptions *options)
{
	return budget_sum(umap_bytes(n, options),
					  arena_bound(2 * sizeof(float) * n, 1));
}

Size
projector_bytes(int n, int dims, const UmapOptions *options)
{
	Size		vectors = budget_product(n, budget_product(dims,
														   sizeof(float)));

	return budget_sum(budget_sum(vectors, staying_bytes(n, options)),
					  umap_scratch_bytes(dims, options, guc_pool_threads()));
}

Projector *
projector_create(Embedding *const *items, int n,
				 const EmbeddingMetric *metric, const UmapOptions *options,
				 Size taken, CallProgress *progress)
{
	Projector  *projector = palloc0(sizeof(Projector));
	int			dims = items[0]->dims;

	budget_require(BUDGET_MAINTENANCE,
				   budget_sum(taken, projector_bytes(n, dims, options)),
				   psprintf("%d embeddings to be projected", n),
				   "project fewer");
	projector->points = (Points)
	{
		.n = n,.dims = dims,.items = (const void *const *) items,
			.metric = metric->kind,.distance = metric->distance
	};
	projector->options = *options;
	projector->progress = progress;
	projector->pool = memory_pool(CurrentMemoryContext);
	projector->arena = memory_arena(CurrentMemoryContext,
									staying_bytes(n, options));
	projector->scratch = memory_arena(CurrentMemoryContext,
									  umap_scratch_bytes(dims, options,
														 guc_pool_threads()));
	set_vectors(projector, items, metric->kind == NEIGHBOR_COSINE);
	return projector;
}

/* ---- the methods ---- */

static const float *
run_umap(Projector *projector)
{
	int			n = (int) projector->points.n;
	Status		status;

	projector->umap = umap_create(projector->arena, projector->scratch,
								  projector->pool, &projector->points,
								  &projector->options, &status);
	if (projector->umap == NULL)
		raise_status(&status);
	call_progress_phase(projector->progress, PHASE_PROJECTING, n);
	while (umap_step(projector->umap, &status))
	{
		check_interrupts();
		call_progress(projector->progress,
					  (int64) (umap_done(projector->umap) * n));
	}
	check_interrupts();
	if (umap_done(projector->umap) < 1)
		raise_status(&status);
	return umap_coordinates(projector->umap);
}

/* Items of one dimension stand on a line. */
static void
spread_line(float *xy, size_t n)
{
	for (size_t i = n; i-- > 0;)
	{
		xy[2 * i] = xy[i];
		xy[2 * i + 1] = 0;
	}
}

static const float *
run_pca(Projector *projector)
{
	const Points *points = &projector->points;
	int			components = points->dims < 2 ? 1 : 2;
	Status		status;
	Pca			pca;

	arena_reset(projector->scratch);
	if (!pca_fit(projector->scratch, projector->pool, points->vectors,
				 points->n, points->dims, components, &pca, &status))
		raise_status(&status);
	check_interrupts();
	projector->components = arena_new_array(projector->arena, 2 * points->n,
											float);
	if (projector->components == NULL)
		raise_out_of_memory();
	pca_project(&pca, projector->pool, points->vectors, points->n,
				projector->components);
	check_interrupts();
	if (components == 1)
		spread_line(projector->components, points->n);
	for (int i = 0; i < components; i++)
		projector->variance[i] = pca.variance > 0 ?
			pca.variances[i] / pca.variance : 0;
	return projector->components;
}

const float *
projector_run(Projector *projector, ProjectionMethod method)
{
	return method == PROJECTION_UMAP ? run_umap(projector) :
		run_pca(projector);
}

const double *
projector_variance(const Projector *projector)
{
	return projector->variance;
}

const NeighborLists *
projector_neighbors(const Projector *projector)
{
	return umap_neighbors(projector->umap);
}

double
projector_trustworthiness(Projector *projector, const float *xy, int k)
{
	const Points *points = &projector->points;
	Arena	   *arena;
	Status		status;
	double		value;

	if (points->n <= 2 * (size_t) k)
		return NAN;
	arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	if (!eval_trustworthiness(arena, projector->pool, points->vectors,
							  points->dims, xy, 2, points->n, (size_t) k,
							  points->n / TRUST_SAMPLE + 1, &value, &status))
		raise_status(&status);
	check_interrupts();
	arena_destroy(arena);
	return value;
}
