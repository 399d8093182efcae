/*
 * row_store.c
 *	  The inputs of a training: in memory, and on disk beyond its budget.
 *
 * Rows go into blocks of equal size, so that the i-th is found by a division
 * and growing copies nothing but the array of block addresses.  When the next
 * block does not fit into the budget, it and all later rows go to a temporary
 * file, from which a batch reads the few rows it needs.  The file outlives the
 * transactions of a training, and nothing but the memory context knows of it:
 * its reset callback closes the file, after an error too.  (A BufFile would
 * write what it holds when it is closed, and so fail once more when the error
 * was that it could not write.)
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "base/random.h"
#include "base/size.h"
#include "train/row_store.h"

#define BLOCK_SIZE (256 * 1024)

struct RowStore
{
	MemoryContext context;
	TrainingMemory *memory;
	Size		row_size;
	int			max_fetch;
	uint32		nrows;
	uint32		rows_per_block;
	uint32		nblocks;
	char	  **blocks;
	uint64		hash;
	bool		has_file;
	File		file;
	uint32		nkept;			/* rows in memory, the first ones */
	uint32		npending;		/* last rows, not written yet */
	char	   *scratch;		/* max_fetch rows into or out of the file */
	MemoryContextCallback callback;
};

/* Rows go into whole blocks. */
static uint32
block_rows(Size row_size)
{
	return (uint32) Max(BLOCK_SIZE / row_size, 1);
}

bool
rows_memory(Size row_size, uint32 nrows, Size *size)
{
	uint32		rows = block_rows(row_size);

	return size_mul((Size) (nrows + rows - 1) / rows * rows, row_size, size);
}

RowStore *
rows_create(MemoryContext context, Size row_size, int max_fetch,
			TrainingMemory *memory)
{
	RowStore   *store = MemoryContextAllocZero(context, sizeof(RowStore));
	Size		scratch;

	store->context = context;
	store->memory = memory;
	store->row_size = row_size;
	store->max_fetch = max_fetch;
	store->rows_per_block = block_rows(row_size);
	store->blocks = MemoryContextAlloc(context, sizeof(char *));
	/* room for the case that a file is needed */
	if (!size_mul(row_size, (Size) max_fetch, &scratch) ||
		!size_add(memory->batch, scratch, &memory->batch))
		memory->batch = SIZE_MAX;
	memory_check(memory);
	return store;
}

static void
close_file(void *store)
{
	FileClose(((RowStore *) store)->file);
}

static void
begin_file(RowStore *store)
{
	store->nkept = store->nrows;
	store->scratch = MemoryContextAllocHuge(store->context,
											store->row_size * (Size) store->max_fetch);
	store->callback.func = close_file;
	store->callback.arg = store;
	store->file = OpenTemporaryFile(true);
	store->has_file = true;
	MemoryContextRegisterResetCallback(store->context, &store->callback);
}

/* Offset of a row in the file */
static off_t
file_offset(const RowStore *store, uint32 i)
{
	return (off_t) (i - store->nkept) * (off_t) store->row_size;
}

static void
write_pending(RowStore *store)
{
	off_t		offset = file_offset(store, store->nrows - store->npending);
	char	   *next = store->scratch;
	Size		left = store->npending * store->row_size;

	while (left > 0)
	{
		int			written;

		errno = 0;
		written = FileWrite(store->file, next, (int) Min(left, BLOCK_SIZE),
							offset, WAIT_EVENT_BUFFILE_WRITE);
		if (written <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write rows of the training to a temporary file: %m")));
		}
		next += written;
		offset += written;
		left -= (Size) written;
	}
	store->npending = 0;
}

static char *
row_address(const RowStore *store, uint32 i)
{
	return store->blocks[i / store->rows_per_block] + i % store->rows_per_block * store->row_size;
}

/* Make room for one more row in memory; false if the budget does not allow it. */
static bool
add_block(RowStore *store)
{
	Size		size = store->rows_per_block * store->row_size;

	if (store->nrows < store->nblocks * store->rows_per_block)
		return true;
	if (!memory_fits(store->memory, size))
		return false;
	store->memory->rows += size;
	store->blocks = repalloc_huge(store->blocks,
								  sizeof(char *) * (store->nblocks + 1));
	store->blocks[store->nblocks++] = MemoryContextAllocHuge(store->context,
															 size);
	return true;
}

void
rows_append(RowStore *store, const void *row)
{
	store->hash = random_hash(row, store->row_size, store->hash);
	if (!store->has_file && !add_block(store))
		begin_file(store);
	if (!store->has_file)
		memcpy(row_address(store, store->nrows), row, store->row_size);
	else
	{
		if (store->npending == (uint32) store->max_fetch)
			write_pending(store);
		memcpy(store->scratch + store->npending++ * store->row_size, row,
			   store->row_size);
	}
	store->nrows++;
}

static void
load_row(const RowStore *store, uint32 i, char *row)
{
	off_t		offset = file_offset(store, i);
	Size		left = store->row_size;

	while (left > 0)
	{
		int			got = FileRead(store->file, row,
								   (int) Min(left, BLOCK_SIZE), offset,
								   WAIT_EVENT_BUFFILE_READ);

		if (got < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read a row of the training from a temporary file: %m")));
		if (got == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("temporary file of the training ends before row %u",
							i)));
		row += got;
		offset += got;
		left -= (Size) got;
	}
}

void
rows_fetch(RowStore *store, const uint32 *numbers, int n, const void **out)
{
	if (store->npending > 0)
		write_pending(store);
	for (int i = 0; i < n; i++)
	{
		char	   *row;

		if (!store->has_file || numbers[i] < store->nkept)
			row = row_address(store, numbers[i]);
		else
		{
			row = store->scratch + (Size) i * store->row_size;
			CHECK_FOR_INTERRUPTS();
			load_row(store, numbers[i], row);
		}
		out[i] = row;
	}
}

uint32
rows_spilled(const RowStore *store)
{
	return !store->has_file ? 0 : store->nrows - store->nkept;
}

uint64
rows_hash(const RowStore *store)
{
	return store->hash;
}
