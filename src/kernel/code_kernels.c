/*
 * code_kernels.c
 *	  Choosing the kernels of rotation, stored vectors and codes.
 */
#include "kernel/code_kernels.h"

#include "kernel/code_kernels_tables.h"
#include "kernel/dispatch.h"

static const CodeKernels *tables[4] = {&code_kernels_portable, NULL};

const CodeKernels *code_kernels = &code_kernels_portable;

const CodeKernels *const *
code_kernels_tables(void)
{
	return tables;
}

void
code_kernels_use(const CodeKernels *table)
{
	code_kernels = table;
}

/* The best table where it is made of two */
static CodeKernels mixed;

/*
 * AVX-512 pays here by its dot product of bytes, which came after the first
 * processors with AVX-512; those take the AVX2 table.
 */
void
code_kernels_init(void)
{
	int			n = 0;

#if defined(__x86_64__)
	if (kernel_level() >= KERNEL_AVX512 && kernel_has_vnni())
	{
		mixed = code_kernels_avx2;
		code_kernels_add_avx512(&mixed);
		tables[n++] = &mixed;
	}
	if (kernel_level() >= KERNEL_AVX2)
		tables[n++] = &code_kernels_avx2;
#elif defined(__aarch64__)
	mixed = code_kernels_portable;
	code_kernels_add_neon(&mixed);
	tables[n++] = &mixed;
#endif
	tables[n++] = &code_kernels_portable;
	tables[n] = NULL;
	code_kernels = tables[0];
}
