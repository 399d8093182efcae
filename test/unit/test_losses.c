/*
 * test_losses.c
 *	  Distances and losses: golden values and gradients, TensorFlow
 *	  Similarity's own test values, finite differences.
 */
#include <limits.h>

#include "base/random.h"
#include "kernel/gemm.h"
#include "nn/distance.h"
#include "nn/loss.h"
#include "nn_model.h"

#define MAX_ROWS 64
#define MAX_DIMS 64

static Arena *arena;

/* A loss with its parameters, from text */
typedef struct Loss
{
	const NnLossType *type;
	Params		params;
	bool		normalize;		/* rows are scaled to length 1 first */
} Loss;

static Loss
make_loss(const char *text)
{
	NnTrainOptions options = make_options(text, "sgd", 1, NULL);
	Loss		loss = {options.loss, options.loss_params};

	loss.normalize = params_number(&loss.params, 0) == NN_COSINE;
	return loss;
}

/* Scale rows to length 1, keeping the lengths. */
static void
normalize(double *x, int n, int dims, double *lengths)
{
	for (int i = 0; i < n; i++)
	{
		double		sum = 0;

		for (int d = 0; d < dims; d++)
			sum += x[i * dims + d] * x[i * dims + d];
		lengths[i] = sqrt(sum);
		for (int d = 0; d < dims; d++)
			x[i * dims + d] /= lengths[i];
	}
}

/* Loss of x, scaled first if the loss says so, and its gradient */
static double
evaluate(const Loss *loss, const int32_t *labels, const double *x, int n, int dims, double *dx)
{
	NnLossWork	work;
	double		lengths[MAX_ROWS] = {0};
	double		value;

	arena_reset(arena);
	CHECK(nn_loss_work(arena, n, dims, &work));
	memcpy(work.x, x, (size_t) n * dims * sizeof(double));
	if (loss->normalize)
		normalize(work.x, n, dims, lengths);
	value = nn_loss_compute(loss->type, &loss->params, labels, n, dims, &work);
	for (int i = 0; i < n; i++)
	{
		double		dot = 0;

		for (int d = 0; d < dims && loss->normalize; d++)
			dot += work.x[i * dims + d] * work.dx[i * dims + d];
		for (int d = 0; d < dims; d++)
			dx[i * dims + d] = loss->normalize ?
				(work.dx[i * dims + d] - dot * work.x[i * dims + d]) / lengths[i] : work.dx[i * dims + d];
	}
	return value;
}

/* ---- goldens ---- */

#define GOLDEN_ROWS 12
#define GOLDEN_DIMS 8
#define GOLDEN_COUNT (GOLDEN_ROWS * GOLDEN_DIMS)

static const int32_t golden_labels[GOLDEN_ROWS] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4};

static void
golden_input(double *x)
{
	uint64_t	s = 1;

	for (int i = 0; i < GOLDEN_COUNT; i++)
	{
		s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		x[i] = (double) (s >> 40) / 8388608 - 1;
	}
}

static bool
read_golden(FILE *file, char *name, size_t size, double *value, double *gradient)
{
	do
	{
		if (fgets(name, (int) size, file) == NULL)
			return false;
		name[strcspn(name, "\n")] = '\0';
	} while (name[0] == '#' || name[0] == '\0');
	if (fscanf(file, "%lf", value) != 1)
		return false;
	for (int i = 0; i < GOLDEN_COUNT; i++)
	{
		if (fscanf(file, "%lf", &gradient[i]) != 1)
			return false;
	}
	return true;
}

static void
test_goldens(void)
{
	FILE	   *file = fopen("test/data/loss_goldens.txt", "r");
	char		name[256];
	double		value;
	double		expected[GOLDEN_COUNT];
	double		x[GOLDEN_COUNT];
	double		dx[GOLDEN_COUNT];
	int			n = 0;

	CHECK(file != NULL);
	golden_input(x);
	while (file != NULL && read_golden(file, name, sizeof(name), &value, expected))
	{
		Loss		loss = make_loss(name);
		bool		was_ok = unit_ok;

		loss.normalize = true;
		CHECK_NEAR(evaluate(&loss, golden_labels, x, GOLDEN_ROWS, GOLDEN_DIMS, dx), value, 1e-12);
		for (int i = 0; i < GOLDEN_COUNT; i++)
			CHECK_NEAR(dx[i], expected[i], 2e-12);
		if (was_ok && !unit_ok)
			printf("# ... in \"%s\"\n", name);
		n++;
	}
	CHECK(n == 32);
	if (file != NULL)
		fclose(file);
}

/* ---- values of TensorFlow Similarity's test suite ---- */

/* 32 classes twice, one-hot rows; the second half in order or backwards */
static double
one_hot_loss(const char *text, bool backwards)
{
	static double x[64 * 32];
	static double dx[64 * 32];
	int32_t		labels[64];
	Loss		loss = make_loss(text);

	memset(x, 0, sizeof(x));
	for (int i = 0; i < 64; i++)
	{
		labels[i] = i % 32;
		x[i * 32 + (i < 32 || !backwards ? i % 32 : 63 - i)] = 1;
	}
	return evaluate(&loss, labels, x, 64, 32, dx);
}

static void
test_tf_triplet(void)
{
	CHECK_NEAR(one_hot_loss("triplet margin=1.1", false), 0.1, 5e-4);
	CHECK_NEAR(one_hot_loss("triplet", false), 0.31326169, 5e-8);
	CHECK_NEAR(one_hot_loss("triplet margin=1", true), 1.0, 5e-4);
	CHECK_NEAR(one_hot_loss("triplet", true), 0.69314718, 5e-8);
}

/* Easy positives with semi-hard negatives, anchor by anchor */
static void
test_tf_semi_hard(void)
{
	static const double x[8] = {1.0, 0.0, 0.5, 0.8660254, 0.0, 1.0, 0.01010049, 0.999949};
	static const int32_t labels[4] = {0, 0, 1, 1};
	static const double expected[4] = {0.51, 1.366, 0.866, 0.871};
	double		dx[8];
	Loss		loss = make_loss("triplet positive_mining=easy margin=1");

	CHECK_NEAR(evaluate(&loss, labels, x, 4, 2, dx),
			   (expected[0] + expected[1] + expected[2] + expected[3]) / 4, 1e-3);
}

static void
check_distances(NnDistance distance, const double *x, int n, int dims, const double *expected)
{
	double		matrix[MAX_ROWS];

	nn_distances(distance, x, n, dims, matrix);
	for (int i = 0; i < n * n; i++)
		CHECK_NEAR(matrix[i], expected[i], 1e-12);
}

static void
test_tf_distances(void)
{
	static const double points[8] = {0, 0, 0, 1, 1, 1, 3, 0};
	static const double cosine[16] = {1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0};
	static const double manhattan[16] = {0, 1, 2, 3, 1, 0, 1, 4, 2, 1, 0, 3, 3, 4, 3, 0};
	static const double right[4] = {0, 3, 4, 0};
	static const double five[4] = {0, 5, 5, 0};
	static const double squared[4] = {0, 25, 25, 0};
	static const double product[4] = {9, 0, 0, 16};

	check_distances(NN_COSINE, points, 4, 2, cosine);
	check_distances(NN_MANHATTAN, points, 4, 2, manhattan);
	check_distances(NN_EUCLIDEAN, right, 2, 2, five);
	check_distances(NN_SQUARED_EUCLIDEAN, right, 2, 2, squared);
	check_distances(NN_INNER_PRODUCT, right, 2, 2, product);
}

/* ---- finite differences ---- */

#define STEP 1e-6

static void
check_gradient(const char *text, const int32_t *labels, int n, int dims)
{
	Loss		loss = make_loss(text);
	double		x[MAX_ROWS * MAX_DIMS];
	double		dx[MAX_ROWS * MAX_DIMS];
	double		unused[MAX_ROWS * MAX_DIMS];
	double		size = 0;
	bool		was_ok = unit_ok;
	Random		random;

	random_init(&random, 21, (uint64_t) n);
	for (int i = 0; i < n * dims; i++)
		x[i] = 0.5 * random_normal(&random);
	evaluate(&loss, labels, x, n, dims, dx);
	for (int i = 0; i < n * dims; i++)
	{
		double		was = x[i];
		double		above;
		double		below;

		x[i] = was + STEP;
		above = evaluate(&loss, labels, x, n, dims, unused);
		x[i] = was - STEP;
		below = evaluate(&loss, labels, x, n, dims, unused);
		x[i] = was;
		CHECK_NEAR(dx[i], (above - below) / (2 * STEP), 1e-7);
		size += fabs(dx[i]);
	}
	/* a gradient of nothing but zeros would prove nothing */
	CHECK(size > 1e-3);
	if (was_ok && !unit_ok)
		printf("# ... in \"%s\"\n", text);
}

static void
check_settings(const char *loss, const char *const *settings)
{
	/* the class 3 has one row */
	static const int32_t labels[11] = {0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 0};

	for (int d = 0; nn_distance_names[d] != NULL; d++)
	{
		for (int s = 0; settings[s] != NULL; s++)
		{
			char		text[256];

			snprintf(text, sizeof(text), "%s distance=%s %s", loss, nn_distance_names[d], settings[s]);
			check_gradient(text, labels, 11, 5);
		}
	}
}

static void
test_triplet_gradients(void)
{
	static const char *const settings[] = {
		"positive_mining=hard negative_mining=hard",
		"positive_mining=hard negative_mining=semi-hard",
		"positive_mining=hard negative_mining=easy",
		"positive_mining=easy negative_mining=hard",
		"positive_mining=easy negative_mining=semi-hard",
		"positive_mining=easy negative_mining=easy",
		"positive_mining=hard negative_mining=hard margin=0.5",
		"positive_mining=easy negative_mining=semi-hard margin=1",
		"positive_mining=easy negative_mining=hard margin=0.3",
		NULL
	};

	check_settings("triplet", settings);
}

static void
test_multi_similarity_gradients(void)
{
	static const char *const settings[] = {
		"", "alpha=1 beta=5", "epsilon=0", "epsilon=10 beta=10", "lmda=0 center=0.3", "alpha=20 lmda=2", NULL
	};

	check_settings("multi_similarity", settings);
}

/* ---- edges ---- */

/* Exponents of thousands: the loss stays finite. */
static void
test_multi_similarity_is_stable(void)
{
	static const int32_t labels[4] = {0, 0, 1, 1};
	static const double x[4] = {0, 1000, 10, 990};
	double		dx[4];
	Loss		loss = make_loss("multi_similarity distance=squared_euclidean alpha=100 beta=1000 epsilon=1000");

	CHECK(isfinite(evaluate(&loss, labels, x, 4, 1, dx)));
	for (int i = 0; i < 4; i++)
		CHECK(isfinite(dx[i]));
}

static void
test_batches_without_pairs(void)
{
	static const int32_t same[3] = {7, 7, 7};
	static const int32_t different[3] = {INT_MIN, 0, INT_MAX};
	static const double x[6] = {1, 0, 0, 1, 0.6, 0.8};
	double		dx[6];
	Loss		multi_similarity = make_loss("multi_similarity");
	Loss		triplet = make_loss("triplet");

	/* no kept pair: 0 and no gradient */
	CHECK(evaluate(&multi_similarity, same, x, 3, 2, dx) == 0);
	CHECK(evaluate(&multi_similarity, different, x, 3, 2, dx) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(dx[i] == 0);
	/* triplet takes the row's extremes instead */
	CHECK(isfinite(evaluate(&triplet, same, x, 3, 2, dx)));
	CHECK(isfinite(evaluate(&triplet, different, x, 3, 2, dx)));
	CHECK(isfinite(evaluate(&triplet, same, x, 1, 2, dx)));
}

/* Equal rows: Euclidean distance 0 has gradient 0, not NaN. */
static void
test_equal_rows(void)
{
	static const int32_t labels[4] = {0, 0, 1, 1};
	static const double x[4] = {1, 1, 1, 1};
	double		dx[4];

	for (int d = 0; nn_distance_names[d] != NULL; d++)
	{
		char		text[100];
		Loss		loss;

		snprintf(text, sizeof(text), "triplet distance=%s margin=0.5", nn_distance_names[d]);
		loss = make_loss(text);
		CHECK_NEAR(evaluate(&loss, labels, x, 4, 1, dx), 0.5, 1e-12);
		for (int i = 0; i < 4; i++)
			CHECK(isfinite(dx[i]));
	}
}

static void
test_extremes(void)
{
	static const int32_t labels[5] = {0, 0, 0, 1, 2};
	NnLossWork	work;
	double		positive;
	double		negative;
	Loss		loss = make_loss("triplet distance=manhattan");
	static const double x[5] = {0, 1, 3, 10, 30};

	arena_reset(arena);
	CHECK(nn_loss_work(arena, 5, 1, &work));
	memcpy(work.x, x, sizeof(x));
	nn_loss_compute(loss.type, &loss.params, labels, 5, 1, &work);
	nn_loss_extremes(labels, 5, &work, &positive, &negative);

	/*
	 * farthest positives 3 2 3 of three anchors; nearest negatives 10 9 7 7
	 * 20
	 */
	CHECK_NEAR(positive, 8.0 / 3, 1e-12);
	CHECK_NEAR(negative, 53.0 / 5, 1e-12);
	nn_loss_extremes(labels + 2, 3, &work, &positive, &negative);
	CHECK(isnan(positive) && !isnan(negative));
}

static void
test_names(void)
{
	Status		status;

	CHECK(nn_loss_type("triplets", &status) == NULL);
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "there is no loss \"triplets\"");
	CHECK_TEXT(status.hint, "There are: \"multi_similarity\", \"triplet\".");
	for (int i = 0; nn_loss_type_at(i) != NULL; i++)
	{
		const NnDescription *description = nn_loss_description(nn_loss_type_at(i));

		CHECK(nn_loss_type(description->name, &status) == nn_loss_type_at(i));
		CHECK(description->comment != NULL);
		CHECK_TEXT(description->params[0].name, "distance");
		for (const ParamSpec *spec = description->params; spec->name != NULL; spec++)
			CHECK(spec->comment != NULL && spec - description->params < PARAMS_MAX);
	}
}

int
main(void)
{
	Status		status;

	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	RUN(test_goldens);
	RUN(test_tf_triplet);
	RUN(test_tf_semi_hard);
	RUN(test_tf_distances);
	RUN(test_triplet_gradients);
	RUN(test_multi_similarity_gradients);
	RUN(test_multi_similarity_is_stable);
	RUN(test_batches_without_pairs);
	RUN(test_equal_rows);
	RUN(test_extremes);
	RUN(test_names);
	arena_destroy(arena);
	return unit_done();
}
