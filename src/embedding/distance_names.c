/*
 * distance_names.c
 *	  Distances by name: the one list of them.
 *
 * The distance_ functions may run on any thread, so that they must neither
 * palloc nor raise errors.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "embedding/embedding.h"
#include "kernel/vector.h"
#include "server/call.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_distances);

static double
distance_l2(const void *q, const void *x)
{
	return embedding_l2_distance(q, x);
}

static double
distance_l2_squared(const void *q, const void *x)
{
	return embedding_l2_squared_distance(q, x);
}

static double
distance_cosine(const void *q, const void *x)
{
	return embedding_cosine_distance(q, x);
}

static double
distance_inner_product(const void *q, const void *x)
{
	return embedding_negative_inner_product(q, x);
}

static double
distance_l1(const void *q, const void *x)
{
	return embedding_l1_distance(q, x);
}

/* Elements that are not floats are decoded here. */
static double
distance_snr(const void *q, const void *x)
{
	float		scratch[2][EMBEDDING_MAX_DIMS];
	const Embedding *query = q;

	return kernel_snr_distance(embedding_floats(query, scratch[0]),
							   embedding_floats(x, scratch[1]), query->dims);
}

static double
distance_hamming(const void *q, const void *x)
{
	return embedding_hamming_distance(q, x);
}

static double
distance_jaccard(const void *q, const void *x)
{
	return embedding_jaccard_distance(q, x);
}

/*
 * The one list of distances.  Names are Keras' and TensorFlow Similarity's,
 * aliases those of TensorFlow Similarity, SQL and the operator classes.
 */
static const EmbeddingMetric metrics[] = {
	{
		.name = "cosine",.aliases = {"CosineDistance"},
		.kind = NEIGHBOR_COSINE,.distance = distance_cosine,
		.operator = "<=>",.opclass = "embedding_cosine_ops"
	},
	{
		.name = "euclidean",.aliases = {"l2", "EuclideanDistance", "pythagorean"},
		.kind = NEIGHBOR_L2,.distance = distance_l2,
		.operator = "<->",.opclass = "embedding_l2_ops"
	},
	{
		.name = "squared_euclidean",.aliases = {"SquaredEuclideanDistance", "sql2", "sqeuclidean"},
		.kind = NEIGHBOR_L2_SQUARED,.distance = distance_l2_squared,
		.operator = "<->",.function = "l2_squared_distance",.opclass =
		"embedding_l2_ops"
	},
	{
		.name = "inner_product",.aliases = {"ip", "InnerProductSimilarity"},
		.kind = NEIGHBOR_INNER_PRODUCT,.distance = distance_inner_product,
		.operator = "<#>",.opclass = "embedding_ip_ops"
	},
	{
		.name = "manhattan",.aliases = {"l1", "ManhattanDistance", "taxicab"},
		.kind = NEIGHBOR_OTHER,.distance = distance_l1,
		.operator = "<+>",.opclass = "embedding_l1_ops"
	},
	{
		.name = "snr",.aliases = {"SNRDistance", "signal-to-noise-ratio"},
		.kind = NEIGHBOR_OTHER,.distance = distance_snr,
		.function = "snr_distance",.query_first = true
	},
	{
		.name = "hamming",
		.kind = NEIGHBOR_OTHER,.distance = distance_hamming,.of_bits = true,
		.operator = "<~>",.opclass = "embedding_hamming_ops"
	},
	{
		.name = "jaccard",
		.kind = NEIGHBOR_OTHER,.distance = distance_jaccard,.of_bits = true,
		.operator = "<%>",.opclass = "embedding_jaccard_ops"
	},
};

static bool
has_name(const EmbeddingMetric *metric, const char *name)
{
	if (pg_strcasecmp(metric->name, name) == 0)
		return true;
	for (int i = 0; i < EMBEDDING_METRIC_ALIASES && metric->aliases[i] != NULL;
		 i++)
		if (pg_strcasecmp(metric->aliases[i], name) == 0)
			return true;
	return false;
}

const EmbeddingMetric *
embedding_metric_or_null(const char *name, bool bits)
{
	for (int i = 0; i < lengthof(metrics); i++)
		if ((bits || !metrics[i].of_bits) && has_name(&metrics[i], name))
			return &metrics[i];
	return NULL;
}

const EmbeddingMetric *
embedding_metric(const char *name, bool bits)
{
	const EmbeddingMetric *metric = embedding_metric_or_null(name, bits);
	StringInfoData names;

	if (metric != NULL)
		return metric;
	initStringInfo(&names);
	for (int i = 0; i < lengthof(metrics); i++)
		if (bits || !metrics[i].of_bits)
			appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
							 metrics[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("unrecognized distance \"%s\"", name),
			 errhint("Valid values are %s; similarity.distances() lists their other names.", names.data)));
}

/* ---- distances() ---- */

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;

	return *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

static Datum
aliases_of(const EmbeddingMetric *metric)
{
	Datum		aliases[EMBEDDING_METRIC_ALIASES];
	int			n = 0;

	while (n < EMBEDDING_METRIC_ALIASES && metric->aliases[n] != NULL)
	{
		aliases[n] = CStringGetTextDatum(metric->aliases[n]);
		n++;
	}
	return PointerGetDatum(construct_array(aliases, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* distances(): name, other names, operator, function, operator class */
Datum
list_distances(PG_FUNCTION_ARGS)
{

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(metrics); i++)
	{
		const EmbeddingMetric *metric = &metrics[i];
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = CStringGetTextDatum(metric->name);
		values[1] = aliases_of(metric);
		values[2] = text_or_null(metric->operator, &nulls[2]);
		values[3] = text_or_null(metric->function, &nulls[3]);
		values[4] = text_or_null(metric->opclass, &nulls[4]);
		put_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* What rounding makes of an element, and of a sum of products */
#define ELEMENT_ROUNDING 1e-5
#define SUM_ROUNDING (4 * FLT_EPSILON)

bool
embedding_is_own_distance(const EmbeddingMetric *metric, const Embedding *e,
						  double distance)
{
	double		square = -embedding_negative_inner_product(e, e);

	switch (metric->kind)
	{
		case NEIGHBOR_L2:
			return distance <= ELEMENT_ROUNDING * sqrt(square);
		case NEIGHBOR_L2_SQUARED:
			return distance <= ELEMENT_ROUNDING * ELEMENT_ROUNDING * square;
		case NEIGHBOR_COSINE:
			return distance <= SUM_ROUNDING;
		case NEIGHBOR_INNER_PRODUCT:
			return fabs(distance + square) <= SUM_ROUNDING * square;
		case NEIGHBOR_OTHER:
			break;
	}
	if (metric->distance == distance_l1)
		return distance <= ELEMENT_ROUNDING * sqrt(square);
	return distance <= ELEMENT_ROUNDING * ELEMENT_ROUNDING; /* of snr, a ratio of
															 * squares */
}
