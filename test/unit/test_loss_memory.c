/*
 * test_loss_memory.c
 *	  Losses whose keys are the rows of earlier batches, too.
 */
#include "base/random.h"
#include "kernel/gemm.h"
#include "loss_case.h"

/* Of finite differences */
#define STEP 1e-6

static Arena *arena;

/*
 * A batch with memory is a batch whose keys are all rows so far: its loss is
 * that of its own anchors among them.
 */
static void
test_memory(void)
{
	static const double x[6] = {0, 1, 5, 3, 4, 9};
	static const int32_t labels[6] = {0, 0, 1, 1, 0, 1};
	Loss		loss = make_loss("contrastive distance=manhattan reduction=sum negative_margin=100 memory_size=5");
	NnLossWork	work;

	arena_reset(arena);
	CHECK(nn_loss_work(arena, loss.type, &loss.params, 2, 1, 0, &work));
	for (int step = 0; step < 3; step++)
	{
		double		value = 0;
		double		got;
		int			first = step == 2 ? 1 : 0;	/* the oldest row falls out */

		nn_loss_next_batch(loss.type, &loss.params, 2, 1, &work);
		memcpy(work.x, x + 2 * step, 2 * sizeof(double));
		got = nn_loss_compute(loss.type, &loss.params, labels + 2 * step, 2, 1,
							  &work);
		CHECK(work.nkeys == (step == 0 ? 2 : step == 1 ? 4 : 5));
		for (int i = 2 * step; i < 2 * step + 2; i++)
		{
			for (int j = 0; j < 2 * step + 2; j++)
			{
				double		d = fabs(x[i] - x[j]);

				/* rows are kept in order, batch by batch: row 1 is the last */
				if (j != i && !(first && j == 1))
					value += labels[i] == labels[j] ? d : 100 - d;
			}
		}
		CHECK_NEAR(got, value, 1e-12);
	}
}

/* Rows of warm-up steps are not kept; the memory is no loss for other kinds. */
static void
test_memory_warmup(void)
{
	static const int32_t labels[2] = {0, 1};
	Loss		loss = make_loss("triplet memory_size=100 warmup_steps=2");
	NnLossWork	work;
	static const int expected[] = {2, 2, 2, 4, 6};

	arena_reset(arena);
	CHECK(nn_loss_work(arena, loss.type, &loss.params, 2, 1, 0, &work));
	for (int step = 0; step < 5; step++)
	{
		nn_loss_next_batch(loss.type, &loss.params, 2, 1, &work);
		work.x[0] = work.x[1] = 1;
		nn_loss_compute(loss.type, &loss.params, labels, 2, 1, &work);
		CHECK(work.nkeys == expected[step]);
	}
}

/* TensorFlow Similarity's test: a step of warm-up, room for two batches of six */
static void
test_tf_memory(void)
{
	static const int32_t batches[3][6] = {{1, 1, 2, 2, 3, 3}, {4, 4, 5, 5, 6, 6}, {7, 7, 8, 8, 9, 9}};
	static const int expected[3] = {6, 6, 12};
	Loss		loss = make_loss("multi_similarity memory_size=12 warmup_steps=1");
	NnLossWork	work;

	arena_reset(arena);
	CHECK(nn_loss_work(arena, loss.type, &loss.params, 6, 1, 0, &work));
	for (int step = 0; step < 3; step++)
	{
		nn_loss_next_batch(loss.type, &loss.params, 6, 1, &work);
		for (int i = 0; i < 6; i++)
			work.x[i] = 1;
		nn_loss_compute(loss.type, &loss.params, batches[step], 6, 1, &work);
		CHECK(work.nkeys == expected[step]);
	}
	for (int i = 0; i < 12; i++)
		CHECK(work.key_labels[i] == (i < 6 ? batches[2][i] :
									 batches[1][i - 6]));
}

/* The gradient reaches the batch as anchors and as keys, and not the memory. */
static void
check_memory_gradient(const char *text)
{
	static const int32_t labels[6] = {0, 1, 0, 1, 2, 0};
	Loss		loss = make_loss(text);
	NnLossWork	work;
	double		x[12];
	double		dx[12];
	double		size = 0;
	Random		random;

	random_init(&random, 5, 5);
	for (int i = -1; i < 12; i++)
	{
		double		value[2];

		for (int side = 0; side < (i < 0 ? 1 : 2); side++)
		{
			arena_reset(arena);
			CHECK(nn_loss_work(arena, loss.type, &loss.params, 3, 4, 0, &work));
			random_init(&random, 5, 5);
			for (int step = 0; step < 2; step++)
			{
				nn_loss_next_batch(loss.type, &loss.params, 3, 4, &work);
				for (int k = 0; k < 12; k++)
					work.x[k] = x[k] = 0.5 * random_normal(&random);
				if (step == 1 && i >= 0)
					work.x[i] += side == 0 ? STEP : -STEP;
				value[side] = nn_loss_compute(loss.type, &loss.params,
											  labels + 3 * step, 3, 4, &work);
			}
		}
		if (i < 0)
			memcpy(dx, work.dx, sizeof(dx));
		else
		{
			CHECK_NEAR(dx[i], (value[0] - value[1]) / (2 * STEP), 1e-7);
			size += fabs(dx[i]);
		}
	}
	CHECK(size > 1e-3);
}

static void
test_memory_gradients(void)
{
	check_memory_gradient("triplet distance=euclidean memory_size=6");
	check_memory_gradient("multi_similarity distance=squared_euclidean memory_size=5 beta=3");
	check_memory_gradient("circle distance=euclidean gamma=2 memory_size=6");
	check_memory_gradient("sup_con distance=inner_product temperature=1 memory_size=6");
	check_memory_gradient("nt_xent distance=squared_euclidean temperature=1 memory_size=6");
	check_memory_gradient("soft_nearest_neighbor memory_size=6");
	check_memory_gradient("contrastive memory_size=6");
	check_memory_gradient("lifted_structure distance=euclidean memory_size=6");
	check_memory_gradient("pn distance=euclidean memory_size=6");
	check_memory_gradient("triplet distance=snr positive_mining=all negative_mining=all memory_size=6");
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
	RUN(test_memory);
	RUN(test_memory_warmup);
	RUN(test_tf_memory);
	RUN(test_memory_gradients);
	arena_destroy(arena);
	return unit_done();
}
