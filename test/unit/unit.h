/*
 * unit.h
 *	  The whole test framework of the pure rooms.
 *
 * A test program is a main() that calls its tests through RUN() and returns
 * unit_done().  A test is a function without arguments whose CHECKs state what
 * must hold.  Each RUN prints one TAP line, so that prove can read it.
 */
#ifndef UNIT_H
#define UNIT_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	unit_tests = 0;
static int	unit_failures = 0;
static bool unit_ok;

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			unit_ok = false; \
			printf("# %s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

/* |got - expected| <= tolerance * max(1, |expected|) */
#define CHECK_NEAR(got, expected, tolerance) \
	do { \
		double		unit_got = (got); \
		double		unit_expected = (expected); \
		double		unit_limit = (tolerance) * fmax(1.0, fabs(unit_expected)); \
		if (!(fabs(unit_got - unit_expected) <= unit_limit)) \
		{ \
			unit_ok = false; \
			printf("# %s:%d: %s is %.17g, expected %.17g within %g\n", \
				   __FILE__, __LINE__, #got, unit_got, unit_expected, unit_limit); \
		} \
	} while (0)

#define CHECK_TEXT(got, expected) \
	do { \
		const char *unit_got = (got); \
		const char *unit_expected = (expected); \
		if (strcmp(unit_got, unit_expected) != 0) \
		{ \
			unit_ok = false; \
			printf("# %s:%d: %s is \"%s\", expected \"%s\"\n", \
				   __FILE__, __LINE__, #got, unit_got, unit_expected); \
		} \
	} while (0)

#define RUN(test) \
	do { \
		unit_ok = true; \
		test(); \
		unit_tests++; \
		if (!unit_ok) \
			unit_failures++; \
		printf("%sok %d - %s\n", unit_ok ? "" : "not ", unit_tests, #test); \
		fflush(stdout); \
	} while (0)

static inline int
unit_done(void)
{
	printf("1..%d\n", unit_tests);
	return unit_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif							/* UNIT_H */
