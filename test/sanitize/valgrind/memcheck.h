/*
 * memcheck.h
 *	  PostgreSQL's annotations for Valgrind, told to AddressSanitizer.
 *
 * A server built with -DUSE_VALGRIND says of each chunk of its memory contexts
 * and of each shared buffer when it may be touched.  Valgrind is not needed to
 * listen: with this header in place of its own, AddressSanitizer sees writes
 * past the end of a palloc'd chunk, uses of a freed one, and reads of a buffer
 * that is not pinned.
 */
#ifndef MEMCHECK_H
#define MEMCHECK_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#define VALGRIND_MAKE_MEM_DEFINED(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#define VALGRIND_MEMPOOL_CHANGE(pool, from, address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)

/* What only Valgrind can do: tell defined bytes from undefined ones, and pools apart */
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) ((void) 0)
#define VALGRIND_GET_VBITS(address, bits, size) ((void) 0)
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) ((void) 0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void) 0)
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void) 0)

#endif							/* MEMCHECK_H */
