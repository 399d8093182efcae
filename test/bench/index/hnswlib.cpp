/*
 * hnswlib.cpp
 *	  The yardstick: hnswlib in one process, M 16, ef_construction 64.
 *
 * hnswlib build STEM l2|cosine
 *	  builds on 2 threads, prints the seconds and keeps STEM.hnswlib
 * hnswlib search STEM l2|cosine RECALL EF ...
 *	  prints ef, recall@10 and queries a second on one thread for the first ef
 *	  that reaches the recall, else for the last; the best of three rounds
 */
#include <hnswlib/hnswlib.h>

#include <atomic>
#include <string>
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

struct Yardstick
{
	bool		cosine;
	Vectors		base;
	Vectors		query;
	double	   *truth;
	hnswlib::SpaceInterface<float> *space;
	std::string path;
};

static Yardstick
open_yardstick(const char *stem, bool cosine)
{
	Yardstick	y;
	size_t		size;

	y.cosine = cosine;
	y.base = vectors_read(stem, "base");
	y.query = vectors_read(stem, "query");
	y.truth = (double *) bench_read(stem, "truth", &size);
	if (cosine)
	{
		normalize(&y.base);
		normalize(&y.query);
		y.space = new hnswlib::InnerProductSpace(y.base.dims);
	}
	else
		y.space = new hnswlib::L2Space(y.base.dims);
	y.path = std::string(stem) + ".hnswlib";
	return y;
}

static void
build(const Yardstick &y)
{
	hnswlib::HierarchicalNSW<float> index(y.space, y.base.n, 16, 64);
	std::atomic<int> next(0);
	double		begin = bench_now();
	auto		work = [&] {
		for (int i; (i = next++) < y.base.n;)
			index.addPoint(y.base.x + (size_t) i * y.base.dims, i);
	};
	std::thread second(work);

	work();
	second.join();
	printf("%.2f\n", bench_now() - begin);
	index.saveIndex(y.path);
}

/* All queries once; the seconds it took */
static double
search(hnswlib::HierarchicalNSW<float> &index, const Yardstick &y, std::vector<int64_t> &rows)
{
	double		begin = bench_now();

	for (int i = 0; i < y.query.n; i++)
	{
		auto		found = index.searchKnn(y.query.x + (size_t) i * y.query.dims, BENCH_K);

		for (int k = 0; !found.empty(); k++, found.pop())
			rows[(size_t) i * BENCH_K + k] = (int64_t) found.top().second;
	}
	return bench_now() - begin;
}

static double
recall(const Yardstick &y, const std::vector<int64_t> &rows)
{
	int			hits = 0;

	for (int i = 0; i < y.query.n; i++)
		hits += vectors_hits(&y.base, y.query.x + (size_t) i * y.query.dims,
							 &rows[(size_t) i * BENCH_K], BENCH_K, y.truth[i], y.cosine);
	return (double) hits / y.query.n / BENCH_K;
}

int
main(int argc, char **argv)
{
	if (argc < 4)
	{
		fprintf(stderr, "usage: see the top of hnswlib.cpp\n");
		return 2;
	}
	Yardstick	y = open_yardstick(argv[2], strcmp(argv[3], "cosine") == 0);

	if (strcmp(argv[1], "build") == 0)
	{
		build(y);
		return 0;
	}
	hnswlib::HierarchicalNSW<float> index(y.space, y.path);
	std::vector<int64_t> rows((size_t) y.query.n * BENCH_K);
	double		reached = 0;
	double		best = 1e30;
	int			a = 4;

	do
	{
		index.setEf(atoi(argv[++a]));
		search(index, y, rows);
		reached = recall(y, rows);
	} while (reached < atof(argv[4]) && a + 1 < argc);
	for (int round = 0; round < 3; round++)
		best = std::min(best, search(index, y, rows));
	printf("%s %.4f %.0f\n", argv[a], reached, y.query.n / best);
	return 0;
}
