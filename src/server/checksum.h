/*
 * checksum.h
 *	  CRC-32C of bytes that are stored, by PostgreSQL's own code.
 */
#ifndef SERVER_CHECKSUM_H
#define SERVER_CHECKSUM_H

#include "postgres.h"

#include "port/pg_crc32c.h"

static inline uint32
checksum(const void *data, Size size)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, size);
	FIN_CRC32C(crc);
	return crc;
}

#endif							/* SERVER_CHECKSUM_H */
