/*
 * network.c
 *	  Networks of finished versions, loaded and ready to run.
 *
 * Versions never change, so that a cached network needs no invalidation.  It may
 * still outlive its version (dropped, rolled back, or the whole extension dropped
 * and created anew) and see its id given to another: the caller reads the
 * version's row each time, and the cache is asked for that row's model and
 * fingerprint in that table.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "kernel/gemm.h"
#include "model/network.h"
#include "model/versions.h"
#include "server/budget.h"
#include "server/catalog_scan.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"
#include "server/stop.h"

/*
 * An ordered index scan evaluates the same embed(...) as scan key, in the
 * target list and for rechecks.
 */
#define MEMO_ENTRIES 4
#define MEMO_MAX_INPUT (1024 * 1024)

/* Fewer rows are not worth starting threads for. */
#define MIN_POOL_ROWS 16

/* Rows between two checks for interrupts: what infer.c handles at once */
#define ROWS_PER_THREAD 48

typedef struct MemoEntry
{
	void	   *key;			/* NULL: free */
	Size		size;
	NnElement	element;
	Embedding  *result;
} MemoEntry;

struct Network
{
	dlist_node	link;			/* in networks, most recently used first */
	Oid			table;			/* _similarity.model_version */
	CatalogVersion version;
	int			pins;
	Size		size;			/* weights, and a forward pass of one row */
	MemoryContext context;
	InputTarget target;
	const NnGraph *graph;		/* the target's */
	float	   *weights;
	NnInfer    *infer;			/* of one row, without threads */
	int			next_memo;
	MemoEntry	memo[MEMO_ENTRIES];
};

struct NetworkRunner
{
	const Network *network;
	NnInfer    *infer;			/* its own, or the network's for row by row */
	ThreadPool *pool;			/* NULL: one thread */
	int			max_rows;
	float	   *out;			/* max_rows embeddings */
};

static dlist_head networks = DLIST_STATIC_INIT(networks);

/* ---- loading and the cache ---- */

static NnInfer *
create_infer(Arena *arena, const Network *network, int max_rows,
			 ThreadPool *pool)
{
	NnInfer    *infer;
	Status		status;

	if (!gemm_load(&status))
		raise_status(&status);
	infer = nn_infer_create(arena, network->graph, network->weights, max_rows,
							pool, &status);
	if (infer == NULL)
		raise_status(&status);
	return infer;
}

/*
 * Drop the least recently used networks beyond the limit less what is to come;
 * no pinned one, and if nothing is to come, not the most recently used one.
 */
static void
make_room(Size size)
{
	Size		limit = budget_bytes(BUDGET_CACHE);
	Size		used = size;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &networks)
	{
		Network    *network = dlist_container(Network, link, iter.cur);
		Size		taken = MemoryContextMemAllocated(network->context, true);

		if (used + taken > limit && network->pins == 0 &&
			(size > 0 || iter.cur != dlist_head_node(&networks)))
		{
			dlist_delete(&network->link);
			MemoryContextDelete(network->context);
		}
		else
			used += taken;
	}
}

/* A network that cannot run within the limit is not even loaded. */
static void
require_affordable(const CatalogVersion *version, Size size)
{
	budget_require(BUDGET_CACHE, size,
				   psprintf("the weights and a forward pass of model version %d", version->id),
				   "use a model of fewer weights or smaller inputs");
}

/* Built under the caller's context, so that an error leaves nothing behind. */
static Network *
load_network(const CatalogVersion *version)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "network of a model",
												  ALLOCSET_DEFAULT_SIZES);
	Arena	   *arena = memory_arena(context, ARENA_NO_BUDGET);
	Network    *network = MemoryContextAllocZero(context, sizeof(Network));
	CatalogModel model;

	network->table = catalog_table("model_version");
	network->version = *version;
	network->context = context;
	catalog_get_model_by_id(version->model, &model);
	network->graph = catalog_model_graph(&model, arena,
										 &network->target.image);
	network->target.graph = network->graph;
	network->target.budget = BUDGET_CACHE;
	network->size = nn_graph_weights(network->graph) * sizeof(float) + nn_infer_memory(network->graph, 1, 1);
	require_affordable(version, network->size);
	make_room(network->size);
	network->weights = arena_alloc_array(arena,
										 nn_graph_weights(network->graph),
										 sizeof(float));
	if (network->weights == NULL)
		raise_out_of_memory();
	version_load(version, network->graph, network->weights);
	network->infer = create_infer(arena, network, 1, NULL);
	MemoryContextSetParent(context, CacheMemoryContext);
	return network;
}

static Network *
find_network(const CatalogVersion *version)
{
	Oid			table = catalog_table("model_version");
	dlist_iter	iter;

	dlist_foreach(iter, &networks)
	{
		Network    *network = dlist_container(Network, link, iter.cur);

		if (network->version.id == version->id && network->table == table &&
			network->version.model == version->model &&
			network->version.fingerprint == version->fingerprint)
			return network;
	}
	return NULL;
}

Network *
network_get(const CatalogVersion *version)
{
	Network    *network = find_network(version);

	if (network != NULL)
	{
		require_affordable(version, network->size);
		dlist_move_head(&networks, &network->link);
		return network;
	}
	network = load_network(version);
	dlist_push_head(&networks, &network->link);
	return network;
}

static void
unpin_network(void *network)
{
	((Network *) network)->pins--;
	make_room(0);
}

Network *
network_pin(const CatalogVersion *version, MemoryContext context)
{
	Network    *network = network_get(version);
	MemoryContextCallback *callback = MemoryContextAlloc(context,
														 sizeof(*callback));

	callback->func = unpin_network;
	callback->arg = network;
	MemoryContextRegisterResetCallback(context, callback);
	network->pins++;
	return network;
}

const InputTarget *
network_target(const Network *network)
{
	return &network->target;
}

/* ---- one row ---- */

static Embedding *
memo_copy(MemoryContext context, const Embedding *e)
{
	return memcpy(MemoryContextAlloc(context, VARSIZE(e)), e, VARSIZE(e));
}

/* The bytes that a row is known by: those of the file, if it is of one */
static const void *
row_key(const InputRow *row, Size *size)
{
	*size = row->file != NULL ? row->file_size : row->size;
	return row->file != NULL ? row->file : row->data;
}

static Embedding *
recall(const Network *network, const InputRow *row)
{
	Size		size;
	const void *key = row_key(row, &size);

	for (int i = 0; i < MEMO_ENTRIES; i++)
	{
		const MemoEntry *entry = &network->memo[i];

		if (entry->key != NULL && entry->size == size &&
			entry->element == row->element &&
			memcmp(entry->key, key, size) == 0)
			return memo_copy(CurrentMemoryContext, entry->result);
	}
	return NULL;
}

static void
remember_row(Network *network, const InputRow *row, const Embedding *result)
{
	MemoEntry  *entry = &network->memo[network->next_memo];
	Size		size;
	const void *key = row_key(row, &size);

	if (size > MEMO_MAX_INPUT)
		return;
	if (entry->key != NULL)
	{
		pfree(entry->key);
		entry->key = NULL;
		pfree(entry->result);
	}
	/* the entry counts as free until everything is in place */
	entry->result = memo_copy(network->context, result);
	entry->element = row->element;
	entry->size = size;
	entry->key = memcpy(MemoryContextAlloc(network->context, size), key, size);
	network->next_memo = (network->next_memo + 1) % MEMO_ENTRIES;
}

Embedding *
network_run(Network *network, InputRow *row)
{
	Embedding  *result = recall(network, row);
	int			current;

	if (result != NULL)
		return result;
	inputs_decode(row, 1, &network->target, NULL, &current);
	result = embedding_new(nn_graph_outputs(network->graph));
	result->model = network->version.id;
	nn_infer_run(network->infer, row->element, &row->data, 1, result->x);
	check_interrupts();
	embedding_check_finite(result);
	remember_row(network, row, result);
	return result;
}

/* ---- many rows ---- */

/* What a forward pass of so many rows takes, their embeddings included */
static Size
pass_size(const NnGraph *graph, int rows, int threads)
{
	return nn_infer_memory(graph, rows,
						   threads) + (Size) rows * nn_graph_outputs(graph) * sizeof(float);
}

/* Rows that fit into what similarity.cache_memory leaves beside the network; 0 if none does */
static int
affordable_rows(const Network *network, int rows, int threads)
{
	Size		left = budget_bytes(BUDGET_CACHE) - network->size;

	while (rows > 0 && pass_size(network->graph, rows, threads) > left)
		rows /= 2;
	return rows;
}

/* On all threads, on one if those need too much, or else row by row as network_run() */
NetworkRunner *
network_runner(const CatalogVersion *version, int rows, MemoryContext context)
{
	NetworkRunner *runner = MemoryContextAllocZero(context,
												   sizeof(NetworkRunner));
	Arena	   *arena = memory_arena(context, ARENA_NO_BUDGET);
	int			threads = rows < MIN_POOL_ROWS ? 1 : guc_pool_threads();
	Network    *network = network_pin(version, context);

	runner->network = network;
	runner->max_rows = affordable_rows(network,
									   Min(rows, ROWS_PER_THREAD * threads),
									   threads);
	if (runner->max_rows == 0 && threads > 1)
	{
		threads = 1;
		runner->max_rows = affordable_rows(network, Min(rows, ROWS_PER_THREAD),
										   threads);
	}
	if (runner->max_rows == 0)
	{
		runner->max_rows = 1;
		runner->infer = network->infer;
	}
	else
	{
		runner->pool = threads > 1 ? memory_pool(context) : NULL;
		runner->infer = create_infer(arena, network, runner->max_rows,
									 runner->pool);
	}
	runner->out = arena_alloc_array(arena,
									(size_t) runner->max_rows * nn_graph_outputs(network->graph), sizeof(float));
	if (runner->out == NULL)
		raise_out_of_memory();
	return runner;
}

int
network_runner_rows(const NetworkRunner *runner)
{
	return runner->max_rows;
}

const InputTarget *
network_runner_target(const NetworkRunner *runner)
{
	return &runner->network->target;
}

void
network_runner_decode(const NetworkRunner *runner, InputRow *rows, int n,
					  int *current)
{
	inputs_decode(rows, n, &runner->network->target, runner->pool, current);
}

static void
run_piece(NetworkRunner *runner, NnElement element, const void *const *rows,
		  int n, Embedding **out)
{
	int			dims = nn_graph_outputs(runner->network->graph);

	nn_infer_run(runner->infer, element, rows, n, runner->out);
	check_interrupts();
	for (int i = 0; i < n; i++)
	{
		out[i] = embedding_new(dims);
		out[i]->model = runner->network->version.id;
		memcpy(out[i]->x, runner->out + (size_t) i * dims,
			   dims * sizeof(float));
		embedding_check_finite(out[i]);
	}
}

void
network_run_many(NetworkRunner *runner, NnElement element,
				 const void *const *rows, int n, Embedding **out)
{
	for (int done = 0; done < n; done += runner->max_rows)
	{
		run_piece(runner, element, rows + done, Min(n - done, runner->max_rows),
				  out + done);
	}
}
