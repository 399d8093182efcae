/*
 * test_optimizer.c
 *	  Optimizers against their formulas in double.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
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

/* Run the optimizer; out gets the weights after each step. */
static void
run(const char *text, double out[STEPS][WEIGHTS])
{
	NnTrainOptions options = make_options("triplet", text, 1, NULL);
	real		weights[WEIGHTS];
	real		moments[NN_MOMENTS][WEIGHTS] = {{0}};
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
		optimizer.rate = params_number(&optimizer.params, NN_OPT_LEARNING_RATE);
		if (optimizer.type->whole_tensors)
			optimizer.type->update(&optimizer, 0, WEIGHTS, gradient);
		else
		{
			/* in two pieces, as layers hand them over */
			optimizer.type->update(&optimizer, 0, 20, gradient);
			optimizer.type->update(&optimizer, 20, WEIGHTS - 20, gradient + 20);
		}
		for (int i = 0; i < WEIGHTS; i++)
			out[t - 1][i] = weights[i];
	}
}

static void
check_adam(const char *text, double rate, double beta_1, double beta_2,
		   double epsilon, double decay)
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
			w -= rate * decay * w;
			w -= rate * sqrt(1 - pow(beta_2, t)) / (1 - pow(beta_1,
															t)) * m / (sqrt(v) + epsilon);
			CHECK_NEAR(got[t - 1][i], w, 1e-6);
		}
	}
}

static void
test_adam(void)
{
	check_adam("adam", 0.001, 0.9, 0.999, 1e-7, 0);
	check_adam("adam learning_rate=0.05 epsilon=0.001", 0.05, 0.9, 0.999, 1e-3,
			   0);
	check_adam("adam learning_rate=0.01 beta_1=0 beta_2=0.5", 0.01, 0, 0.5,
			   1e-7, 0);
}

static void
test_adamw(void)
{
	check_adam("adamw", 0.001, 0.9, 0.999, 1e-7, 0.004);
	check_adam("adamw learning_rate=0.1 weight_decay=0.5", 0.1, 0.9, 0.999,
			   1e-7, 0.5);
	check_adam("adamw weight_decay=0", 0.001, 0.9, 0.999, 1e-7, 0);
}

static void
check_lamb(const char *text, double rate, double epsilon, double decay)
{
	double		got[STEPS][WEIGHTS];
	double		w[WEIGHTS];
	double		m[WEIGHTS] = {0};
	double		v[WEIGHTS] = {0};

	run(text, got);
	for (int i = 0; i < WEIGHTS; i++)
		w[i] = i % 3 - 1;
	for (int t = 1; t <= STEPS; t++)
	{
		double		step[WEIGHTS];
		double		weights = 0;
		double		steps = 0;

		for (int i = 0; i < WEIGHTS; i++)
		{
			double		g = gradient_at(i, t);

			m[i] = 0.9 * m[i] + 0.1 * g;
			v[i] = 0.999 * v[i] + 0.001 * g * g;
			step[i] = m[i] / (1 - pow(0.9,
									  t)) / (sqrt(v[i] / (1 - pow(0.999,
																  t))) + epsilon) + decay * w[i];
			weights += w[i] * w[i];
			steps += step[i] * step[i];
		}
		for (int i = 0; i < WEIGHTS; i++)
		{
			w[i] -= rate * sqrt(weights / steps) * step[i];
			CHECK_NEAR(got[t - 1][i], w[i], 1e-5);
		}
	}
}

static void
test_lamb(void)
{
	check_lamb("lamb", 0.001, 1e-6, 0);
	check_lamb("lamb learning_rate=0.1 weight_decay=0.1", 0.1, 1e-6, 0.1);
}

static void
check_rmsprop(const char *text, double rate, double rho, double momentum,
			  bool centered)
{
	double		got[STEPS][WEIGHTS];

	run(text, got);
	for (int i = 0; i < WEIGHTS; i++)
	{
		double		w = i % 3 - 1;
		double		squares = 0;
		double		mean = 0;
		double		velocity = 0;

		for (int t = 1; t <= STEPS; t++)
		{
			double		g = gradient_at(i, t);

			squares = rho * squares + (1 - rho) * g * g;
			mean = rho * mean + (1 - rho) * g;
			velocity = momentum * velocity +
				rate * g / sqrt(squares - (centered ? mean * mean : 0) + 1e-7);
			w -= velocity;
			CHECK_NEAR(got[t - 1][i], w, 1e-5);
		}
	}
}

static void
test_rmsprop(void)
{
	check_rmsprop("rmsprop", 0.001, 0.9, 0, false);
	check_rmsprop("rmsprop learning_rate=0.01 rho=0.5 momentum=0.9", 0.01, 0.5,
				  0.9, false);
	check_rmsprop("rmsprop learning_rate=0.01 centered=true", 0.01, 0.9, 0,
				  true);
	check_rmsprop("rmsprop momentum=0.5 centered=true", 0.001, 0.9, 0.5, true);
}

/* A step of Adam is the learning rate whatever the gradient's size. */
static void
test_adam_first_step(void)
{
	double		got[STEPS][WEIGHTS];

	run("adam learning_rate=0.25 epsilon=1e-20", got);
	for (int i = 0; i < WEIGHTS; i++)
		CHECK_NEAR(got[0][i], i % 3 - 1 - copysign(0.25, gradient_at(i, 1)),
				   1e-5);
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
	check_sgd("sgd learning_rate=0.1 momentum=0.9 nesterov=true", 0.1, 0.9,
			  true);
	check_sgd("sgd learning_rate=0", 0, 0, false);
}

/* ---- schedules ---- */

static Params
schedule_params(const char *name, const char *text)
{
	Params		params;
	Status		status;

	params_init(&params, "schedule",
				nn_schedule_description(nn_schedule_type(name,
														 &status))->params);
	CHECK(parse_params(&params, text, &status));
	return params;
}

static double
factor(const char *name, const char *text, double step, double total)
{
	Params		params = schedule_params(name, text);
	Status		status;

	return nn_schedule_type(name, &status)->factor(&params, step, total);
}

static void
test_schedules(void)
{
	CHECK(factor("constant", "", 77, 10) == 1);
	CHECK_NEAR(factor("cosine", "", 0, 100), 1, 1e-15);
	CHECK_NEAR(factor("cosine", "", 25, 100), 0.5 * (1 + sqrt(0.5)), 1e-15);
	CHECK_NEAR(factor("cosine", "", 50, 100), 0.5, 1e-15);
	CHECK_NEAR(factor("cosine", "", 100, 100), 0, 1e-15);
	CHECK_NEAR(factor("cosine", "", 200, 100), 0, 1e-15);
	CHECK_NEAR(factor("cosine", "alpha=0.2", 50, 100), 0.6, 1e-15);
	CHECK_NEAR(factor("cosine", "decay_steps=10", 5, 100), 0.5, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=4", 0, 104), 0, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=4", 1, 104), 0.25, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=4", 4, 104), 1, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=4", 54, 104), 0.5, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=4 alpha=0.1", 54, 104),
			   0.55, 1e-15);
	CHECK_NEAR(factor("warmup_cosine", "warmup_steps=0 total_steps=10", 5, 104),
			   0.5, 1e-15);
}

/* TensorFlow Similarity's test of WarmupCosineDecay */
static void
test_tf_warmup_cosine(void)
{
	for (int step = 0; step <= 1250; step += 250)
	{
		int			s = step < 1000 ? step : 1000;

		CHECK_NEAR(factor("warmup_cosine", "warmup_steps=500", step, 1000),
				   s < 500 ? s / 500.0 :
				   0.5 * (1 + cos(M_PI * (s - 500) / 500)), 1e-6);
	}
}

static void
test_checks(void)
{
	Params		params = schedule_params("warmup_cosine", "warmup_steps=10");
	Status		status;
	const NnScheduleType *warmup = nn_schedule_type("warmup_cosine", &status);

	CHECK(nn_schedule_check(warmup, &params, 11, &status));
	CHECK(!nn_schedule_check(warmup, &params, 10, &status));
	CHECK_TEXT(status.message,
			   "warmup_steps of schedule must be below its total_steps");
	CHECK(nn_schedule_type("linear", &status) == NULL);
	CHECK_TEXT(status.hint, "Valid values are \"constant\", \"cosine\", \"warmup_cosine\".");
	params = make_options("triplet", "adam clipnorm=1", 1,
						  NULL).optimizer_params;
	CHECK(nn_optimizer_check(&params, &status));
	params = make_options("triplet", "adam clipnorm=1 clipvalue=2", 1,
						  NULL).optimizer_params;
	CHECK(!nn_optimizer_check(&params, &status));
}

static void
test_names(void)
{
	Status		status;

	CHECK(nn_optimizer_type("adamax", &status) == NULL);
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "unrecognized optimizer \"adamax\"");
	CHECK_TEXT(status.hint, "Valid values are \"adam\", \"adamw\", \"lamb\", \"rmsprop\", \"sgd\".");
	for (int i = 0; nn_optimizer_type_at(i) != NULL; i++)
	{
		const NnDescription *description =
		nn_optimizer_description(nn_optimizer_type_at(i));

		CHECK(nn_optimizer_type(description->name,
								&status) == nn_optimizer_type_at(i));
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
	RUN(test_adamw);
	RUN(test_lamb);
	RUN(test_rmsprop);
	RUN(test_sgd);
	RUN(test_schedules);
	RUN(test_tf_warmup_cosine);
	RUN(test_checks);
	RUN(test_names);
	return unit_done();
}
