/*
 * hnsw.h
 *	  The index access method similarity_hnsw, as PostgreSQL calls it: the
 *	  functions of handler.c's table, each with the contract that PostgreSQL's
 *	  chapter on index access methods gives it.
 */
#ifndef HNSW_HNSW_H
#define HNSW_HNSW_H

#include "postgres.h"

#include "access/amapi.h"

struct PlannerInfo;
struct IndexPath;

/* Register the options, once a backend. */
extern void hnsw_init_options(void);

extern bytea *hnsw_options(Datum reloptions, bool validate);
extern bytea *hnsw_drop_in_options(Datum reloptions, bool validate);
extern bytea *hnsw_lists_options(Datum reloptions, bool validate);
extern IndexBuildResult *hnsw_build(Relation heap, Relation relation,
									struct IndexInfo *info);
extern void hnsw_build_empty(Relation relation);
extern char *hnsw_build_phase_name(int64 phase);
extern bool hnsw_insert(Relation relation, Datum *values, bool *isnull,
						ItemPointer tid, Relation heap, IndexUniqueCheck unique,
						bool unchanged, struct IndexInfo *info);
extern IndexBulkDeleteResult *hnsw_bulk_delete(IndexVacuumInfo *info,
											   IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *state);
extern IndexBulkDeleteResult *hnsw_vacuum_cleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);
extern IndexScanDesc hnsw_begin_scan(Relation relation, int nkeys,
									 int norderbys);
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
