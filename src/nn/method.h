/*
 * method.h
 *	  Methods that learn without labels, inside the engine.
 *
 * A method is a loss of two views and the heads that stand between it and the
 * model while it trains: a projector on the model's last layer, and where the
 * views of one network are predicted from another, a predictor on that.
 *
 *	 simclr, barlow, vicreg   the loss of two views, of what the projector gives
 *	 simsiam                  targets are what the projector gives for the other
 *							  view, held constant
 *	 byol                     the same of averaged weights: momentum of them and
 *							  the rest of the step's, momentum going to 1 along
 *							  half a cosine.  The batch goes through them first,
 *							  in the same memory
 *	 swav                     prototypes are proxies; codes by Sinkhorn and Knopp
 *							  are constant (loss_swav.c)
 *
 * A training draws classes_per_batch rows (128), two views of each.  Those that
 * have a label are learnt by a pairwise loss of distances of embeddings as
 * well: labeled_share of a batch is drawn from them, and label_weight times
 * their loss is added.  Heads begin at random each time, whatever version the
 * model begins with; a checkpoint holds them, a version does not.  The
 * parameters are those of the heads and of the method's loss together.
 */
#ifndef NN_METHOD_H
#define NN_METHOD_H

#include "nn/loss.h"

struct NnMethodType
{
	NnDescription description;	/* params are those of heads and labels */
	const NnLossType *loss;
	bool		averages;		/* targets come from averaged weights */
};

/* Common parameters, before a method's own */
enum
{
	NN_METHOD_LAYERS, NN_METHOD_UNITS, NN_METHOD_LABELED_SHARE,
	NN_METHOD_LABEL_WEIGHT, NN_METHOD_OWN
};

/* The hidden units of a predictor, and how slowly averaged weights follow */
enum
{
	NN_METHOD_PREDICTOR_UNITS = NN_METHOD_OWN, NN_METHOD_MOMENTUM
};

/*
 * Share that averaged weights keep at a step, which grows to 1 along half a
 * cosine (Grill et al., 2020)
 */
extern double nn_method_momentum(const Params *params, int64_t step,
								 int64_t total_steps);

#endif							/* NN_METHOD_H */
