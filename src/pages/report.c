/*
 * report.c
 *	  report() and report_html(): pages of sections.
 *
 * The table below is all there is to know of a section.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "pages/pages.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/params_json.h"
#include "show/show.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(report);
PGDLLEXPORT PG_FUNCTION_INFO_V1(report_html);

typedef struct PageSection
{
	ReportSection section;		/* id is the argument "section" too */
	void		(*write) (ReportText *out, PageContext *context);
	bool		rows;			/* its basis is that of page_rows() */
	bool		of_model;		/* a model's name will do */
} PageSection;

/* In the order of the page */
static const PageSection sections[] = {
	{{"neighbors", "Neighbors", "neighbors.js"}, neighbors_section,.rows = true},
	{{"projector", "Projector", "projector.js"}, projector_section,.rows = true},
	{{"confusion", "Confusion", "confusion.js"}, confusion_section,.rows = true},
	{{"retrieval", "Retrieval", "retrieval.js"}, retrieval_section,.rows = true},
	{{"distances", "Distances", "distances.js"}, distances_section,.rows = true},
	{{"audit", "Labels", "audit.js"}, audit_section},
	{{"training", "Training", "training.js"}, training_section,.of_model = true},
	{{"augmentation", "Augmentation", NULL}, augmentation_section,.of_model = true},
	{{"index", "Index", "index.js"}, index_section},
};

/* ---- pictures of a page: far below what a browser takes with ease ---- */

#define PAGE_PICTURES (12 * 1024 * 1024)

/* Of a page of all sections each has its share. */
static Size
picture_room(int nsections)
{
	return nsections > 1 ? PAGE_PICTURES / 4 : PAGE_PICTURES;
}

/* ---- arguments ---- */

static const PageSection *
section_named(const char *name)
{
	StringInfoData names;

	for (int i = 0; i < lengthof(sections); i++)
		if (strcmp(sections[i].section.id, name) == 0)
			return &sections[i];
	initStringInfo(&names);
	for (int i = 0; i < lengthof(sections); i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" :
						 i < lengthof(sections) - 1 ? ", " : " and ",
						 sections[i].section.id);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized section \"%s\"", name),
			 errhint("Sections are %s.", names.data)));
}

/* What is no number; NULL and JSON's null: not given */
static Jsonb *
augmentation_option(Jsonb *options)
{
	JsonbValue	key = {.type = jbvString};
	JsonbValue *value;

	if (options == NULL)
		return NULL;
	key.val.string.val = (char *) page_options[PAGE_AUGMENTATION].name;
	key.val.string.len = strlen(key.val.string.val);
	value = findJsonbValueFromContainer(&options->root, JB_FOBJECT, &key);
	return value == NULL || value->type == jbvNull ? NULL :
		JsonbValueToJsonb(value);
}

/* Arguments n and n + 1: query and options */
static void
read_arguments(PageContext *context, FunctionCallInfo fcinfo, int n)
{
	const char *const skip[] = {page_options[PAGE_AUGMENTATION].name, NULL};
	Jsonb	   *options = PG_ARGISNULL(n + 1) ? NULL : PG_GETARG_JSONB_P(n + 1);

	context->name = argument_text(fcinfo, 0, "gallery");
	context->query = argument_text_or_null(fcinfo, n);
	params_from_jsonb(&context->options, "the page", page_options, options,
					  skip);
	context->augmentation = augmentation_option(options);
}

/* ---- the page ---- */

static char *
model_version(const PageContext *context)
{
	return psprintf("%s, version %d", picture_utf8(context->model),
					context->gallery->version);
}

static void
begin_page(PageContext *context, ReportText *out, ReportPage *page)
{
	const Gallery *gallery = context->gallery;
	ReportFact	facts[3];

	page->facts = facts;
	if (gallery != NULL)
	{
		facts[page->nfacts++] = (ReportFact)
		{
			"gallery", picture_utf8(gallery->name)
		};
		facts[page->nfacts++] = (ReportFact)
		{
			"distance", gallery->distance->name
		};
	}
	if (context->model != NULL)
		facts[page->nfacts++] = (ReportFact)
	{
		"model", gallery != NULL ? model_version(context) : picture_utf8(context->model)
	};
	report_page_begin(out, page);
	page_flush(context, out);
}

static void
write_section(PageContext *context, ReportText *out,
			  const PageSection *section, int nsections)
{
	MemoryContext memory = AllocSetContextCreate(context->memory, "section",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);

	context->section = &section->section;
	context->picture_room = picture_room(nsections);
	report_section_begin(out, &section->section,
						 section->rows ? page_basis(context) : NULL);
	section->write(out, context);
	report_section_end(out);
	page_flush(context, out);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
}

static text *
write_page(PageContext *context, const PageSection *first, int n,
		   const char *title)
{
	ReportSection *heads = palloc(sizeof(ReportSection) * n);
	ReportPage	page = {.title = title,.sections = heads,.nsections = n};
	ReportText	out;

	for (int i = 0; i < n; i++)
		heads[i] = first[i].section;
	page.subtitle = n > 1 ? "What is in the gallery, and how well it is told apart" : "";
	report_text_init(&out, memory_arena(context->memory,
										budget_bytes(BUDGET_MAINTENANCE)));
	begin_page(context, &out, &page);
	for (int i = 0; i < n; i++)
		write_section(context, &out, &first[i], n);
	report_page_end(&out, &page);
	page_flush(context, &out);
	SET_VARSIZE(context->result.data, context->result.len);
	return (text *) context->result.data;
}

/* A gallery, or a model where that will do */
static void
open_name(PageContext *context, bool or_model)
{
	if (or_model && !gallery_exists(context->name))
	{
		context->model = context->name;
		return;
	}
	context->gallery = gallery_open(context->name);
	context->model = context->gallery->model;
}

static Datum
make_page(FunctionCallInfo fcinfo, PageContext *context,
		  const PageSection *first, int n, const char *title)
{
	text	   *page;

	initStringInfo(&context->result);
	appendStringInfoSpaces(&context->result, VARHDRSZ);
	SPI_connect();
	context->memory = CurrentMemoryContext;
	open_name(context, n == 1 && first->of_model);
	page = write_page(context, first, n,
					  psprintf("%s of %s", title, picture_utf8(context->name)));
	if (context->gallery != NULL)
		gallery_close(context->gallery);
	SPI_finish();
	PG_RETURN_TEXT_P(page);
}

/*
 * report(gallery, query, options): everything that needs SELECT on the gallery
 * is read as the caller.  query: as of neighbors_html(); NULL: a sample of the
 * gallery itself.
 */
Datum
report(PG_FUNCTION_ARGS)
{
	PageContext context = {NULL};

	read_arguments(&context, fcinfo, 1);
	return make_page(fcinfo, &context, sections, lengthof(sections), "Report");
}

/* report_html(gallery, section, query, options): one section alone */
Datum
report_html(PG_FUNCTION_ARGS)
{
	PageContext context = {NULL};
	const PageSection *section = section_named(argument_text(fcinfo, 1,
															 "section"));

	read_arguments(&context, fcinfo, 2);
	return make_page(fcinfo, &context, section, 1, section->section.title);
}
