/*
 * page.h
 *	  The format of an index: pages, the metapage, where nodes are (page.c).
 */
#ifndef HNSW_PAGE_H
#define HNSW_PAGE_H

#include "postgres.h"

#include "storage/block.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

#include "graph/record.h"
#include "server/compat.h"

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
	uint32		root_nodes;		/* see root_pages.c */
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

/* The layout that a metapage describes; ERROR if there is none. */
extern HnswLayout hnsw_layout(Relation relation, const HnswMeta *meta);
extern BlockNumber hnsw_node_block(const HnswLayout *layout, uint32 node);
extern int	hnsw_node_slot(const HnswLayout *layout, uint32 node);

/* Row pointers as records hold them */
extern uint64 hnsw_row(ItemPointer tid);
extern void hnsw_row_tid(uint64 row, ItemPointer tid);

/* ERROR: the index is corrupted; detail is a full sentence. */
pg_noreturn extern void hnsw_raise_corrupted(Relation relation,
											 BlockNumber block,
											 const char *detail);

/* What a page says of itself */
extern HnswPageTail *hnsw_page_tail(Page page);

/* What is wrong with a locked page that should be of a kind, or NULL */
extern const char *hnsw_page_problem(Page page, HnswPageKind kind);

/* ERROR if anything is. */
extern void hnsw_check_page(Relation relation, BlockNumber block, Page page,
							HnswPageKind kind);

/* Copy the metapage, validated. */
extern HnswMeta hnsw_read_meta(Relation relation);

/* The metapage, pinned and locked, validated. */
extern Buffer hnsw_lock_meta(Relation relation, int mode);
extern HnswMeta *hnsw_page_meta(Page page);

#endif							/* HNSW_PAGE_H */
