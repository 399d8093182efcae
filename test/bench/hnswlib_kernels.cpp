// hnswlib's kernels for this processor, as its spaces choose them by the
// number of dimensions: what bench_kernels compares with.
#include <hnswlib/hnswlib.h>

extern "C" hnswlib::DISTFUNC<float>
hnswlib_l2_function(size_t n, void **param)
{
	hnswlib::L2Space *space = new hnswlib::L2Space(n);

	*param = space->get_dist_func_param();
	return space->get_dist_func();
}
