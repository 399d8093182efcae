/*
 * input.h
 *	  What embed() takes: bytea of raw numbers, real[] or embedding.
 */
#ifndef MODEL_INPUT_H
#define MODEL_INPUT_H

#include "postgres.h"

#include "nn/nn.h"

typedef enum InputKind
{
	INPUT_BYTES,				/* bytea: one unsigned byte a number */
	INPUT_REALS,				/* real[] of any number of dimensions */
	INPUT_EMBEDDING
} InputKind;

/* A row as the engine takes it */
typedef struct InputRow
{
	NnElement	element;
	const void *data;
	size_t		size;			/* bytes */
} InputRow;

/* BYTEAOID, FLOAT4ARRAYOID or the type embedding; false, or ERROR, for others. */
extern bool input_kind_of(Oid type, InputKind *kind);
extern InputKind input_kind(Oid type);

extern NnElement input_element(InputKind kind);

/*
 * Check a value against the network's input and point row at its numbers,
 * detoasted into CurrentMemoryContext if need be.  ERROR, with the numbers
 * expected and got, for another size, nulls, or numbers that are not finite.
 */
extern void input_read(InputRow *row, const NnGraph *graph, InputKind kind, Datum value);

#endif							/* MODEL_INPUT_H */
