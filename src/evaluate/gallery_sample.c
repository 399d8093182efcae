/*
 * gallery_sample.c
 *	  Some of a gallery's own rows, chosen at random by a seed.
 *
 * Rows are put in the order of a hash: the choice is the same after a dump, a
 * VACUUM FULL or an update, and whatever plan reads the table.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "embedding/embedding.h"
#include "evaluate/gallery_sample.h"

/* A key as its type prints it: a cast would be its owner's code. */
char *
gallery_sample_order(const Gallery *gallery, int64 seed)
{
	if (gallery->key != NULL &&
		gallery_may_read(gallery->relid,
						 get_attnum(gallery->relid, gallery->key)))
		return psprintf("pg_catalog.hashtextextended(pg_catalog.format('%%s', t.%s) COLLATE \"C\", " INT64_FORMAT ")",
						quote_identifier(gallery->key), seed);
	return psprintf("%s.embedding_hash_extended(t.%s, " INT64_FORMAT ")",
					quote_identifier(embedding_schema_name()),
					quote_identifier(gallery->embedding), seed);
}

/* Rows that have an embedding and a label, with what is selected of them */
static char *
labeled_rows(const Gallery *gallery, const char *columns)
{
	return psprintf("SELECT %s FROM %s t WHERE t.%s IS NOT NULL AND t.%s IS NOT NULL",
					columns, gallery->relation,
					quote_identifier(gallery->embedding),
					quote_identifier(gallery->label));
}

char *
gallery_sample_query(const Gallery *gallery, int64 rows, int64 seed)
{
	char	   *columns = psprintf("t.%s, t.%s",
								   quote_identifier(gallery->embedding),
								   quote_identifier(gallery->label));

	return psprintf("%s ORDER BY %s LIMIT " INT64_FORMAT,
					labeled_rows(gallery, columns),
					gallery_sample_order(gallery, seed), rows);
}

/* The answer of a query that counts rows of the gallery */
static int64
count_rows(const Gallery *gallery, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	RoleFrame	reader;
	bool		isnull;
	int64		rows;

	gallery_enter(gallery, &reader);
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the rows of a gallery could not be counted");
	gallery_leave(gallery, &reader);
	MemoryContextSwitchTo(caller);
	rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

int64
gallery_labeled_rows(const Gallery *gallery)
{
	return count_rows(gallery, labeled_rows(gallery, "pg_catalog.count(*)"));
}

int64
gallery_embedded_rows(const Gallery *gallery)
{
	return count_rows(gallery,
					  psprintf("SELECT pg_catalog.count(*) FROM %s t WHERE t.%s IS NOT NULL",
							   gallery->relation,
							   quote_identifier(gallery->embedding)));
}
