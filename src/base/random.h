/*
 * random.h
 *	  Seeded random streams that give the same numbers everywhere.
 *
 * A stream is named by (seed, stream): every consumer (initialization,
 * sampling, dropout) takes a stream of its own, so that adding one does not
 * change the numbers of another.  random_at() is counter-based: it needs no
 * state, so that threads can draw the i-th number in any order.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

typedef struct Random
{
	uint64_t	state[4];
} Random;

extern void random_init(Random *random, uint64_t seed, uint64_t stream);

/* 64 uniform bits */
extern uint64_t random_bits(Random *random);

/* uniform in [0, 1), 53 bits */
extern double random_uniform(Random *random);

/* uniform in 0 .. n-1, without modulo bias; n >= 1 */
extern uint32_t random_below(Random *random, uint32_t n);

/*
 * Reservoir sampling: where in a sample of size the item goes before which seen
 * others came; size: it is not taken.  Each item has the same chance to stay.
 */
extern uint64_t random_reservoir(Random *random, uint64_t seen, uint64_t size);

/* standard normal */
extern double random_normal(Random *random);

/* the counter-th 64 uniform bits of a stream, without state */
extern uint64_t random_at(uint64_t seed, uint64_t stream, uint64_t counter);

/* a well mixed 64-bit hash of bytes; equal on every machine */
extern uint64_t random_hash(const void *data, uint64_t size, uint64_t seed);

#endif							/* BASE_RANDOM_H */
