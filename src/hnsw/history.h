/*
 * history.h
 *	  What happened to an index, kept in its metapage (history.c).
 */
#ifndef HNSW_HISTORY_H
#define HNSW_HISTORY_H

#include "hnsw/index.h"

/* As many as the metapage has room for */
#define HNSW_EVENTS 96

typedef enum HnswEventKind
{
	HNSW_EVENT_BUILD = 1,
	HNSW_EVENT_VACUUM = 2,
	HNSW_EVENT_RECALL = 3		/* measured by similarity.index_recall() */
} HnswEventKind;

/*
 * One event, or several of a kind as one: then what was done is the sum, and
 * what was found is of the last.  On pages.
 */
typedef struct HnswEvent
{
	int64		time;			/* TimestampTz of its end */
	float8		rows;			/* in the index then; less than 0: not known */
	float8		removed;		/* rows */
	uint32		kind;			/* HnswEventKind */
	uint32		count;			/* so many as one; 0: a vacuum that goes on */
	uint32		estimated;		/* rows are an estimate of VACUUM's */
	uint32		pages;			/* of the index */
	uint32		repaired;		/* lists of neighbors */
	uint32		freed;			/* nodes */
	uint32		entries;		/* new entry points */
	uint32		roots;			/* written anew */
	float4		seconds;		/* that it took */
	float4		expansions;		/* of a search, as HnswStats has it */
	float4		recall;
	uint32		recall_k;
	uint32		recall_ef;
	uint32		recall_sample;
} HnswEvent;

/*
 * Write down an event, with the time and the pages.  What a vacuum that goes on
 * has done is added to the next vacuum's.
 */
extern void hnsw_note_event(HnswIndex *index, HnswEvent event);

/* Copy the events, the oldest first; room is for HNSW_EVENTS.  How many. */
extern int	hnsw_read_events(Relation relation, HnswEvent *events);

#endif							/* HNSW_HISTORY_H */
