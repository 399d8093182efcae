/*
 * schedule.h
 *	  How the learning rate changes over a training.
 */
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include "nn/layer.h"

struct NnScheduleType
{
	NnDescription description;

	/* What the learning rate is multiplied with; steps count from 0. */
	double		(*factor) (const Params *params, double step, double total);

	/* Do the parameters go together?  NULL: always. */
	bool		(*check) (const Params *params, double total, Status *status);
};

#endif							/* NN_SCHEDULE_H */
