/*
 * loss_case.h
 *	  A loss with its parameters, from text.
 */
#ifndef LOSS_CASE_H
#define LOSS_CASE_H

#include "nn/loss.h"
#include "nn/pairwise.h"
#include "nn_model.h"

typedef struct Loss
{
	const NnLossType *type;
	Params		params;
	bool		normalize;		/* rows are scaled to length 1 first */
} Loss;

static inline Loss
make_loss(const char *text)
{
	NnTrainOptions options = make_options(text, "sgd", 1, NULL);
	Loss		loss = {options.loss, options.loss_params};

	loss.normalize = nn_loss_kind(loss.type) == NN_LOSS_PAIRWISE &&
		params_number(&loss.params, NN_PAIR_DISTANCE) == NN_COSINE;
	return loss;
}

#endif							/* LOSS_CASE_H */
