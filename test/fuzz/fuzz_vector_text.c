/*
 * fuzz_vector_text.c
 *	  The text form of a vector: any bytes, and the round trip of what reads.
 */
#include <math.h>
#include <stdio.h>

#include "base/vector_text.h"
#include "fuzz.h"

#define MAX 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	int			bound = vector_text_bound(text, size, MAX);
	float	   *x = malloc((size_t) (bound < MAX ? bound :
									 MAX) * sizeof(float));
	float		again[MAX];
	char		written[MAX * 20 + 3];
	size_t		used = 0;
	int			n;
	int			n_again;
	Status		status;

	status_clear(&status);
	if (!vector_text_parse(text, size, x, MAX, &n, &status))
	{
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
		free(x);
		return 0;
	}
	MUST(n == bound);
	for (int i = 0; i < n; i++)
	{
		MUST(isfinite(x[i]));
		used += (size_t) snprintf(written + used, sizeof(written) - used,
								  "%c%.9g", i == 0 ? '[' : ',', x[i]);
	}
	snprintf(written + used, sizeof(written) - used, "]");
	MUST(vector_text_parse(written, strlen(written), again, MAX, &n_again,
						   &status));
	MUST(n_again == n && memcmp(x, again, (size_t) n * sizeof(float)) == 0);
	free(x);
	return 0;
}
