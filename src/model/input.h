/*
 * input.h
 *	  What embed() and train() take: bytea of raw numbers, arrays of numbers
 *	  or embedding.
 *
 * Signatures of what takes an input, here and in galleries: bytea, double
 * precision[], embedding and text.  Every other array of numbers becomes double
 * precision[] by itself; with real[] beside it integer[] and numeric[] would
 * be ambiguous.  text takes literals and parameters whose type nobody tells,
 * and reads them as bytea, array or embedding by how they begin.  A client that
 * sends raw bytes without their type gets them taken for text and refused with
 * a hint; embed_image(), lookup_image() and match_image() have one signature
 * each for it.  A version is a bigint, as k is, because clients send bigint.
 */
#ifndef MODEL_INPUT_H
#define MODEL_INPUT_H

#include "postgres.h"

#include "base/threads.h"
#include "media/media.h"
#include "nn/nn.h"
#include "server/budget.h"
#include "utils/array.h"

typedef enum InputKind
{
	INPUT_BYTES,				/* bytea: one unsigned byte a number */
	INPUT_ARRAY,				/* of any type of numbers and any number of
								 * dimensions */
	INPUT_EMBEDDING
} InputKind;

/* Of an array, or the count of anything else */
typedef struct InputShape
{
	int			ndim;
	int			dims[MAXDIM];
} InputShape;

/* What a value is read for */
typedef struct InputTarget
{
	const NnGraph *graph;		/* NULL: any size and shape will do */
	MediaSpec	image;			/* how files of pictures become the input */
	Budget		budget;			/* that decoding them may take */
} InputTarget;

/* A row as the engine takes it */
typedef struct InputRow
{
	NnElement	element;
	const void *data;			/* NULL: file is to be decoded */
	size_t		size;			/* bytes */
	InputShape	shape;
	const void *file;			/* of a picture, or NULL */
	size_t		file_size;
} InputRow;

/*
 * bytea, an array of numbers or embedding, or a domain over one of them; false,
 * or ERROR, for others.
 */
extern bool input_kind_of(Oid type, InputKind *kind);
extern InputKind input_kind(Oid type);

extern NnElement input_element(InputKind kind);

/*
 * Check a value against the network's input and point row at its numbers,
 * detoasted or converted into CurrentMemoryContext if need be.  ERROR, with
 * the numbers expected and got, for another size, nulls, or numbers that are
 * not finite, or no ids where a layer takes them for such.  An array is in row-major order; if it and the model's input have
 * several dimensions, they must be the same, not counting those of 1.  Bytes
 * that are a JPEG or PNG file, where the input is a picture, are decoded and
 * brought to its size.
 */
extern void input_read(InputRow *row, const InputTarget *target, InputKind kind,
					   Datum value);

/*
 * The same in two steps: files are decoded by the second, on a pool or, if it is
 * NULL, one by one, into CurrentMemoryContext.  current is the row of which an
 * ERROR tells, or -1, for error contexts.
 */
extern void input_open(InputRow *row, const InputTarget *target, InputKind kind,
					   Datum value);
extern void inputs_decode(InputRow *rows, int n, const InputTarget *target,
						  ThreadPool *pool, int *current);

/* Copy what an open row points at into CurrentMemoryContext; how many bytes */
extern Size input_keep(InputRow *row);

extern bool input_shapes_equal(const InputShape *a, const InputShape *b);

/* "28x28", palloc'd, for messages */
extern char *input_shape_text(const InputShape *shape);

#endif							/* MODEL_INPUT_H */
