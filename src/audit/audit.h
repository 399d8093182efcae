/*
 * audit.h
 *	  The audit of a gallery's labels, for SQL and for pages.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "postgres.h"

#include "audit/audited_rows.h"
#include "eval/label_audit.h"

/* Neighbors that a row is judged by, at most, unless the caller says otherwise */
#define AUDIT_K 50

/* As many of AUDIT_K as say best what labels rows have: eval_audit_voters() */
#define AUDIT_K_CHOSEN 0

typedef struct LabelAudit
{
	AuditedRows *rows;
	EvalNeighbors neighbors;	/* labeled rows, among labeled rows */
	EvalVerdict *verdicts;		/* of each row */
	double		rate;			/* share of labels taken to be wrong */
	double		duplicate_distance; /* of near-duplicates, at most */
} LabelAudit;

/*
 * Judge the labels of rows by the k nearest labeled rows of each, or
 * AUDIT_K_CHOSEN.
 * duplicate_distance NULL: eval_duplicate_distance().
 */
extern LabelAudit *label_audit_rows(AuditedRows *rows, int k, bool exact,
									const double *duplicate_distance);

/* A text of a result, or NULL */
extern void audit_put_text(const char *text, Datum *value, bool *null);

/* Is there room for the audit of so many rows? */
extern bool label_audit_fits(int64 rows, int k);

/* Is the nearest neighbor of a row a near-duplicate of it? */
extern bool audit_has_duplicate(const LabelAudit *audit, size_t row);

/*
 * The rows that are suspected at least so surely, or also those with
 * near-duplicates, by how sure, ties in the order of rows; their number in *n.
 */
extern size_t *audit_suspects(const LabelAudit *audit, double least_sure,
							  bool duplicates, size_t *n);

#endif							/* AUDIT_AUDIT_H */
