/*
 * history.c
 *	  What happened to an index: its build, vacuums, measurements of recall.
 *
 * Events stand behind HnswMeta in the metapage, up to its pd_lower, so that an
 * index without any is as it was before there were events.  When they are full,
 * two neighbors of a kind become one: a history grows coarser with its age, and
 * its sums stay true.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "hnsw/history.h"
#include "hnsw/xlog.h"

#define EVENTS_OFFSET \
	(MAXALIGN(SizeOfPageHeaderData) + MAXALIGN(sizeof(HnswMeta)))

StaticAssertDecl(MAXALIGN(sizeof(HnswMeta)) +
				 HNSW_EVENTS * sizeof(HnswEvent) <= HNSW_PAGE_SPACE,
				 "the metapage holds the events");

static HnswEvent *
page_events(Page page)
{
	return (HnswEvent *) ((char *) page + EVENTS_OFFSET);
}

/* pd_lower may be anything on a damaged page. */
static int
count_events(Page page)
{
	int			bytes = (int) ((PageHeader) page)->pd_lower -
	(int) EVENTS_OFFSET;

	return Min(Max(bytes / (int) sizeof(HnswEvent), 0), HNSW_EVENTS);
}

static void
set_count(Page page, int n)
{
	((PageHeader) page)->pd_lower = EVENTS_OFFSET + n * sizeof(HnswEvent);
}

/* What was done before is done, too; what was found before is past. */
static void
merge(HnswEvent *later, const HnswEvent *earlier)
{
	later->count += earlier->count;
	later->removed += earlier->removed;
	later->repaired += earlier->repaired;
	later->freed += earlier->freed;
	later->entries += earlier->entries;
	later->roots += earlier->roots;
	later->seconds += earlier->seconds;
}

/* Close ranks around events of no kind; how many there are then */
static int
compact(HnswEvent *events, int n)
{
	int			kept = 0;

	for (int i = 0; i < n; i++)
		if (events[i].kind >= HNSW_EVENT_BUILD &&
			events[i].kind <= HNSW_EVENT_RECALL)
			events[kept++] = events[i];
	return kept;
}

/* Make one of every two neighbors of a kind, in the place of the later. */
static int
thin(HnswEvent *events, int n)
{
	HnswEvent  *single[HNSW_EVENT_RECALL + 1] = {NULL};

	n = compact(events, n);
	for (int i = 0; i < n; i++)
	{
		HnswEvent **earlier = &single[events[i].kind];

		if (events[i].kind == HNSW_EVENT_BUILD)
			continue;
		if (*earlier == NULL)
		{
			*earlier = &events[i];
			continue;
		}
		merge(&events[i], *earlier);
		(*earlier)->kind = 0;
		*earlier = NULL;
	}
	return compact(events, n);
}

/* Take a vacuum that goes on out of the events and into the event. */
static int
take_unfinished(HnswEvent *events, int n, HnswEvent *event)
{
	for (int i = 0; i < n; i++)
		if (events[i].kind == HNSW_EVENT_VACUUM && events[i].count == 0)
		{
			merge(event, &events[i]);
			events[i].kind = 0;
			return compact(events, n);
		}
	return n;
}

void
hnsw_note_event(HnswIndex *index, HnswEvent event)
{
	Buffer		buffer;
	Page		page;
	HnswXlog	xlog;
	HnswEvent  *events;
	int			n;

	event.time = GetCurrentTimestamp();
	event.pages = RelationGetNumberOfBlocks(index->relation);
	buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	hnsw_xlog_begin(index, &xlog);
	page = hnsw_xlog_page(&xlog, buffer, false);
	events = page_events(page);
	n = count_events(page);
	if (event.kind == HNSW_EVENT_VACUUM)
		n = take_unfinished(events, n, &event);
	if (n == HNSW_EVENTS)
		n = thin(events, n);
	n = Min(n, HNSW_EVENTS - 1);	/* of a damaged page */
	events[n] = event;
	set_count(page, n + 1);
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

int
hnsw_read_events(Relation relation, HnswEvent *events)
{
	Buffer		buffer = hnsw_lock_meta(relation, BUFFER_LOCK_SHARE);
	Page		page = BufferGetPage(buffer);
	int			n = count_events(page);

	memcpy(events, page_events(page), n * sizeof(HnswEvent));
	UnlockReleaseBuffer(buffer);
	return n;
}
