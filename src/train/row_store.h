/*
 * row_store.h
 *	  The inputs of a training: in memory, and on disk beyond its budget.
 */
#ifndef TRAIN_ROW_STORE_H
#define TRAIN_ROW_STORE_H

#include "postgres.h"

#include "train/training_memory.h"

typedef struct RowStore RowStore;

/*
 * An empty store in context for rows of row_size bytes, of which fetch() will
 * ask for at most so many at once.  What is kept in memory is counted in
 * memory->rows and memory->batch.
 */
extern RowStore *rows_create(MemoryContext context, Size row_size,
							 int max_fetch, TrainingMemory *memory);

/* Bytes of so many rows in memory; false if they overflow */
extern bool rows_memory(Size row_size, uint32 nrows, Size *size);

extern void rows_append(RowStore *store, const void *row);

/*
 * Point out[i] at row numbers[i], n <= max_fetch, until the next call.  A row
 * that comes several times may have several addresses.
 */
extern void rows_fetch(RowStore *store, const uint32 *numbers, int n,
					   const void **out);

/* How many of them are on disk? */
extern uint32 rows_spilled(const RowStore *store);

/* A hash of all rows in their order */
extern uint64 rows_hash(const RowStore *store);

#endif							/* TRAIN_ROW_STORE_H */
