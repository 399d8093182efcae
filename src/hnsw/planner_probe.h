/*
 * planner_probe.h
 *	  A look into the index while a query is planned (planner_probe.c).
 */
#ifndef HNSW_PLANNER_PROBE_H
#define HNSW_PLANNER_PROBE_H

#include "postgres.h"

struct PlannerInfo;
struct IndexPath;

/*
 * Does the query ask, beside the path's order, for rows within a distance, and
 * are there fewer than its LIMIT wants?
 */
extern bool hnsw_few_within(const struct PlannerInfo *root,
							const struct IndexPath *path);

#endif							/* HNSW_PLANNER_PROBE_H */
