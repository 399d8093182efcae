/*
 * inspect.h
 *	  What inspect.c and verify.c share.
 */
#ifndef HNSW_INSPECT_H
#define HNSW_INSPECT_H

#include "hnsw/hnsw.h"

/* Open an index of this access method with AccessShareLock; ERROR if it is none. */
extern Relation hnsw_open_relation(Oid oid);

#endif							/* HNSW_INSPECT_H */
