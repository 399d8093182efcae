/*
 * network.h
 *	  Networks of finished versions, loaded and ready to run.
 *
 * A backend keeps the networks it used, the least recently used dropped first
 * when they take more than similarity.cache_memory.  A network whose weights and
 * forward pass of one row take more is refused.
 */
#ifndef MODEL_NETWORK_H
#define MODEL_NETWORK_H

#include "postgres.h"

#include "model/input.h"
#include "model/model_catalog.h"
#include "nn/nn.h"

typedef struct Network Network;

/*
 * The network of a version, from the cache or from the catalog.  It stays
 * valid until the next network_get() or network_pin() of the backend, or as
 * long as it is pinned.
 */
extern Network *network_get(const CatalogVersion *version);

/* The same, and keep it until context is reset or deleted. */
extern Network *network_pin(const CatalogVersion *version,
							MemoryContext context);

/* What inputs are read for */
extern const InputTarget *network_target(const Network *network);

/*
 * One row without any thread; the palloc'd result carries the version.  The
 * last few rows are remembered with their results.  A file of a picture is
 * decoded unless it is remembered.
 */
extern Embedding *network_run(Network *network, InputRow *row);

/*
 * Many rows at once, on the threads of similarity.threads.  A runner and its
 * threads live in context and pin the network; at most rows will be given to
 * one network_run_many(), which answers interrupts between pieces.  out[i] is
 * palloc'd in CurrentMemoryContext.
 */
typedef struct NetworkRunner NetworkRunner;

extern NetworkRunner *network_runner(const CatalogVersion *version, int rows,
									 MemoryContext context);

/* Rows that it runs at once: as many as similarity.cache_memory allows */
extern int	network_runner_rows(const NetworkRunner *runner);
extern const InputTarget *network_runner_target(const NetworkRunner *runner);

/* inputs_decode() on the runner's threads */
extern void network_runner_decode(const NetworkRunner *runner, InputRow *rows,
								  int n, int *current);
extern void network_run_many(NetworkRunner *runner, NnElement element,
							 const void *const *rows, int n, Embedding **out);

#endif							/* MODEL_NETWORK_H */
