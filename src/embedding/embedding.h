/*
 * embedding.h
 *	  The SQL type "embedding": layout, limits and what other rooms may call.
 */
#ifndef EMBEDDING_EMBEDDING_H
#define EMBEDDING_EMBEDDING_H

#include "postgres.h"

#include "fmgr.h"

#include "kernel/element.h"
#include "kernel/neighbors.h"
#include "server/compat.h"

#define EMBEDDING_MAX_DIMS 16384
#define EMBEDDING_MAX_MODEL 32767

/*
 * A value.  It is detoasted to 4-byte alignment, so the elements are aligned
 * to 4 bytes and no more.  They follow the header as kernel/element.h lays
 * out: ask embedding_elements() for them as stored, embedding_floats() for
 * them as floats, and use x only where kind is known to be ELEMENT_FLOAT.
 */
typedef struct Embedding
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	uint16		dims;			/* 1 .. EMBEDDING_MAX_DIMS */
	uint8		kind;			/* ElementKind */
	uint8		unused;			/* 0 */
	float4		scale;			/* of int8 elements; 1 otherwise */
	uint16		model;			/* version id of the model that made it, or 0 */
	uint16		unused2;		/* 0 */
	float4		x[FLEXIBLE_ARRAY_MEMBER];
} Embedding;

/* Bytes of a value with header; EMBEDDING_SIZE is that of float elements. */
#define EMBEDDING_HEADER_SIZE offsetof(Embedding, x)
#define EMBEDDING_SIZE(dims) \
	(EMBEDDING_HEADER_SIZE + sizeof(float4) * (Size) (dims))

static inline Size
embedding_size(ElementKind kind, int dims)
{
	return EMBEDDING_HEADER_SIZE + element_size(kind, dims);
}

/* The elements as they are stored */
static inline const void *
embedding_elements(const Embedding *e)
{
	return e->x;
}

/*
 * The elements as dims floats: those of e itself if they are floats, else
 * decoded into scratch, which has room for dims.  NULL: decode into memory of
 * CurrentMemoryContext.
 */
extern const float *embedding_floats(const Embedding *e, float *scratch);

/* The elements as floats, e->dims of them, in any case copied */
extern void embedding_decode(const Embedding *e, float *out);

#define DatumGetEmbedding(d) ((Embedding *) PG_DETOAST_DATUM(d))
#define PG_GETARG_EMBEDDING_P(n) embedding_check(DatumGetEmbedding(PG_GETARG_DATUM(n)))
#define PG_RETURN_EMBEDDING_P(e) PG_RETURN_POINTER(e)

/*
 * typmod: dims - 1 in bits 0 .. 13, kind in bits 14 .. 15, model version in
 * bits 16 .. 30; -1 if nothing is said.
 */
#define EMBEDDING_TYPMOD(dims, kind, model) \
	(((int32) (dims) - 1) | ((int32) (kind) << 14) | ((int32) (model) << 16))
#define EMBEDDING_TYPMOD_DIMS(typmod) (((typmod) & 0x3FFF) + 1)
#define EMBEDDING_TYPMOD_KIND(typmod) (((typmod) >> 14) & 3)
#define EMBEDDING_TYPMOD_MODEL(typmod) (((typmod) >> 16) & 0x7FFF)

/* A zeroed float32 value with tag 0, header set, in CurrentMemoryContext. */
extern Embedding *embedding_new(int dims);

/*
 * Validate header against size (a C function may be called with anything of
 * the type) and return e; ERRCODE_DATA_CORRUPTED otherwise.
 */
extern Embedding *embedding_check(Embedding *e);

/* ERROR unless both have the same dimensions. */
extern void embedding_check_dims(const Embedding *a, const Embedding *b);

/* ERROR unless both have the same dimensions and compatible model tags. */
extern void embedding_check_pair(const Embedding *a, const Embedding *b);

/* ERROR: values of versions a and b met. */
pg_noreturn extern void embedding_raise_model_mismatch(int a, int b);

/*
 * The tag that a set of values agrees on, 0 as long as none has one, with one
 * more value; ERROR if it has another.
 */
extern void embedding_merge_model(int *model, const Embedding *e);

/* ERROR if an element is not finite: for new values, of kind float. */
extern void embedding_check_finite(const Embedding *e);

/* e stored as kind, with its tag: e itself or a copy; ERROR if half overflows. */
extern Embedding *embedding_convert(Embedding *e, ElementKind kind);

/* Check and convert to what a column's typmod asks; e itself or a copy. */
extern Embedding *embedding_coerce(Embedding *e, int32 typmod);

/*
 * OID of the type and of its array type, and the schema they stand in, found
 * through the extension whatever the search_path; a few catalog look-ups.
 */
extern Oid	embedding_type_oid(void);
extern const char *embedding_schema_name(void);

/*
 * The modifier that embedding would have for what a column's type and modifier
 * say, be it embedding, vector, halfvec, bit or a domain of one: dimensions and
 * precision.  -1 if they say nothing, or the type is none of these.
 */
extern int32 embedding_typmod(Oid type, int32 typmod);

/* SQL functions that others call: text, modifiers, casts, arithmetic */
extern Datum embedding_in(PG_FUNCTION_ARGS);
extern Datum embedding_out(PG_FUNCTION_ARGS);
extern Datum embedding_typmod_in(PG_FUNCTION_ARGS);
extern Datum array_to_embedding(PG_FUNCTION_ARGS);
extern Datum embedding_add(PG_FUNCTION_ARGS);
extern Datum embedding_subtract(PG_FUNCTION_ARGS);
extern Datum embedding_multiply(PG_FUNCTION_ARGS);
extern Datum embedding_concat(PG_FUNCTION_ARGS);
extern Datum similarity_l2_normalize(PG_FUNCTION_ARGS);
extern Datum similarity_subvector(PG_FUNCTION_ARGS);
extern Datum embedding_avg_final(PG_FUNCTION_ARGS);
extern Datum embedding_sum_final(PG_FUNCTION_ARGS);

/*
 * Distances as the operators compute them, without any check: for the index,
 * which must agree with the operators.  Operands of any kind, of the same
 * dimensions.  Cosine is NaN for a zero vector.
 */
extern double embedding_l2_distance(const Embedding *a, const Embedding *b);
extern double embedding_l2_squared_distance(const Embedding *a,
											const Embedding *b);
extern double embedding_cosine_distance(const Embedding *a, const Embedding *b);
extern double embedding_negative_inner_product(const Embedding *a,
											   const Embedding *b);
extern double embedding_l1_distance(const Embedding *a, const Embedding *b);

/* Operands that are not bits are converted to bits first. */
extern double embedding_hamming_distance(const Embedding *a,
										 const Embedding *b);
extern double embedding_jaccard_distance(const Embedding *a,
										 const Embedding *b);

/* What a distance of values of this typmod costs, in units of cpu_operator_cost */
extern double embedding_distance_cost(int32 typmod);

#define EMBEDDING_METRIC_ALIASES 3

/*
 * A distance by name.  Rows are ordered by the operator, which an index may
 * serve, or by the function where there is no operator; what is reported is
 * the function's value, or the operator's.
 */
typedef struct EmbeddingMetric
{
	const char *name;
	const char *aliases[EMBEDDING_METRIC_ALIASES];	/* NULL after the last */
	NeighborMetric kind;		/* for kernel/neighbors.h */
	NeighborDistance distance;	/* may run on any thread */
	bool		of_bits;		/* compares bits whatever the precision */
	const char *operator;		/* or NULL */
	const char *function;		/* or NULL */
	const char *opclass;		/* of similarity_hnsw, or NULL */
	bool		query_first;	/* the function is not symmetric */
} EmbeddingMetric;

/*
 * By name or alias, whatever the case of its letters; of bits only if these are
 * asked for.  ERRCODE_UNDEFINED_OBJECT that lists the names.
 */
extern const EmbeddingMetric *embedding_metric(const char *name, bool bits);
extern const EmbeddingMetric *embedding_metric_or_null(const char *name,
													   bool bits);

/*
 * Is this distance from e that of e itself, but for rounding?  Embeddings that
 * one model makes of one input, alone or in a batch, lie so near.
 */
extern bool embedding_is_own_distance(const EmbeddingMetric *metric,
									  const Embedding *e, double distance);

#endif							/* EMBEDDING_EMBEDDING_H */
