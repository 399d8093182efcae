/*
 * labels.h
 *	  Labels as codes 0, 1, ..., and as text.
 *
 * Labels are of any type and compared by their text, so that those of a query
 * need not have the type of those they are compared with.
 */
#ifndef SERVER_LABELS_H
#define SERVER_LABELS_H

#include "postgres.h"

#include "executor/spi.h"
#include "server/budget.h"

typedef struct Labels Labels;

#define NO_LABEL (-1)			/* code of NULL */

/* ERROR of what adds a label if all of them exceed the budget. */
extern Labels *labels_create(Budget budget);

/*
 * The code of a label, the same for the same text; NULL: NO_LABEL.  Codes are
 * given in the order in which labels come.
 */
extern int	labels_code(Labels *labels, const char *label);

/* The code, or NO_LABEL if it is not among them */
extern int	labels_find(const Labels *labels, const char *label);

/* The same, and remember who has it: a row of the gallery, or an item of a query. */
extern int	labels_code_of_row(Labels *labels, const char *label);
extern int	labels_code_of_item(Labels *labels, const char *label);

/* By code, until the next new label */
typedef struct LabelUse
{
	const char *label;
	bool		in_gallery;
	int64		items;
} LabelUse;

extern const LabelUse *labels_uses(const Labels *labels);

/* One item more has this label. */
extern void labels_add_item(Labels *labels, int code);

/* NULL for NO_LABEL */
extern const char *labels_text(const Labels *labels, int code);

/* Codes are 0 .. this - 1. */
extern int	labels_count(const Labels *labels);

/* What they take in memory */
extern Size labels_bytes(const Labels *labels);

/*
 * Text of a value, as its type prints it; blanks of char(n), and of domains
 * over it, cut.
 */
extern char *labels_of_value(Datum value, Oid type);

/* The same of a column; NULL for NULL */
extern char *labels_of_column(SPITupleTable *table, int row, int column);

#endif							/* SERVER_LABELS_H */
