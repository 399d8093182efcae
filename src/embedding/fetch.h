/*
 * fetch.h
 *	  Arguments of type embedding as the functions of a scan read them: once a
 *	  row, hence without a copy where that can be avoided.
 */
#ifndef EMBEDDING_FETCH_H
#define EMBEDDING_FETCH_H

#include "embedding/embedding.h"

/* Room for a value with a short header, on the caller's stack */
typedef union EmbeddingBuffer
{
	int32		align;
	char		bytes[VARATT_SHORT_MAX + VARHDRSZ];
} EmbeddingBuffer;

/*
 * The n-th (0 or 1) argument, checked as PG_GETARG_EMBEDDING_P checks it; read
 * only.  Valid until the function returns.  An argument that is the same
 * toasted value in every call is read once for all of them.
 */
extern Embedding *embedding_fetch(FunctionCallInfo fcinfo, int n,
								  EmbeddingBuffer *buffer);

/*
 * Done with e: free what embedding_fetch() allocated, if it did.  If e stands in
 * shared buffers, start reading the page behind it into the processor's cache.
 */
extern void embedding_release(FunctionCallInfo fcinfo, int n, Embedding *e);

/*
 * e, the n-th argument, as bits: itself, a copy, or what is kept of a constant.
 * Read only, and released before e is.
 */
extern Embedding *embedding_fetch_bits(FunctionCallInfo fcinfo, int n,
									   Embedding *e);
extern void embedding_release_bits(FunctionCallInfo fcinfo, int n, Embedding *e,
								   Embedding *bits);

#endif							/* EMBEDDING_FETCH_H */
