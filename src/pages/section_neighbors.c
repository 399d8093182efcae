/*
 * section_neighbors.c
 *	  Items and their nearest rows, with pictures.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pages/pages.h"
#include "show/show.h"

typedef struct NeighborGrid
{
	PageContext *context;
	ReportText *out;
	const char *label;			/* of the item whose row is written, or NULL */
	int			right;			/* items whose nearest has their label */
	int			left_out;		/* pictures */
	double		farthest;		/* distance of the rows shown */
	const Cutpoint *cutpoint;	/* or NULL */
	int			beyond;			/* neighbors farther than that, */
	int			nearest_beyond; /* of them the nearest of an item */
} NeighborGrid;

static void
put_page_neighbor(void *state, const NeighborRow *row)
{
	NeighborGrid *grid = state;
	ReportItem	item = picture_neighbor(grid->context->gallery, row,
										grid->label, PICTURE_PAGE);

	item.distance = neighbor_distance(row);
	item.has_bar = !isnan(item.distance);
	if (item.has_bar)
		grid->farthest = Max(grid->farthest, item.distance);
	item.beyond = is_beyond_cutpoint(grid->cutpoint, row);
	grid->beyond += item.beyond;
	grid->nearest_beyond += item.beyond && row->rank == 0;
	grid->left_out += page_leaves_out(grid->context, &item);
	report_append_neighbor(grid->out, &item);
	page_flush(grid->context, grid->out);
	grid->right += row->rank == 0 && item.mark == REPORT_RIGHT;
}

static void
put_item(NeighborGrid *grid, SPIPlanPtr plan, int i)
{
	PageContext *context = grid->context;
	const PageRows *rows = page_rows(context);
	ReportItem	item;

	grid->label = rows->labels[i];
	item = picture_query(context->gallery, grid->label, rows->images[i],
						 PICTURE_PAGE);
	if (grid->label == NULL && rows->own)
		item.label = "(no label)";
	if (rows->keys[i] != NULL)
		item.note = picture_utf8(rows->keys[i]);
	grid->left_out += page_leaves_out(grid->context, &item);
	report_append_row_begin(grid->out, &item);
	page_flush(context, grid->out);
	page_neighbors(context, plan, i, page_option(context, PAGE_K), put_page_neighbor,
				   grid);
	report_append_row_end(grid->out);
}

static void
put_items(NeighborGrid *grid, int n)
{
	SPIPlanPtr	plan = page_neighbors_prepare(grid->context,
											  page_option(grid->context, PAGE_K));
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "item",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);

	for (int i = 0; i < n; i++)
	{
		put_item(grid, plan, i);
		MemoryContextReset(memory);
	}
	MemoryContextSwitchTo(caller);
}

/* What marks mean, where there are any */
static void
put_key(const NeighborGrid *grid, int labeled)
{
	ReportText *out = grid->out;
	const Cutpoint *cutpoint = grid->cutpoint;

	if (labeled == 0 && cutpoint == NULL)
		return;
	report_append(out, "<p class=\"key\">");
	if (labeled > 0)
		report_append(out, "<span><b>&#10003;</b> the item's label</span>"
					  "<span><i class=\"sample wrong\"></i><b>&#10007;</b> another label</span>");
	if (cutpoint != NULL)
	{
		report_append(out, "<span><i class=\"sample beyond\"></i><b>?</b> beyond the cut point ");
		report_append_html(out, picture_utf8(cutpoint->name));
		report_appendf(out, ", %.4f (the line in a bar), where match() says none of these</span>",
					   cutpoint->distance);
	}
	report_append(out, "</p>\n");
}

static void
put_sums(const NeighborGrid *grid, int n, int labeled)
{
	ReportFact	facts[3] = {{"items shown", page_count(n)}};
	int			nfacts = 1;

	if (labeled > 0)
		facts[nfacts++] = (ReportFact)
	{
		"nearest is right", psprintf("%s of %s", page_count(grid->right), page_count(labeled))
	};
	if (grid->cutpoint != NULL)
		facts[nfacts++] = (ReportFact)
	{
		"nearest is beyond the cut point", psprintf("%s of %s", page_count(grid->nearest_beyond), page_count(n))
	};
	report_append_facts(grid->out, facts, nfacts);
	if (n < page_rows(grid->context)->n)
		report_append_note(grid->out,
						   psprintf("%s not shown: the option \"items\" says how many are.",
									page_count_of(page_rows(grid->context)->n - n, "item")));
	if (grid->left_out > 0)
		report_append_note(grid->out,
						   psprintf("%s left out for the size of the page: show fewer items.",
									page_count_of(grid->left_out, "picture")));
	put_key(grid, labeled);
	report_append_grid_begin(grid->out, grid->farthest,
							 grid->cutpoint ? grid->cutpoint->distance : NAN);
}

void
neighbors_section(ReportText *out, PageContext *context)
{
	const PageRows *rows = page_rows(context);
	NeighborGrid grid = {.context = context,.out = out};
	int			n = Min(rows->n, page_option(context, PAGE_ITEMS));
	int			labeled = 0;
	int			place;

	if (page_says_nothing(context, out, false))
		return;
	for (int i = 0; i < n; i++)
		labeled += rows->labels[i] != NULL;
	grid.cutpoint = usual_cutpoint(context->gallery);
	place = page_place(context, out);
	put_items(&grid, n);
	report_append(out, "</div>\n");
	page_flush(context, out);
	put_sums(&grid, n, labeled);
	page_insert(context, out, place);
}
