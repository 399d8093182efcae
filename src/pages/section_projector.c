/*
 * section_projector.c
 *	  The rows as points in the plane, with their nearest and small pictures.
 *
 * What the script draws is in blocks of numbers: where points stand, by each
 * method, in 16 bits, their labels' numbers, and their nearest with distances.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "evaluate/projector.h"
#include "pages/pages.h"
#include "server/budget.h"
#include "server/labels.h"
#include "server/stop.h"
#include "show/show.h"

/* Most points: beyond, a picture tells no more, and numbers of 16 bits end. */
#define MAX_POINTS 50000

/* Longer side of a point's picture */
#define THUMBNAIL 48

/* Neighborhoods that trustworthiness is of, as it is usually stated */
#define TRUST_K 15

#define NO_NUMBER PG_UINT16_MAX

typedef struct Plane
{
	PageContext *context;
	ReportText *out;
	const PageRows *rows;
	int			n;				/* points, the first of the rows */
	int			k;				/* nearest that are shown */
	Projector  *projector;
	const NeighborLists *lists;
	Labels	   *labels;
	int		   *codes;			/* of the points' labels */
} Plane;

/* ---- numbers ---- */

/* Both axes on one scale: the larger extent is 0 .. 65535. */
static void
put_places(Plane *plane, const float *xy)
{
	uint16	   *places = palloc_extended(sizeof(uint16) * 2 * plane->n,
										 MCXT_ALLOC_HUGE);
	float		low[2] = {xy[0], xy[1]};
	float		extent = 0;

	for (int axis = 0; axis < 2; axis++)
	{
		float		high = low[axis];

		for (int i = 0; i < plane->n; i++)
		{
			low[axis] = Min(low[axis], xy[2 * i + axis]);
			high = Max(high, xy[2 * i + axis]);
		}
		extent = Max(extent, high - low[axis]);
	}
	for (int i = 0; i < 2 * plane->n; i++)
		places[i] = extent > 0 ?
			(uint16) lrintf((xy[i] - low[i % 2]) / extent * PG_UINT16_MAX) : 0;
	report_json_uint16s(plane->out, places, 2 * plane->n);
	pfree(places);
}

static void
put_labels(Plane *plane)
{
	uint16	   *numbers = palloc(sizeof(uint16) * plane->n);

	for (int i = 0; i < plane->n; i++)
		numbers[i] = plane->codes[i] == NO_LABEL ? NO_NUMBER :
			(uint16) plane->codes[i];
	report_append(plane->out, "\"labels\":[");
	for (int i = 0; i < labels_count(plane->labels); i++)
	{
		report_append(plane->out, i > 0 ? "," : "");
		report_json_string(plane->out,
						   picture_utf8(labels_text(plane->labels, i)));
	}
	report_append(plane->out, "],\"label\":");
	report_json_uint16s(plane->out, numbers, plane->n);
	pfree(numbers);
}

static void
put_nearest(Plane *plane)
{
	const NeighborLists *lists = plane->lists;
	Size		size = (Size) plane->n * plane->k;
	uint16	   *nearest = palloc_extended(sizeof(uint16) * size,
										  MCXT_ALLOC_HUGE);
	float	   *distances = palloc_extended(sizeof(float) * size,
											MCXT_ALLOC_HUGE);

	for (int i = 0; i < plane->n; i++)
		for (int j = 0; j < plane->k; j++)
		{
			Size		from = i * lists->k + j;
			bool		there = lists->ids[from] != NO_NEIGHBOR;

			nearest[i * plane->k + j] = there ? (uint16) lists->ids[from] :
				NO_NUMBER;
			distances[i * plane->k + j] = there ? lists->distances[from] : 0;
		}
	report_appendf(plane->out, "\"k\":%d,\"nearest\":", plane->k);
	report_json_uint16s(plane->out, nearest, size);
	report_append(plane->out, ",\"distance\":");
	report_json_floats(plane->out, distances, size);
	pfree(nearest);
	pfree(distances);
}

/* ---- texts ---- */

static void
put_keys(Plane *plane)
{
	report_append(plane->out, "\"keys\":");
	if (plane->n == 0 || plane->rows->keys[0] == NULL)
	{
		report_append(plane->out, "null");
		return;
	}
	for (int i = 0; i < plane->n; i++)
	{
		char	   *key = plane->rows->keys[i];

		report_append(plane->out, i > 0 ? "," : "[");
		report_json_string(plane->out, key ? picture_utf8(key) : NULL);
	}
	report_append(plane->out, "]");
}

/* ---- pictures ---- */

/* True unless there is no room for it. */
static bool
put_thumbnail(Plane *plane, int i)
{
	ReportItem	item = {NULL};

	picture_set_or_mark(&item, plane->context->gallery, plane->rows->images[i],
						PICTURE_TERMINAL);
	if (item.image != NULL)
	{
		item.file = picture_on_page(item.image, THUMBNAIL);
		if (!page_picture_fits(plane->context, report_file_size(item.file)))
			return false;
	}
	report_json_picture(plane->out, &item);
	return true;
}

/* Of the first points, up to where room ends: how many points are without. */
static int
put_thumbnails(Plane *plane)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "thumbnail",
												 ALLOCSET_DEFAULT_SIZES);
	int			left_out = 0;

	report_append(plane->out, "\"pictures\":[");
	for (int i = 0; i < plane->n; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(memory);

		check_interrupts();
		report_append(plane->out, i > 0 ? "," : "");
		if (left_out > 0 || !put_thumbnail(plane, i))
		{
			left_out += plane->rows->images[i] != NULL;
			report_append(plane->out, "null");
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(memory);
		page_flush(plane->context, plane->out);
	}
	report_append(plane->out, "]");
	MemoryContextDelete(memory);
	return left_out;
}

/* ---- the section ---- */

static int
count_right(const Plane *plane, int *labeled)
{
	int			right = 0;

	*labeled = 0;
	for (int i = 0; i < plane->n; i++)
	{
		uint32		nearest = plane->lists->ids[i * plane->lists->k];

		if (plane->codes[i] == NO_LABEL || nearest == NO_NEIGHBOR)
			continue;
		(*labeled)++;
		right += plane->codes[i] == plane->codes[nearest];
	}
	return right;
}

static char *
trust_of(Plane *plane, const float *xy)
{
	double		trust = projector_trustworthiness(plane->projector, xy, TRUST_K);

	return isnan(trust) ? NULL : psprintf("%.3f", trust);
}

static void
put_figures(Plane *plane, const float *umap, const float *pca)
{
	const double *variance = projector_variance(plane->projector);
	ReportFact	facts[5] = {{"points", page_count(plane->n)}};
	int			n = 1;
	int			labeled;
	int			right = count_right(plane, &labeled);
	char	   *trust = trust_of(plane, umap);

	if (trust != NULL)
	{
		facts[n++] = (ReportFact)
		{
			"trustworthiness, umap", trust
		};
		facts[n++] = (ReportFact)
		{
			"trustworthiness, pca", trust_of(plane, pca)
		};
	}
	facts[n++] = (ReportFact)
	{
		"variance, pca", psprintf("%.1f %%", 100 * (variance[0] + variance[1]))
	};
	if (labeled > 0)
		facts[n++] = (ReportFact)
	{
		"nearest point is right", psprintf("%s of %s", page_count(right),
										   page_count(labeled))
	};
	report_append_facts(plane->out, facts, n);
	report_append_note(plane->out, "Near points are similar; how far apart groups stand means little. Distances and nearest are those of the embeddings, among the points shown. Trustworthiness (k = 15): 1 if all that are near in the picture are near as embeddings.");
}

static void
put_points(Plane *plane, const float *umap, const float *pca)
{
	ReportText *out = plane->out;
	int			left_out = 0;

	report_data_begin(out, plane->context->section, "points");
	report_appendf(out, "{\"n\":%d,\"metric\":\"%s\",\"places\":{\"umap\":",
				   plane->n, plane->context->gallery->distance->name);
	put_places(plane, umap);
	report_append(out, ",\"pca\":");
	put_places(plane, pca);
	report_append(out, "},");
	put_labels(plane);
	report_append(out, ",");
	put_nearest(plane);
	report_append(out, ",");
	page_flush(plane->context, out);
	put_keys(plane);
	page_flush(plane->context, out);
	if (plane->rows->pictures > 0)
	{
		report_append(out, ",");
		left_out = put_thumbnails(plane);
	}
	report_append(out, "}");
	report_data_end(out);
	if (left_out + plane->rows->crowded > 0)
		report_append_note(out, psprintf("%s points are without their pictures, for the size of the page.",
										 page_count(left_out + plane->rows->crowded)));
}

static void
set_label_codes(Plane *plane)
{
	plane->labels = labels_create(BUDGET_MAINTENANCE);
	plane->codes = palloc(sizeof(int) * plane->n);
	for (int i = 0; i < plane->n; i++)
		plane->codes[i] = labels_code(plane->labels, plane->rows->labels[i]);
}

/* As many of the rows as may be drawn, and as there is memory for */
static int
choose_points(const PageRows *rows, const UmapOptions *options)
{
	int			n = Min(rows->n, MAX_POINTS);

	while (n > 0 && projector_bytes(n, rows->embeddings[0]->dims, options) >
		   budget_bytes(BUDGET_MAINTENANCE))
		n = n * 9 / 10;
	return n;
}

static void
put_plane(Plane *plane, const UmapOptions *options)
{
	CallProgress progress;
	const float *umap;
	const float *pca;

	call_progress_begin(&progress, CALL_REPORT,
						plane->context->gallery->relid, 0);
	plane->projector = projector_create(plane->rows->embeddings, plane->n,
										plane->context->gallery->distance,
										options, 0, &progress);
	umap = projector_run(plane->projector, PROJECTION_UMAP);
	pca = projector_run(plane->projector, PROJECTION_PCA);
	call_progress_end(&progress);
	plane->lists = projector_neighbors(plane->projector);
	plane->k = Min(page_option(plane->context, PAGE_K), (int) plane->lists->k);
	set_label_codes(plane);
	put_figures(plane, umap, pca);
	report_append_figure(plane->out, plane->context->section, "map");
	put_points(plane, umap, pca);
}

void
projector_section(ReportText *out, PageContext *context)
{
	const PageRows *rows = page_rows(context);
	UmapOptions options = umap_defaults;
	Plane		plane = {context, out, rows};

	if (rows->n < 2)
	{
		report_append_note(out, rows->gallery_rows == 0 ?
						   "The gallery has no row with an embedding." :
						   "There are fewer than two rows to draw.");
		return;
	}
	options.seed = page_option(context, PAGE_SEED);
	plane.n = choose_points(rows, &options);
	if (plane.n < 2)
	{
		report_append_note(out, "The embeddings do not fit into maintenance_work_mem.");
		return;
	}
	if (plane.n < rows->n)
		report_append_note(out, psprintf("%s of the rows are drawn, by chance: %s.",
										 page_count(plane.n),
										 plane.n == MAX_POINTS ? "a picture has no more points" :
										 "more do not fit into maintenance_work_mem"));
	put_plane(&plane, &options);
}
