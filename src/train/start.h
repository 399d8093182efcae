/*
 * start.h
 *	  What a training starts from, and which layers it changes.
 */
#ifndef TRAIN_START_H
#define TRAIN_START_H

#include "postgres.h"

#include "model/model_catalog.h"
#include "utils/jsonb.h"

/* The layers that trainable, an argument of train(), speaks of; in order */
typedef struct LayerRates
{
	int			n;
	NnRateRule *rules;
} LayerRates;

/*
 * {"pattern": true, false or a factor of the learning rate}, palloc'd; NULL is
 * none.  ERROR for anything else.
 */
extern LayerRates start_read_rates(Jsonb *trainable);

/*
 * Mark the layers of a graph by them.  ERROR for a pattern that no layer
 * matches, and if nothing is left to train.
 */
extern void start_set_rates(NnGraph *graph, const LayerRates *rates);

/* A version to start from; ERROR unless it is one of the model. */
extern void start_find_version(const CatalogModel *model, int id,
							   CatalogVersion *version);

/*
 * Tell whoever starts from fresh weights which ones are not used, and which
 * frozen layers will never be more than random.
 */
extern void start_tell_fresh(const CatalogModel *model, const NnGraph *graph);

#endif							/* TRAIN_START_H */
