/*
 * random.c
 *	  Seeded random streams: xoshiro256** (Blackman and Vigna, 2018) for
 *	  sequences, SplitMix64's finalizer (Steele et al., 2014) for counters.
 */
#include "base/random.h"

#include <math.h>
#include <string.h>

#define GOLDEN_GAMMA UINT64_C(0x9E3779B97F4A7C15)

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t
random_at(uint64_t seed, uint64_t stream, uint64_t counter)
{
	uint64_t	key = mix(seed + GOLDEN_GAMMA) ^ mix(stream + 2 * GOLDEN_GAMMA);

	return mix(mix(key) + (counter + 1) * GOLDEN_GAMMA);
}

void
random_init(Random *random, uint64_t seed, uint64_t stream)
{
	for (int i = 0; i < 4; i++)
		random->state[i] = random_at(seed, stream, (uint64_t) i);
}

uint64_t
random_bits(Random *random)
{
	uint64_t   *s = random->state;
	uint64_t	result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t	t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

double
random_uniform(Random *random)
{
	return (double) (random_bits(random) >> 11) / 9007199254740992.0;
}

uint32_t
random_below(Random *random, uint32_t n)
{
	/* Lemire's method (2019): multiply, reject the biased low part. */
	uint64_t	product = (random_bits(random) >> 32) * n;
	uint32_t	low = (uint32_t) product;

	if (low < n)
	{
		uint32_t	threshold = -n % n;

		while (low < threshold)
		{
			product = (random_bits(random) >> 32) * n;
			low = (uint32_t) product;
		}
	}
	return (uint32_t) (product >> 32);
}

/* Vitter's algorithm R (1985) */
uint64_t
random_reservoir(Random *random, uint64_t seen, uint64_t size)
{
	uint64_t	place = seen;

	if (seen >= size)
		place = (uint64_t) (random_uniform(random) * ((double) seen + 1));
	return place < size ? place : size;
}

double
random_normal(Random *random)
{
	/* Box and Muller; 1 - u keeps the logarithm finite. */
	double		radius = sqrt(-2.0 * log(1.0 - random_uniform(random)));

	return radius * cos(2.0 * M_PI * random_uniform(random));
}

uint64_t
random_hash(const void *data, uint64_t size, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t	h = mix(seed + GOLDEN_GAMMA) ^ (size * GOLDEN_GAMMA);
	uint64_t	word;

	while (size > 0)
	{
		uint64_t	n = size < 8 ? size : 8;

		word = 0;
		for (uint64_t i = 0; i < n; i++)
			word |= (uint64_t) p[i] << (8 * i);
		h = mix((h ^ word) + GOLDEN_GAMMA);
		p += n;
		size -= n;
	}
	return mix(h);
}
