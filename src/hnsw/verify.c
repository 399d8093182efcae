/*
 * verify.c
 *	  similarity.verify_index(): one row for each thing that should not be.
 *
 * What must hold:
 *	1. pages and records are sound;
 *	2. a live node has rows, and no row is in the index twice;
 *	3. neighbours are other nodes that exist, each once, and not free (a vacuum
 *	   that was interrupted leaves links to dead ones);
 *	4. stored vectors are sound, and distances are what they give;
 *	5. the entry is not free, and there is one if there are live nodes.
 * The insert lock keeps inserts away meanwhile.  A vacuum that runs beside it
 * may be seen half-way: then a neighbour may be free.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relation.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "compat.h"
#include "context.h"
#include "hnsw/inspect.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_verify_index);

/* Relative difference of distances computed by different kernels */
#define TOLERANCE 1e-3

typedef struct Verify
{
	HnswIndex  *index;
	ReturnSetInfo *result;
	uint32		nodes;
	uint64	   *rows;			/* of all nodes, to find doubles */
	Size		nrows;
	Size		capacity;
	GraphBits	bad;			/* nodes that cannot be looked at */
	int64		live;
	void	   *own;			/* of the node in hand */
	void	   *neighbor;
} Verify;

static void
report(Verify *verify, BlockNumber block, int64 node, const char *finding)
{
	Datum		values[3];
	bool		nulls[3] = {false, node < 0, false};

	values[0] = Int64GetDatum(block);
	values[1] = Int64GetDatum(node);
	values[2] = CStringGetTextDatum(finding);
	tuplestore_putvalues(verify->result->setResult, verify->result->setDesc, values, nulls);
}

static void
note_row(Verify *verify, uint64 row)
{
	if (verify->nrows == verify->capacity)
	{
		verify->capacity = Max(1024, 2 * verify->capacity);
		verify->rows = verify->rows == NULL ?
			palloc_extended(verify->capacity * sizeof(uint64), MCXT_ALLOC_HUGE) :
			repalloc_huge(verify->rows, verify->capacity * sizeof(uint64));
	}
	verify->rows[verify->nrows++] = row;
}

static int
compare_rows(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

static void
check_rows(Verify *verify)
{
	if (verify->nrows < 2)
		return;
	qsort(verify->rows, verify->nrows, sizeof(uint64), compare_rows);
	for (Size i = 1; i < verify->nrows; i++)
	{
		if (verify->rows[i] == verify->rows[i - 1])
			report(verify, HNSW_META_BLOCK, -1,
				   psprintf("row (%u,%u) is in the index twice", (uint32) (verify->rows[i] >> 16), (uint32) (verify->rows[i] & 0xFFFF)));
	}
}

/* ---- pages and records ---- */

static void
bad_node(Verify *verify, uint32 node)
{
	if (graph_bits_add(&verify->bad, node) == GRAPH_BITS_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/* The rows of one record */
static void
check_record(Verify *verify, BlockNumber block, uint32 node, const GraphRecord *record)
{
	if (!graph_record_is_sound(record))
	{
		report(verify, block, node, "the node's counts are out of range");
		bad_node(verify, node);
		return;
	}
	for (int i = 0; i < record->nrows; i++)
	{
		note_row(verify, record->rows[i]);
		if ((record->rows[i] & 0xFFFF) == 0)
			report(verify, block, node, "a row pointer is invalid");
	}
}

/* One page; first is the node that begins there.  False if it is damaged. */
static bool
check_page(Verify *verify, BlockNumber block, uint32 first, HnswPageKind kind)
{
	HnswIndex  *index = verify->index;
	Buffer		buffer = ReadBufferExtended(index->relation, MAIN_FORKNUM, block,
											RBM_NORMAL, index->strategy);
	Page		page = BufferGetPage(buffer);
	const char *problem;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	problem = PageIsNew(page) ? NULL : hnsw_page_problem(page, kind);
	if (problem != NULL)
		report(verify, block, -1, problem);
	else if (!PageIsNew(page) && kind == HNSW_PAGE_NODES)
	{
		for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
			check_record(verify, block, first + slot, (GraphRecord *)
						 (PageGetContents(page) + slot * index->layout.shape.size));
	}
	UnlockReleaseBuffer(buffer);
	return problem == NULL;
}

static void
check_pages(Verify *verify)
{
	const HnswLayout *layout = &verify->index->layout;

	for (uint32 node = 0; node < verify->nodes; node += layout->nodes_per_page)
	{
		BlockNumber block = hnsw_node_block(layout, node);
		bool		sound = check_page(verify, block, node, HNSW_PAGE_NODES);

		CHECK_FOR_INTERRUPTS();
		for (int i = 1; i < layout->pages_per_node; i++)
			sound &= check_page(verify, block + i, node, HNSW_PAGE_MORE);
		for (int slot = 0; slot < layout->nodes_per_page && !sound; slot++)
			bad_node(verify, node + slot);
	}
}

/* ---- lists ---- */

/*
 * The noted distance is that of the owner's stored vector and the neighbour's
 * own; what is stored of both errs by at most their radii.
 */
static void
check_distance(Verify *verify, BlockNumber block, uint32 node, uint32 neighbor, float noted)
{
	const GraphAccess *access = &verify->index->access;
	const void *own = access->own(access->context, neighbor, verify->neighbor);
	double		norms;
	double		slack;
	double		distance;

	if (own == NULL)
	{
		report(verify, block, node, psprintf("neighbor %u is free", neighbor));
		return;
	}
	norms = (double) stored_head(verify->own).norm + stored_head(own).norm;
	slack = (double) stored_head(verify->own).radius + stored_head(own).radius + TOLERANCE * norms;
	distance = graph_between(access->space, verify->own, own);
	if (access->space->metric == &graph_metric_ip)
		slack *= norms;
	if (fabs(distance - noted) > slack + TOLERANCE * fabs(distance))
		report(verify, block, node, psprintf("the distance of neighbor %u is wrong", neighbor));
}

static void
check_neighbor(Verify *verify, BlockNumber block, uint32 node, const GraphList *list, int i)
{
	uint32		neighbor = list->ids[i];

	if (neighbor >= verify->nodes)
	{
		report(verify, block, node, psprintf("neighbor %u does not exist", neighbor));
		return;
	}
	if (neighbor == node)
		report(verify, block, node, "the node is its own neighbor");
	for (int j = 0; j < i; j++)
		if (list->ids[j] == neighbor)
			report(verify, block, node, psprintf("neighbor %u is there twice", neighbor));
	if (!graph_bits_test(&verify->bad, neighbor))
		check_distance(verify, block, node, neighbor, list->distances[i]);
}

static void
check_lists(Verify *verify)
{
	const GraphAccess *access = &verify->index->access;

	verify->own = palloc(access->space->shape.own_size);
	verify->neighbor = palloc(access->space->shape.own_size);
	for (uint32 node = 0; node < verify->nodes; node++)
	{
		BlockNumber block = hnsw_node_block(&verify->index->layout, node);
		GraphList	list;
		bool		live;

		CHECK_FOR_INTERRUPTS();
		if (graph_bits_test(&verify->bad, node) ||
			!access->read_list(access->context, node, &list, &live) || !live)
			continue;
		verify->live++;
		access->own(access->context, node, verify->own);
		if (!stored_is_sound(verify->own))
			report(verify, block, node, "the stored vector is damaged");
		for (int i = 0; i < list.n; i++)
			check_neighbor(verify, block, node, &list, i);
	}
}

static void
check_entry(Verify *verify)
{
	const GraphAccess *access = &verify->index->access;
	uint32		entry = hnsw_read_meta(verify->index->relation).entry;
	GraphList	list;
	bool		live;

	if (entry == GRAPH_NO_NODE)
	{
		if (verify->live > 0)
			report(verify, HNSW_META_BLOCK, -1, "there are nodes but no entry");
	}
	else if (entry >= verify->nodes ||
			 (!graph_bits_test(&verify->bad, entry) &&
			  !access->read_list(access->context, entry, &list, &live)))
		report(verify, HNSW_META_BLOCK, entry, "the entry does not exist");
}

Datum
hnsw_verify_index(PG_FUNCTION_ARGS)
{
	Relation	relation = hnsw_open_relation(PG_GETARG_OID(0));
	Verify		verify = {0};

	if (!class_ownercheck(RelationGetRelid(relation), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, RelationGetRelationName(relation));
	InitMaterializedSRF(fcinfo, 0);
	verify.result = (ReturnSetInfo *) fcinfo->resultinfo;
	LockPage(relation, HNSW_INSERT_LOCK, ExclusiveLock);
	verify.index = hnsw_open(relation);
	verify.index->strategy = GetAccessStrategy(BAS_BULKREAD);
	verify.nodes = hnsw_count_nodes(verify.index);
	verify.bad.arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	if (!graph_bits_reset(&verify.bad, verify.nodes))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	check_pages(&verify);
	check_rows(&verify);
	check_lists(&verify);
	check_entry(&verify);
	UnlockPage(relation, HNSW_INSERT_LOCK, ExclusiveLock);
	relation_close(relation, AccessShareLock);
	return (Datum) 0;
}
