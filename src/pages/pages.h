/*
 * pages.h
 *	  One page about a gallery, and its sections.
 *
 * A section is one function of section_NAME.c and one line of the table in
 * report.c.  It writes between report_section_begin() and report_section_end(),
 * which its caller calls, with what report/section.h has; here is where its
 * rows, options and room come from.  README tells how to add one.
 *
 * SPI is connected.  What is allocated lives until the section ends; rows and
 * what others share lives as long as the page.
 */
#ifndef PAGES_PAGES_H
#define PAGES_PAGES_H

#include "postgres.h"

#include "base/params.h"
#include "evaluate/gallery_sample.h"
#include "gallery/gallery.h"
#include "gallery/lookup.h"
#include "lib/stringinfo.h"
#include "report/section.h"
#include "server/labels.h"
#include "utils/jsonb.h"

/* In the order of page_options.c */
typedef enum PageOption
{
	PAGE_ROWS,					/* rows of the sample, or of the query that
								 * are read */
	PAGE_SEED,					/* of the sample */
	PAGE_K,						/* neighbors of an item */
	PAGE_ITEMS,					/* items that are shown with pictures */
	PAGE_AUGMENTATION			/* not by page_option(): augmentation of the
								 * context */
} PageOption;

/*
 * The rows that figures are made of: those of the query, or a sample of the
 * gallery, always the same for the same seed.
 */
typedef struct PageRows
{
	int			n;
	bool		own;			/* they stand in the gallery: leave each one
								 * out among its neighbors */
	bool		more;			/* not all rows were read */
	int64		gallery_rows;	/* with an embedding, that the caller sees */
	Embedding **embeddings;
	char	  **labels;			/* in the server's encoding; NULL: none */
	char	  **keys;			/* the same, of the gallery's own rows */
	bytea	  **images;			/* NULL: none, or no room for it */
	int			labeled;
	int			pictures;
	int			crowded;		/* pictures that were left out for want of
								 * room */
	MemoryContext memory;		/* of all of them */
} PageRows;

typedef struct PageContext
{
	const char *name;			/* as the caller gave it */
	Gallery    *gallery;		/* NULL: name is a model's, which only
								 * sections see that take one */
	const char *model;			/* of the gallery, or the name; NULL: none */
	const char *query;			/* the caller's, or NULL */
	const ReportSection *section;	/* that is being written */
	Params		options;		/* read by page_option() */
	Jsonb	   *augmentation;	/* the option of that name; NULL: not given */
	Size		picture_room;	/* bytes of pictures that the section may
								 * still write */
	MemoryContext memory;		/* of the page */

	/* inside of page_parts.c */
	PageRows   *rows;
	StringInfoData result;		/* what is written, and its header before it */
} PageContext;

/* ---- what a section is made of ---- */

extern const ParamSpec page_options[];

static inline int
page_option(const PageContext *context, PageOption option)
{
	return (int) params_number(&context->options, (int) option);
}

/* The rows, read when they are first asked for; n is 0 without any. */
extern const PageRows *page_rows(PageContext *context);

/* The same as items of the functions of evaluate/ */
extern LabeledItems page_items(PageContext *context);

/*
 * Without rows, or labels of them where figures need labels, a section has
 * nothing to show: say so, and return true.
 */
extern bool page_says_nothing(PageContext *context, ReportText *out,
							  bool labels);

/* What they are, for report_section_begin(): "2,000 of 60,000 rows, model m version 3" */
extern char *page_basis(PageContext *context);

/*
 * The nearest rows of the gallery of row i as look-ups find them, itself left
 * out: k of them go to function, in a context that is reset after each.  plan:
 * page_neighbors_prepare(context, k).  The row's rank counts from 0 over what
 * goes to function.  Columns are those of NEIGHBOR_CARDS.
 */
extern SPIPlanPtr page_neighbors_prepare(PageContext *context, int k);
extern int	page_neighbors(PageContext *context, SPIPlanPtr plan, int i, int k,
						   NeighborFunction function, void *state);

/*
 * Is there room for a picture of so many bytes?  If so it is taken; if not, the
 * section leaves it out and says how many it left out.
 */
extern bool page_picture_fits(PageContext *context, Size size);

/* Leave out an item's picture if there is no room, and say so in its place. */
extern bool page_leaves_out(PageContext *context, ReportItem *item);

/* ---- writing ---- */

/*
 * Move what was written so far out: call it between pieces, so that a
 * long section is in memory once.  ERROR if the page exceeds maintenance_work_mem.
 */
extern void page_flush(PageContext *context, ReportText *out);

/*
 * What is known at the end may stand at the beginning: remember a place, and put
 * what out holds there.
 */
extern int	page_place(PageContext *context, ReportText *out);
extern void page_insert(PageContext *context, ReportText *out, int place);

/* A number with its thousands apart: "60,000"; "1 row", "60,000 rows" */
extern char *page_count(int64 n);
extern char *page_count_of(int64 n, const char *noun);

/* Say which of the items figures of labels leave out, or cannot get right. */
extern void page_note_labels(PageContext *context, ReportText *out,
							 const Labels *labels);

/* ---- sections: see report.c ---- */

extern void audit_section(ReportText *out, PageContext *context);
extern void confusion_section(ReportText *out, PageContext *context);
extern void distances_section(ReportText *out, PageContext *context);
extern void index_section(ReportText *out, PageContext *context);
extern void neighbors_section(ReportText *out, PageContext *context);
extern void augmentation_section(ReportText *out, PageContext *context);
extern void retrieval_section(ReportText *out, PageContext *context);
extern void training_section(ReportText *out, PageContext *context);
extern void projector_section(ReportText *out, PageContext *context);

#endif							/* PAGES_PAGES_H */
