/*
 * test_optimizer.c
 *	  Optimisers against their formulas in double.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "nn/optimizer.h"
#include "nn_model.h"

#define WEIGHTS 37				/* not a multiple of any vector */
#define STEPS 10

/* The gradient of weight i at step t */
static double
gradient_at(int i, int t)
{
	Random		random;

	random_init(&random, (uint64_t) t, (uint64_t) i);
	return (float) (random_normal(&random) * pow(10, i % 9 - 6));
}

/* Run the optimiser; out gets the weights after each step. */
static void
run(const char *text, double out[STEPS][WEIGHTS])
{
	NnTrainOptions options = make_options("triplet", text, 1, NULL);
	real		weights[WEIGHTS];
	real		moments[2][WEIGHTS] = {{0}};
	real		gradient[WEIGHTS];
	NnOptimizer optimizer = {.type = options.optimizer,.params = options.optimizer_params,.weights = weights};

	for (int m = 0; m < optimizer.type->moments(&optimizer.params); m++)
		optimizer.moments[m] = moments[m];
	for (int i = 0; i < WEIGHTS; i++)
		weights[i] = (real) (i % 3 - 1);
	for (int t = 1; t <= STEPS; t++)
	{
		optimizer.step = t;
		for (int i = 0; i < WEIGHTS; i++)
			gradient[i] = (real) gradient_at(i, t);
		/* in two pieces, as layers hand them over */
		optimizer.type->update(&optimizer, 0, 20, gradient);
		optimizer.type->update(&optimizer, 20, WEIGHTS - 20, gradient + 20);
		for (int i = 0; i < WEIGHTS; i++)
			out[t - 1][i] = weights[i];
	}
}

static void
check_adam(const char *text, double rate, double beta_1, double beta_2, double epsilon)
{
	double		got[STEPS][WEIGHTS];

	run(text, got);
	for (int i = 0; i < WEIGHTS; i++)
	{
		double		w = i % 3 - 1;
		double		m = 0;
		double		v = 0;

		for (int t = 1; t <= STEPS; t++)
		{
			double		g = gradient_at(i, t);

			m = beta_1 * m + (1 - beta_1) * g;
			v = beta_2 * v + (1 - beta_2) * g * g;
			w -= rate * sqrt(1 - pow(beta_2, t)) / (1 - pow(beta_1, t)) * m / (sqrt(v) + epsilon);
			CHECK_NEAR(got[t - 1][i], w, 1e-6);
		}
	}
}

static void
test_adam(void)
{
	check_adam("adam", 0.001, 0.9, 0.999, 1e-7);
	check_adam("adam learning_rate=0.05 epsilon=0.001", 0.05, 0.9, 0.999, 1e-3);
	check_adam("adam learning_rate=0.01 beta_1=0 beta_2=0.5", 0.01, 0, 0.5, 1e-7);
}

/* A step of Adam is the learning rate whatever the gradient's size. */
static void
test_adam_first_step(void)
{
	double		got[STEPS][WEIGHTS];

	run("adam learning_rate=0.25 epsilon=1e-20", got);
	for (int i = 0; i < WEIGHTS; i++)
		CHECK_NEAR(got[0][i], i % 3 - 1 - copysign(0.25, gradient_at(i, 1)), 1e-5);
}

static void
check_sgd(const char *text, double rate, double momentum, bool nesterov)
{
	double		got[STEPS][WEIGHTS];

	run(text, got);
	for (int i = 0; i < WEIGHTS; i++)
	{
		double		w = i % 3 - 1;
		double		velocity = 0;

		for (int t = 1; t <= STEPS; t++)
		{
			double		g = gradient_at(i, t);

			velocity = momentum * velocity - rate * g;
			w += nesterov ? momentum * velocity - rate * g : velocity;
			CHECK_NEAR(got[t - 1][i], w, 2e-6);
		}
	}
}

static void
test_sgd(void)
{
	check_sgd("sgd", 0.01, 0, false);
	check_sgd("sgd learning_rate=0.1 momentum=0.9", 0.1, 0.9, false);
	check_sgd("sgd learning_rate=0.1 momentum=0.9 nesterov=true", 0.1, 0.9, true);
	check_sgd("sgd learning_rate=0", 0, 0, false);
}

static void
test_names(void)
{
	Status		status;

	CHECK(nn_optimizer_type("adamax", &status) == NULL);
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "there is no optimizer \"adamax\"");
	CHECK_TEXT(status.hint, "There are: \"adam\", \"sgd\".");
	for (int i = 0; nn_optimizer_type_at(i) != NULL; i++)
	{
		const NnDescription *description = nn_optimizer_description(nn_optimizer_type_at(i));

		CHECK(nn_optimizer_type(description->name, &status) == nn_optimizer_type_at(i));
		CHECK(description->comment != NULL);
		CHECK_TEXT(description->params[0].name, "learning_rate");
	}
}

int
main(void)
{
	kernel_init();
	RUN(test_adam);
	RUN(test_adam_first_step);
	RUN(test_sgd);
	RUN(test_names);
	return unit_done();
}
