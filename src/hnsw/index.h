/*
 * index.h
 *	  One opened index: what a connection keeps of it (index_cache.c), and the
 *	  handle of one operation (index.c).
 */
#ifndef HNSW_INDEX_H
#define HNSW_INDEX_H

#include "postgres.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "embedding/embedding.h"
#include "graph/graph_query.h"
#include "graph/root.h"
#include "graph/search.h"
#include "hnsw/page.h"

/* ---- what a connection keeps ---- */

/*
 * The buffers where this connection last found blocks, by the last digits of
 * the block's number.  Hints: whoever follows one asks the buffer what it
 * holds.
 */
typedef struct HnswRecent
{
	uint32		mask;			/* a power of two minus one */
	uint32		reads;
	Buffer		buffers[FLEXIBLE_ARRAY_MEMBER];
} HnswRecent;

struct HnswSearcher;			/* searcher.h */
struct HnswInserter;			/* insert.c */

/*
 * What does not change while an index is not built again: shape, rotation,
 * root.
 */
typedef struct HnswCache
{
	HnswMeta	meta;			/* by which it was made; what may change of it
								 * since is stale */
	HnswLayout	layout;
	GraphSpace	space;
	GraphRoot	root;
	HnswRecent *recent;			/* NULL for temporary indexes */
	MemoryContext context;		/* NULL if not kept */

	/* wait for the next scan, or insertion; or NULL */
	struct HnswSearcher *searcher;
	struct HnswInserter *inserter;
} HnswCache;

/*
 * The relation's cache, made by what the metapage says if need be; stays until
 * the current memory context is reset.
 */
extern HnswCache *hnsw_cache(Relation relation, const HnswMeta *meta);

/* ---- a handle ---- */

/* Room for records: nothing in it outlives one call of the accessor. */
typedef struct HnswScratch
{
	void	   *own;			/* the vector of a long record, in one piece;
								 * NULL if records are short */
	GraphRecord *record;		/* one that is made or changed */
} HnswScratch;

/* How many nodes that wait are asked for in time: all while reads miss. */
typedef struct HnswReadAhead
{
	int			nodes;			/* 1 to GRAPH_AHEAD */
	uint64		misses;			/* blocks that were in no buffer when last
								 * asked, of all relations */
} HnswReadAhead;

/*
 * What an operation on one index needs; the context of its accessor.  Lives in
 * the memory context where it was opened.
 */
typedef struct HnswIndex
{
	Relation	relation;
	HnswCache  *cache;
	const GraphSpace *space;	/* cache->space */
	HnswLayout	layout;			/* cache->layout */
	GraphAccess access;			/* access.c */
	BufferAccessStrategy strategy;	/* or NULL */
	bool		building;		/* nobody else sees it, logged at the end */
	BlockNumber blocks;			/* of the file when last asked */
	HnswReadAhead ahead;
	HnswScratch scratch;

	/* of a scan, else NULL */
	Snapshot	snapshot;
	struct HnswRefine *refine;	/* if the table can tell what bounds hide */
} HnswIndex;

/* Open by what the metapage says, or said. */
extern HnswIndex *hnsw_open(Relation relation);
extern HnswIndex *hnsw_open_at(Relation relation, const HnswMeta *meta);
extern void hnsw_init_index(HnswIndex *index, Relation relation,
							HnswCache *cache);

/* The accessor of a handle; access.c */
extern GraphAccess hnsw_access(HnswIndex *index);

/* The metric of the index's operator class. */
extern const GraphMetric *hnsw_metric(Relation relation);

/*
 * Have nodes of a kind, in the metapage of an index without any; false and
 * nothing changed if there is no shape for them.
 */
extern bool hnsw_set_kind(Relation relation, HnswMeta *meta, StoredKind kind,
						  Status *status);

/*
 * The type modifier of the indexed column or expression, as one of embedding; -1
 * if it does not say how many dimensions there are.
 */
extern int32 hnsw_typmod(Relation relation);

/* A value of the column, or one to search for, checked: itself or a copy */
extern Embedding *hnsw_value(Relation relation, Datum value);

/*
 * The vector to store or to search for: of the index's dimensions (ERROR
 * otherwise), palloc'd.
 */
extern float *hnsw_prepare(HnswIndex *index, const Embedding *e);
extern void hnsw_decode(HnswIndex *index, const Embedding *e, float *vector);
extern void hnsw_decode_datum(HnswIndex *index, Datum value, float *vector);

/* A query of the index's space in the current memory context */
extern GraphQuery *hnsw_create_query(HnswIndex *index);

/* Room to make lists and roots in, likewise */
extern GraphScratch *hnsw_create_scratch(HnswIndex *index);

/* Where searches start now, or by what the metapage said */
extern GraphStart hnsw_start(HnswIndex *index);
extern GraphStart hnsw_start_at(HnswIndex *index, const HnswMeta *meta);

#endif							/* HNSW_INDEX_H */
