/*
 * call_progress.h
 *	  How far a long call is: in the view similarity.progress, which everybody
 *	  reads, and as INFO lines of the call, every similarity.progress_interval.
 *
 *		call_progress_begin(&progress, CALL_KNN, relation, 0);
 *		call_progress_phase(&progress, PHASE_COMPARING, rows);
 *		call_progress(&progress, done);			as often as you like
 *		call_progress_end(&progress);
 *
 * A call within a call, by a function in the user's query, is not shown.  An
 * error ends it without a word; the memory of progress is the caller's.
 */
#ifndef SERVER_CALL_PROGRESS_H
#define SERVER_CALL_PROGRESS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* In the order of their names in call_progress.c */
typedef enum CallKind
{
	CALL_TRAIN,
	CALL_EMBED_BATCH,
	CALL_REEMBED,
	CALL_EVALUATION,
	CALL_LOOKUP_ALL,
	CALL_KNN,
	CALL_REPORT,
	CALL_VERIFY_INDEX,
	CALL_PROJECTION,
	CALL_INDEX_RECALL,
	CALL_AUDIT,
	CALL_CALIBRATION,
	CALL_SAMPLE_BATCH,
	CALL_BATCH_CLASS_RATIO,
	CALL_INDEX_INFO,
	CALL_INDEX_DEGREES
} CallKind;

typedef enum CallPhase
{
	PHASE_VALIDATION,			/* reading its rows */
	PHASE_READING,
	PHASE_TRAINING,
	PHASE_EMBEDDING,
	PHASE_COMPARING,			/* rows of a table with what was read */
	PHASE_LOOKING_UP,			/* each row of a query */
	PHASE_COPYING,
	PHASE_CHECKING,
	PHASE_PROJECTING,
	PHASE_DRAWING,				/* batches */
	PHASE_FOLLOWING				/* lists of neighbors */
} CallPhase;

/* What only a training has */
typedef struct CallTraining
{
	int			epoch;			/* from 1; 0: none yet */
	int			epochs;
	int			step;			/* of the epoch */
	int			steps;
	double		loss;			/* mean of the epoch */
} CallTraining;

typedef struct CallProgress
{
	uint64		id;				/* of the process; 0: not begun */
	CallKind	kind;
	Oid			relation;		/* InvalidOid: no one table */
	int32		model;			/* its id; 0: none */
	bool		quiet;			/* no INFO lines */
	CallPhase	phase;
	int64		done;			/* in this phase */
	int64		total;			/* 0: not known */
	int64		base;			/* done when the phase began, by another call */
	CallTraining training;
	TimestampTz started;
	TimestampTz phase_started;
	TimestampTz shown;			/* when the view was told last, */
	TimestampTz said;			/* and the client */
} CallProgress;

extern void call_progress_begin(CallProgress *progress, CallKind kind,
								Oid relation, int32 model);

/*
 * Begin a phase of so many rows or steps, about; 0 if that is not known.  A
 * training that is resumed sets base afterwards.
 */
extern void call_progress_phase(CallProgress *progress, CallPhase phase,
								double total);
extern void call_progress(CallProgress *progress, int64 done);

/* The caller has said itself how far it is. */
extern void call_progress_said(CallProgress *progress);
extern void call_progress_end(CallProgress *progress);

#endif							/* SERVER_CALL_PROGRESS_H */
