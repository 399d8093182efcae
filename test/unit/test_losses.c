/*
 * test_losses.c
 *	  Distances and losses: golden values and gradients, TensorFlow
 *	  Similarity's own test values, finite differences.
 */
#include <limits.h>

#include "base/random.h"
#include "kernel/gemm.h"
#include "nn/pairwise.h"
#include "nn/loss.h"
#include "loss_case.h"

#define MAX_ROWS 64
#define MAX_DIMS 64

static Arena *arena;

/* Loss of x and of second, which only some losses have, and its gradients */
static double
evaluate_both(const Loss *loss, const int32_t *labels, const double *x, int n,
			  int dims, const double *second, int nsecond, double *dx,
			  double *dsecond)
{
	NnLossRequest request = {
		.type = loss->type,.params = &loss->params,.normalize = loss->normalize,
		.n = n,.dims = dims,.nsecond = nsecond,.labels = labels,.x = x,.second =
		second
	};
	double		value = NAN;
	Status		status;

	arena_reset(arena);
	CHECK(nn_loss_evaluate(arena, &request, &value, dx, dsecond, &status));
	return value;
}

/* Loss of x, scaled first if the loss says so, and its gradient */
static double
evaluate(const Loss *loss, const int32_t *labels, const double *x, int n,
		 int dims, double *dx)
{
	return evaluate_both(loss, labels, x, n, dims, NULL, 0, dx, NULL);
}

/* ---- goldens ---- */

#define GOLDEN_ROWS 12
#define GOLDEN_DIMS 8
#define GOLDEN_COUNT (GOLDEN_ROWS * GOLDEN_DIMS)
#define GOLDEN_CLASSES 5

static const int32_t golden_labels[GOLDEN_ROWS] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4};

static void
golden_input(uint64_t s, int count, double *x)
{
	for (int i = 0; i < count; i++)
	{
		s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		x[i] = (double) (s >> 40) / 8388608 - 1;
	}
}

static bool
read_name(FILE *file, char *name, size_t size)
{
	do
	{
		if (fgets(name, (int) size, file) == NULL)
			return false;
		name[strcspn(name, "\n")] = '\0';
	} while (name[0] == '#' || name[0] == '\0');
	return true;
}

static bool
read_numbers(FILE *file, int count, double *numbers)
{
	for (int i = 0; i < count; i++)
	{
		if (fscanf(file, "%lf", &numbers[i]) != 1)
			return false;
	}
	return true;
}

/* Rows of the second input of a loss */
static int
golden_second(const Loss *loss, double *second)
{
	int			n;

	switch (nn_loss_kind(loss->type))
	{
		case NN_LOSS_PROXY:
			n = GOLDEN_CLASSES * nn_loss_centers(loss->type, &loss->params);
			golden_input(3, n * GOLDEN_DIMS, second);
			return n;
		case NN_LOSS_VIEWS:
			golden_input(2, GOLDEN_COUNT, second);
			return GOLDEN_ROWS;
		default:
			return 0;
	}
}

static double
golden_loss(const Loss *loss, double *gradient)
{
	double		x[GOLDEN_COUNT];
	double		second[GOLDEN_COUNT];
	int			nsecond = golden_second(loss, second);

	golden_input(1, GOLDEN_COUNT, x);
	return evaluate_both(loss, golden_labels, x, GOLDEN_ROWS, GOLDEN_DIMS,
						 second, nsecond, gradient, gradient + GOLDEN_COUNT);
}

static void
check_golden(const char *name, FILE *file)
{
	Loss		loss = make_loss(name);
	double		second[GOLDEN_COUNT];
	double		value = NAN;
	double		expected[2 * GOLDEN_COUNT];
	double		gradient[2 * GOLDEN_COUNT];
	int			count = GOLDEN_COUNT + golden_second(&loss,
													 second) * GOLDEN_DIMS;
	bool		was_ok = unit_ok;

	loss.normalize = nn_loss_normalizes(loss.type);
	CHECK(read_numbers(file, 1, &value) && read_numbers(file, count, expected));
	CHECK_NEAR(golden_loss(&loss, gradient), value, 1e-12);
	for (int i = 0; i < count; i++)
		CHECK_NEAR(gradient[i], expected[i], 2e-12);
	if (was_ok && !unit_ok)
		printf("# ... in \"%s\"\n", name);
}

static void
test_goldens(void)
{
	FILE	   *file = fopen("test/data/loss_goldens.txt", "r");
	char		name[256];
	int			n = 0;

	CHECK(file != NULL);
	for (; file != NULL && read_name(file, name, sizeof(name)); n++)
		check_golden(name, file);
	CHECK(n == 65);
	if (file != NULL)
		fclose(file);
}

/* Values of which no gradients are given */
static void
test_golden_values(void)
{
	static const struct
	{
		const char *text;
		double		value;
	}			goldens[] = {
		{"vicreg", 31.8721754171},
		{"cosface", 62.3165779135},
		{"normalized_softmax", 13.1956047782}
	};
	double		gradient[2 * GOLDEN_COUNT];

	for (int i = 0; i < 3; i++)
	{
		Loss		loss = make_loss(goldens[i].text);

		CHECK_NEAR(golden_loss(&loss, gradient), goldens[i].value, 1e-11);
	}
}

/* First and last number, and sum of squares, of a gradient */
static void
check_summary(const double *gradient, int count, const double *expected)
{
	double		squares = 0;

	for (int i = 0; i < count; i++)
		squares += gradient[i] * gradient[i];
	CHECK_NEAR(gradient[0], expected[0], 1e-12);
	CHECK_NEAR(gradient[count - 1], expected[1], 1e-12);
	CHECK_NEAR(squares, expected[2], 1e-12);
}

/*
 * swav, by the paper's formulas as computed apart: of the goldens' rows, pairs
 * and proxies, the last as prototypes
 */
static void
test_swav(void)
{
	static const double x[3] = {-0.27886138387771936, -0.068106964123232361, 0.8182068279809307};
	static const double second[3] = {0.15588472792720526, 0.058370028974736414, 0.6293605052876402};
	static const double prototypes[3] = {0.18130927365062227, 0.065563660618594324, 1.6956974411216306};
	const NnLossType *type = &nn_loss_swav;
	Params		params;
	NnLossWork	work;
	Status		status;

	params_init(&params, "swav", nn_loss_description(type)->params);
	CHECK(parse_params(&params, "prototypes=5", &status));
	arena_reset(arena);
	CHECK(nn_loss_work(arena, type, &params, 2 * GOLDEN_ROWS, GOLDEN_DIMS, 0,
					   &work));
	golden_input(1, GOLDEN_COUNT, work.x);
	golden_input(2, GOLDEN_COUNT, work.x + GOLDEN_COUNT);
	golden_input(3, 5 * GOLDEN_DIMS, work.proxies);
	CHECK_NEAR(nn_loss_compute(type, &params, NULL, 2 * GOLDEN_ROWS,
							   GOLDEN_DIMS, &work), 5.2810579804078595, 1e-12);
	check_summary(work.dx, GOLDEN_COUNT, x);
	check_summary(work.dx + GOLDEN_COUNT, GOLDEN_COUNT, second);
	check_summary(work.dproxies, 5 * GOLDEN_DIMS, prototypes);
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
	CHECK_NEAR(one_hot_loss("triplet margin=1.1 reduction=sum", false),
			   64 * 0.1, 5e-4);
	CHECK_NEAR(one_hot_loss("triplet", false), 0.31326169, 5e-8);
	CHECK_NEAR(one_hot_loss("triplet reduction=sum", false), 64 * 0.31326169,
			   5e-6);
	CHECK_NEAR(one_hot_loss("triplet margin=1", true), 1.0, 5e-4);
	CHECK_NEAR(one_hot_loss("triplet", true), 0.69314718, 5e-8);
}

static void
test_tf_lifted_structure(void)
{
	CHECK_NEAR(one_hot_loss("lifted_structure margin=1 reduction=sum", false),
			   64 * 2.414156913757324, 5e-4);
	CHECK_NEAR(one_hot_loss("lifted_structure margin=1", true), 2.927718, 1e-3);
}

/* Four classes twice, one-hot rows */
static double
perfect_pn(const char *text)
{
	static const int32_t labels[8] = {0, 1, 2, 3, 0, 1, 2, 3};
	double		x[32] = {0};
	double		dx[32];
	Loss		loss = make_loss(text);

	for (int i = 0; i < 8; i++)
		x[i * 4 + i % 4] = 1;
	return evaluate(&loss, labels, x, 8, 4, dx);
}

static void
test_tf_pn(void)
{
	static const double x[12] = {1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0};
	static const int32_t labels[6] = {0, 0, 0, 1, 1, 1};
	double		dx[12];
	Loss		loss = make_loss("pn positive_mining=easy negative_mining=easy margin=1");

	CHECK_NEAR(perfect_pn("pn margin=1.1"), 0.1, 5e-4);
	CHECK_NEAR(perfect_pn("pn"), 0.31326169, 5e-8);
	CHECK_NEAR(perfect_pn("pn reduction=sum"), 8 * 0.31326169, 5e-7);
	/* equal distances: the first row is taken */
	CHECK_NEAR(evaluate(&loss, labels, x, 6, 2, dx), 0.6666667, 5e-4);
}

/* Easy positives with semi-hard negatives: the mean over anchors */
static void
check_semi_hard(const char *text, const double *expected)
{
	static const double x[8] = {1.0, 0.0, 0.5, 0.8660254, 0.0, 1.0, 0.01010049, 0.999949};
	static const int32_t labels[4] = {0, 0, 1, 1};
	double		dx[8];
	Loss		loss = make_loss(text);

	CHECK_NEAR(evaluate(&loss, labels, x, 4, 2, dx),
			   (expected[0] + expected[1] + expected[2] + expected[3]) / 4,
			   1e-3);
}

static void
test_tf_semi_hard(void)
{
	static const double triplet[4] = {0.51, 1.366, 0.866, 0.871};
	static const double pn[4] = {1.371, 1.366, 0.871, 0.871};

	check_semi_hard("triplet positive_mining=easy margin=1", triplet);
	check_semi_hard("pn positive_mining=easy margin=1", pn);
}

/* Its test's formula: rows without another of their class count, and add 0. */
static void
test_tf_soft_nearest_neighbor(void)
{
	enum
	{
		N = 10, DIMS = 20
	};
	static const int32_t labels[N] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 3};
	static const char *const temperatures[] = {"0.1", "0.5", "1", "2", "5", "10", "50"};
	double		x[N * DIMS];
	double		dx[N * DIMS];
	Random		random;

	random_init(&random, 8, 8);
	for (int i = 0; i < N * DIMS; i++)
		x[i] = random_uniform(&random);
	for (int t = 0; t < 7; t++)
	{
		char		text[100];
		double		expected = 0;
		Loss		loss;

		for (int i = 0; i < N; i++)
		{
			double		same = 0;
			double		all = 0;

			for (int j = 0; j < N; j++)
			{
				double		d = 0;

				for (int k = 0; k < DIMS; k++)
					d += (x[i * DIMS + k] -
						  x[j * DIMS + k]) * (x[i * DIMS + k] - x[j * DIMS +
																  k]);
				d = j == i ? 0 : exp(-d / strtod(temperatures[t], NULL));
				all += d;
				same += labels[i] == labels[j] ? d : 0;
			}
			expected -= same > 0 ? log(same / all) / N : 0;
		}
		snprintf(text, sizeof(text),
				 "soft_nearest_neighbor distance=squared_euclidean temperature=%s", temperatures[t]);
		loss = make_loss(text);
		CHECK_NEAR(evaluate(&loss, labels, x, N, DIMS, dx), expected, 1e-3);
	}
}

static void
check_distances(NnDistance distance, const double *x, int n, int dims,
				const double *expected)
{
	double		matrix[MAX_ROWS];

	nn_distances(distance, x, n, x, n, dims, matrix);
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

static void
test_tf_opposite_rows(void)
{
	static const double opposite[4] = {0, 1, 0, -1};
	static const double equal[4] = {1, 1, 1, 1};
	static const double across[4] = {0, 1, 1, 0};
	static const double two[4] = {0, 2, 2, 0};
	static const double none[4] = {0, 0, 0, 0};
	static const double one[4] = {1, 0, 0, 1};

	check_distances(NN_EUCLIDEAN, opposite, 2, 2, two);
	check_distances(NN_MANHATTAN, opposite, 2, 2, two);
	check_distances(NN_MANHATTAN, equal, 2, 2, none);
	check_distances(NN_INNER_PRODUCT, across, 2, 2, one);
}

/* Other keys than queries; rows of length 1; the anchor's variance */
static void
test_tf_keys(void)
{
	static const double queries[6] = {0, 1, 0, 1, 1, 1};
	static const double keys[4] = {2, 1, 1, 1};
	static const double expected[6] = {2, 1, 2, 1, 1, 0};
	static const double rows[6] = {0.1, 0.3, 0.2, 0.0, 0.1, 0.5};
	double		unit[6];
	double		matrix[6];

	nn_distances(NN_EUCLIDEAN, queries, 3, keys, 2, 2, matrix);
	for (int i = 0; i < 6; i++)
		CHECK_NEAR(matrix[i], expected[i], 0);
	for (int i = 0; i < 6; i++)
		unit[i] = rows[i] / sqrt(i < 3 ? 0.14 : 0.26);
	nn_distances(NN_COSINE, unit, 2, unit, 2, 3, matrix);
	CHECK_NEAR(matrix[0], 0, 6e-8);
	CHECK_NEAR(matrix[1], 0.31861484, 6e-8);
	nn_distances(NN_INNER_PRODUCT, unit, 2, unit, 2, 3, matrix);
	CHECK_NEAR(matrix[0], 1, 6e-8);
	CHECK_NEAR(matrix[1], 0.68138516, 6e-8);

	/*
	 * the variances of the rows are .02 / 3 and .14 / 3, that of their
	 * difference .14 / 3
	 */
	nn_distances(NN_SNR, rows, 2, rows, 2, 3, matrix);
	CHECK_NEAR(matrix[0], 0, 1e-12);
	CHECK_NEAR(matrix[1], 7, 1e-12);
	CHECK_NEAR(matrix[2], 1, 1e-12);
}

/* ---- finite differences ---- */

#define STEP 1e-6

/* Compare the gradient of count numbers at x with differences of the loss */
static double
compare_gradient(const Loss *loss, const int32_t *labels, double *x, int n,
				 int dims,
				 double *second, int nsecond, double *changed, int count,
				 const double *gradient)
{
	double		unused[2][MAX_ROWS * MAX_DIMS];
	double		size = 0;

	for (int i = 0; i < count; i++)
	{
		double		was = changed[i];
		double		above;
		double		below;

		changed[i] = was + STEP;
		above = evaluate_both(loss, labels, x, n, dims, second, nsecond,
							  unused[0], unused[1]);
		changed[i] = was - STEP;
		below = evaluate_both(loss, labels, x, n, dims, second, nsecond,
							  unused[0], unused[1]);
		changed[i] = was;
		CHECK_NEAR(gradient[i], (above - below) / (2 * STEP), 1e-7);
		size += fabs(gradient[i]);
	}
	return size;
}

/* simsiam holds its first rows constant: their gradient is 0. */
static void
check_gradient(const char *text, const int32_t *labels, int n, int dims)
{
	Loss		loss = make_loss(text);
	NnLossKind	kind = nn_loss_kind(loss.type);
	int			nsecond = kind == NN_LOSS_PAIRWISE ? 0 : kind == NN_LOSS_PROXY ?
	6 : n;
	double		x[MAX_ROWS * MAX_DIMS];
	double		second[MAX_ROWS * MAX_DIMS];
	double		dx[MAX_ROWS * MAX_DIMS];
	double		dsecond[MAX_ROWS * MAX_DIMS];
	double		size = 0;
	bool		was_ok = unit_ok;
	Random		random;

	random_init(&random, 21, (uint64_t) n);
	for (int i = 0; i < n * dims; i++)
		x[i] = 0.5 * random_normal(&random);
	for (int i = 0; i < nsecond * dims; i++)
		second[i] = 0.5 * random_normal(&random);
	evaluate_both(&loss, labels, x, n, dims, second, nsecond, dx, dsecond);
	if (loss.type != &nn_loss_simsiam)
		size += compare_gradient(&loss, labels, x, n, dims, second, nsecond, x,
								 n * dims, dx);
	size += compare_gradient(&loss, labels, x, n, dims, second, nsecond, second,
							 nsecond * dims, dsecond);
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

			snprintf(text, sizeof(text), "%s distance=%s %s", loss,
					 nn_distance_names[d], settings[s]);
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
		"positive_mining=all negative_mining=all",
		"positive_mining=all negative_mining=all margin=0.2 reduction=nonzero",
		"positive_mining=all negative_mining=hard reduction=sum",
		"positive_mining=easy negative_mining=all margin=0.1",
		NULL
	};

	check_settings("triplet", settings);
}

static void
test_multi_similarity_gradients(void)
{
	static const char *const settings[] = {
		"", "alpha=1 beta=5", "epsilon=0", "epsilon=10 beta=10",
		"lmda=0 center=0.3", "alpha=20 lmda=2", NULL
	};

	check_settings("multi_similarity", settings);
}

static void
test_other_pairwise_gradients(void)
{
	static const char *const pn[] = {
		"", "negative_mining=hard",
		"positive_mining=easy negative_mining=easy margin=0.5", NULL
	};
	static const char *const circle[] = {"gamma=2", "gamma=5 margin=0.2 reduction=sum", NULL};
	static const char *const soft[] = {"", "temperature=3 reduction=nonzero", NULL};
	static const char *const softmax[] = {"temperature=0.5", "temperature=2 reduction=mean",
	"temperature=1 reduction=sum", NULL};
	static const char *const lifted[] = {"", "positive_mining=easy margin=0.5", NULL};
	static const char *const contrastive[] = {
		"", "reduction=mean", "reduction=sum positive_margin=0.3 negative_margin=1.5", NULL
	};

	check_settings("pn", pn);
	check_settings("circle", circle);
	check_settings("soft_nearest_neighbor", soft);
	check_settings("sup_con", softmax);
	check_settings("nt_xent", softmax);
	check_settings("lifted_structure", lifted);
	check_settings("contrastive", contrastive);
}

static void
test_proxy_gradients(void)
{
	static const int32_t labels[7] = {0, 1, 1, 3, 5, 0, 0};
	static const char *const losses[] = {
		"normalized_softmax temperature=0.5",
		"normalized_softmax reduction=sum temperature=1",
		"proxy_nca", "proxy_nca scale=3 reduction=nonzero",
		"cosface scale=4", "arcface scale=4", "arcface scale=4 margin=80",
		"proxy_anchor alpha=3", "proxy_anchor alpha=8 margin=0.3 reduction=sum",
		"proxy_anchor reduction=nonzero alpha=1",
		"sub_center_arcface scale=4 sub_centers=1",
		NULL
	};

	for (int i = 0; losses[i] != NULL; i++)
		check_gradient(losses[i], labels, 7, 5);
}

/* Six proxies are two of each of three classes, or three of two. */
static void
test_sub_center_gradients(void)
{
	static const int32_t labels[7] = {0, 1, 1, 0, 1, 0, 0};

	check_gradient("sub_center_arcface scale=4 sub_centers=2", labels, 7, 5);
	check_gradient("sub_center_arcface scale=4 margin=80 reduction=sum",
				   labels, 7, 5);
}

/* One center a class is arcface. */
static void
test_sub_centers(void)
{
	Loss		one = make_loss("sub_center_arcface sub_centers=1");
	Loss		arcface = make_loss("arcface");
	double		gradients[2][2 * GOLDEN_COUNT];

	CHECK_NEAR(golden_loss(&one, gradients[0]),
			   golden_loss(&arcface, gradients[1]), 1e-12);
	for (int i = 0; i < (GOLDEN_ROWS + GOLDEN_CLASSES) * GOLDEN_DIMS; i++)
		CHECK_NEAR(gradients[0][i], gradients[1][i], 1e-12);
}

/* x = z / 1e-6 for a row shorter than that, and its gradient dx / 1e-6. */
static void
test_clipped_lengths(void)
{
	double		x[4] = {3, 4, 3e-7, 4e-7};
	double		dx[4] = {1, 2, 1, 2};
	double		lengths[2];

	nn_normalize_rows(x, 2, 2, lengths);
	CHECK_NEAR(lengths[0], 5, 1e-15);
	CHECK_NEAR(x[2], 0.3, 1e-12);
	CHECK_NEAR(x[3], 0.4, 1e-12);
	nn_normalize_rows_backward(x, 2, 2, lengths, dx);
	CHECK_NEAR(dx[0], (1 - 0.6 * 2.2) / 5, 1e-15);
	CHECK_NEAR(dx[1], (2 - 0.8 * 2.2) / 5, 1e-15);
	CHECK_NEAR(dx[2], 1e6, 1e-6);
	CHECK_NEAR(dx[3], 2e6, 1e-6);
}

static void
test_view_gradients(void)
{
	static const int32_t labels[6] = {0};
	static const char *const losses[] = {
		"multiple_negatives_ranking", "multiple_negatives_ranking scale=2",
		"simclr temperature=0.5", "simclr temperature=2",
		"simsiam", "simsiam projection_type=cosine_distance",
		"simsiam projection_type=angular_distance margin=0.5",
		"barlow", "barlow lambda=0.5", "vicreg",
		"vicreg lambda=1 mu=2 nu=3 std_const=0.1", NULL
	};

	for (int i = 0; losses[i] != NULL; i++)
		check_gradient(losses[i], labels, 6, 4);
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

/* Every loss on one class, on singletons, on one row and on equal rows */
static void
test_odd_batches(void)
{
	static const int32_t batches[][4] = {{2, 2, 2, 2}, {0, 1, 2, 3}, {0, 0, 1, 1}};
	static const double x[8] = {1, 0, 0, 1, 0.6, 0.8, -1, 0};
	static const double equal[8] = {0.6, 0.8, 0.6, 0.8, 0.6, 0.8, 0.6, 0.8};
	double		dx[8];
	double		dsecond[8];

	for (int i = 0; nn_loss_type_at(i) != NULL; i++)
	{
		Loss		loss = make_loss(nn_loss_description(nn_loss_type_at(i))->name);
		bool		pairwise = nn_loss_kind(loss.type) == NN_LOSS_PAIRWISE;
		bool		views = nn_loss_kind(loss.type) == NN_LOSS_VIEWS;

		for (int c = 0; c < 12; c++)
		{
			const double *rows = c % 2 == 0 ? x : equal;
			int			n = c / 2 % 2 == 0 ? 4 : 1;
			double		loss_value = evaluate_both(&loss, batches[c / 4], rows,
												   n, 2, rows,
												   pairwise ? 0 : views ? n : 4,
												   dx, dsecond);

			CHECK(isfinite(loss_value));
			for (int d = 0; d < 2 * n; d++)
				CHECK(isfinite(dx[d]) && (pairwise || isfinite(dsecond[d])));
		}
	}
}

/* Each distance at 0 has a finite gradient. */
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

		snprintf(text, sizeof(text), "triplet distance=%s margin=0.5",
				 nn_distance_names[d]);
		loss = make_loss(text);
		CHECK_NEAR(evaluate(&loss, labels, x, 4, 1, dx), 0.5, 1e-12);
		for (int i = 0; i < 4; i++)
			CHECK(isfinite(dx[i]));
	}
}

/* Terms above zero: 2 of 4 anchors */
static void
test_reductions(void)
{
	static const int32_t labels[4] = {0, 0, 1, 1};
	static const double x[4] = {0, 1, 1.5, 10};
	double		dx[3][4];
	Loss		mean = make_loss("triplet distance=manhattan negative_mining=hard margin=0");
	Loss		nonzero = make_loss("triplet distance=manhattan negative_mining=hard margin=0 reduction=nonzero");
	Loss		sum = make_loss("triplet distance=manhattan negative_mining=hard margin=0 reduction=sum");
	double		total = evaluate(&sum, labels, x, 4, 1, dx[0]);

	/* 1 - 1.5 < 0; 1 - 0.5; 8.5 - 0.5; 8.5 - 9 < 0 */
	CHECK_NEAR(total, 8.5, 1e-12);
	CHECK_NEAR(evaluate(&mean, labels, x, 4, 1, dx[1]), total / 4, 1e-12);
	CHECK_NEAR(evaluate(&nonzero, labels, x, 4, 1, dx[2]), total / 2, 1e-12);
	for (int i = 0; i < 4; i++)
	{
		CHECK_NEAR(dx[1][i], dx[0][i] / 4, 1e-12);
		CHECK_NEAR(dx[2][i], dx[0][i] / 2, 1e-12);
	}
}

static void
test_stats(void)
{
	static const int32_t labels[5] = {0, 0, 0, 1, 2};
	NnLossWork	work;
	NnStepStats stats;
	Loss		loss = make_loss("triplet distance=manhattan");
	static const double x[5] = {0, 1, 3, 10, 30};

	arena_reset(arena);
	CHECK(nn_loss_work(arena, loss.type, &loss.params, 5, 1, 0, &work));
	memcpy(work.x, x, sizeof(x));
	nn_loss_compute(loss.type, &loss.params, labels, 5, 1, &work);
	nn_loss_stats(loss.type, &loss.params, labels, 5, 1, &work, &stats);

	/*
	 * farthest positives 3 2 3 of three anchors; nearest negatives 10 9 7 7
	 * 20
	 */
	CHECK_NEAR(stats.avg_positive, 8.0 / 3, 1e-12);
	CHECK_NEAR(stats.min_positive, 2, 1e-12);
	CHECK_NEAR(stats.max_positive, 3, 1e-12);
	CHECK_NEAR(stats.avg_negative, 53.0 / 5, 1e-12);
	CHECK_NEAR(stats.min_negative, 7, 1e-12);
	CHECK_NEAR(stats.max_negative, 20, 1e-12);
	nn_loss_stats(loss.type, &loss.params, labels + 2, 3, 1, &work, &stats);
	CHECK(isnan(stats.avg_positive) && isnan(stats.max_positive) &&
		  !isnan(stats.avg_negative));
}

static void
test_names(void)
{
	Status		status;

	CHECK(nn_loss_type("triplets", &status) == NULL);
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "unrecognized loss \"triplets\"");
	CHECK(strstr(status.hint, "\"arcface\"") != NULL &&
		  strstr(status.hint, "\"vicreg\".") != NULL);
	for (int i = 0; nn_loss_type_at(i) != NULL; i++)
	{
		const NnDescription *description =
		nn_loss_description(nn_loss_type_at(i));

		CHECK(nn_loss_type(description->name, &status) == nn_loss_type_at(i));
		CHECK(description->comment != NULL);
		if (nn_loss_kind(nn_loss_type_at(i)) == NN_LOSS_PAIRWISE)
			CHECK_TEXT(description->params[NN_PAIR_DISTANCE].name, "distance");
		for (const ParamSpec *spec = description->params; spec->name != NULL;
			 spec++)
			CHECK(spec->comment != NULL &&
				  spec - description->params < PARAMS_MAX);
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
	RUN(test_golden_values);
	RUN(test_swav);
	RUN(test_tf_triplet);
	RUN(test_tf_lifted_structure);
	RUN(test_tf_pn);
	RUN(test_tf_semi_hard);
	RUN(test_tf_soft_nearest_neighbor);
	RUN(test_tf_distances);
	RUN(test_tf_opposite_rows);
	RUN(test_tf_keys);
	RUN(test_triplet_gradients);
	RUN(test_multi_similarity_gradients);
	RUN(test_other_pairwise_gradients);
	RUN(test_proxy_gradients);
	RUN(test_sub_center_gradients);
	RUN(test_sub_centers);
	RUN(test_clipped_lengths);
	RUN(test_view_gradients);
	RUN(test_multi_similarity_is_stable);
	RUN(test_batches_without_pairs);
	RUN(test_equal_rows);
	RUN(test_odd_batches);
	RUN(test_reductions);
	RUN(test_stats);
	RUN(test_names);
	arena_destroy(arena);
	return unit_done();
}
