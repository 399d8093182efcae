// faiss' kernel of the squared Euclidean distance, as Debian builds it: what
// bench_kernels compares with.
#include <faiss/utils/distances.h>

extern "C" float
faiss_l2(const void *a, const void *b, const void *dims)
{
	return faiss::fvec_L2sqr(static_cast<const float *>(a), static_cast<const float *>(b),
							 *static_cast<const size_t *>(dims));
}
