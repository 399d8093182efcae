/*
 * show_histogram.c
 *	  Distances of a gallery's rows, and its cut points, as bars in the terminal.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"

#include "evaluate/distance_histogram.h"
#include "gallery/gallery.h"
#include "server/arguments.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"
#include "show/terminal.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(show_histogram);

#define MAX_BINS 1000

static void
append_basis(ReportText *text, const Gallery *gallery,
			 const DistanceHistogram *distances, bool own)
{
	report_appendf(text, "%s distances of %s: " INT64_FORMAT " of " INT64_FORMAT " %s",
				   gallery->distance->name, picture_utf8(gallery->name),
				   distances->items, distances->all_items,
				   own ? "rows" : "items");
	report_appendf(text, ", each with " INT64_FORMAT " of " INT64_FORMAT " rows",
				   distances->rows, distances->all_rows);
	if (gallery->model != NULL)
		report_appendf(text, ", model %s version %d",
					   picture_utf8(gallery->model), gallery->version);
	report_append(text, "\n");
}

/* Those of a calibration, ascending; none is no error. */
static void
set_cuts(const Gallery *gallery, ReportHistogram *histogram)
{
	const Calibration *calibration = gallery_calibration_or_null(gallery);
	int			n = calibration == NULL ? 0 : calibration->ncutpoints;
	ReportCut  *cuts = palloc(sizeof(ReportCut) * Max(n, 1));

	for (int i = 0; i < n; i++)
		cuts[i] = (ReportCut)
	{
		.name = picture_utf8(calibration->cutpoints[i].name),
			.distance = calibration->cutpoints[i].distance
	};
	histogram->cuts = cuts;
	histogram->ncuts = n;
}

static void
append_distances(const ReportCanvas *canvas, const Gallery *gallery,
				 const EvalHistogram *bins)
{
	double	   *edges = palloc(sizeof(double) * (bins->n + 1));
	ReportHistogram histogram = {
		.n = bins->n,
		.edges = edges,
		.counts = {bins->counts[EVAL_PAIR_SAME], bins->counts[EVAL_PAIR_DIFFERENT]}
	};
	Status		status;

	for (int i = 0; i <= bins->n; i++)
		edges[i] = eval_histogram_edge(bins, i);
	set_cuts(gallery, &histogram);
	if (!report_histogram(canvas, &histogram, &status))
		raise_status(&status);
	if (histogram.ncuts == 0)
		report_append(canvas->text, "Not calibrated: there is no cut point.\n");
}

/*
 * show_histogram(gallery, query, rows, seed, bins, columns, style): rights as
 * evaluate_retrieval(); shows the cut points of a calibration if there is one.
 */
Datum
show_histogram(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text_or_null(fcinfo, 1);
	int			rows = argument_integer(fcinfo, 2, "rows", 2, INT_MAX);
	int			bins = argument_integer(fcinfo, 4, "bins", 2, MAX_BINS);
	ReportCanvas canvas;
	Gallery    *gallery;
	DistanceHistogram *distances;
	Status		status;

	argument_require(fcinfo, 3, "seed");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	canvas = terminal_canvas(fcinfo, 5, 6);
	if (!report_canvas_check(&canvas, &status))
		raise_status(&status);
	gallery = gallery_open(name);
	distances = distance_histogram(gallery, query, rows, PG_GETARG_INT64(3),
								   bins);
	if (distances == NULL)
		report_appendf(canvas.text, "%s has no two rows with labels and a distance.\n",
					   picture_utf8(gallery->name));
	else
	{
		append_basis(canvas.text, gallery, distances, query == NULL);
		append_distances(&canvas, gallery, &distances->bins);
	}
	gallery_close(gallery);
	if (!report_text_finish(canvas.text, &status))
		raise_status(&status);
	terminal_put(fcinfo, canvas.text);
	SPI_finish();
	return (Datum) 0;
}
