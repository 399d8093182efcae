/*
 * safetensors.h
 *	  Reading the file format of tensors "safetensors".
 *
 * A file is the size of a header (little-endian uint64), the header (a JSON
 * object: a member for each tensor with dtype, shape and data_offsets, and
 * "__metadata__" with strings) and the data.  Files come from outside: every
 * size and offset is checked before it is used, and nothing is allocated that
 * the file's own size does not justify.
 */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define SAFETENSORS_MAX_RANK 8
#define SAFETENSORS_MAX_HEADER ((size_t) 16 * 1024 * 1024)

typedef enum SafeTensorType
{
	SAFETENSORS_F64, SAFETENSORS_F32, SAFETENSORS_F16, SAFETENSORS_BF16,
	SAFETENSORS_OTHER			/* in the file, but not to be read as floats */
} SafeTensorType;

typedef struct SafeTensor
{
	const char *name;
	SafeTensorType type;
	int			rank;
	uint64_t	dim[SAFETENSORS_MAX_RANK];
	uint64_t	count;			/* product of dim; 1 if rank is 0 */
	const uint8_t *data;
} SafeTensor;

typedef struct SafeTensorsText
{
	const char *key;
	const char *value;
} SafeTensorsText;

typedef struct SafeTensors
{
	int			n;
	SafeTensor *tensors;
	int			nmetadata;
	SafeTensorsText *metadata;
} SafeTensors;

/* Read the header; bytes must outlive the result, which is in arena. */
extern bool safetensors_open(const uint8_t *bytes, size_t size, Arena *arena,
							 SafeTensors *file, Status *status);

/*
 * Sort tensors as layers usually follow each other: by the name up to the last
 * "." or "/", numbers in it as numbers ("conv2" before "conv10"), then by role:
 * weight or kernel, bias, running or moving mean, then variance.  Writers of
 * this format sort by type and name, so that the order of a file says nothing.
 */
extern void safetensors_sort(SafeTensors *file);

/* By name; NULL if there is none. */
extern const SafeTensor *safetensors_find(const SafeTensors *file,
										  const char *name);
extern const char *safetensors_metadata(const SafeTensors *file,
										const char *key);

/* The i-th element as float; type is not SAFETENSORS_OTHER. */
extern float safetensors_get(const SafeTensor *tensor, uint64_t i);

#endif							/* NN_SAFETENSORS_H */
