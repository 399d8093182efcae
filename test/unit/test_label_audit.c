/*
 * test_label_audit.c
 *	  Wrong labels, and what neighbors say of rows without one.
 */
#include "base/random.h"
#include "eval/classification.h"
#include "eval/label_audit.h"
#include "eval/label_choice.h"
#include "eval/neighborhoods.h"
#include "unit.h"

static Arena *arena;
static Status status;

static void
begin(void)
{
	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	status_clear(&status);
}

static EvalNeighbors
make_neighbors(size_t n, int k)
{
	EvalNeighbors neighbors;

	CHECK(eval_neighbors_create(&neighbors, n, k, arena, &status));
	return neighbors;
}

/* ---- neighbors ---- */

static void
test_neighbors(void)
{
	EvalNeighbors neighbors;

	begin();
	neighbors = make_neighbors(5, 2);
	eval_neighbors_add(&neighbors, 3, 3, 0);	/* itself */
	eval_neighbors_add(&neighbors, 3, 1, 0.25);
	eval_neighbors_add(&neighbors, 3, 0, 0.5);
	eval_neighbors_add(&neighbors, 3, 2, 0.75); /* one more than k */
	eval_neighbors_add(&neighbors, 4, 2, NAN);
	CHECK(neighbors.count[3] == 2);
	CHECK(neighbors.row[3 * 2] == 1 && neighbors.row[3 * 2 + 1] == 0);
	CHECK(neighbors.nearest[3] == 0.25);
	CHECK(neighbors.count[4] == 0);
	CHECK(neighbors.count[0] == 0);
}

static void
test_nearness(void)
{
	EvalNeighbors neighbors;

	begin();
	neighbors = make_neighbors(3, 3);
	eval_neighbors_add(&neighbors, 0, 1, -3);
	eval_neighbors_add(&neighbors, 0, 2, -1);
	CHECK(eval_nearness(&neighbors, 0, -4) == 1);
	CHECK(eval_nearness(&neighbors, 0, -3) == 1);
	CHECK(eval_nearness(&neighbors, 0, -2) == 0.5);
	CHECK(eval_nearness(&neighbors, 0, -1) == 0);
	CHECK(eval_nearness(&neighbors, 0, 0) == 0);
	CHECK(eval_nearness(&neighbors, 1, 0) == 0);
	/* all at one distance are all as near as can be */
	eval_neighbors_add(&neighbors, 2, 0, 7);
	eval_neighbors_add(&neighbors, 2, 1, 7);
	CHECK(eval_nearness(&neighbors, 2, 7) == 1);
}

static void
test_duplicate_distance(void)
{
	EvalNeighbors neighbors;
	double		distance;

	begin();
	neighbors = make_neighbors(4, 1);
	CHECK(eval_duplicate_distance(&neighbors, false, arena, &distance, &status));
	CHECK(distance == 0);
	for (size_t i = 0; i < 3; i++)
		eval_neighbors_add(&neighbors, i, 3, (double) i + 1);
	CHECK(eval_duplicate_distance(&neighbors, false, arena, &distance, &status));
	CHECK_NEAR(distance, 0.2, 1e-12);
	CHECK(eval_duplicate_distance(&neighbors, true, arena, &distance, &status));
	CHECK_NEAR(distance, 0.02, 1e-12);
}

/* ---- an audit ---- */

/* Groups of points in a row, one label each; some labels exchanged */
#define LABELS 4
#define POINTS 1200
#define NEIGHBORS 20

typedef struct Points
{
	double		x[POINTS];
	int			truth[POINTS];
	int			given[POINTS];
	size_t		wrong;
} Points;

static void
make_points(Points *points, double rate)
{
	Random		random;

	random_init(&random, 7, 0);
	points->wrong = 0;
	for (int i = 0; i < POINTS; i++)
	{
		bool		wrong = random_uniform(&random) < rate;

		points->truth[i] = i % LABELS;
		points->x[i] = 10 * points->truth[i] + random_normal(&random);
		points->given[i] = points->truth[i];
		if (wrong)
			points->given[i] = (points->truth[i] + 1 +
								(int) random_below(&random, LABELS - 1)) % LABELS;
		points->wrong += wrong;
	}
}

/* The nearest of each point, by looking at all of them k times */
static EvalNeighbors
find_neighbors(const Points *points, int k)
{
	EvalNeighbors neighbors = make_neighbors(POINTS, k);

	for (size_t i = 0; i < POINTS; i++)
	{
		bool		taken[POINTS] = {false};

		taken[i] = true;
		for (int j = 0; j < k; j++)
		{
			size_t		best = i;

			for (size_t o = 0; o < POINTS; o++)
				if (!taken[o] && (best == i || fabs(points->x[o] - points->x[i]) <
								  fabs(points->x[best] - points->x[i])))
					best = o;
			taken[best] = true;
			eval_neighbors_add(&neighbors, i, best,
							   fabs(points->x[best] - points->x[i]));
		}
	}
	return neighbors;
}

/*
 * In groups that lie apart no right label is suspected, and nearly every wrong
 * one is: two neighbors with the same wrong label may believe each other.
 */
static void
check_audit(double rate)
{
	Points		points;
	EvalNeighbors neighbors;
	EvalVerdict *verdicts;
	double		found;
	size_t		suspects = 0;

	begin();
	make_points(&points, rate);
	neighbors = find_neighbors(&points, NEIGHBORS);
	CHECK(eval_audit(points.given, LABELS, &neighbors, arena, &verdicts,
					 &found, &status));
	for (size_t i = 0; i < POINTS; i++)
	{
		CHECK(verdicts[i].suggested == points.truth[i]);
		if (verdicts[i].sure < 0.5)
			continue;
		CHECK(points.given[i] != points.truth[i]);
		suspects++;
	}
	CHECK((double) suspects >= 0.9 * (double) points.wrong);
	CHECK_NEAR(found, (double) points.wrong / POINTS, 0.02);
}

static void
test_wrong_labels(void)
{
	check_audit(0.05);
	check_audit(0.2);
}

static void
test_right_labels(void)
{
	check_audit(0);
}

/*
 * The nearest neighbor of row 0 is as wrong as can be, since its own neighbors
 * say so: it has no say in whether row 0 is right.
 */
static void
test_trust(void)
{
	const int	labels[] = {0, 1, 0, 0, 0, 0, 1, 1, 1, 1};
	EvalNeighbors neighbors;
	EvalVerdict *verdicts;
	double		rate;

	begin();
	neighbors = make_neighbors(10, 4);
	for (size_t i = 0; i < 10; i++)
	{
		size_t		first = i < 6 ? 0 : 6;
		size_t		last = i < 6 ? 6 : 10;

		for (size_t o = first; o < last; o++)
			eval_neighbors_add(&neighbors, i, o, 1);
	}
	CHECK(eval_audit(labels, 2, &neighbors, arena, &verdicts, &rate, &status));
	CHECK(verdicts[1].sure > 0.5);
	CHECK(verdicts[1].suggested == 0);
	for (size_t i = 0; i < 10; i++)
		CHECK(i == 1 || verdicts[i].sure < 0.1);
}

/*
 * Clumps of eight points, side by side, the labels by turns: of fifty neighbors
 * one in four has the label that a point should have, of the nearest six nearly
 * all.
 */
#define CLUMP 8

static void
make_clumps(Points *points)
{
	Random		random;

	make_points(points, 0);
	random_init(&random, 7, 0);
	for (int i = 0; i < POINTS; i++)
	{
		int			clump = i / CLUMP;

		points->truth[i] = clump % LABELS;
		points->x[i] = 10 * clump + random_normal(&random);
		points->given[i] = points->truth[i];
	}
	for (int i = 3; i < POINTS; i += 5 * CLUMP)
		points->given[i] = (points->truth[i] + 1 + i % (LABELS - 1)) % LABELS;
}

static void
test_voters(void)
{
	Points		points;
	EvalNeighbors neighbors;
	EvalNeighbors voters;
	EvalVerdict *verdicts;
	double		rate;

	begin();
	make_clumps(&points);
	neighbors = find_neighbors(&points, 50);
	CHECK(eval_audit_voters(points.given, LABELS, &neighbors, arena, &voters,
							&status));
	CHECK(voters.count[0] == 6 && voters.count[POINTS - 1] == 6);
	CHECK(neighbors.count[0] == 50);
	CHECK(eval_audit(points.given, LABELS, &voters, arena, &verdicts, &rate,
					 &status));
	for (size_t i = 0; i < POINTS; i++)
	{
		CHECK((verdicts[i].sure >= 0.5) ==
			  (points.given[i] != points.truth[i]));
		CHECK(verdicts[i].suggested == points.truth[i]);
	}
}

/*
 * Few rows, of few neighbors each: a wrong label is rare among the others of
 * its class, however much it counts among so few.
 */
#define FEW 200
#define FEW_LABELS 10

static void
test_small_classes(void)
{
	int			labels[FEW];
	EvalNeighbors neighbors;
	EvalVerdict *verdicts;
	double		rate;

	begin();
	neighbors = make_neighbors(FEW, 6);
	for (size_t i = 0; i < FEW; i++)
	{
		size_t		size = FEW / FEW_LABELS;
		size_t		start = i / size * size;

		labels[i] = (int) (i / size);
		for (size_t o = 1; o <= 6; o++)
			eval_neighbors_add(&neighbors, i, start + (i + o) % size, (double) o);
	}
	for (size_t i = 7; i < FEW; i += 40)
		labels[i] = (labels[i] + 1) % FEW_LABELS;
	CHECK(eval_audit(labels, FEW_LABELS, &neighbors, arena, &verdicts, &rate,
					 &status));
	for (size_t i = 0; i < FEW; i++)
		CHECK((verdicts[i].sure >= 0.5) == (i % 40 == 7));
}

/* Where all neighbors are of one kind, all of them are asked. */
static void
test_many_voters(void)
{
	Points		points;
	EvalNeighbors neighbors;
	EvalNeighbors voters;

	begin();
	make_points(&points, 0.05);
	neighbors = find_neighbors(&points, NEIGHBORS);
	CHECK(eval_audit_voters(points.given, LABELS, &neighbors, arena, &voters,
							&status));
	CHECK(voters.count[0] == NEIGHBORS);
	/* one label, and fewer rows than are ever asked */
	CHECK(eval_audit_voters(points.given, 1, &neighbors, arena, &voters,
							&status));
	CHECK(voters.count[0] == NEIGHBORS);
	neighbors = find_neighbors(&points, 2);
	CHECK(eval_audit_voters(points.given, LABELS, &neighbors, arena, &voters,
							&status));
	CHECK(voters.count[0] == 2);
}

static void
test_nothing_to_say(void)
{
	const int	one[] = {0, 0, 0};
	const int	some[] = {0, EVAL_NO_LABEL, 1};
	EvalNeighbors neighbors;
	EvalVerdict *verdicts;
	double		rate;

	begin();
	neighbors = make_neighbors(3, 1);
	eval_neighbors_add(&neighbors, 0, 1, 1);
	/* the only label there is */
	CHECK(eval_audit(one, 1, &neighbors, arena, &verdicts, &rate, &status));
	CHECK(verdicts[0].sure == 0 && verdicts[1].sure == 0);
	/* no label, no neighbor */
	neighbors = make_neighbors(3, 1);
	eval_neighbors_add(&neighbors, 0, 2, 1);
	CHECK(eval_audit(some, 2, &neighbors, arena, &verdicts, &rate, &status));
	CHECK(verdicts[0].suggested == 1);
	CHECK(verdicts[1].sure == 0);
	CHECK(verdicts[2].sure == 0 && verdicts[2].suggested == EVAL_NO_LABEL);
}

static void
test_opinions(void)
{
	const int	labels[] = {EVAL_NO_LABEL, 0, 1, 1, EVAL_NO_LABEL};
	EvalNeighbors neighbors;
	EvalOpinion *opinions;

	begin();
	neighbors = make_neighbors(5, 3);
	for (size_t o = 1; o < 4; o++)
		eval_neighbors_add(&neighbors, 0, o, 1);
	CHECK(eval_opinions(labels, 2, &neighbors, arena, &opinions, &status));
	CHECK(opinions[0].suggested == 1);
	CHECK_NEAR(opinions[0].share, 0.5, 1e-6);
	CHECK_NEAR(opinions[0].margin, 0.25, 1e-6);
	CHECK(opinions[4].suggested == EVAL_NO_LABEL);
	CHECK(opinions[4].share == 0 && opinions[4].margin == 0);
}

/* ---- a choice ---- */

/* Of groups of points each is chosen from before any is chosen from again. */
static void
test_choice(void)
{
	Points		points;
	EvalNeighbors neighbors;
	float		weights[POINTS];
	uint32_t	chosen[POINTS];
	bool		seen[LABELS] = {false};
	size_t		n;

	begin();
	make_points(&points, 0);
	neighbors = find_neighbors(&points, 200);
	for (size_t i = 0; i < POINTS; i++)
		weights[i] = 1;
	CHECK(eval_choose_rows(&neighbors, weights, LABELS, arena, chosen, &n,
						   &status));
	CHECK(n == LABELS);
	for (size_t i = 0; i < n; i++)
	{
		CHECK(!seen[points.truth[chosen[i]]]);
		seen[points.truth[chosen[i]]] = true;
	}
}

/* What is known is not asked for, and all that is unknown is, once. */
static void
test_weights(void)
{
	Points		points;
	EvalNeighbors neighbors;
	float		weights[POINTS] = {0};
	uint32_t	chosen[POINTS];
	size_t		n;

	begin();
	make_points(&points, 0);
	neighbors = find_neighbors(&points, NEIGHBORS);
	for (size_t i = 0; i < POINTS; i++)
		weights[i] = points.truth[i] == 2 ? 0.5F : 0;
	weights[0] = 1;
	CHECK(eval_choose_rows(&neighbors, weights, POINTS, arena, chosen, &n,
						   &status));
	CHECK(n == POINTS / LABELS + 1);
	for (size_t i = 0; i < n; i++)
	{
		CHECK(weights[chosen[i]] > 0);
		weights[chosen[i]] = 0;
	}
}

static void
test_unknown(void)
{
	EvalNeighbors neighbors;

	begin();
	neighbors = make_neighbors(3, 2);
	eval_neighbors_add(&neighbors, 0, 1, 1);
	eval_neighbors_add(&neighbors, 0, 2, 4);
	CHECK_NEAR(eval_unknown(&neighbors, 0, 0.75, 3), 0.25, 1e-12);
	CHECK_NEAR(eval_unknown(&neighbors, 0, 0.75, 12), 0.75, 1e-12);
	CHECK(eval_unknown(&neighbors, 0, 0, 0) == 1);
	CHECK(eval_unknown(&neighbors, 1, 0.25, 100) == 0.75);
}

static void
test_memory(void)
{
	Points		points;
	EvalNeighbors neighbors;
	EvalVerdict *verdicts;
	EvalOpinion *opinions;
	double		number;

	begin();
	make_points(&points, 0.1);
	for (size_t n = 1; n <= 4; n++)
	{
		arena_fail_at(arena, n);
		CHECK(!eval_neighbors_create(&neighbors, POINTS, 2, arena, &status));
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	arena_fail_at(arena, 0);
	neighbors = make_neighbors(POINTS, 2);
	for (size_t n = 1; n <= 10; n++)
	{
		arena_fail_at(arena, n);
		CHECK(!eval_audit(points.given, LABELS, &neighbors, arena, &verdicts,
						  &number, &status));
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	for (size_t n = 1; n <= 2; n++)
	{
		EvalNeighbors voters;

		arena_fail_at(arena, n);
		CHECK(!eval_audit_voters(points.given, LABELS, &neighbors, arena,
								 &voters, &status));
	}
	arena_fail_at(arena, 1);
	CHECK(!eval_opinions(points.given, LABELS, &neighbors, arena, &opinions,
						 &status));
	arena_fail_at(arena, 1);
	CHECK(!eval_duplicate_distance(&neighbors, true, arena, &number, &status));
	for (size_t n = 1; n <= 2; n++)
	{
		const float weights[POINTS] = {0};
		uint32_t	chosen[1];
		size_t		found;

		arena_fail_at(arena, n);
		CHECK(!eval_choose_rows(&neighbors, weights, 1, arena, chosen, &found,
								&status));
	}
	arena_fail_at(arena, 0);
}

int
main(void)
{
	RUN(test_neighbors);
	RUN(test_nearness);
	RUN(test_duplicate_distance);
	RUN(test_wrong_labels);
	RUN(test_right_labels);
	RUN(test_trust);
	RUN(test_voters);
	RUN(test_small_classes);
	RUN(test_many_voters);
	RUN(test_nothing_to_say);
	RUN(test_opinions);
	RUN(test_choice);
	RUN(test_weights);
	RUN(test_unknown);
	RUN(test_memory);
	arena_destroy(arena);
	return unit_done();
}
