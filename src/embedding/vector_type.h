/*
 * vector_type.h
 *	  The types vector and halfvec of the extension vector, whose values are
 *	  embeddings of float and of half (vector_type.c).
 */
#ifndef EMBEDDING_VECTOR_TYPE_H
#define EMBEDDING_VECTOR_TYPE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/varbit.h"

#include "embedding/embedding.h"

/* pgvector's limit of both types */
#define VECTOR_MAX_DIMS 16000

/* What tells the types from embedding, see embedding_typmod() */
extern Datum similarity_vector_typmod_in(PG_FUNCTION_ARGS);
extern Datum similarity_halfvec_typmod_in(PG_FUNCTION_ARGS);

/* A string of 1 to EMBEDDING_MAX_DIMS bits as an embedding of bits */
extern Embedding *embedding_of_bits(const VarBit *bits);

#endif							/* EMBEDDING_VECTOR_TYPE_H */
