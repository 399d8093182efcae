/*
 * labels.c
 *	  Labels as codes 0, 1, ..., which losses and metrics compare.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "server/labels.h"

typedef struct LabelEntry
{
	const char *label;			/* key */
	int			code;
} LabelEntry;

/* What each takes beside its text: in the hash table, in the array, to be allocated */
#define ENTRY_BYTES (sizeof(LabelEntry) + 3 * sizeof(LabelUse))

struct Labels
{
	HTAB	   *codes;
	Budget		budget;
	LabelUse   *uses;			/* by code */
	int			n;
	int			size;
	Size		bytes;			/* of all of them */
	MemoryContext context;
};

static uint32
hash_label(const void *key, Size size)
{
	const char *label = *(const char *const *) key;

	return hash_bytes((const unsigned char *) label, strlen(label));
}

static int
compare_labels(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

Labels *
labels_create(Budget budget)
{
	Labels	   *labels = palloc0(sizeof(Labels));
	HASHCTL		control = {0};

	control.keysize = sizeof(char *);
	control.entrysize = sizeof(LabelEntry);
	control.hash = hash_label;
	control.match = compare_labels;
	control.hcxt = CurrentMemoryContext;
	labels->budget = budget;
	labels->context = CurrentMemoryContext;
	labels->codes = hash_create("labels", 256, &control,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	labels->size = 256;
	labels->uses = palloc(sizeof(LabelUse) * labels->size);
	return labels;
}

int
labels_find(const Labels *labels, const char *label)
{
	const LabelEntry *entry;

	entry = hash_search(labels->codes, &label, HASH_FIND, NULL);
	return entry == NULL ? NO_LABEL : entry->code;
}

int
labels_code(Labels *labels, const char *label)
{
	LabelEntry *entry;
	int			code = label == NULL ? NO_LABEL : labels_find(labels, label);

	if (label == NULL || code != NO_LABEL)
		return code;
	labels->bytes += strlen(label) + ENTRY_BYTES;
	budget_require(labels->budget, labels->bytes, "the labels",
				   "use fewer or shorter ones");
	if (labels->n == labels->size)
	{
		labels->size *= 2;
		labels->uses = repalloc_huge(labels->uses,
									 sizeof(LabelUse) * labels->size);
	}
	label = MemoryContextStrdup(labels->context, label);
	entry = hash_search(labels->codes, &label, HASH_ENTER, NULL);
	entry->code = labels->n;
	labels->uses[labels->n] = (LabelUse)
	{
		label
	};
	return labels->n++;
}

const char *
labels_text(const Labels *labels, int code)
{
	return code == NO_LABEL ? NULL : labels->uses[code].label;
}

int
labels_code_of_row(Labels *labels, const char *label)
{
	int			code = labels_code(labels, label);

	if (code != NO_LABEL)
		labels->uses[code].in_gallery = true;
	return code;
}

int
labels_code_of_item(Labels *labels, const char *label)
{
	int			code = labels_code(labels, label);

	if (code != NO_LABEL)
		labels_add_item(labels, code);
	return code;
}

void
labels_add_item(Labels *labels, int code)
{
	labels->uses[code].items++;
}

const LabelUse *
labels_uses(const Labels *labels)
{
	return labels->uses;
}

int
labels_count(const Labels *labels)
{
	return labels->n;
}

Size
labels_bytes(const Labels *labels)
{
	return labels->bytes;
}

/* char(n) pads with blanks that are not part of the value. */
static void
cut_blanks(char *label, Size length)
{
	while (length > 0 && label[length - 1] == ' ')
		label[--length] = '\0';
}

char *
labels_of_value(Datum value, Oid type)
{
	Oid			output;
	bool		isvarlena;
	char	   *label;
	Size		length;

	getTypeOutputInfo(type, &output, &isvarlena);
	label = OidOutputFunctionCall(output, value);
	length = strlen(label);
	if (length > 0 && label[length - 1] == ' ' &&
		getBaseType(type) == BPCHAROID)
		cut_blanks(label, length);
	return label;
}

char *
labels_of_column(SPITupleTable *table, int row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, column,
									  &isnull);

	return isnull ? NULL :
		labels_of_value(value, SPI_gettypeid(table->tupdesc, column));
}
