/*
 * gemm.c
 *	  OpenBLAS, loaded late and with one thread.
 *
 * Loading OpenBLAS starts a thread per processor whose signal mask is the
 * loader's, and a backend's mask is empty: PostgreSQL's signal handlers would
 * run in them.  So it is loaded on first use, with every signal blocked and
 * OPENBLAS_NUM_THREADS=1, which starts none.  RTLD_LOCAL keeps its symbols to
 * ourselves.
 */
#include "kernel/gemm.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"

/* CBLAS' numbers for its enumerations */
#define CBLAS_ROW_MAJOR 101
#define CBLAS_NO_TRANS 111
#define CBLAS_TRANS 112

typedef void (*SgemmFunction) (int order, int ta, int tb, int m, int n, int k,
							   float alpha, const float *a, int lda,
							   const float *b, int ldb,
							   float beta, float *c, int ldc);
typedef void (*DgemmFunction) (int order, int ta, int tb, int m, int n, int k,
							   double alpha, const double *a, int lda,
							   const double *b, int ldb,
							   double beta, double *c, int ldc);

static SgemmFunction cblas_sgemm;
static DgemmFunction cblas_dgemm;
static char name[128];

/*
 * What it is called by Fedora (whose libopenblas.so.0 is one for a single
 * thread), by Alpine, and by the others, which an error message names.
 */
static const char *const library_names[] = {
	"libopenblasp.so.0", "libopenblas.so.3", "libopenblas.so.0"
};

static void *
open_library(void)
{
	void	   *library = NULL;
	sigset_t	all;
	sigset_t	saved;
	const char *variable = getenv("OPENBLAS_NUM_THREADS");
	char	   *threads = variable != NULL ? strdup(variable) : NULL;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	for (int i = 0; library == NULL && i < 3; i++)
		library = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
	if (threads != NULL)
		setenv("OPENBLAS_NUM_THREADS", threads, 1);
	else
		unsetenv("OPENBLAS_NUM_THREADS");
	free(threads);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return library;
}

bool
gemm_load(Status *status)
{
	void	   *library;
	char	   *(*get_config) (void);

	if (cblas_dgemm != NULL)
		return true;
	library = open_library();
	if (library == NULL)
	{
		status_fail(status, STATUS_UNAVAILABLE, "could not load OpenBLAS: %s",
					dlerror());
		return status_hint(status, "Install OpenBLAS, in Debian and Ubuntu the "
						   "package libopenblas0-pthread.");
	}
	get_config = (char *(*) (void)) dlsym(library, "openblas_get_config");
	snprintf(name, sizeof(name), "%s", get_config != NULL ? get_config() :
			 "OpenBLAS");
	cblas_sgemm = (SgemmFunction) dlsym(library, "cblas_sgemm");
	cblas_dgemm = (DgemmFunction) dlsym(library, "cblas_dgemm");
	if (cblas_sgemm == NULL || cblas_dgemm == NULL)
	{
		cblas_dgemm = NULL;
		return status_fail(status, STATUS_UNAVAILABLE,
						   "this OpenBLAS has no cblas_sgemm");
	}
	return true;
}

const char *
gemm_name(void)
{
	return cblas_dgemm != NULL ? name : NULL;
}

/*
 * A product that takes longer than some 20 ms is computed in tiles of C, between
 * which interrupts are seen.  Tiles are as square as that allows, since each
 * reads its rows of A and columns of B once more; but a tile's rows lie within
 * TILE_BYTES of C, because the first touch of new memory is slow, of 2 MB at
 * once where pages are huge.  Sums over k stay whole, and with them the results.
 */
#define TILE_PRODUCTS ((double) (1u << 29)) /* in float, half of it in double */
#define TILE_BYTES ((double) 8 * 1024 * 1024)
#define TILE_STEP 64			/* rows and columns that OpenBLAS likes */

typedef struct Tile
{
	int			m;
	int			n;
} Tile;

static int
round_down(double side)
{
	return side < 2 * TILE_STEP ? TILE_STEP :
		(int) (side / TILE_STEP) * TILE_STEP;
}

static Tile
choose_tile(int m, int n, int k, int ldc, size_t size)
{
	double		area = TILE_PRODUCTS * sizeof(float) / size / k;
	double		rows = TILE_BYTES / size / ldc;
	Tile		tile = {m, n};

	if ((double) m * n <= area && m <= rows)
		return tile;
	tile.m = round_down(fmin(sqrt(area), rows));
	tile.m = tile.m > m ? m : tile.m;
	tile.n = round_down(area / tile.m);
	tile.n = tile.n > n ? n : tile.n;
	if (tile.n == n)
		tile.m = round_down(fmin(area / n, rows));
	return tile;
}

static inline int
least(int a, int b)
{
	return a < b ? a : b;
}

/* Where row i of op(A) begins; column j of op(B) likewise, with the other sense of "transposed" */
static inline size_t
offset_of(bool transposed, int i, int stride)
{
	return transposed ? (size_t) i : (size_t) i * stride;
}

void
gemm_f32(bool ta, bool tb, int m, int n, int k,
		 float alpha, const float *a, int lda,
		 const float *b, int ldb,
		 float beta, float *c, int ldc)
{
	Tile		tile = choose_tile(m, n, k, ldc, sizeof(*c));

	for (int i = 0; i < m; i += tile.m)
		for (int j = 0; j < n && !interrupt_pending(); j += tile.n)
			cblas_sgemm(CBLAS_ROW_MAJOR, ta ? CBLAS_TRANS : CBLAS_NO_TRANS,
						tb ? CBLAS_TRANS : CBLAS_NO_TRANS,
						least(tile.m, m - i), least(tile.n, n - j), k, alpha,
						a + offset_of(ta, i, lda), lda,
						b + offset_of(!tb, j, ldb), ldb,
						beta, c + (size_t) i * ldc + j, ldc);
}

void
gemm_f64(bool ta, bool tb, int m, int n, int k,
		 double alpha, const double *a, int lda,
		 const double *b, int ldb,
		 double beta, double *c, int ldc)
{
	Tile		tile = choose_tile(m, n, k, ldc, sizeof(*c));

	for (int i = 0; i < m; i += tile.m)
		for (int j = 0; j < n && !interrupt_pending(); j += tile.n)
			cblas_dgemm(CBLAS_ROW_MAJOR, ta ? CBLAS_TRANS : CBLAS_NO_TRANS,
						tb ? CBLAS_TRANS : CBLAS_NO_TRANS,
						least(tile.m, m - i), least(tile.n, n - j), k, alpha,
						a + offset_of(ta, i, lda), lda,
						b + offset_of(!tb, j, ldb), ldb,
						beta, c + (size_t) i * ldc + j, ldc);
}
