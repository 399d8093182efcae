/*
 * status.h
 *	  How a pure room reports that something went wrong.
 *
 * Pure rooms know no ereport.  A function that can fail takes a Status * as
 * its last argument and returns false (or NULL); the server room that called
 * it turns the Status into an error with raise_status() of src/server/errors.h.
 *
 * Messages follow PostgreSQL's error style: the message starts with a lower
 * case letter and has no final period; detail and hint are full sentences.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>

typedef enum StatusCode
{
	STATUS_SUCCESS = 0,
	STATUS_INVALID_VALUE,		/* a parameter out of range or contradictory */
	STATUS_UNKNOWN_NAME,		/* no such layer, loss, parameter, metric */
	STATUS_SHAPE_MISMATCH,		/* tensors or vectors that do not fit */
	STATUS_BAD_TEXT,			/* malformed text from outside */
	STATUS_BAD_BINARY,			/* malformed bytes from outside */
	STATUS_OUT_OF_RANGE,		/* a number that its type cannot hold */
	STATUS_NOT_A_NUMBER,		/* NaN where a number is due */
	STATUS_TOO_LARGE,			/* exceeds a fixed limit of the program */
	STATUS_OUT_OF_MEMORY,		/* the arena's budget or the system's memory */
	STATUS_DIVERGED,			/* training produced a number that is not
								 * finite */
	STATUS_CORRUPTED,			/* stored bytes that cannot be what we wrote */
	STATUS_UNAVAILABLE			/* a library or facility is missing here */
} StatusCode;

#define STATUS_TEXT_SIZE 512

typedef struct Status
{
	StatusCode	code;
	char		message[STATUS_TEXT_SIZE];
	char		detail[STATUS_TEXT_SIZE];	/* empty if there is none */
	char		hint[STATUS_TEXT_SIZE]; /* empty if there is none */
} Status;

/*
 * Forget an earlier failure.  Needed only before the code is asked for after a
 * false that need not be a failure: who fails sets all of the status.
 */
extern void status_clear(Status *status);

/*
 * Record a failure and return false, so that a caller can write
 * "return status_fail(status, ...)".  Longer texts are cut.
 */
extern bool status_fail(Status *status, StatusCode code,
						const char *format,...)
			__attribute__((format(printf, 3, 4)));

/*
 * The same for memory that ran out: "out of memory", then what it was for
 * ("while searching a graph"), if that is not NULL.
 */
extern bool status_out_of_memory(Status *status, const char *purpose);

/* Add a detail or a hint to the failure just recorded; both return false. */
extern bool status_detail(Status *status, const char *format,...)
			__attribute__((format(printf, 2, 3)));
extern bool status_hint(Status *status, const char *format,...)
			__attribute__((format(printf, 2, 3)));

#endif							/* BASE_STATUS_H */
