/*
 * compat.h
 *	  Every difference between PostgreSQL versions.
 *
 * No other file asks for PG_VERSION_NUM.
 */
#ifndef SIMILARITY_COMPAT_H
#define SIMILARITY_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "similarity needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM >= 180000
#define vacuum_delay() vacuum_delay_point(false)
#else
#define vacuum_delay() vacuum_delay_point()
#endif

#endif							/* SIMILARITY_COMPAT_H */
