/*
 * test_eval.c
 *	  Matchers, metrics and calibration of src/eval.
 *
 * "tf:" marks the values of TensorFlow Similarity's own tests.
 */
#include "base/random.h"
#include "eval/calibration.h"
#include "eval/retrieval.h"
#include "unit.h"

static Arena *arena;
static Status status;

static const EvalRetrievalOptions plain = {false, false, INFINITY};
static const EvalRetrievalOptions averaged = {true, false, INFINITY};
static const int64_t no_rows[] = {0};

static void
begin(void)
{
	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	status_clear(&status);
}

/* ---- matchers ---- */

/* tf: matcher.nearest */
static void
test_match_nearest(void)
{
	const int	labels[4][2] = {{10, 12}, {20, 13}, {30, 14}, {40, 15}};
	const double distances[4][2] = {{1.0, 1.5}, {1.0, 1.7}, {2.0, 2.1}, {2.0, 2.2}};

	for (int i = 0; i < 4; i++)
	{
		EvalMatch	match = eval_match(EVAL_MATCH_NEAREST, labels[i],
									   distances[i], 2);

		CHECK(match.label == labels[i][0]);
		CHECK(match.distance == distances[i][0]);
	}
}

static void
test_match_majority_vote(void)
{
	const int	labels[] = {1, 2, 2, 3, 3};
	const double distances[] = {1, 2, 3, 4, 5};
	EvalMatch	match = eval_match(EVAL_MATCH_MAJORITY_VOTE, labels, distances,
								   5);

	/* 2 and 3 tie: the one seen first; the distance is the mean of all */
	CHECK(match.label == 2);
	CHECK(match.distance == 3);
	match = eval_match(EVAL_MATCH_MAJORITY_VOTE, labels, distances, 2);
	CHECK(match.label == 1);
	CHECK(match.distance == 1.5);
}

static void
test_match_of_nothing(void)
{
	EvalMatch	match = eval_match(EVAL_MATCH_MAJORITY_VOTE, NULL, NULL, 0);

	CHECK(match.label == EVAL_NO_LABEL);
	CHECK(isinf(match.distance));
	CHECK(!eval_match_hits(match, EVAL_NO_LABEL));
}

/* ---- counts: tf: matcher.indicators ---- */

static void
test_count(void)
{
	const int	queries[] = {10, 20, 10, 20};
	const int	answers[] = {10, 20, 30, 40};
	const double distances[] = {1, 1, 2, 2};
	const double thresholds[] = {1, 2};
	bool		hits[4];
	EvalCounts	counts;

	begin();
	for (int i = 0; i < 4; i++)
	{
		EvalMatch	match = {answers[i], distances[i]};

		hits[i] = eval_match_hits(match, queries[i]);
	}
	CHECK(eval_count(distances, hits, 4, thresholds, 2, arena, &counts,
					 &status));
	CHECK(counts.count == 4);
	CHECK(counts.tp[0] == 2 && counts.fp[0] == 0 && counts.fn[0] == 0 &&
		  counts.tn[0] == 2);
	CHECK(counts.tp[1] == 2 && counts.fp[1] == 2 && counts.fn[1] == 0 &&
		  counts.tn[1] == 0);
}

/* Against counting each pair, with ties, NaN and infinity. */
static void
test_count_brute_force(void)
{
	enum
	{
		N = 300
	};
	double		distances[N];
	double		thresholds[N];
	bool		hits[N];
	Random		random;
	EvalCounts	counts;
	size_t		n;

	begin();
	random_init(&random, 7, 0);
	for (int i = 0; i < N; i++)
	{
		distances[i] = random_below(&random, 50) / 7.0;
		hits[i] = random_below(&random, 3) > 0;
	}
	distances[3] = NAN;
	distances[4] = INFINITY;
	memcpy(thresholds, distances, sizeof(distances));
	n = eval_thresholds(thresholds, N, N);
	CHECK(n > 30 && n <= 50);
	CHECK(eval_count(distances, hits, N, thresholds, n, arena, &counts,
					 &status));
	for (size_t t = 0; t < n; t++)
	{
		int64_t		expected[4] = {0};

		CHECK(t == 0 || thresholds[t] > thresholds[t - 1]);
		for (int i = 0; i < N; i++)
			expected[2 * hits[i] + (distances[i] <= thresholds[t])]++;
		CHECK(counts.tn[t] == expected[0]);
		CHECK(counts.fp[t] == expected[1]);
		CHECK(counts.fn[t] == expected[2]);
		CHECK(counts.tp[t] == expected[3]);
	}
}

/* ---- classification metrics: tf: clsmetric.* ---- */

static void
check_metric(EvalMetric metric, const int64_t *tp, const int64_t *fp,
			 const int64_t *tn, const int64_t *fn, int64_t count, int n,
			 const double *expected)
{
	EvalCounts	counts = {n, count, (int64_t *) tp, (int64_t *) fp, (int64_t *) tn, (int64_t *) fn};
	double		values[2];

	eval_metric_values(metric, &counts, values);
	for (int i = 0; i < n; i++)
		CHECK_NEAR(values[i], expected[i], 1e-5);
}

static void
test_metrics(void)
{
	const int64_t zero[] = {0, 0};
	const int64_t one[] = {1, 1};
	const int64_t tp[] = {10, 20};
	const int64_t fp[] = {1, 2};
	const int64_t tn[] = {10, 9};
	const int64_t fn[] = {15, 5};

#define EXPECT(metric, ...) check_metric(metric, __VA_ARGS__)
#define VALUES(...) (const double[]) {__VA_ARGS__}
	/* perfect */
	EXPECT(EVAL_BINARY_ACCURACY, one, zero, one, zero, 2, 2, VALUES(0.5, 0.5));
	EXPECT(EVAL_F1, one, zero, one, zero, 2, 2, VALUES(1, 1));
	EXPECT(EVAL_NPV, one, zero, one, zero, 2, 2, VALUES(1, 1));
	/* inverted */
	EXPECT(EVAL_FPR, zero, one, zero, one, 2, 2, VALUES(1, 1));
	EXPECT(EVAL_NPV, zero, one, zero, one, 2, 2, VALUES(0, 0));
	EXPECT(EVAL_PRECISION, zero, one, zero, one, 2, 2, VALUES(0, 0));
	EXPECT(EVAL_RECALL, zero, one, zero, one, 2, 2, VALUES(0, 0));
	/* decent */
	EXPECT(EVAL_BINARY_ACCURACY, tp, fp, tn, fn, 36, 2,
		   VALUES(0.277778, 0.555556));
	EXPECT(EVAL_FPR, tp, fp, tn, fn, 36, 2, VALUES(0.090909, 0.181818));
	EXPECT(EVAL_NPV, tp, fp, tn, fn, 36, 2, VALUES(0.4, 0.642857));
	EXPECT(EVAL_PRECISION, tp, fp, tn, fn, 36, 2, VALUES(0.909091, 0.909091));
	/* single */
	EXPECT(EVAL_BINARY_ACCURACY, one, zero, one, zero, 2, 1, VALUES(0.5));
	EXPECT(EVAL_FPR, one, zero, one, zero, 2, 1, VALUES(0));
	EXPECT(EVAL_RECALL, one, zero, one, zero, 2, 1, VALUES(1));
	/* nothing accepted at the first of several thresholds, or at the only one */
	EXPECT(EVAL_PRECISION, zero, zero, one, one, 2, 2, VALUES(1, 0));
	EXPECT(EVAL_PRECISION, zero, zero, one, one, 2, 1, VALUES(0));
	/* tf: callback.eval_identical_inputs: one hit of two, all within */
	EXPECT(EVAL_BINARY_ACCURACY, one, one, zero, zero, 2, 1, VALUES(0.5));
	EXPECT(EVAL_F1, one, one, zero, zero, 2, 1, VALUES(0.666667));
}

/* f1 is written without quotients: it must be 2PR / (P + R) all the same. */
static void
test_f1_is_harmonic_mean(void)
{
	for (int64_t i = 0; i < 256; i++)
	{
		int64_t		tp[2] = {i % 4, i % 4},
					fp[2] = {i / 4 % 4, i / 4 % 4},
					tn[2] = {i / 16 % 4, i / 16 % 4},
					fn[2] = {i / 64, i / 64};
		EvalCounts	counts = {2, tp[0] + fp[0] + tn[0] + fn[0], tp, fp, tn, fn};
		double		p[2],
					r[2],
					f1[2];

		eval_metric_values(EVAL_PRECISION, &counts, p);
		eval_metric_values(EVAL_RECALL, &counts, r);
		eval_metric_values(EVAL_F1, &counts, f1);
		CHECK_NEAR(f1[1], p[1] + r[1] == 0 ? 0 :
				   2 * p[1] * r[1] / (p[1] + r[1]), 1e-12);
	}
}

/* ---- calibration ---- */

/*
 *	distance  1 2 3 4 5			precision 1 1   2/3 3/4 3/5
 *	hit		  + + - + -			recall    1/3 2/3 2/3 1 1
 */
static EvalCurve
example_curve(void)
{
	static const double distances[] = {5, 3, 1, 2, 4};
	static const bool hits[] = {false, false, true, true, true};
	static double thresholds[5];
	EvalCurve	curve;
	size_t		n;

	begin();
	memcpy(thresholds, distances, sizeof(distances));
	n = eval_thresholds(thresholds, 5, 5);
	CHECK(n == 5);
	CHECK(eval_curve(distances, hits, 5, thresholds, n, arena, &curve,
					 &status));
	return curve;
}

static void
test_curve(void)
{
	EvalCurve	curve = example_curve();
	const double precision[] = {1, 1, 2 / 3.0, 0.75, 0.6};
	const double recall[] = {1 / 3.0, 2 / 3.0, 2 / 3.0, 1, 1};
	const double fpr[] = {0, 0, 0.5, 0.5, 1};

	for (int i = 0; i < 5; i++)
	{
		CHECK(curve.distance[i] == i + 1);
		CHECK_NEAR(curve.metric[EVAL_PRECISION][i], precision[i], 1e-12);
		CHECK_NEAR(curve.metric[EVAL_RECALL][i], recall[i], 1e-12);
		CHECK_NEAR(curve.metric[EVAL_FPR][i], fpr[i], 1e-12);
	}
}

static void
test_optimal(void)
{
	EvalCurve	curve = example_curve();
	size_t		index;

	CHECK(eval_optimal(&curve, EVAL_F1, &index) && index == 3);
	/* the last of several best ones */
	CHECK(eval_optimal(&curve, EVAL_PRECISION, &index) && index == 1);
	CHECK(eval_optimal(&curve, EVAL_RECALL, &index) && index == 4);
	CHECK(eval_optimal(&curve, EVAL_FPR, &index) && index == 1);
}

/*
 *	thresholds	1 2 3 4
 *	distance	  2 3 4		precision 1 (of nothing) 0 1/2 2/3
 *	hit			  - + +		npv       1/3            0 0   0
 */
static void
test_nothing_right_is_no_cut_point(void)
{
	const double thresholds[] = {1, 2, 3, 4};
	const double distances[] = {2, 3, 4};
	const bool	hits[] = {false, true, true};
	const bool	misses[] = {false, false, false};
	EvalCurve	curve;
	size_t		index = 99;

	begin();
	CHECK(eval_curve(distances, hits, 3, thresholds, 4, arena, &curve,
					 &status));
	CHECK(curve.metric[EVAL_PRECISION][0] == 1);
	CHECK(eval_optimal(&curve, EVAL_PRECISION, &index) && index == 3);
	CHECK(!eval_target(&curve, EVAL_PRECISION, 0.9, &index));
	CHECK(eval_optimal(&curve, EVAL_FPR, &index) && index == 3);
	CHECK(!eval_target(&curve, EVAL_FPR, 0, &index));
	CHECK(!eval_target(&curve, EVAL_NPV, 0.3, &index));
	CHECK(eval_target(&curve, EVAL_RECALL, 0, &index) && index == 2);

	CHECK(eval_curve(distances, misses, 3, thresholds, 4, arena, &curve,
					 &status));
	index = 99;
	for (int metric = 0; metric < EVAL_METRICS; metric++)
	{
		CHECK(!eval_optimal(&curve, metric, &index));
		CHECK(!eval_target(&curve, metric, 0, &index));
	}
	CHECK(index == 99);
}

static void
test_accept_nothing(void)
{
	const double nothing = EVAL_ACCEPT_NOTHING;
	const double distances[] = {-INFINITY, -5, 0, NAN};
	const bool	hits[] = {true, true, false, true};
	EvalCurve	curve;

	begin();
	for (int i = 0; i < 4; i++)
		CHECK(!eval_accepts(distances[i], nothing));
	CHECK(eval_accepts(-5, -5) && !eval_accepts(-4, -5));
	CHECK(eval_accepts(1e300, INFINITY) && !eval_accepts(NAN, INFINITY));
	CHECK(eval_curve(distances, hits, 4, &nothing, 1, arena, &curve, &status));
	CHECK(curve.counts.tp[0] == 0 && curve.counts.fp[0] == 0);
	CHECK(curve.counts.fn[0] == 3 && curve.counts.tn[0] == 1);
	CHECK(curve.metric[EVAL_PRECISION][0] == 0 &&
		  curve.metric[EVAL_RECALL][0] == 0);
}

static void
test_targets(void)
{
	EvalCurve	curve = example_curve();
	size_t		index = 99;

	/* recall grows: the first that reaches it */
	CHECK(eval_target(&curve, EVAL_RECALL, 0.5, &index) && index == 1);
	CHECK(eval_target(&curve, EVAL_RECALL, 1, &index) && index == 3);
	/* precision falls: the last that still reaches it */
	CHECK(eval_target(&curve, EVAL_PRECISION, 0.7, &index) && index == 3);
	CHECK(eval_target(&curve, EVAL_PRECISION, 0.9, &index) && index == 1);
	/* fpr is to be small: the last that stays below */
	CHECK(eval_target(&curve, EVAL_FPR, 0.5, &index) && index == 3);
	CHECK(eval_target(&curve, EVAL_FPR, 0, &index) && index == 1);
	index = 99;
	CHECK(!eval_target(&curve, EVAL_F1, 0.99, &index) && index == 99);
}

/* Of too many the first, the last, and between them evenly many. */
static void
test_thinned_thresholds(void)
{
	double		distances[1000];

	for (int i = 0; i < 1000; i++)
		distances[i] = (i * 7) % 1000;
	CHECK(eval_thresholds(distances, 1000, 112) == 112);
	for (int i = 0; i < 112; i++)
		CHECK(distances[i] == 9 * i);
	CHECK(eval_thresholds(distances, 112, 2) == 2);
	CHECK(distances[0] == 0 && distances[1] == 999);
}

static void
test_no_threshold(void)
{
	double		distances[] = {NAN, INFINITY, -INFINITY};
	bool		hits[] = {true, true, true};
	EvalCurve	curve;

	begin();
	CHECK(eval_thresholds(distances, 3, 3) == 0);
	CHECK(!eval_curve(distances, hits, 3, distances, 0, arena, &curve,
					  &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
}

/* ---- retrieval ---- */

/* The same list of masks as upstream: label l matches where the mask is 1. */
static double
retrieve(const char *name, bool macro, int n, const int *labels, int k,
		 const int *masks, const int64_t *r)
{
	EvalRetrievalMetric metric;
	EvalRetrievalOptions options = {macro, false, INFINITY};
	EvalRetrieval *sums;

	begin();
	CHECK(eval_retrieval_by_name(name, &metric, &status));
	sums = eval_retrieval_create(arena, &metric, 1, options, &status);
	for (int i = 0; i < n; i++)
	{
		int			found[8];
		double		distances[8];

		for (int j = 0; j < k; j++)
		{
			found[j] = masks[i * k + j] ? labels[i] : 1000;
			distances[j] = 0.1 * j;
		}
		CHECK(eval_retrieval_add(sums, labels[i], r[i], found, distances, k,
								 &status));
	}
	return eval_retrieval_value(sums, 0);
}

/* tf: retrieval.* */
static void
test_retrieval(void)
{
	const int	labels[] = {1, 1, 1, 0};
	const int	masks[] = {1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1};
	const int64_t r[] = {3, 3, 3, 10};
	const int	clip_labels[] = {0, 1};
	const int	clip_masks[] = {0, 0, 0, 1, 0, 0, 0, 1};
	const int64_t clip_r[] = {4, 3};

	CHECK_NEAR(retrieve("ndcg@2", true, 4, labels, 3, masks, r), 0.5, 1e-7);
	CHECK_NEAR(retrieve("map@3", false, 4, labels, 3, masks, r), 0.50833333332,
			   1e-7);
	CHECK_NEAR(retrieve("precision@3", true, 4, labels, 3, masks, r), 0.5,
			   1e-5);
	CHECK_NEAR(retrieve("precision@3", false, 4, labels, 3, masks, r),
			   0.583333333, 1e-5);
	CHECK_NEAR(retrieve("map@r", false, 2, clip_labels, 4, clip_masks, clip_r),
			   0.03125, 1e-7);
	/* by hand */
	CHECK_NEAR(retrieve("recall@1", false, 4, labels, 3, masks, r), 0.75,
			   1e-12);
	CHECK_NEAR(retrieve("recall@1", true, 4, labels, 3, masks, r), 0.5, 1e-12);
	CHECK_NEAR(retrieve("recall@3", false, 4, labels, 3, masks, r), 1, 1e-12);
	CHECK_NEAR(retrieve("mrr@3", false, 4, labels, 3, masks, r),
			   (3 + 1 / 3.0) / 4, 1e-12);
	CHECK_NEAR(retrieve("mrr@2", false, 4, labels, 3, masks, r), 0.75, 1e-12);
	CHECK_NEAR(retrieve("r_precision", false, 4, labels, 3, masks, r),
			   (3 * 2 / 3.0 + 0.1) / 4, 1e-12);
	CHECK_NEAR(retrieve("ndcg@3", false, 4, labels, 3, masks, r), (3 + 0.5) / 4,
			   1e-12);
	/* no query, no rows of the label, fewer neighbors than k */
	CHECK(retrieve("recall@1", true, 0, labels, 3, masks, r) == 0);
	CHECK(retrieve("r_precision", false, 1, labels, 0, masks, no_rows) == 0);
	CHECK_NEAR(retrieve("precision@6", false, 1, labels, 3, masks, r), 2 / 6.0,
			   1e-12);
}

static void
test_drop_closest_and_threshold(void)
{
	EvalRetrievalMetric metrics[4];
	const char *names[] = {"precision@2", "map@r", "recall@1", "mrr@3"};
	const double dropped[] = {1 / 2.0, (1 / 2.0) / 2, 0, 1 / 2.0};
	EvalRetrievalOptions options = {false, true, 2.5};
	const int	labels[] = {5, 6, 5, 5};
	const double distances[] = {0, 1, 2, 3};
	EvalRetrieval *sums;

	begin();
	for (int i = 0; i < 4; i++)
		CHECK(eval_retrieval_by_name(names[i], &metrics[i], &status));
	sums = eval_retrieval_create(arena, metrics, 4, options, &status);
	CHECK(eval_retrieval_add(sums, 5, 3, labels, distances, 4, &status));
	for (int i = 0; i < 4; i++)
		CHECK_NEAR(eval_retrieval_value(sums, i), dropped[i], 1e-12);
	CHECK(eval_retrieval_depth(metrics, 4, true, 3) == 4);
	CHECK(eval_retrieval_depth(metrics, 4, false, 3) == 3);
	CHECK(eval_retrieval_depth(metrics, 4, false, 30) == 30);
}

/* NaN is beyond every finite threshold; without one only labels count. */
static void
test_nan_is_not_near(void)
{
	const double thresholds[] = {2, 1e300, INFINITY};
	const double precision[] = {0.5, 0.5, 1};
	const int	labels[] = {5, 5};
	const double distances[] = {1, NAN};
	EvalRetrievalMetric metric;

	begin();
	CHECK(eval_retrieval_by_name("precision@2", &metric, &status));
	for (int i = 0; i < 3; i++)
	{
		EvalRetrievalOptions options = {false, false, thresholds[i]};
		EvalRetrieval *sums = eval_retrieval_create(arena, &metric, 1, options,
													&status);

		CHECK(eval_retrieval_add(sums, 5, 0, labels, distances, 2, &status));
		CHECK_NEAR(eval_retrieval_value(sums, 0), precision[i], 1e-12);
	}
}

/* Many classes: macro and micro against plain sums. */
static void
test_retrieval_brute_force(void)
{
	enum
	{
		QUERIES = 2000, CLASSES = 300, K = 4
	};
	static double sum[CLASSES];
	static int	count[CLASSES];
	EvalRetrievalMetric metric = {EVAL_PRECISION_AT, K};
	EvalRetrieval *micro;
	EvalRetrieval *macro;
	Random		random;
	double		total = 0,
				means = 0;
	int			classes = 0;

	begin();
	random_init(&random, 11, 0);
	micro = eval_retrieval_create(arena, &metric, 1, plain, &status);
	macro = eval_retrieval_create(arena, &metric, 1, averaged, &status);
	for (int i = 0; i < QUERIES; i++)
	{
		int			label = random_below(&random, CLASSES);
		int			found[K];
		const double distances[K] = {0, 1, 2, 3};
		int			right = 0;

		for (int j = 0; j < K; j++)
		{
			found[j] = random_below(&random, 2) ? label : EVAL_NO_LABEL;
			right += found[j] == label;
		}
		CHECK(eval_retrieval_add(micro, label, 0, found, distances, K,
								 &status));
		CHECK(eval_retrieval_add(macro, label, 0, found, distances, K,
								 &status));
		sum[label] += right / (double) K;
		count[label]++;
	}
	for (int i = 0; i < CLASSES; i++)
	{
		total += sum[i];
		means += count[i] == 0 ? 0 : sum[i] / count[i];
		classes += count[i] > 0;
	}
	CHECK_NEAR(eval_retrieval_value(micro, 0), total / QUERIES, 1e-12);
	CHECK_NEAR(eval_retrieval_value(macro, 0), means / classes, 1e-12);
}

/* ---- confusion ---- */

static void
test_confusion(void)
{
	const int	labels[] = {1, 0, 1, 0, 1};
	const int	predicted[] = {1, 1, 0, 1, 1};
	const double distances[] = {0.1, 0.2, 0.9, 0.3, NAN};
	const EvalCell expected[] = {{0, 1, 2}, {1, EVAL_NO_LABEL, 2}, {1, 1, 1}};
	EvalCell   *cells;
	size_t		n;

	begin();
	CHECK(eval_confusion(labels, predicted, distances, 5, 0.5, arena, &cells,
						 &n, &status));
	CHECK(n == 3);
	for (size_t i = 0; i < n && i < 3; i++)
		CHECK(cells[i].label == expected[i].label &&
			  cells[i].predicted == expected[i].predicted &&
			  cells[i].count == expected[i].count);
}

/* tf: viz.confusion.normalized: rows are the truth */
static void
test_confusion_of_upstream(void)
{
	const int	labels[] = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
	const int	predicted[] = {0, 1, 2, 4, 3, 0, 1, 4, 4, 4};
	const double rows[5][5] = {{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, .5, 0, .5}, {0, 0, 0, 0, 1}, {0, 0, 0, .5, .5}};
	const double distances[10] = {0};
	double		got[5][5] = {{0}};
	EvalCell   *cells;
	size_t		n;

	begin();
	CHECK(eval_confusion(labels, predicted, distances, 10, INFINITY, arena,
						 &cells, &n, &status));
	for (size_t i = 0; i < n; i++)
		got[cells[i].label][cells[i].predicted] = cells[i].count / 2.0;
	for (int i = 0; i < 25; i++)
		CHECK_NEAR(got[i / 5][i % 5], rows[i / 5][i % 5], 1e-12);
}

/* ---- names ---- */

static void
test_names(void)
{
	EvalMetric	metric;
	EvalMatcher matcher;
	EvalRetrievalMetric retrieval;
	const char *wrong[] = {"", "recall", "recall@", "recall@0", "recall@-1", "recall@+1", "recall@ 1",
		"recall@1x", "recall@r", "ndcg@r", "recall@100001",
	"recall@99999999999999999999", "f1"};

	begin();
	CHECK(eval_metric_by_name("f1score", &metric, &status) &&
		  metric == EVAL_F1);
	CHECK(eval_metric_by_name("negative_predicitve_value", &metric, &status) &&
		  metric == EVAL_NPV);
	for (int m = 0; m < EVAL_METRICS; m++)
		CHECK(eval_metric_by_name(eval_metric_name(m), &metric, &status) &&
			  metric == (EvalMetric) m);
	CHECK(eval_matcher_by_name(eval_matcher_name(EVAL_MATCH_MAJORITY_VOTE),
							   &matcher, &status) &&
		  matcher == EVAL_MATCH_MAJORITY_VOTE);
	CHECK(!eval_metric_by_name("accuracy", &metric, &status) &&
		  status.code == STATUS_UNKNOWN_NAME);
	CHECK(strstr(status.hint, "binary_accuracy") != NULL);
	CHECK(!eval_matcher_by_name("nearest", &matcher, &status) &&
		  strstr(status.hint, "match_nearest"));
	CHECK(eval_retrieval_by_name("ndcg@100000", &retrieval, &status) &&
		  retrieval.k == 100000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		status_clear(&status);
		CHECK(!eval_retrieval_by_name(wrong[i], &retrieval, &status));
		CHECK(status.code == STATUS_UNKNOWN_NAME &&
			  strstr(status.hint, "r_precision"));
	}
}

/* ---- out of memory at any point is a failure, not a crash ---- */

static bool
everything(void)
{
	double		distances[] = {1, 2, 3};
	double		thresholds[] = {1, 2, 3};
	bool		hits[] = {true, false, true};
	int			labels[] = {0, 1, 100};
	EvalRetrievalMetric metric = {EVAL_RECALL_AT, 1};
	EvalRetrieval *sums;
	EvalCurve	curve;
	EvalCell   *cells;
	size_t		ncells;

	if (!eval_curve(distances, hits, 3, thresholds, 3, arena, &curve,
					&status) ||
		!eval_confusion(labels, labels, distances, 3, 1, arena, &cells, &ncells,
						&status))
		return false;
	sums = eval_retrieval_create(arena, &metric, 1, plain, &status);
	return sums != NULL &&
		eval_retrieval_add(sums, 0, 1, labels, distances, 3, &status) &&
		eval_retrieval_add(sums, 100, 1, labels, distances, 3, &status);
}

static void
test_out_of_memory(void)
{
	int			n = 1;

	for (;; n++)
	{
		begin();
		arena_fail_at(arena, n);
		if (everything())
			break;
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	arena_fail_at(arena, 0);
	CHECK(n > 15);
}

int
main(void)
{
	RUN(test_match_nearest);
	RUN(test_match_majority_vote);
	RUN(test_match_of_nothing);
	RUN(test_count);
	RUN(test_count_brute_force);
	RUN(test_metrics);
	RUN(test_f1_is_harmonic_mean);
	RUN(test_curve);
	RUN(test_optimal);
	RUN(test_nothing_right_is_no_cut_point);
	RUN(test_accept_nothing);
	RUN(test_targets);
	RUN(test_thinned_thresholds);
	RUN(test_no_threshold);
	RUN(test_retrieval);
	RUN(test_drop_closest_and_threshold);
	RUN(test_nan_is_not_near);
	RUN(test_retrieval_brute_force);
	RUN(test_confusion);
	RUN(test_confusion_of_upstream);
	RUN(test_names);
	RUN(test_out_of_memory);
	arena_destroy(arena);
	return unit_done();
}
