/*
 * test_params.c
 *	  Named parameters: values, defaults, and the messages of every failure.
 */
#include "base/params.h"
#include "unit.h"

static const char *const words[] = {"valid", "same", NULL};

static const ParamSpec specs[] = {
	{.name = "units",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 64,.comment = "c"},
	{.name = "rate",.type = PARAM_REAL,.initial = 0.5,.minimum = 0,.maximum = 1,.comment = "c"},
	{.name = "bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,.comment = "c"},
	{.name = "padding",.type = PARAM_CHOICE,.choices = words,.comment = "c"},
	{.name = "size",.type = PARAM_SIZE2,.initial = 2,.minimum = 1,.maximum = 9,.comment = "c"},
	{.name = "margin",.type = PARAM_REAL,.nullable = true,.minimum = 0,.maximum = 1,.comment = "c"},
	{NULL}
};

enum
{
	UNITS, RATE, BIAS, PADDING, SIZE, MARGIN
};

static const ParamSpec none[] = {{NULL}};

static Params params;
static Status status;

static void
init(void)
{
	params_init(&params, "layer \"dense\"", specs);
	status_clear(&status);
}

static void
test_defaults(void)
{
	init();
	CHECK(params_number(&params, RATE) == 0.5);
	CHECK(params_number(&params, BIAS) == 1);
	CHECK(params_number(&params, PADDING) == 0);
	CHECK(params.values[SIZE].number == 2 && params.values[SIZE].second == 2);
	CHECK(!params.values[MARGIN].isset);
	CHECK(params.values[RATE].isset);
	CHECK(!params.given[RATE]);
}

static void
test_set(void)
{
	init();
	CHECK(params_set_number(&params, "units", 64, &status));
	CHECK(params_set_number(&params, "rate", 0, &status));
	CHECK(params_set_boolean(&params, "bias", false, &status));
	CHECK(params_set_text(&params, "padding", "same", &status));
	CHECK(params_set_pair(&params, "size", 3, 4, &status));
	CHECK(params_set_number(&params, "margin", 0.25, &status));
	CHECK(params_number(&params, UNITS) == 64);
	CHECK(params_number(&params, RATE) == 0);
	CHECK(params_number(&params, BIAS) == 0);
	CHECK(params_number(&params, PADDING) == 1);
	CHECK(params.values[SIZE].number == 3 && params.values[SIZE].second == 4);
	CHECK(params.values[MARGIN].isset &&
		  params_number(&params, MARGIN) == 0.25);
	CHECK(params_set_null(&params, "margin", &status));
	CHECK(!params.values[MARGIN].isset);
	CHECK(params_set_number(&params, "size", 5, &status));
	CHECK(params.values[SIZE].number == 5 && params.values[SIZE].second == 5);
	CHECK(params_check(&params, &status));
	CHECK(status.code == STATUS_SUCCESS);
}

static void
test_unknown_name(void)
{
	init();
	CHECK(!params_set_number(&params, "unit", 1, &status));
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "unrecognized parameter \"unit\" of layer \"dense\"");
	CHECK_TEXT(status.hint, "Valid parameters and their defaults are \"units\" (required), \"rate\" (0.5), "
			   "\"bias\" (true), \"padding\" (\"valid\"), \"size\" (2), \"margin\" (null).");
	params_init(&params, "layer \"flatten\"", none);
	CHECK(!params_set_text(&params, "x", "y", &status));
	CHECK_TEXT(status.hint, "There are no valid parameters.");
}

static void
expect_type_failure(bool result, const char *message)
{
	CHECK(!result);
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK_TEXT(status.message, message);
}

static void
test_wrong_types(void)
{
	const char *integer = "parameter \"units\" of layer \"dense\" must be an integer";
	const char *real = "parameter \"rate\" of layer \"dense\" must be a number";
	const char *boolean = "parameter \"bias\" of layer \"dense\" must be true or false";
	const char *string = "parameter \"padding\" of layer \"dense\" must be a string";
	const char *pair = "parameter \"size\" of layer \"dense\" must be an integer or an array of two integers";

	init();
	expect_type_failure(params_set_number(&params, "units", 1.5, &status),
						integer);
	expect_type_failure(params_set_number(&params, "units", NAN, &status),
						integer);
	expect_type_failure(params_set_text(&params, "units", "64", &status),
						integer);
	expect_type_failure(params_set_pair(&params, "units", 1, 2, &status),
						integer);
	expect_type_failure(params_set_null(&params, "units", &status), integer);
	expect_type_failure(params_set_number(&params, "rate", INFINITY, &status),
						real);
	expect_type_failure(params_set_boolean(&params, "rate", true, &status),
						real);
	expect_type_failure(params_set_number(&params, "bias", 1, &status),
						boolean);
	expect_type_failure(params_set_number(&params, "padding", 1, &status),
						string);
	expect_type_failure(params_set_number(&params, "size", 2.5, &status), pair);
	expect_type_failure(params_set_pair(&params, "size", 1, 2.5, &status),
						pair);
	expect_type_failure(params_set_text(&params, "size", "3", &status), pair);
	/* nothing was changed by any of them */
	CHECK(!params.given[UNITS] && params_number(&params, RATE) == 0.5);
}

static void
test_ranges(void)
{
	init();
	CHECK(!params_set_number(&params, "units", 65, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK_TEXT(status.message,
			   "value 65 is out of range for parameter \"units\" of layer \"dense\"");
	CHECK_TEXT(status.detail, "Valid values are between 1 and 64.");
	CHECK(!params_set_number(&params, "units", 0, &status));
	CHECK(!params_set_pair(&params, "size", 3, 10, &status));
	CHECK(params.values[SIZE].number == 2);
	CHECK(!params_set_text(&params, "padding", "full", &status));
	CHECK_TEXT(status.message,
			   "parameter \"padding\" of layer \"dense\" cannot be \"full\"");
	CHECK_TEXT(status.hint, "Valid values are \"valid\", \"same\".");
}

static void
test_required(void)
{
	init();
	CHECK(!params_check(&params, &status));
	CHECK_TEXT(status.message, "layer \"dense\" needs parameter \"units\"");
	CHECK(params_set_number(&params, "units", 2, &status));
	CHECK(params_check(&params, &status));
}

int
main(void)
{
	RUN(test_defaults);
	RUN(test_set);
	RUN(test_unknown_name);
	RUN(test_wrong_types);
	RUN(test_ranges);
	RUN(test_required);
	return unit_done();
}
