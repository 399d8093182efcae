/*
 * job.h
 *	  Trainings in a background worker.
 *
 * The worker is registered while the statement runs, so that a call for which
 * there is none left fails and leaves nothing, and waits for the launcher's
 * transaction (its transaction id, as a row lock does).  Then it finds the
 * job's row, or ends, if that was rolled back.  The call returns when the
 * worker holds the job's lock, a few milliseconds later: from then on a job
 * whose lock nobody holds has no worker, in whatever way it ended, and
 * similarity.jobs calls it "dead".  One snapshot cannot tell a dead job from
 * one that has ended since: job_state() looks at the lock first, then at the
 * row of now.
 */
#ifndef TRAIN_JOB_H
#define TRAIN_JOB_H

#include "postgres.h"

#include "postmaster/bgworker.h"
#include "storage/lock.h"

/* The function that a worker of this library runs */
#define JOB_MAIN "similarity_job_main"

/* What a worker must know before it can read the job's row */
typedef struct JobStart
{
	Oid			database;
	Oid			role;
	TransactionId launcher;		/* which made the row */
	int64		job;
} JobStart;

StaticAssertDecl(sizeof(JobStart) <= BGW_EXTRALEN, "a worker takes no more");

/*
 * A job's worker holds its lock, exclusively, from before its launcher's call
 * returns to the worker's end: a job whose lock nobody holds has no worker.
 * The tag is one of advisory locks that no SQL function can take, since these
 * survive the abort of a transaction; the view similarity.jobs has it, too.
 */
#define JOB_LOCK_CLASS 21321
#define SET_LOCKTAG_JOB(tag, job) \
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) (job) >> 32), \
						 (uint32) (job), JOB_LOCK_CLASS)

/*
 * A session holds this while it starts a worker: the jobs of a role are counted
 * and added to by one session at a time, whatever the database.
 */
#define JOB_ROLE_LOCK_CLASS 21322
#define SET_LOCKTAG_JOB_ROLE(tag, role) \
	SET_LOCKTAG_ADVISORY(tag, InvalidOid, role, 0, JOB_ROLE_LOCK_CLASS)

/*
 * In a worker: write what was said since the last call into the job's record,
 * and that it makes this run.  Elsewhere nothing happens.  SPI must be
 * connected and a snapshot active.
 */
extern void job_report(int64 run);

#endif							/* TRAIN_JOB_H */
