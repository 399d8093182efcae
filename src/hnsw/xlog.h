/*
 * xlog.h
 *	  Writing pages: generic WAL, or in place while an index is built (xlog.c).
 */
#ifndef HNSW_XLOG_H
#define HNSW_XLOG_H

#include "access/generic_xlog.h"

#include "hnsw/index.h"

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

/*
 * While an index is built: the next page at the end of the file, locked, new,
 * to be written in place
 */
extern Buffer hnsw_append_page(HnswIndex *index, HnswPageKind kind);

/* Write the metapage of an empty index into a fork. */
extern void hnsw_write_meta(Relation relation, ForkNumber fork,
							const HnswMeta *meta);

/* Set where searches start; the metapage is locked exclusively. */
extern void hnsw_set_entry(HnswIndex *index, Buffer meta, uint32 entry);

#endif							/* HNSW_XLOG_H */
