/*
 * parts.h
 *	  Long strings of bytes in the extension's tables, as checksummed parts.
 *
 * A part is a row of its own: its number (0, 1, ...), the CRC-32C of its bytes
 * and at most 1 MB of them.  The executor holds three copies of a value that is
 * inserted, and pg_dump, which doubles it in hexadecimal, has a limit of 1 GB.
 */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "postgres.h"

#include "server/catalog.h"
#include "server/compat.h"

#define PART_SIZE ((Size) 1024 * 1024)

/* The bytes of one name, and the part at hand */
typedef struct Parts
{
	const char *error;			/* "weights of model version 7 are corrupted" */
	const char *noun;			/* "Tensor" */
	const char *name;			/* "dense/bias" */
	const char *hint;			/* what to do then */
	Size		size;			/* of all parts */
	int			number;			/* of the part at hand */
	Size		offset;			/* of its first byte */
	Size		length;			/* 1 .. PART_SIZE; 0 before the first */
} Parts;

/* Go to the next part, to the first from zeros; false after the last. */
extern bool parts_next(Parts *parts);

/* A value for the bytes of the part at hand, to be filled */
extern bytea *parts_allocate(const Parts *parts);

/* Append number, checksum and bytes to the arguments; returns the checksum. */
extern uint32 parts_add_arguments(const Parts *parts, bytea *data,
								  CatalogArgs *args);

/*
 * Copy what was read of the part at hand to its place in the whole, and return
 * its checksum.  ERRCODE_DATA_CORRUPTED unless size and checksum are right.
 */
extern uint32 parts_take(const Parts *parts, Datum data, int64 stored_checksum,
						 void *whole);

/* ERRCODE_DATA_CORRUPTED, with the detail 'Tensor "dense/bias" is missing.' */
pg_noreturn extern void parts_raise_corrupted(const Parts *parts,
											  const char *what);

#endif							/* SERVER_PARTS_H */
