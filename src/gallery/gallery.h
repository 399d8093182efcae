/*
 * gallery.h
 *	  Galleries: what the files of this room share.
 *
 * Everything here needs SPI connected and allocates in CurrentMemoryContext.
 * User tables are read as the invoker; only gallery_catalog.c asks the catalog.
 */
#ifndef GALLERY_GALLERY_H
#define GALLERY_GALLERY_H

#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"

#include "base/status.h"
#include "embedding/embedding.h"
#include "eval/calibration.h"
#include "eval/retrieval.h"
#include "server/role.h"

/* ---- a gallery (gallery_catalog.c, relation.c) ---- */

/*
 * A distance by its TensorFlow Similarity name.  Rows are ordered by the
 * operator, which an index may serve, or by the function where there is no
 * operator; what is reported is the function's value, or the operator's.
 */
typedef struct GalleryDistance
{
	const char *name;
	const char *operator;
	const char *function;
	bool		query_first;	/* the function is not symmetric */
} GalleryDistance;

/* By name or alias in any case; ERROR that lists the names. */
extern const GalleryDistance *gallery_distance(const char *name);

typedef struct Gallery
{
	int32		id;
	char	   *name;
	Oid			owner;			/* a role, which may be gone */
	Oid			relid;
	char	   *schema;			/* of relid, not quoted; NULL: it is gone */
	char	   *table;
	char	   *embedding;
	char	   *label;
	char	   *key;			/* NULL: there is none */
	char	   *image;			/* NULL: there is none */
	char	   *input;			/* what embedding is computed from; NULL: not
								 * told */
	int			height;			/* of images; 0: not known */
	int			width;
	int			channels;
	const GalleryDistance *distance;
	char	   *model;			/* NULL: raw input cannot be embedded */
	int			version;		/* of model */
	char	   *relation;		/* qualified and quoted */
	bool		fresh;			/* a snapshot of its own is active */
	Oid			reader;			/* as whom its table is read; InvalidOid: as
								 * the current role */
} Gallery;

/*
 * The gallery of that name, its table and columns found and checked, the table
 * share-locked.  ERROR if there is no such gallery, or if table or columns are
 * gone or changed.  Every gallery_open() or gallery_reopen() of a function
 * ends with gallery_close(), before SPI_finish().
 */
extern Gallery *gallery_open(const char *name);
extern void gallery_reopen(const Gallery *gallery);
extern void gallery_close(const Gallery *gallery);

/* Names of the galleries of a model that its owner has (himself or by a role); returns how many. */
extern int	gallery_names_of_model(const char *model, char ***names);

/* The galleries of a model that its owner has, and others of the same columns, hold this version now. */
extern void gallery_set_versions(const char *model, int version);

/* A gallery of that table and column, but for one, which has an input column, or NULL. */
extern Gallery *gallery_find_attached(Oid relid, const char *embedding, int32 except);

/* Tell what embeddings are computed from; NULL: it is not told. */
extern void gallery_set_input(const Gallery *gallery, const char *input);

/* The gallery of that name as registered, its table not looked at. */
extern Gallery *gallery_find(const char *name);

/* ERRCODE_INSUFFICIENT_PRIVILEGE unless the current role owns it. */
extern void gallery_require_owner(const Gallery *gallery);

/* Check the registered table and its columns. */
extern void gallery_resolve(Gallery *gallery);

/*
 * What is kept for others, a calibration, is made of what the gallery's owner
 * sees, whoever asks for it: from here on the table is read as the owner, in
 * gallery_enter() ... gallery_leave().  ERROR unless the current role owns it.
 */
extern void gallery_read_as_owner(Gallery *gallery);

extern void gallery_enter(const Gallery *gallery, RoleFrame *frame);
extern void gallery_leave(const Gallery *gallery, const RoleFrame *frame);

/* ERROR that the table is not what it was when the gallery was opened. */
extern void gallery_raise_changed(const Gallery *gallery) pg_attribute_noreturn();

/* Tell the names of relid; false if there is no such relation. */
extern bool gallery_set_names(Gallery *gallery);

/* May the current role read a column, or a system column (negative)? */
extern bool gallery_may_read(Oid relid, AttrNumber column);

/* ERRCODE_INSUFFICIENT_PRIVILEGE unless it may read the gallery's columns. */
extern void gallery_require_read(const Gallery *gallery);

/* Height, width and channels from {h,w,c} or {h,w}; ERROR if not an image. */
extern void gallery_set_shape(Gallery *gallery, ArrayType *shape);

/* Type modifier of a column */
extern int32 gallery_column_typmod(Oid relid, AttrNumber column);

/* The only column of the table's primary key, or NULL. */
extern char *gallery_primary_key(Oid relid);

/* How many columns the primary key has, 0 without one, and the first of them */
extern int	gallery_primary_key_columns(Oid relid, AttrNumber *first);

/* A calibration as match and evaluations need it. */
typedef struct Cutpoint
{
	char	   *name;
	double		distance;
} Cutpoint;

typedef struct Calibration
{
	EvalMatcher matcher;
	int			k;
	int			ncutpoints;		/* at least 1 */
	Cutpoint   *cutpoints;		/* by ascending distance */
	int64		queries;
	int			nmatched;		/* at least 1 */
	double	   *matched;		/* distances of matches, ascending, if many a
								 * selection */
} Calibration;

/* ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if it was never calibrated. */
extern Calibration *gallery_calibration(const Gallery *gallery);

/* One of them by name; ERROR that lists the names. */
extern const Cutpoint *calibration_cutpoint(const Calibration *calibration,
											const Gallery *gallery, const char *name);

/* ---- new rows (attach.c) ---- */

/* Forget the input column, and drop the trigger unless another gallery of the column wants it. */
extern void gallery_end_trigger(const Gallery *gallery);

/* ---- look-up (lookup.c) ---- */

typedef enum NeighborColumns
{
	NEIGHBOR_LABELS,			/* label and distance */
	NEIGHBOR_KEYS,				/* and key */
	NEIGHBOR_ITEMS,				/* and key, id, item */
	NEIGHBOR_IMAGES				/* and image instead */
} NeighborColumns;

/* Columns of SPI_tuptable after neighbors_find(). */
#define NEIGHBOR_LABEL 1
#define NEIGHBOR_DISTANCE 2
#define NEIGHBOR_KEY 3
#define NEIGHBOR_ID 4
#define NEIGHBOR_ITEM 5
#define NEIGHBOR_IMAGE 3

/* A prepared search for the k nearest rows. */
extern SPIPlanPtr neighbors_prepare(const Gallery *gallery, NeighborColumns columns, int k);

/*
 * The rows nearest to query are in SPI_tuptable, nearest first; returns how
 * many.  The caller frees the table.
 */
extern int	neighbors_find(SPIPlanPtr plan, const Embedding *query);

/* A column of a row, which must be of this type or a domain over it. */
extern Datum neighbors_value(SPITupleTable *table, int row, int column, Oid type, bool *isnull);

/* Distance of a row; NaN if it has none. */
extern double neighbors_distance(SPITupleTable *table, int row);

/* A row of NEIGHBOR_ITEMS as rank, label, distance, key, id, item. */
#define NEIGHBOR_VALUES 6
extern void neighbor_values(SPITupleTable *table, int row, Datum *values, bool *nulls);

/* ERROR that the gallery has no row to be compared with. */
extern void gallery_raise_empty(const Gallery *gallery) pg_attribute_noreturn();

/* ERROR unless 1 <= k <= EVAL_MAX_K. */
extern void neighbors_check_k(int64 k);

/* ---- match (match.c) ---- */

/*
 * The match of query among the neighbours that plan (of NEIGHBOR_KEYS) finds,
 * as label, distance, cut point's name and distance, evidence, accepted.
 */
#define MATCH_VALUES 6
extern void match_values(const Gallery *gallery, SPIPlanPtr plan, const Embedding *query,
						 EvalMatcher matcher, const Cutpoint *cutpoint, Datum *values, bool *nulls);

/* ---- what repeated calls of one statement share (statement.c) ---- */

typedef struct Search
{
	MemoryContext context;
	char	   *name;
	Gallery    *gallery;
	Calibration *calibration;	/* by search_calibration() */
	SPIPlanPtr	plan;			/* by search_plan() */
	NeighborColumns columns;
	int			k;
} Search;

/*
 * The gallery of that name, opened by the first call in a statement and kept
 * for its later ones.
 */
extern Search *search_begin(FunctionCallInfo fcinfo, const char *name);

extern const Calibration *search_calibration(Search *search);
extern SPIPlanPtr search_plan(Search *search, NeighborColumns columns, int k);

/* ---- input (gallery_input.c) ---- */

/* ERROR unless the gallery can embed input of this type; checks privileges. */
extern void gallery_require_input(const Gallery *gallery, Oid type);

/*
 * An embedding as a column of this type takes it: of its dimensions and kind,
 * and if it is a domain, by its conditions, which are its owner's code.
 */
extern Datum gallery_column_value(Embedding *embedding, Oid type, int32 typmod);

/* Input as embeddings of the gallery, after gallery_require_input(). */
extern Embedding *gallery_embed(const Gallery *gallery, Datum input, Oid type);
extern void gallery_embed_many(const Gallery *gallery, const Datum *inputs, Oid type,
							   int n, Embedding **out);

/* ---- a user's query of (input, label[, image]) in batches (user_query.c) ---- */

typedef enum QueryKind
{
	QUERY_LABELS,				/* (input, label) */
	QUERY_INPUTS,				/* (input), or (input, anything) */
	QUERY_KEYS,					/* (input, key) */
	QUERY_REPORT				/* (input, label) or (input, label, image),
								 * labels may be NULL */
} QueryKind;

typedef struct LabeledBatch
{
	int			n;				/* 0 at the end */
	Datum	   *inputs;
	Embedding **embeddings;
	char	  **labels;			/* NULL entries are SQL's NULL */
	Datum	   *images;
	bool	   *has_image;
} LabeledBatch;

typedef struct LabeledRows
{
	const Gallery *gallery;
	Portal		portal;
	Oid			type;			/* of input */
	int			columns;
	QueryKind	kind;
	int64		rows;			/* read before this batch */
	MemoryContext context;		/* of the batch */
	SPITupleTable *table;		/* of the batch */
	LabeledBatch batch;
} LabeledRows;

/* Open a SELECT as the invoker; ERROR unless its columns fit. */
extern LabeledRows *query_open(const Gallery *gallery, const char *query, QueryKind kind);

/* The next rows, embedded; valid until the next call.  No rows: the query is closed. */
extern const LabeledBatch *query_next(LabeledRows *source);

/* ---- labels as codes (labels.c) ---- */

typedef struct Labels Labels;

extern Labels *labels_create(void);

/* The code of a label, the same for the same text; NULL: EVAL_NO_LABEL. */
extern int	labels_code(Labels *labels, const char *label);

/* The same, and remember who has it: a row of the gallery, or an item of a query. */
extern int	labels_code_of_row(Labels *labels, const char *label);
extern int	labels_code_of_item(Labels *labels, const char *label);

/* By code, until the next new label */
typedef struct LabelUse
{
	const char *label;
	bool		in_gallery;
	int64		items;
} LabelUse;

extern const LabelUse *labels_uses(const Labels *labels);

/* NULL for EVAL_NO_LABEL */
extern const char *labels_text(const Labels *labels, int code);

/* Codes are 0 .. this - 1. */
extern int	labels_count(const Labels *labels);

/* Text of a column, as its type prints it; blanks of char(n) cut. */
extern char *labels_of_column(SPITupleTable *table, int row, int column);

/* ---- one pass over a query and its neighbours (evaluate_pass.c) ---- */

/* Called for each row: its label and n neighbours' labels and distances. */
typedef void (*PassFunction) (void *state, int label, const int *labels,
							  const double *distances, int n);

/*
 * Call function for each row of query, in their order, with its label (none of
 * QUERY_INPUTS: EVAL_NO_LABEL) and its k nearest:
 * the true ones, or those that look-ups find.  ERROR if there is no row or the
 * gallery is empty.
 */
typedef struct Pass Pass;
extern Pass *gallery_pass(const Gallery *gallery, const char *query, QueryKind kind, bool exact, int k,
						  Labels *labels, PassFunction function, void *state);

/* After a pass that was not exact: the share of the k true nearest it found. */
extern double pass_index_recall(const Pass *pass, int k);

/* What a pass found out about the items of its query. */
typedef struct PassItems
{
	int64		n;
	int64		own;			/* have the embedding of a row of the gallery */
	int64		nowhere;		/* have no distance to any row */
} PassItems;

extern const PassItems *pass_items(const Pass *pass);

/* ---- exact neighbours of many queries (exact_neighbors.c) ---- */

typedef struct Exact Exact;

/* As PassFunction, with the item itself */
typedef void (*ExactFunction) (void *state, const Embedding *query, int label, const int *labels,
							   const double *distances, int n);

/* Queries are answered in their order, some of them in exact_add(). */
extern Exact *exact_create(const Gallery *gallery, int k, Labels *labels, ExactFunction function, void *state);
extern void exact_add(Exact *exact, int label, const Embedding *query);

/* Answer those that wait. */
extern void exact_run(Exact *exact);

/* The same with each row's match only, in arrays that grow. */
typedef struct Matches
{
	int64		n;
	int64		size;
	int		   *labels;			/* of the query */
	int		   *predicted;
	double	   *distances;
	bool	   *hits;
	EvalMatcher matcher;
	bool		drop_closest;	/* the items stand in the gallery: leave each
								 * one's nearest row out */
} Matches;

extern Matches *matches_create(EvalMatcher matcher, bool drop_closest);

/* How many neighbours it takes to match by k of them. */
extern int	matches_depth(const Matches *matches, int k);
extern void matches_add(Matches *matches, int label, const int *labels,
						const double *distances, int n);

/* ---- what makes results doubtful (doubt.c) ---- */

/*
 * Tell of items that say nothing, or something else than is thought.  True if
 * there was a warning.
 */
extern bool doubt_items(const Gallery *gallery, const Pass *pass, const Labels *labels, bool drop_closest);

/* Tell of matches with rows that have no label. */
extern void doubt_matches(const Gallery *gallery, const Matches *matches);

/* Tell if the cut point accepts nothing. */
extern void doubt_cutpoint(const Gallery *gallery, const Cutpoint *cutpoint);

/*
 * Are the items so few, or their labels so many that the gallery lacks, or all
 * of them one, that a cut point on them needs more right matches than wrong
 * ones to be believed?
 */
extern bool doubt_is_grave(const Labels *labels, const Matches *matches);

/*
 * Tell of a calibration that is no ground for cut points.  place: where
 * "optimal" stands on the curve, NULL if no item is matched rightly; accepted:
 * it is believed; told: doubt_items() has warned.
 */
extern void doubt_calibration(const Labels *labels, const Matches *matches, const EvalCurve *curve,
							  const size_t *place, bool accepted, bool told);

/* What is wrong, in words, with a calibration of so many items and its cut point "optimal"; or NULL */
extern const char *doubt_of_calibration(int64 items, double distance, double precision);

/* ---- arguments (arguments.c) ---- */

/* ERROR that names the argument if it is NULL. */
extern char *text_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* The value, or NULL. */
extern char *text_argument_or_null(FunctionCallInfo fcinfo, int n);
extern int	k_argument(FunctionCallInfo fcinfo, int n, int initial);
extern EvalMatcher matcher_argument(FunctionCallInfo fcinfo, int n, EvalMatcher initial);

/*
 * The n-th argument, an input, with its type as the call declares it; text is
 * read as what it is the text of.  ERROR if the type is not one of inputs.
 */
extern Datum input_argument(FunctionCallInfo fcinfo, int n, Oid *type);

extern bool bool_argument(FunctionCallInfo fcinfo, int n, bool initial);

/* Argument n, an array of names of retrieval metrics; ERROR if it is empty. */
extern EvalRetrievalMetric *retrieval_metrics(FunctionCallInfo fcinfo, int n, char ***names, int *count);

/* Arguments n to n + 2: average, drop_closest, distance_threshold. */
extern EvalRetrievalOptions retrieval_options(FunctionCallInfo fcinfo, int n);

/* Does any of them need the number of rows of each label? */
extern bool retrieval_any_needs_r(const EvalRetrievalMetric *metrics, int n);

#endif							/* GALLERY_GALLERY_H */
