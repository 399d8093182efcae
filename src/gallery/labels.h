/*
 * labels.h
 *	  Labels as codes 0, 1, ...
 */
#ifndef GALLERY_LABELS_H
#define GALLERY_LABELS_H

#include "postgres.h"

#include "executor/spi.h"

typedef struct Labels Labels;

extern Labels *labels_create(void);

/*
 * The code of a label, the same for the same text; NULL: EVAL_NO_LABEL.  ERROR
 * if all of them exceed maintenance_work_mem.
 */
extern int	labels_code(Labels *labels, const char *label);

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

/* NULL for EVAL_NO_LABEL */
extern const char *labels_text(const Labels *labels, int code);

/* Codes are 0 .. this - 1. */
extern int	labels_count(const Labels *labels);

/* Text of a value, as its type prints it; blanks of char(n) cut. */
extern char *labels_of_value(Datum value, Oid type);

/* The same of a column; NULL for NULL */
extern char *labels_of_column(SPITupleTable *table, int row, int column);

#endif							/* GALLERY_LABELS_H */
