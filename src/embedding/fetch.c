/*
 * fetch.c
 *	  Arguments of type embedding as the functions of a scan read them.
 *
 * Four cases.  A value inside its row, which is what a fast scan reads, is
 * used where it stands in shared buffers.  One with a short header (up to 126
 * bytes) is not aligned: it is copied onto the stack.  A toasted one is
 * fetched; if the next call brings the same one, as in ORDER BY e <-> (SELECT
 * e FROM ...), it is kept for the calls to come.  So is a constant's conversion
 * to bits.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"

#include "embedding/fetch.h"
#include "server/compat.h"

/* ---- the same value in every call ---- */

typedef struct Kept
{
	bool		is_known;		/* pointer is set */
	struct varatt_external pointer; /* of the last call */
	Embedding  *value;			/* what it points to, or NULL */
	Embedding  *source;			/* the constant that became bits, or NULL */
	Embedding  *bits;			/* what it became */
} Kept;

/* Of both arguments, in the memory of the call site */
static Kept *
kept_values(FmgrInfo *flinfo)
{
	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt,
												  2 * sizeof(Kept));
	return flinfo->fn_extra;
}

/*
 * A toast pointer names its value for as long as anybody can see it, that is
 * for this statement at least.  Only the second call in a row pays for a copy
 * that stays: most often the argument is a column and no two are the same.
 */
static Embedding *
fetch_toasted(FunctionCallInfo fcinfo, int n)
{
	struct varlena *datum = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(n));
	struct varatt_external pointer;
	MemoryContext previous;
	Kept	   *kept;

	if (fcinfo->flinfo == NULL || !VARATT_IS_EXTERNAL_ONDISK(datum))
		return (Embedding *) detoast_attr(datum);
	VARATT_EXTERNAL_GET_POINTER(pointer, datum);
	kept = kept_values(fcinfo->flinfo) + n;
	if (!kept->is_known ||
		memcmp(&kept->pointer, &pointer, sizeof(pointer)) != 0)
	{
		if (kept->value != NULL)
			pfree(kept->value);
		kept->value = NULL;
		kept->pointer = pointer;
		kept->is_known = true;
		return (Embedding *) detoast_attr(datum);
	}
	if (kept->value == NULL)
	{
		previous = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		kept->value = (Embedding *) detoast_attr(datum);
		MemoryContextSwitchTo(previous);
	}
	return kept->value;
}

static bool
is_kept(FunctionCallInfo fcinfo, int n, const Embedding *e)
{
	const Kept *kept = fcinfo->flinfo != NULL ? fcinfo->flinfo->fn_extra : NULL;

	return kept != NULL && (kept[n].value == e || kept[n].bits == e);
}

static bool
are_same(const Embedding *a, const Embedding *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/*
 * Converting costs far more than the distance of bits, so what a constant or a
 * parameter becomes is kept.  Parameters may change between calls, as variables
 * of PL/pgSQL do, hence the comparison.
 */
Embedding *
embedding_fetch_bits(FunctionCallInfo fcinfo, int n, Embedding *e)
{
	MemoryContext previous;
	Kept	   *kept;

	if (e->kind == ELEMENT_BIT || !get_fn_expr_arg_stable(fcinfo->flinfo, n))
		return embedding_convert(e, ELEMENT_BIT);
	kept = kept_values(fcinfo->flinfo) + n;
	if (kept->source != NULL && are_same(kept->source, e))
		return kept->bits;
	if (kept->source != NULL)
	{
		pfree(kept->source);
		pfree(kept->bits);
		kept->source = kept->bits = NULL;
	}
	previous = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	kept->bits = embedding_convert(e, ELEMENT_BIT);
	kept->source = palloc(VARSIZE(e));
	memcpy(kept->source, e, VARSIZE(e));
	MemoryContextSwitchTo(previous);
	return kept->bits;
}

void
embedding_release_bits(FunctionCallInfo fcinfo, int n, Embedding *e,
					   Embedding *bits)
{
	if (bits != e && !is_kept(fcinfo, n, bits))
		pfree(bits);
}

/* ---- reading ahead ---- */

#define CACHE_LINE 64

/* Values up to this size are fetched in one go. */
#define LARGE_VALUE 2048

/*
 * A sequential scan of a table that was read in order finds the next page in
 * the next buffer, but no processor prefetches across 4 kB: each page would
 * begin with a wait for memory, and so would each row's header, far longer
 * than a distance takes.  So a row's place on the next page, which holds a row
 * of the same size, is fetched after this row was computed: then memory works
 * while the executor does.  A processor remembers a few dozen lines that it
 * waits for; the first quarter of a large value is therefore fetched before
 * this row is computed.
 *
 * Fetches bytes from .. to of the value's place, counted from one line before
 * its header.  The look at the next buffer's tag is not locked: a wrong guess
 * costs a fetch in vain and nothing else.  Inlined, for gcc drops calls of a
 * function that does nothing but prefetch.
 */
static pg_attribute_always_inline void
prefetch_next_page(const char *value, Size from, Size to)
{
	Size		offset = (Size) (value - BufferBlocks);
	int			buffer = (int) (offset / BLCKSZ);
	const BufferTag *this;
	const BufferTag *next;

	if (value < BufferBlocks || buffer >= NBuffers - 1)
		return;
	this = &GetBufferDescriptor(buffer)->tag;
	next = &GetBufferDescriptor(buffer + 1)->tag;
	if (next->blockNum != this->blockNum + 1 || next->forkNum != this->forkNum)
		return;
	if (from == 0)
		__builtin_prefetch(BufferBlocks + (Size) (buffer + 1) * BLCKSZ);
	for (Size i = from; i < to; i += CACHE_LINE)
		__builtin_prefetch(value + BLCKSZ - CACHE_LINE + i);
}

/* What of a value is fetched before it is computed: whole lines */
static Size
early_bytes(Size size)
{
	return size > LARGE_VALUE ? size / 4 / CACHE_LINE * CACHE_LINE : 0;
}

static pg_attribute_always_inline void
prefetch_before(const char *value, Size size)
{
	if (early_bytes(size) > 0)
		prefetch_next_page(value, 0, early_bytes(size));
}

static pg_attribute_always_inline void
prefetch_after(const char *value, Size size)
{
	prefetch_next_page(value, early_bytes(size), size + CACHE_LINE);
}

/* ---- the two functions ---- */

/* VARATT_IS_SHORT() also holds for toast pointers. */
static bool
is_short(const char *datum)
{
	return VARATT_IS_SHORT(datum) && !VARATT_IS_EXTERNAL(datum);
}

Embedding *
embedding_fetch(FunctionCallInfo fcinfo, int n, EmbeddingBuffer *buffer)
{
	char	   *datum = DatumGetPointer(PG_GETARG_DATUM(n));

	if (VARATT_IS_4B_U(datum))
	{
		embedding_check((Embedding *) datum);
		prefetch_before(datum, VARSIZE(datum));
		return (Embedding *) datum;
	}
	if (is_short(datum))
	{
		Size		size = VARSIZE_SHORT(datum) - VARHDRSZ_SHORT;

		SET_VARSIZE(buffer->bytes, size + VARHDRSZ);
		memcpy(buffer->bytes + VARHDRSZ, VARDATA_SHORT(datum), size);
		return embedding_check((Embedding *) buffer->bytes);
	}
	return embedding_check(fetch_toasted(fcinfo, n));
}

void
embedding_release(FunctionCallInfo fcinfo, int n, Embedding *e)
{
	const char *datum = DatumGetPointer(PG_GETARG_DATUM(n));

	if (VARATT_IS_4B_U(datum))
		prefetch_after(datum, VARSIZE(datum));
	else if (!is_short(datum) && !is_kept(fcinfo, n, e))
		pfree(e);
}
