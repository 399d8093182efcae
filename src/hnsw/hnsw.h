/*
 * hnsw.h
 *	  The index access method similarity_hnsw: pages, and what the files of
 *	  this room share.  See the README for the rules of locking.
 */
#ifndef HNSW_HNSW_H
#define HNSW_HNSW_H

#include "postgres.h"

#include "access/amapi.h"
#include "access/generic_xlog.h"
#include "access/skey.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "graph/graph_query.h"
#include "graph/link.h"
#include "server/compat.h"

/* ---- pages ---- */

#define HNSW_META_BLOCK 0
#define HNSW_MAGIC 0x51A17A9D
#define HNSW_VERSION 4

typedef enum HnswPageKind
{
	HNSW_PAGE_META = 1,
	HNSW_PAGE_NODES = 2,		/* records, or the beginning of a long one */
	HNSW_PAGE_MORE = 3,			/* the continuation of a long record */
	HNSW_PAGE_ROOT = 4,			/* the root's ids and codes */
	HNSW_PAGE_CENTER = 5,
	HNSW_PAGE_NULLS = 6			/* rows without an embedding, see nulls.c */
} HnswPageKind;

/* Special space of every page; the last two bytes tell pg_filedump. */
typedef struct HnswPageTail
{
	uint16		kind;			/* HnswPageKind */
	uint16		version;		/* HNSW_VERSION */
	uint16		unused;
	uint16		page_id;		/* HNSW_PAGE_ID */
} HnswPageTail;

#define HNSW_PAGE_ID 0xFF91

/* Bytes of a page that records may use */
#define HNSW_PAGE_SPACE \
	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(HnswPageTail)))

/*
 * The free space map knows two kinds of pages: with a free place for a node,
 * told by this, and without, told by 0.
 */
#define HNSW_ROOM (BLCKSZ / 2)

/*
 * What was measured of an index: hints for the planner and for people, which
 * change without the rest of the metapage.  See stats.c.
 */
typedef struct HnswStats
{
	/* by builds and vacuums */
	uint32		ef;				/* that a search was measured with; 0: never */
	float4		expansions;		/* of a search for ten rows */
	float4		pages;			/* that an expansion reads */
	float4		rows;			/* of the table, read for ten: bounds cost
								 * some */

	/* by builds */
	float4		first_pass_recall;	/* see graph/probe.h; 0: not measured */
	float4		target_recall;	/* asked for when target_ef was found */
	uint32		target_ef;		/* the effort that reaches it; 0: not asked */

	/* by similarity.index_recall() */
	float4		recall;
	uint32		recall_k;		/* 0: never measured */
	uint32		recall_ef;
	uint32		recall_sample;

	/* by vacuums */
	uint32		root_gone;		/* nodes of the root that were freed */

	int64		recall_time;	/* TimestampTz */
	float8		recall_rows;	/* in the table then */
} HnswStats;

/* Contents of block 0 */
typedef struct HnswMeta
{
	uint32		magic;
	uint32		version;
	uint32		dims;
	uint32		degree;			/* most neighbors of a node: 2 m */
	uint32		kind;			/* StoredKind of own vectors */
	uint32		bits;			/* of codes; 0: none */
	uint64		seed;			/* of the rotation */
	uint32		attribute_width;	/* bytes of filter attributes in a record:
									 * 0 */
	uint32		entry;			/* node where searches start, or GRAPH_NO_NODE */
	uint32		root_nodes;		/* see root_cache.c */
	uint32		root_pages;		/* some not yet used */
	uint32		root_crc;		/* of what those hold */
	uint32		center_pages;	/* 0: vectors are not centered */
	uint32		center_crc;
	uint32		passes;			/* that the build has made */
	BlockNumber nulls;			/* first page of rows without an embedding, or
								 * 0 */
	BlockNumber nulls_room;		/* where the next of them goes, or 0 */
	HnswStats	stats;
} HnswMeta;

/* How records lie on pages; follows from the metapage. */
typedef struct HnswLayout
{
	GraphShape	shape;
	BlockNumber root;			/* first block of the root */
	BlockNumber first;			/* block of node 0 */
	int			nodes_per_page; /* 1 for long records */
	int			pages_per_node; /* 1 but for long records */
} HnswLayout;

/* ---- options ---- */

#define HNSW_DEFAULT_M 16
#define HNSW_MIN_M 4
#define HNSW_MAX_M 64
#define HNSW_DEFAULT_EF_CONSTRUCTION 100
#define HNSW_MIN_EF_CONSTRUCTION 8
#define HNSW_MAX_EF_CONSTRUCTION 2000
#define HNSW_DEFAULT_EF_SEARCH 40
#define HNSW_MIN_EF_SEARCH 1
#define HNSW_MAX_EF_SEARCH 100000
#define HNSW_MIN_TARGET_RECALL 0.5
#define HNSW_MAX_TARGET_RECALL 0.9999

typedef struct HnswOptions
{
	int32		vl_len_;
	int			m;
	int			ef_construction;
	int			ef_search;		/* 0: not said */
	double		target_recall;	/* 0: not said */
	int			vectors;		/* HnswVectors */
	int			bits;			/* 0: by dimensions */
	int			passes;			/* 0: a second if the data are hard */
} HnswOptions;

/* How own vectors are stored; auto is int8, and float for expressions. */
typedef enum HnswVectors
{
	HNSW_VECTORS_AUTO,
	HNSW_VECTORS_INT8,
	HNSW_VECTORS_HALF,
	HNSW_VECTORS_FLOAT
} HnswVectors;

#define HNSW_DEFAULT_PASSES 0
#define HNSW_MAX_PASSES 4

extern int	hnsw_m(Relation index);
extern int	hnsw_ef_construction(Relation index);

/*
 * The effort of searches: the setting, else the option ef_search, else what
 * the build found for target_recall, else the default.  hnsw_own_ef() leaves
 * the setting out.
 */
extern int	hnsw_ef_search(Relation index, const HnswStats *stats);
extern int	hnsw_own_ef(Relation index, const HnswStats *stats);
extern double hnsw_target_recall(Relation index);
extern int	hnsw_bits(Relation index);
extern int	hnsw_passes(Relation index);
extern StoredKind hnsw_kind(Relation index);

/* ---- one opened index ---- */

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

struct HnswSearcher;

/*
 * What does not change while an index is not built again: shape, rotation,
 * root.  Kept by the connection, which makes it once.
 */
typedef struct HnswCache
{
	HnswLayout	layout;
	GraphSpace	space;
	GraphRoot	root;
	HnswRecent *recent;			/* NULL for temporary indexes */
	MemoryContext context;		/* NULL if not kept */
	struct HnswSearcher *idle;	/* waits for the next scan, or NULL */
} HnswCache;

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
	GraphAccess access;
	BufferAccessStrategy strategy;	/* or NULL */
	int			ef;				/* of searches */
	BlockNumber blocks;			/* of the file when last asked */
	uint64		misses;			/* blocks that were in no buffer when last
								 * asked, of all relations */
	int			ahead;			/* nodes to prefetch, by those misses */
	bool		building;		/* nobody else sees it, logged at the end */
	void	   *own;			/* scratch of long records */
	GraphRecord *record;		/* a record being made */

	/* of a scan, else NULL */
	MemoryContext scan_context;
	Snapshot	snapshot;
	const ScanKeyData *key;		/* the distance, if bounds can be refined */
	Relation	heap;
	struct HnswRows *rows;		/* opened when first needed */
} HnswIndex;

/* Open by what the metapage says. */
extern HnswIndex *hnsw_open(Relation relation);

/* The number of nodes there may be: all numbers below it are on pages. */
extern uint32 hnsw_count_nodes(HnswIndex *index);

/* The metric of the index's operator class. */
extern const GraphMetric *hnsw_metric(Relation relation);

/*
 * The vector to store or to search for: of the index's dimensions (ERROR
 * otherwise), palloc'd.
 */
extern float *hnsw_prepare(HnswIndex *index, Datum value);
extern void hnsw_decode(HnswIndex *index, Datum value, float *vector);

/* A query of the index's space in the current memory context */
extern GraphQuery *hnsw_create_query(HnswIndex *index);

/* Room to make lists and roots in, likewise */
extern GraphScratch *hnsw_create_scratch(HnswIndex *index);

/* Where searches start now, or by what the metapage said */
extern GraphStart hnsw_start(HnswIndex *index);
extern GraphStart hnsw_start_at(HnswIndex *index, const HnswMeta *meta);

/* Working memory of one search, kept for the next one */
typedef struct HnswSearcher
{
	HnswIndex	index;
	GraphQuery *query;
	GraphSearch *search;
	float	   *vector;			/* to decode a value into */
	MemoryContext context;
} HnswSearcher;

/*
 * A searcher that nobody else uses, until the current memory context is reset.
 */
extern HnswSearcher *hnsw_take_searcher(Relation relation, const HnswMeta *meta);

/* ---- root_cache.c: what is read once ---- */

/*
 * The relation's cache, made by what the metapage says if need be; stays until
 * the current memory context is reset.
 */
extern HnswCache *hnsw_cache(Relation relation, const HnswMeta *meta);

/* Pages that a root takes, and a center */
extern uint32 hnsw_root_pages(const GraphShape *shape, int root_nodes);
extern uint32 hnsw_center_pages(uint32 dims);

/* Pages to keep for it, so that it can grow with the index */
extern uint32 hnsw_root_reserve(const GraphShape *shape, int root_nodes);

/*
 * Write them to new pages at the end of the file: first the center, if any,
 * right behind the metapage, then the root.  They are not logged.  Return the
 * checksum.
 */
extern uint32 hnsw_write_center(HnswIndex *index, float *center);
extern uint32 hnsw_write_root(HnswIndex *index, const GraphRoot *root);

/* ---- index_center.c ---- */

/*
 * Find a center in a sample of the table and write it, if the index's metric
 * takes one and the data have one.  Nothing but the metapage is there yet;
 * true if the index is to be opened again.
 */
extern bool hnsw_build_center(HnswIndex *index, Relation heap, struct IndexInfo *info);

/* Row pointers in records */
extern uint64 hnsw_row(ItemPointer tid);
extern void hnsw_row_tid(uint64 row, ItemPointer tid);

/* ---- page.c: reading ---- */

/* The layout that a metapage describes; ERROR if there is none. */
extern HnswLayout hnsw_layout(Relation relation, const HnswMeta *meta);
extern BlockNumber hnsw_node_block(const HnswLayout *layout, uint32 node);
extern int	hnsw_node_slot(const HnswLayout *layout, uint32 node);

/* ERROR: the index is corrupted; detail is a full sentence. */
pg_noreturn extern void hnsw_raise_corrupted(Relation relation, BlockNumber block,
											 const char *detail);

/* What is wrong with a locked page that should be of a kind, or NULL */
extern const char *hnsw_page_problem(Page page, HnswPageKind kind);

/* Copy the metapage, validated. */
extern HnswMeta hnsw_read_meta(Relation relation);

/* The metapage, pinned and locked, validated. */
extern Buffer hnsw_lock_meta(Relation relation, int mode);
extern HnswMeta *hnsw_page_meta(Page page);

/*
 * Pin and lock the page where a node's record is (or begins).  False if there
 * are no nodes, and then nothing is locked: the page has not been written yet,
 * a trace of a crash, or holds rows without an embedding.
 */
extern bool hnsw_lock_page(HnswIndex *index, BlockNumber block, int mode, Buffer *buffer);

/* Bring a node nearer to the processor, or its page into memory. */
extern void hnsw_prefetch_node(HnswIndex *index, uint32 node);

/* An empty table of hints for an index of so many blocks, or NULL */
extern HnswRecent *hnsw_create_recent(Relation relation);

/* A record on a locked page, or on a copy of it, validated. */
extern GraphRecord *hnsw_page_record(HnswIndex *index, Page page, BlockNumber block, int slot);

/*
 * Lock the page of a node and give its record.  NULL if the node is free:
 * nothing is locked then.
 */
extern GraphRecord *hnsw_lock_node(HnswIndex *index, uint32 node, int mode, Buffer *buffer);

/*
 * The own vector of a record on a locked page: a pointer into the page if the
 * record is whole there, else a copy in scratch.
 */
extern const void *hnsw_record_own(HnswIndex *index, const GraphRecord *record,
								   Buffer buffer, void *scratch);

/*
 * A scan's snapshot may be older than the removal of rows from a page that it
 * reads.
 */
extern void hnsw_check_old_snapshot(HnswIndex *index, Page page);

/* ---- heap_rows.c: what the table holds ---- */

typedef struct HnswRows HnswRows;

/* Rows of the index's table as a snapshot sees them */
extern HnswRows *hnsw_open_rows(Relation heap, Relation index, Snapshot snapshot);
extern void hnsw_close_rows(HnswRows *rows);

/*
 * The index's key in a row, valid until the next call; false if the snapshot
 * does not see the row, or it is NULL.
 */
extern bool hnsw_row_value(HnswRows *rows, uint64 row, Datum *value);

/* What the operator of a scan key returns for a row; false as above. */
extern bool hnsw_row_distance(HnswRows *rows, uint64 row, const ScanKeyData *key,
							  double *distance);

/* ---- nulls.c: rows without an embedding ---- */

#define HNSW_NULLS_PER_PAGE \
	((int) ((HNSW_PAGE_SPACE - 2 * sizeof(uint32)) / sizeof(ItemPointerData)))

/* On the way along their pages */
typedef struct HnswNullWalk
{
	BlockNumber next;			/* 0: the end */
	BlockNumber left;			/* pages that there can be at most */
} HnswNullWalk;

extern HnswNullWalk hnsw_walk_nulls(HnswIndex *index);

/*
 * Copy the rows of the next page, at most HNSW_NULLS_PER_PAGE; false at the end.
 * ERROR if it is damaged, or the walk has met more pages than there are.
 */
extern bool hnsw_read_nulls(HnswIndex *index, HnswNullWalk *walk, ItemPointerData *rows, int *n);

/* The same of any page, without an ERROR: what is wrong with it, or NULL */
extern const char *hnsw_copy_nulls(HnswIndex *index, BlockNumber block, ItemPointerData *rows,
								   int *n, BlockNumber *next);

/* Several backends may at once. */
extern void hnsw_insert_null(HnswIndex *index, ItemPointer tid);

/* Remove the rows that the callback names. */
extern void hnsw_vacuum_nulls(HnswIndex *index, IndexBulkDeleteResult *stats,
							  IndexBulkDeleteCallback callback, void *state);

/* ---- xlog.c: writing ---- */

/* Pages changed together by one WAL record */
typedef struct HnswXlog
{
	HnswIndex  *index;
	GenericXLogState *state;	/* NULL while building */
	Buffer		buffers[MAX_GENERIC_XLOG_PAGES];
	int			n;
} HnswXlog;

extern void hnsw_xlog_begin(HnswIndex *index, HnswXlog *xlog);

/* The page to write to instead of the buffer's own; fresh: whole page new. */
extern Page hnsw_xlog_page(HnswXlog *xlog, Buffer buffer, bool fresh);

extern void hnsw_xlog_finish(HnswXlog *xlog);

/* Make an empty page of a kind; pd_lower covers what will be used. */
extern void hnsw_init_page(HnswIndex *index, Page page, HnswPageKind kind);

/* Write the metapage of an empty index into a fork. */
extern void hnsw_write_meta(Relation relation, ForkNumber fork, const HnswMeta *meta);

/* Set where searches start; the metapage is locked exclusively. */
extern void hnsw_set_entry(HnswIndex *index, Buffer meta, uint32 entry);

/* ---- access.c, allocate.c ---- */

extern void hnsw_init_index(HnswIndex *index, Relation relation, HnswCache *cache);

/* New pages of one node, or of several that share a page: the first, locked */
extern Buffer hnsw_extend(HnswIndex *index);

/* Write a new node into a free place; its number. */
extern uint32 hnsw_create_node(HnswIndex *index, const GraphQuery *query, uint64 row,
							   const GraphList *list, const void *const *owns,
							   GraphScratch *scratch);

/* ---- scan.c ---- */

/* Nodes that may wait in the memory of one search: work_mem */
extern size_t hnsw_max_waiting(void);

/* ---- stats.c, recall.c ---- */

/*
 * Put a value among the k least, in order, NaN last; n is how many there are,
 * returns how many then.
 */
extern int	hnsw_keep_least(double *least, int n, int k, double value);

/* The stats, without any error: zeros if the metapage is not sound. */
extern HnswStats hnsw_read_stats(Relation relation);
extern void hnsw_write_stats(HnswIndex *index, const HnswStats *stats);

/* Measure what the planner wants to know, on pages, and write it down. */
extern void hnsw_measure_search(HnswIndex *index);

/* After a build: the effort that reaches the index's target_recall. */
extern void hnsw_find_target_ef(Relation heap, HnswIndex *index);

/* ---- planner_probe.c ---- */

struct PlannerInfo;
struct IndexPath;

/*
 * Does the query ask, beside the path's order, for rows within a distance, and
 * are there fewer than its LIMIT wants?
 */
extern bool hnsw_few_within(const struct PlannerInfo *root, const struct IndexPath *path);

/* ---- refresh.c ---- */

/* Make the root anew if the index has changed much; for vacuum. */
extern void hnsw_refresh_root(HnswIndex *index);

/* ---- insert.c ---- */

/* Insert the vector of one row; several backends may at once. */
extern void hnsw_insert_vector(HnswIndex *index, GraphLinker *linker, const float *vector,
							   uint64 row);

/*
 * Inserts hold this lock shared; vacuum takes it exclusively for an instant to
 * wait for the inserts that began before.
 */
#define HNSW_INSERT_LOCK HNSW_META_BLOCK

/* ---- the access method's functions ---- */

extern void hnsw_init_options(void);
extern bytea *hnsw_options(Datum reloptions, bool validate);
extern IndexBuildResult *hnsw_build(Relation heap, Relation relation, struct IndexInfo *info);
extern void hnsw_build_empty(Relation relation);
extern char *hnsw_build_phase_name(int64 phase);
extern bool hnsw_insert(Relation relation, Datum *values, bool *isnull, ItemPointer tid,
						Relation heap, IndexUniqueCheck unique, bool unchanged,
						struct IndexInfo *info);
extern IndexBulkDeleteResult *hnsw_bulk_delete(IndexVacuumInfo *info,
											   IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *state);
extern IndexBulkDeleteResult *hnsw_vacuum_cleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);
extern IndexScanDesc hnsw_begin_scan(Relation relation, int nkeys, int norderbys);
extern void hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
						ScanKey orderbys, int norderbys);
extern bool hnsw_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern void hnsw_end_scan(IndexScanDesc scan);
extern void hnsw_cost_estimate(struct PlannerInfo *root, struct IndexPath *path,
							   double loop_count, Cost *startup, Cost *total,
							   Selectivity *selectivity, double *correlation,
							   double *pages);
extern bool hnsw_validate(Oid opclass);

#endif							/* HNSW_HNSW_H */
