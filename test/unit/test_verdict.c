/*
 * test_verdict.c
 *	  What is said of a training whose embeddings tell nothing apart.
 */
#include "nn/loss.h"
#include "nn_model.h"

static Arena *arena;

/* A collapsed model, a loss that stands at its margin, and neither */
static void
test_verdict(void)
{
	static const struct
	{
		const char *loss;
		double		value;
		double		positive;
		double		negative;
		const char *verdict;	/* how it begins; NULL: none */
	}			cases[] = {
		{"triplet margin=0.2", 0.201, 1e-4, 2e-5, "loss stands at the margin: all embeddings"},
		{"triplet margin=0.2", 0.1, 1e-4, 2e-5, "all embeddings"},
		{"multi_similarity", 0.7, 1e-4, 2e-5, "all embeddings"},
		{"arcface", 20, 1e-5, 1e-5, "all embeddings"},
		{"triplet margin=0.2", 0.198, 0.5, 0.502, "loss stands at the margin: positives"},
		{"pn margin=null", 0.6931, 0.5, 0.502, "loss stands at the margin: positives"},
		{"triplet margin=0.2 reduction=sum", 0.2, 0.5, 0.5, NULL},
		{"triplet margin=0.2", 0.2, 0.3, 0.5, NULL},
		{"triplet margin=0.2", 0.1, 0.5, 0.5, NULL},
		{"multi_similarity", 0.2, 0.5, 0.5, NULL},
		{"triplet margin=0.2", 0, 1e-5, 0.8, NULL},
		{"triplet margin=0.2", 0.2, NAN, 1e-5, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		NnTrainOptions options = make_options(cases[i].loss, "sgd", 1, NULL);
		NnStepStats mean = {
			.loss = cases[i].value,.avg_positive = cases[i].positive,
			.avg_negative = cases[i].negative
		};
		const char *verdict = nn_verdict(options.loss,
										 &options.loss_params, &mean);

		if (cases[i].verdict == NULL)
			CHECK(verdict == NULL);
		else
			CHECK(verdict != NULL && strncmp(verdict, cases[i].verdict,
											 strlen(cases[i].verdict)) == 0);
	}
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_verdict);
	arena_destroy(arena);
	return unit_done();
}
