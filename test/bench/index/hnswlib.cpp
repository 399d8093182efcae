/*
 * hnswlib.cpp
 *	  The yardstick: hnswlib in one process, M 16, ef_construction 64.
 *
 * hnswlib STEM l2|cosine EF ...
 *
 * Prints the seconds of a build on 2 threads, then for each ef recall@10 and
 * queries a second on one thread.
 */
#include <hnswlib/hnswlib.h>

#include <atomic>
#include <thread>
#include <vector>

#include "vectors.h"

static void
normalize(Vectors *v)
{
	for (int i = 0; i < v->n; i++)
	{
		float	   *x = v->x + (size_t) i * v->dims;
		double		norm = 0;

		for (int j = 0; j < v->dims; j++)
			norm += (double) x[j] * x[j];
		for (int j = 0; j < v->dims; j++)
			x[j] = (float) (x[j] / sqrt(norm));
	}
}

int
main(int argc, char **argv)
{
	const char *stem = argv[1];
	int			cosine = strcmp(argv[2], "cosine") == 0;
	Vectors		base = vectors_read(stem, "base");
	Vectors		query = vectors_read(stem, "query");
	size_t		size;
	double	   *truth = (double *) bench_read(stem, "truth", &size);

	if (cosine)
	{
		normalize(&base);
		normalize(&query);
	}
	hnswlib::L2Space l2(base.dims);
	hnswlib::InnerProductSpace ip(base.dims);
	hnswlib::SpaceInterface<float> *space = &l2;
	if (cosine)
		space = &ip;
	hnswlib::HierarchicalNSW<float> index(space, base.n, 16, 64);
	std::atomic<int> next(0);
	double		begin = bench_now();
	auto		work = [&] {
		for (int i; (i = next++) < base.n;)
			index.addPoint(base.x + (size_t) i * base.dims, i);
	};
	std::thread second(work);

	work();
	second.join();
	printf("build %.2f\n", bench_now() - begin);
	for (int a = 3; a < argc; a++)
	{
		int			hits = 0;
		std::vector<int64_t> rows((size_t) query.n * BENCH_K);
		double		best = 1e30;

		index.setEf(atoi(argv[a]));
		for (int round = 0; round < 3; round++)
		{
			begin = bench_now();
			for (int i = 0; i < query.n; i++)
			{
				auto		found = index.searchKnn(query.x + (size_t) i * query.dims, BENCH_K);

				for (int k = 0; !found.empty(); k++, found.pop())
					rows[(size_t) i * BENCH_K + k] = (int64_t) found.top().second;
			}
			best = std::min(best, bench_now() - begin);
		}
		for (int i = 0; i < query.n; i++)
			hits += vectors_hits(&base, query.x + (size_t) i * query.dims,
								 &rows[(size_t) i * BENCH_K], BENCH_K, truth[i], cosine);
		printf("ef %s recall %.4f qps %.0f\n", argv[a], (double) hits / query.n / BENCH_K, query.n / best);
		fflush(stdout);
	}
	return 0;
}
