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
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "graph/link.h"
#include "graph/metric.h"
#include "graph/record.h"

/* ---- pages ---- */

#define HNSW_META_BLOCK 0
#define HNSW_MAGIC 0x51A17A9D
#define HNSW_VERSION 1

typedef enum HnswPageKind
{
	HNSW_PAGE_META = 1,
	HNSW_PAGE_NODES = 2,		/* records, or the beginning of a long one */
	HNSW_PAGE_MORE = 3			/* the continuation of a long record */
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

/* Contents of block 0 */
typedef struct HnswMeta
{
	uint32		magic;
	uint32		version;
	uint32		dims;
	uint32		degree;			/* most neighbours of a node: 2 m */
	uint32		attribute_width;	/* bytes of filter attributes in a record:
									 * 0 */
	uint32		entry;			/* node where searches start, or GRAPH_NO_NODE */
} HnswMeta;

/* How records lie on pages; follows from dims and degree. */
typedef struct HnswLayout
{
	GraphShape	shape;
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

typedef struct HnswOptions
{
	int32		vl_len_;
	int			m;
	int			ef_construction;
	int			ef_search;
} HnswOptions;

extern int	hnsw_m(Relation index);
extern int	hnsw_ef_construction(Relation index);
extern int	hnsw_ef_search(Relation index);

/* ---- one opened index ---- */

/*
 * What an operation on one index needs; the context of its accessor.  Lives in
 * the memory context where it was opened.
 */
typedef struct HnswIndex
{
	Relation	relation;
	const GraphMetric *metric;
	HnswLayout	layout;
	GraphAccess access;
	BufferAccessStrategy strategy;	/* or NULL */
	BlockNumber blocks;			/* of the file when last asked */
	bool		building;		/* nobody else sees it, logged at the end */
	float	   *vector;			/* scratch of long records */
	uint64		row;			/* being inserted */
} HnswIndex;

/* Open by what the metapage says. */
extern HnswIndex *hnsw_open(Relation relation);

/* The number of nodes there may be: all numbers below it are on pages. */
extern uint32 hnsw_count_nodes(HnswIndex *index);

/* The metric of the index's operator class. */
extern const GraphMetric *hnsw_metric(Relation relation);

/*
 * The vector to store or to search for: of the index's dimensions (ERROR
 * otherwise), scaled if the metric asks for it, palloc'd.  is_zero says
 * whether it could not be scaled; it may be NULL.
 */
extern float *hnsw_prepare(HnswIndex *index, Datum value, bool *is_zero);

/* Row pointers in records */
extern uint64 hnsw_row(ItemPointer tid);
extern void hnsw_row_tid(uint64 row, ItemPointer tid);

/* ---- page.c: reading ---- */

extern HnswLayout hnsw_layout(int dims, int degree);
extern BlockNumber hnsw_node_block(const HnswLayout *layout, uint32 node);
extern int	hnsw_node_slot(const HnswLayout *layout, uint32 node);

/* ERROR: the index is corrupted; detail is a full sentence. */
extern void hnsw_raise_corrupted(Relation relation, BlockNumber block,
								 const char *detail) pg_attribute_noreturn();

/* What is wrong with a locked page that should be of a kind, or NULL */
extern const char *hnsw_page_problem(Page page, HnswPageKind kind);

/* Copy the metapage, validated. */
extern HnswMeta hnsw_read_meta(Relation relation);

/* The metapage, pinned and locked, validated. */
extern Buffer hnsw_lock_meta(Relation relation, int mode);
extern HnswMeta *hnsw_page_meta(Page page);

/*
 * Pin and lock the page where a node's record is (or begins).  False if the
 * page has not been written yet, a trace of a crash: nothing is locked then.
 */
extern bool hnsw_lock_page(HnswIndex *index, BlockNumber block, int mode, Buffer *buffer);

/* A record on a locked page, or on a copy of it, validated. */
extern GraphRecord *hnsw_page_record(HnswIndex *index, Page page, BlockNumber block, int slot);

/*
 * Lock the page of a node and give its record.  NULL if the node is free:
 * nothing is locked then.
 */
extern GraphRecord *hnsw_lock_node(HnswIndex *index, uint32 node, int mode, Buffer *buffer);

/*
 * The vector of a record on a locked page: a pointer into the page if the
 * record is whole there, else a copy in scratch.
 */
extern const float *hnsw_record_vector(HnswIndex *index, GraphRecord *record,
									   Buffer buffer, float *scratch);

/* ---- change.c: writing ---- */

/* Pages changed together by one WAL record */
typedef struct HnswChange
{
	HnswIndex  *index;
	GenericXLogState *state;	/* NULL while building */
	Buffer		buffers[MAX_GENERIC_XLOG_PAGES];
	int			n;
} HnswChange;

extern void hnsw_change_begin(HnswIndex *index, HnswChange *change);

/* The page to write to instead of the buffer's own; fresh: whole page new. */
extern Page hnsw_change_page(HnswChange *change, Buffer buffer, bool fresh);

extern void hnsw_change_finish(HnswChange *change);

/* Make an empty page of a kind; pd_lower covers what will be used. */
extern void hnsw_init_page(HnswIndex *index, Page page, HnswPageKind kind);

/* Write the metapage of an empty index into a fork. */
extern void hnsw_write_meta(Relation relation, ForkNumber fork, const HnswMeta *meta);

/* Set where searches start; the metapage is locked exclusively. */
extern void hnsw_set_entry(HnswIndex *index, Buffer meta, uint32 entry);

/* ---- access.c, allocate.c ---- */

extern void hnsw_init_access(HnswIndex *index);

/* Write a new node into a free place; its number. */
extern uint32 hnsw_create_node(HnswIndex *index, const float *vector, const GraphList *list);

/* ---- insert.c ---- */

/* Insert one vector with index->row; several backends may at once. */
extern void hnsw_insert_vector(HnswIndex *index, GraphLinker *linker, const float *vector);

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
