/*
 * gather.c
 *	  Rows as they are stored into numbers, and how processors compute with
 *	  the smallest of them.
 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/interrupt.h"
#include "nn/layer.h"

size_t
nn_row_size(const NnGraph *graph, NnElement element)
{
	return graph->inputs * (element == NN_UINT8 ? 1 : sizeof(float));
}

/*
 * Bytes are 0 .. 255 as they are: a rescaling layer makes what the model
 * wants.
 */
void
nn_gather(const NnGraph *graph, NnElement element, const void *const *rows,
		  int n, real *out)
{
	for (int i = 0; i < n; i++)
	{
		const uint8_t *bytes = rows[i];
		const float *floats = rows[i];

		for (size_t j = 0, end; j < graph->inputs && !interrupt_pending();)
			for (end = interrupt_piece(j, graph->inputs); j < end; j++)
				out[j] = element == NN_UINT8 ? (real) bytes[j] :
					(real) floats[j];
		out += graph->inputs;
	}
}

#define FLUSH_DENORMALS 0x8040	/* FTZ and DAZ of MXCSR */

unsigned
nn_flush_denormals(void)
{
#if defined(__x86_64__)
	unsigned	saved = _mm_getcsr();

	_mm_setcsr(saved | FLUSH_DENORMALS);
	return saved;
#else
	return 0;
#endif
}

void
nn_restore_denormals(unsigned saved)
{
#if defined(__x86_64__)
	_mm_setcsr(saved);
#endif
}
