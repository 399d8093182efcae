/*
 * params.h
 *	  Named parameters of layers, losses, optimizers and schedules.
 *
 * A table of ParamSpec says which parameters a thing has, their type, default
 * and range.  A server room walks the user's jsonb and sets each value by
 * name; the arithmetic reads it by position.  The same tables produce error
 * messages (accepted parameters and their defaults) and the SQL functions that list what exists.
 */
#ifndef BASE_PARAMS_H
#define BASE_PARAMS_H

#include <stdbool.h>

#include "base/status.h"

typedef enum ParamType
{
	PARAM_INTEGER,
	PARAM_REAL,
	PARAM_BOOLEAN,
	PARAM_CHOICE,				/* one of the words in choices */
	PARAM_SIZE2,				/* one integer or [height, width] */
	PARAM_LIST,					/* one integer or up to PARAM_LIST_MAX in
								 * arrays */
	PARAM_REAL_LIST				/* the same of numbers */
} ParamType;

typedef struct ParamSpec
{
	const char *name;
	ParamType	type;
	bool		required;
	bool		nullable;		/* JSON null is accepted and stored as unset */
	double		initial;		/* default; index into choices for a choice */
	double		minimum;
	double		maximum;
	const char *const *choices; /* NULL-terminated; else NULL */
	const char *comment;		/* one line for users */
} ParamSpec;

#define PARAMS_MAX 12
#define PARAM_LIST_MAX 4

typedef struct ParamValue
{
	bool		isset;			/* false: unset nullable parameter */
	double		number;			/* integer, real, boolean, choice, height */
	double		second;			/* width of PARAM_SIZE2 */
	int			count;			/* of a list */
	double		list[PARAM_LIST_MAX];
} ParamValue;

/* The values of one thing; specs ends with an entry whose name is NULL. */
typedef struct Params
{
	const char *owner;			/* "layer \"conv2d\"", for messages */
	const ParamSpec *specs;
	ParamValue	values[PARAMS_MAX];
	bool		given[PARAMS_MAX];
} Params;

/* Set every value to its default. */
extern void params_init(Params *params, const char *owner,
						const ParamSpec *specs);

/*
 * Set one parameter by name.  Unknown names, wrong types and values out of
 * range are failures whose message names owner and parameter and whose hint
 * lists what is accepted.
 */
extern bool params_set_number(Params *params, const char *name, double value,
							  Status *status);
extern bool params_set_pair(Params *params, const char *name, double first,
							double second, Status *status);
extern bool params_set_list(Params *params, const char *name,
							const double *values, int count, Status *status);
extern bool params_is_list(const Params *params, const char *name);
extern bool params_set_boolean(Params *params, const char *name, bool value,
							   Status *status);
extern bool params_set_text(Params *params, const char *name, const char *value,
							Status *status);
extern bool params_set_null(Params *params, const char *name, Status *status);

/* Are all required parameters given? */
extern bool params_check(const Params *params, Status *status);

/* Read by position in the specs. */
static inline double
params_number(const Params *params, int position)
{
	return params->values[position].number;
}

#endif							/* BASE_PARAMS_H */
