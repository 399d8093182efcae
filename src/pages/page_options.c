/*
 * page_options.c
 *	  What the argument "options" of the pages may hold.
 */
#include "postgres.h"

#include "pages/pages.h"

/* In the order of PageOption */
const ParamSpec page_options[] = {
	{.name = "rows",.type = PARAM_INTEGER,.initial = 2000,.minimum = 1,.maximum = 100000,
	.comment = "rows of the gallery's sample, or of the query, that figures are made of"},
	{.name = "seed",.type = PARAM_INTEGER,.initial = 42,.minimum = 0,.maximum = 2147483647,
	.comment = "another seed takes another sample"},
	{.name = "k",.type = PARAM_INTEGER,.initial = 5,.minimum = 1,.maximum = 1000,
	.comment = "neighbors of an item"},
	{.name = "items",.type = PARAM_INTEGER,.initial = 50,.minimum = 1,.maximum = 1000,
	.comment = "items that are shown with pictures"},
	{.name = "augmentation",.type = PARAM_LIST,.nullable = true,
	.comment = "a pipeline as train() takes it; by default that of the last training"},
	{NULL}
};
