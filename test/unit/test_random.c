/*
 * test_random.c
 *	  Random streams: known values, independence, distributions.
 *
 * The known values hold the generator fixed: a change of any of them changes
 * every trained model.
 */
#include "base/random.h"
#include "unit.h"

/* xoshiro256** from the state 1, 2, 3, 4: the values of its authors' code */
static void
test_xoshiro_reference(void)
{
	static const uint64_t expected[] = {
		UINT64_C(11520), UINT64_C(0), UINT64_C(1509978240),
		UINT64_C(1215971899390074240),
		UINT64_C(1216172134540287360), UINT64_C(607988272756665600),
		UINT64_C(16172922978634559625), UINT64_C(8476171486693032832),
		UINT64_C(10595114339597558777), UINT64_C(2904607092377533576)
	};
	Random		random = {{1, 2, 3, 4}};

	for (int i = 0; i < 10; i++)
		CHECK(random_bits(&random) == expected[i]);
}

static void
test_streams_differ_and_repeat(void)
{
	Random		a;
	Random		b;
	Random		c;
	Random		d;
	int			equal_streams = 0;
	int			equal_seeds = 0;

	random_init(&a, 42, 1);
	random_init(&b, 42, 1);
	random_init(&c, 42, 2);
	random_init(&d, 43, 1);
	for (int i = 0; i < 1000; i++)
	{
		uint64_t	x = random_bits(&a);

		CHECK(x == random_bits(&b));
		equal_streams += x == random_bits(&c);
		equal_seeds += x == random_bits(&d);
	}
	CHECK(equal_streams == 0 && equal_seeds == 0);
}

static void
test_counter_is_a_function(void)
{
	int			equal = 0;
	uint64_t	ones = 0;

	for (uint64_t i = 0; i < 10000; i++)
	{
		uint64_t	x = random_at(7, 3, i);

		CHECK(x == random_at(7, 3, i));
		equal += x == random_at(7, 4, i) || x == random_at(8, 3, i) ||
			x == random_at(3, 7, i);
		ones += (uint64_t) __builtin_popcountll(x);
	}
	CHECK(equal == 0);
	/* 320,000 expected, standard deviation 400 */
	CHECK(ones > 318000 && ones < 322000);
}

static void
test_uniform(void)
{
	Random		random;
	double		sum = 0;
	double		squares = 0;
	int			n = 200000;

	random_init(&random, 1, 0);
	for (int i = 0; i < n; i++)
	{
		double		u = random_uniform(&random);

		CHECK(u >= 0 && u < 1);
		sum += u;
		squares += u * u;
	}
	CHECK(fabs(sum / n - 1.0 / 2) < 0.004);
	CHECK(fabs(squares / n - 1.0 / 3) < 0.004);
}

static void
test_normal(void)
{
	Random		random;
	double		moment[5] = {0};
	int			n = 200000;

	random_init(&random, 2, 0);
	for (int i = 0; i < n; i++)
	{
		double		x = random_normal(&random);
		double		power = 1;

		CHECK(isfinite(x));
		for (int m = 1; m <= 4; m++)
			moment[m] += power *= x;
	}
	CHECK(fabs(moment[1] / n) < 0.015);
	CHECK(fabs(moment[2] / n - 1) < 0.02);
	CHECK(fabs(moment[3] / n) < 0.06);
	CHECK(fabs(moment[4] / n - 3) < 0.2);
}

static void
test_below(void)
{
	Random		random;
	int			count[7] = {0};

	random_init(&random, 3, 0);
	for (int i = 0; i < 70000; i++)
		count[random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		CHECK(count[i] > 9500 && count[i] < 10500);
	for (int i = 0; i < 1000; i++)
	{
		CHECK(random_below(&random, 1) == 0);
		CHECK(random_below(&random, 0xFFFFFFFF) < 0xFFFFFFFF);
	}
}

/* Without the rejection, n = 3 * 2^30 would give the lower half twice as often */
static void
test_below_has_no_bias(void)
{
	Random		random;
	uint32_t	n = UINT32_C(3) << 30;
	int			low = 0;

	random_init(&random, 4, 0);
	for (int i = 0; i < 100000; i++)
		low += random_below(&random, n) % 3 == 0;
	CHECK(low > 32700 && low < 34000);
}

/* 40 of 400 items: each stays in one of ten runs, and all places are filled */
static void
test_reservoir(void)
{
	int			taken[400] = {0};
	int			most = 0;
	int			least = 4000;

	for (uint64_t run = 0; run < 4000; run++)
	{
		Random		random;
		int			sample[40];

		random_init(&random, run, 0);
		for (int item = 0; item < 400; item++)
		{
			uint64_t	place = random_reservoir(&random, (uint64_t) item, 40);

			CHECK(place <= 40);
			CHECK(item >= 40 || place == (uint64_t) item);
			if (place < 40)
				sample[place] = item;
		}
		for (int i = 0; i < 40; i++)
			taken[sample[i]]++;
	}
	for (int item = 0; item < 400; item++)
	{
		most = taken[item] > most ? taken[item] : most;
		least = taken[item] < least ? taken[item] : least;
	}
	/* 400 times, give or take five standard deviations of 19 */
	CHECK(least > 300 && most < 500);
}

static void
test_hash(void)
{
	unsigned char data[64];
	uint64_t	whole;

	for (int i = 0; i < 64; i++)
		data[i] = (unsigned char) (i * 7);
	whole = random_hash(data, 64, 0);
	CHECK(whole == random_hash(data, 64, 0));
	CHECK(whole != random_hash(data, 64, 1));
	CHECK(whole != random_hash(data, 63, 0));
	CHECK(random_hash(data, 0, 0) != random_hash(data, 0, 1));
	for (int i = 0; i < 64; i++)
	{
		uint64_t	changed;

		data[i] ^= 1;
		changed = random_hash(data, 64, 0);
		/* every bit of the input changes about half of the output's */
		CHECK(__builtin_popcountll(changed ^ whole) > 10);
		data[i] ^= 1;
	}
	/* bytes, not words: unaligned data hash the same */
	memmove(data + 1, data, 32);
	CHECK(random_hash(data + 1, 32,
					  9) == random_hash(memmove(data + 8, data + 1, 32), 32,
										9));
}

int
main(void)
{
	RUN(test_xoshiro_reference);
	RUN(test_streams_differ_and_repeat);
	RUN(test_counter_is_a_function);
	RUN(test_uniform);
	RUN(test_normal);
	RUN(test_below);
	RUN(test_below_has_no_bias);
	RUN(test_reservoir);
	RUN(test_hash);
	return unit_done();
}
