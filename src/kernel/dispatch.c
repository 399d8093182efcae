/*
 * dispatch.c
 *	  What this processor can do, and the one call that chooses kernels for it.
 */
#include "kernel/dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernel/bits.h"
#include "kernel/code_kernels.h"
#include "kernel/distance_tables.h"

static KernelLevel level = KERNEL_PORTABLE;

KernelLevel
kernel_level(void)
{
	return level;
}

#if defined(__x86_64__)

/* Not every compiler knows the name of F16C in __builtin_cpu_supports(). */
static bool
have_f16c(void)
{
	unsigned	a;
	unsigned	b;
	unsigned	c;
	unsigned	d;

	return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

static KernelLevel
find_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
		!have_f16c())
		return KERNEL_PORTABLE;
	if (__builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512bw"))
		return KERNEL_AVX512;
	return KERNEL_AVX2;
}

bool
kernel_has_vnni(void)
{
	return __builtin_cpu_supports("avx512vnni");
}

bool
kernel_has_popcnt(void)
{
	return __builtin_cpu_supports("popcnt");
}

#else

static KernelLevel
find_level(void)
{
	return KERNEL_PORTABLE;
}

bool
kernel_has_vnni(void)
{
	return false;
}

bool
kernel_has_popcnt(void)
{
	return false;
}

#endif

void
kernel_init(void)
{
	level = find_level();
	distance_kernels_init();
	code_kernels_init();
	bits_init();
}
