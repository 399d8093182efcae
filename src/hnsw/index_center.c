/*
 * index_center.c
 *	  The center of an index, found before its build.
 *
 * Vectors are stored relative to it, so it must be known before the first is
 * mapped, and stays.  It is sought in rows of a few pages, evenly spread over
 * the table: a table may be sorted by what its vectors are about, and the mean
 * of its first rows is then not that of all.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"

#include "hnsw/index_center.h"
#include "hnsw/options.h"
#include "hnsw/root_pages.h"
#include "hnsw/xlog.h"
#include "kernel/center.h"

/* Places of the table where rows are taken, and the most rows of one */
#define PLACES 64
#define ROWS_A_PLACE 16

/* Memory for them: at 16,384 dimensions one row a place */
#define SAMPLE_BYTES ((Size) 4 * 1024 * 1024)

/* If there are fewer than so many, the next pages of each place are read. */
#define LEAST_ROWS 64
#define PAGES_A_PLACE 16

typedef struct Sampling
{
	HnswIndex  *index;
	MemoryContext row_context;	/* reset for each row */
	float	   *sample;
	int			n;
	int			most;			/* rows when the place in hand has given
								 * enough */
} Sampling;

/*
 * For table_index_build_range_scan(): note the row, if its place may give more.
 */
static void
center_callback(Relation relation, ItemPointer tid, Datum *values,
				bool *isnull, bool alive, void *state)
{
	Sampling   *sampling = state;
	MemoryContext caller;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0] || sampling->n >= sampling->most)
		return;
	caller = MemoryContextSwitchTo(sampling->row_context);
	hnsw_decode_datum(sampling->index, values[0],
					  sampling->sample + (Size) sampling->n * sampling->index->layout.shape.dims);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(sampling->row_context);
	sampling->n++;
}

/* Fill the sample with rows of the table; at most so many of one page */
static void
sample_rows(Sampling *sampling, Relation heap, IndexInfo *info,
			int rows_a_place)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);
	int			places = Min(PLACES, blocks);

	for (int page = 0; page < PAGES_A_PLACE && sampling->n < LEAST_ROWS; page++)
	{
		for (int place = 0; place < places; place++)
		{
			BlockNumber block = (uint64) place * blocks / places + page;

			if (block >= (uint64) (place + 1) * blocks / places)
				continue;
			sampling->most = Min(sampling->n + rows_a_place,
								 PLACES * rows_a_place);
			table_index_build_range_scan(heap, sampling->index->relation, info,
										 false, false, false, block, 1,
										 center_callback, sampling, NULL);
		}
	}
}

/*
 * Let nodes have halves, if a page holds such a node: nothing but the metapage
 * is there.
 */
static bool
store_halves(HnswIndex *index)
{
	Buffer		buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	HnswXlog	xlog;
	Status		status;
	bool		fits;

	hnsw_xlog_begin(index, &xlog);
	fits = hnsw_set_kind(index->relation,
						 hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false)),
						 STORED_HALF, &status);
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
	return fits;
}

bool
hnsw_build_center(HnswIndex *index, Relation heap, IndexInfo *info)
{
	Size		row_bytes = index->layout.shape.dims * sizeof(float);
	int			rows_a_place = Max(1,
								   Min(ROWS_A_PLACE,
									   SAMPLE_BYTES / (PLACES * row_bytes)));
	Sampling	sampling = {.index = index};
	MemoryContext context;
	MemoryContext caller;
	float	   *center;
	bool		found;
	bool		halves;

	if (!index->space->metric->coded ||
		index->space->metric->space == SPACE_INNER_PRODUCT)
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw center",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	sampling.row_context = AllocSetContextCreate(context, "similarity_hnsw row",
												 ALLOCSET_DEFAULT_SIZES);
	sampling.sample = palloc(PLACES * rows_a_place * row_bytes);
	sample_rows(&sampling, heap, info, rows_a_place);
	center = palloc(row_bytes);
	found = space_find_center(index->space->metric->space, sampling.sample,
							  sampling.n,
							  index->layout.shape.dims,
							  palloc(sizeof(float) * Max(sampling.n, 1)),
							  center);
	halves = hnsw_kind_is_open(index->relation) &&
		space_is_too_fine(sampling.sample, sampling.n,
						  index->layout.shape.dims) &&
		store_halves(index);
	if (found)
		hnsw_write_center(index, center);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return found || halves;
}
