/*
 * index.c
 *	  Opening an index, and what every operation on one begins with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_type_d.h"
#include "utils/memutils.h"

#include "embedding/vector_type.h"
#include "hnsw/index.h"
#include "hnsw/node.h"
#include "server/context.h"
#include "server/errors.h"

/* The support function of an operator class has nothing else to say. */
const GraphMetric *
hnsw_metric(Relation relation)
{
	FmgrInfo   *support = index_getprocinfo(relation, 1, 1);

	return (const GraphMetric *) DatumGetPointer(FunctionCall1(support,
															   PointerGetDatum(relation)));
}

void
hnsw_init_index(HnswIndex *index, Relation relation, HnswCache *cache)
{
	memset(index, 0, sizeof(*index));
	index->relation = relation;
	index->cache = cache;
	index->space = &cache->space;
	index->layout = cache->layout;
	index->access = hnsw_access(index);
	index->ahead.nodes = 1;
	index->scratch.record = palloc(index->layout.shape.size);
	if (index->layout.pages_per_node > 1)
		index->scratch.own = palloc(index->layout.shape.own_size);
}

HnswIndex *
hnsw_open_at(Relation relation, const HnswMeta *meta)
{
	HnswIndex  *index = palloc(sizeof(HnswIndex));

	hnsw_init_index(index, relation, hnsw_cache(relation, meta));
	return index;
}

HnswIndex *
hnsw_open(Relation relation)
{
	HnswMeta	meta = hnsw_read_meta(relation);

	return hnsw_open_at(relation, &meta);
}

int32
hnsw_typmod(Relation relation)
{
	Form_pg_attribute key = TupleDescAttr(RelationGetDescr(relation), 0);

	return embedding_typmod(key->atttypid, key->atttypmod);
}

/* The operator class says what the values are: of bit, or of embedding's layout. */
Embedding *
hnsw_value(Relation relation, Datum value)
{
	if (relation->rd_opcintype[0] == BITOID)
		return embedding_of_bits(DatumGetVarBitP(value));
	return embedding_check(DatumGetEmbedding(value));
}

/*
 * Values of the column have the index's dimensions by their type; what a query
 * searches for may have others.
 */
void
hnsw_decode(HnswIndex *index, const Embedding *e, float *vector)
{
	int			dims = index->layout.shape.dims;

	if (e->dims != dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d", e->dims,
						dims), errdetail("Index \"%s\" is for %d dimensions.",
										 RelationGetRelationName(index->relation), dims)));
	embedding_decode(e, vector);
}

void
hnsw_decode_datum(HnswIndex *index, Datum value, float *vector)
{
	Embedding  *e = hnsw_value(index->relation, value);

	hnsw_decode(index, e, vector);
	if ((Pointer) e != DatumGetPointer(value))
		pfree(e);
}

float *
hnsw_prepare(HnswIndex *index, const Embedding *e)
{
	float	   *vector = palloc(sizeof(float) * index->layout.shape.dims);

	hnsw_decode(index, e, vector);
	return vector;
}

GraphQuery *
hnsw_create_query(HnswIndex *index)
{
	GraphQuery *query = graph_query_create(memory_arena(CurrentMemoryContext,
														ARENA_NO_BUDGET),
										   index->space);

	if (query == NULL)
		raise_out_of_memory();
	return query;
}

GraphScratch *
hnsw_create_scratch(HnswIndex *index)
{
	GraphScratch *scratch = graph_scratch_create(memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
												 &index->layout.shape);

	if (scratch == NULL)
		raise_out_of_memory();
	return scratch;
}

/* The number of nodes is asked now: new ones may be reached meanwhile. */
GraphStart
hnsw_start_at(HnswIndex *index, const HnswMeta *meta)
{
	GraphStart	start = {
		.entry = meta->entry,
		.nodes = hnsw_count_nodes(index),
		.root = &index->cache->root
	};

	return start;
}

GraphStart
hnsw_start(HnswIndex *index)
{
	HnswMeta	meta = hnsw_read_meta(index->relation);

	return hnsw_start_at(index, &meta);
}
