/*
 * parts.c
 *	  Long strings of bytes in the extension's tables, as checksummed parts.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "server/checksum.h"
#include "server/compat.h"
#include "server/parts.h"

bool
parts_next(Parts *parts)
{
	Size		done = parts->offset + parts->length;

	CHECK_FOR_INTERRUPTS();
	if (done >= parts->size)
		return false;
	parts->number = (int) (done / PART_SIZE);
	parts->offset = done;
	parts->length = Min(parts->size - done, PART_SIZE);
	return true;
}

bytea *
parts_allocate(const Parts *parts)
{
	bytea	   *data = palloc(VARHDRSZ + parts->length);

	SET_VARSIZE(data, VARHDRSZ + parts->length);
	return data;
}

uint32
parts_add_arguments(const Parts *parts, bytea *data, CatalogArgs *args)
{
	uint32		crc = checksum(VARDATA(data), parts->length);

	catalog_arg_int(args, parts->number);
	catalog_arg_bigint(args, crc);
	catalog_arg(args, BYTEAOID, PointerGetDatum(data), false);
	return crc;
}

uint32
parts_take(const Parts *parts, Datum data, int64 stored_checksum, void *whole)
{
	bytea	   *bytes = DatumGetByteaPP(data);
	uint32		crc;

	if (VARSIZE_ANY_EXHDR(bytes) != parts->length)
		parts_raise_corrupted(parts, "has another size");
	crc = checksum(VARDATA_ANY(bytes), parts->length);
	if (stored_checksum != (int64) crc)
		parts_raise_corrupted(parts, "does not match its checksum");
	memcpy((char *) whole + parts->offset, VARDATA_ANY(bytes), parts->length);
	return crc;
}

void
parts_raise_corrupted(const Parts *parts, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s", parts->error),
			 errdetail("%s \"%s\" %s.", parts->noun, parts->name, what),
			 errhint("%s", parts->hint)));
}
