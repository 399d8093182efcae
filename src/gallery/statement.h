/*
 * statement.h
 *	  What repeated calls of one statement share: the gallery, its plan.
 */
#ifndef GALLERY_STATEMENT_H
#define GALLERY_STATEMENT_H

#include "postgres.h"

#include "fmgr.h"

#include "gallery/lookup.h"

typedef struct Search
{
	MemoryContext context;
	char	   *name;
	Gallery    *gallery;
	Calibration *calibration;	/* by search_calibration() */
	SPIPlanPtr	plan;			/* by search_plan() */
	MemoryContext plan_user;	/* the plan is kept as long as this is */
	NeighborColumns columns;
	int			k;
} Search;

/*
 * The gallery of that name, opened by the first call in a statement and kept
 * for its later ones.
 */
extern Search *search_begin(FunctionCallInfo fcinfo, const char *name);

extern const Calibration *search_calibration(Search *search);
extern SPIPlanPtr search_plan(Search *search, NeighborColumns columns, int k);

#endif							/* GALLERY_STATEMENT_H */
