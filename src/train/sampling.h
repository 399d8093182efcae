/*
 * sampling.h
 *	  Which rows make a batch: options as train, sample_batch and
 *	  batch_class_ratio take them, and the sampler for given rows.
 */
#ifndef TRAIN_SAMPLING_H
#define TRAIN_SAMPLING_H

#include "postgres.h"

#include "fmgr.h"
#include "train/source.h"

/* Classes in a batch when the user names no number and the data has as many */
#define SAMPLING_DEFAULT_CLASSES 10

typedef struct SamplingOptions
{
	int			classes_per_batch;	/* at least 2; 0: choose when the data is
									 * known */
	int			examples_per_class; /* at least 2 */
	int			max_examples_per_class; /* 0: all */
	bool		single_shot;
	bool		some_labels;	/* single_shot of rows that may have labels, */
	double		labeled_share;	/* and of a batch so many that have */
	int			categories_per_batch;	/* 0: classes have no categories */
	uint64		seed;			/* as given, else a random one */
	ArrayType  *known_classes;	/* text[]; may be NULL */
} SamplingOptions;

/* Where a function has these arguments */
typedef struct SamplingArguments
{
	int			classes_per_batch;
	int			examples_per_class;
	int			seed;
	int			known_classes;
	int			max_examples_per_class;
	int			sampler;
	int			categories_per_batch;
} SamplingArguments;

/* Read and check them, into memory of CurrentMemoryContext. */
extern void sampling_read(FunctionCallInfo fcinfo,
						  const SamplingArguments *places,
						  SamplingOptions *options);

/* Most rows of a batch, whatever the data */
extern int	sampling_max_batch(const SamplingOptions *options);

/* What these options ask of a query; the caller adds what else there is. */
extern void sampling_request(const SamplingOptions *options,
							 SourceRequest *request);

/*
 * A sampler of these rows.  Settles classes_per_batch; one WARNING if classes
 * have fewer rows than a batch takes of each.
 */
extern NnSampler *sampling_create(Arena *arena, SamplingOptions *options,
								  const SourceRows *rows);

/* The class of a row, which labels of a batch are */
static inline int32
sampling_label(const SamplingOptions *options, const SourceRows *rows,
			   uint32 row)
{
	return options->single_shot ? (int32) row : rows->labels[row];
}

#endif							/* TRAIN_SAMPLING_H */
