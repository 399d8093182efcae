/*
 * bench_text.c
 *	  Text of vectors beside the C library: parsing against a loop of strtof,
 *	  printing against a loop of printf("%.9g"), the shortest format that reads
 *	  back every float.
 *
 * Both in nanoseconds a number, over vectors of 784 standard normal numbers in
 * their shortest form; parsing also with 17 digits, as Python and JavaScript
 * print what they hold as double.  Ours does all that embedding_in() does: it finds the
 * length, counts the commas and checks the brackets.  Printing is PostgreSQL's own float_to_shortest_decimal_bufn(), as in
 * embedding_out().
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "base/vector_text.h"

#define DIMS 784
#define VECTORS 200
#define TEXT_SIZE (DIMS * 26 + 3)
#define ROUNDS 150

/* of PostgreSQL's common/shortest_dec.h */
extern int	float_to_shortest_decimal_bufn(float f, char *result);

static float vectors[VECTORS][DIMS];
static char texts[VECTORS][TEXT_SIZE];
static float parsed[DIMS];
static char printed[TEXT_SIZE];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
parse_ours(int v)
{
	size_t		size = strlen(texts[v]);
	Status		status;
	int			n;

	if (vector_text_bound(texts[v], size, DIMS) != DIMS ||
		!vector_text_parse(texts[v], size, parsed, DIMS, &n, &status))
		abort();
}

static void
parse_library(int v)
{
	char	   *p = texts[v];

	for (int i = 0; i < DIMS; i++)
		parsed[i] = strtof(p + 1, &p);
}

static void
print_ours(int v)
{
	char	   *p = printed;

	for (int i = 0; i < DIMS; i++)
	{
		*p++ = i == 0 ? '[' : ',';
		p += float_to_shortest_decimal_bufn(vectors[v][i], p);
	}
	*p++ = ']';
	*p = '\0';
}

static void
print_library(int v)
{
	char	   *p = printed;

	for (int i = 0; i < DIMS; i++)
		p += sprintf(p, "%c%.9g", i == 0 ? '[' : ',', (double) vectors[v][i]);
	strcpy(p, "]");
}

/* What repr() gives of a float that has become a double, nearly always */
static void
print_doubles(int v)
{
	char	   *p = texts[v];

	for (int i = 0; i < DIMS; i++)
		p += sprintf(p, "%c%.17g", i == 0 ? '[' : ',', (double) vectors[v][i]);
	strcpy(p, "]");
}

/*
 * Nanoseconds a number: of each vector the best of ROUNDS, which a busy machine
 * disturbs least; between two rounds all others pass, so that no branch is
 * predicted from memory.
 */
static double
nanoseconds(void (*pass) (int v))
{
	static double best[VECTORS];
	double		sum = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		for (int v = 0; v < VECTORS; v++)
		{
			double		start = now();

			pass(v);
			start = now() - start;
			best[v] = round == 0 || start < best[v] ? start : best[v];
		}
	}
	for (int v = 0; v < VECTORS; v++)
		sum += best[v];
	return sum * 1e9 / (VECTORS * DIMS);
}

static void
report(const char *what, double goal, double ours, double library)
{
	printf("%-8s %8.1f %10.1f %8.1f %6.0f %6s\n", what, ours, library,
		   library / ours, goal, library >= goal * ours ? "ok" : "below");
}

int
main(void)
{
	Random		random;

	random_init(&random, 1, 0);
	for (int v = 0; v < VECTORS; v++)
	{
		for (int i = 0; i < DIMS; i++)
			vectors[v][i] = (float) random_normal(&random);
		print_ours(v);
		strcpy(texts[v], printed);
	}
	printf("text of %d numbers, nanoseconds a number\n", DIMS);
	printf("%-8s %8s %10s %8s %6s\n", "", "ours", "C library", "ratio", "goal");
	report("parse", 4, nanoseconds(parse_ours), nanoseconds(parse_library));
	for (int v = 0; v < VECTORS; v++)
		print_doubles(v);
	report("parse 17", 3, nanoseconds(parse_ours),
		   nanoseconds(parse_library));
	report("print", 4, nanoseconds(print_ours), nanoseconds(print_library));
	return 0;
}
