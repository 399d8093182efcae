/*
 * sql_knn.c
 *	  A client of the index benchmark: vectors into a table, queries out of it.
 *
 * sql_knn copy STEM base|query
 *	  prints STEM.base or STEM.query as rows (id, e) of COPY ... (FORMAT binary)
 * sql_knn recall STEM l2|cosine SQL SETTING ...
 *	  for each SETTING (a SET statement) recall@10 of SQL, a query with $1 that
 *	  returns ids
 * sql_knn speed STEM CLIENTS SQL SETTING
 *	  queries a second of all clients together, the best of three rounds
 * sql_knn first STEM TIMES SQL
 *	  median milliseconds of a new connection's first query
 * sql_knn cold STEM SQL
 *	  mean milliseconds of the first 100 queries and of those behind them, for a
 *	  server that has just started
 *
 * The parameter is binary, the statement prepared (by "first" in the same round
 * trip); the connection comes from libpq's environment.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vectors.h"

static uint32_t
network_float(float x)
{
	uint32_t	bits;

	memcpy(&bits, &x, 4);
	return htonl(bits);
}

/* The binary form of an embedding: int16 dims, int16 0, big-endian float4s */
static char *
encode(const Vectors *v, int i, int *size)
{
	char	   *bytes = malloc(4 + 4 * (size_t) v->dims);
	uint16_t	head[2] = {htons((uint16_t) v->dims), 0};

	memcpy(bytes, head, 4);
	for (int j = 0; j < v->dims; j++)
	{
		uint32_t	x = network_float(v->x[(size_t) i * v->dims + j]);

		memcpy(bytes + 4 + 4 * j, &x, 4);
	}
	*size = 4 + 4 * v->dims;
	return bytes;
}

static void
put16(int x)
{
	uint16_t	n = htons((uint16_t) x);

	fwrite(&n, 2, 1, stdout);
}

static void
put32(int x)
{
	uint32_t	n = htonl((uint32_t) x);

	fwrite(&n, 4, 1, stdout);
}

static void
copy(const char *stem, const char *suffix)
{
	Vectors		base = vectors_read(stem, suffix);

	fwrite("PGCOPY\n\377\r\n\0", 11, 1, stdout);
	put32(0);
	put32(0);
	for (int i = 0; i < base.n; i++)
	{
		int			size;
		char	   *bytes = encode(&base, i, &size);

		put16(2);
		put32(4);
		put32(i);
		put32(size);
		fwrite(bytes, size, 1, stdout);
		free(bytes);
	}
	put16(-1);
}

static void
check(PGconn * conn, PGresult * result, ExecStatusType wanted)
{
	if (PQresultStatus(result) == wanted)
		return;
	fprintf(stderr, "%s", PQerrorMessage(conn));
	exit(1);
}

static PGconn *
connect_server(void)
{
	PGconn	   *conn = PQconnectdb("");

	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

static PGconn *
connect_prepared(const char *setting, const char *sql)
{
	PGconn	   *conn = connect_server();
	PGresult   *result = PQexec(conn, setting);

	check(conn, result, PGRES_COMMAND_OK);
	PQclear(result);
	result = PQprepare(conn, "q", sql, 0, NULL);
	check(conn, result, PGRES_COMMAND_OK);
	PQclear(result);
	return conn;
}

/* The queries as parameters */
typedef struct Parameters
{
	int			n;
	int			size;
	char	  **bytes;
} Parameters;

static Parameters
encode_all(const Vectors *query)
{
	Parameters	p = {.n = query->n,.bytes = malloc(query->n * sizeof(char *))};

	for (int i = 0; i < query->n; i++)
		p.bytes[i] = encode(query, i, &p.size);
	return p;
}

static PGresult *
execute(PGconn * conn, const Parameters *p, int i)
{
	const char *value = p->bytes[i];
	int			format = 1;
	PGresult   *result = PQexecPrepared(conn, "q", 1, &value, &p->size, &format, 1);

	check(conn, result, PGRES_TUPLES_OK);
	return result;
}

static void
recall(int argc, char **argv)
{
	const char *stem = argv[2];
	int			cosine = strcmp(argv[3], "cosine") == 0;
	Vectors		base = vectors_read(stem, "base");
	Vectors		query = vectors_read(stem, "query");
	Parameters	p = encode_all(&query);
	size_t		size;
	double	   *truth = bench_read(stem, "truth", &size);

	for (int a = 5; a < argc; a++)
	{
		PGconn	   *conn = connect_prepared(argv[a], argv[4]);
		int			hits = 0;

		for (int i = 0; i < p.n; i++)
		{
			PGresult   *result = execute(conn, &p, i);
			int64_t		rows[BENCH_K];
			int			n = PQntuples(result) < BENCH_K ? PQntuples(result) : BENCH_K;

			for (int k = 0; k < n; k++)
			{
				uint32_t	id;

				memcpy(&id, PQgetvalue(result, k, 0), 4);
				rows[k] = ntohl(id);
			}
			PQclear(result);
			hits += vectors_hits(&base, query.x + (size_t) i * query.dims, rows, n, truth[i], cosine);
		}
		PQfinish(conn);
		printf("%.4f\n", (double) hits / p.n / BENCH_K);
		fflush(stdout);
	}
}

#define ROUNDS 3

/* One client: a round to warm up, then those that count, all begun together. */
static void
run_client(const char *setting, const char *sql, const Parameters *p, int clients,
		   atomic_int *waiting, double *seconds)
{
	PGconn	   *conn = connect_prepared(setting, sql);

	for (int round = -1; round < ROUNDS; round++)
	{
		double		begin;

		atomic_fetch_add(waiting, 1);
		while (atomic_load(waiting) < clients * (round + 2))
			usleep(10);
		begin = bench_now();
		for (int i = 0; i < p->n; i++)
			PQclear(execute(conn, p, i));
		if (round >= 0)
			seconds[round] = bench_now() - begin;
	}
	PQfinish(conn);
}

static void
speed(const char *stem, int clients, const char *sql, const char *setting)
{
	Vectors		query = vectors_read(stem, "query");
	Parameters	p = encode_all(&query);
	double	   *seconds = mmap(NULL, (clients * ROUNDS + 1) * sizeof(double), PROT_READ | PROT_WRITE,
							   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atomic_int *waiting = (atomic_int *) (seconds + clients * ROUNDS);
	double		best = 0;
	int			status;

	for (int c = 0; c < clients; c++)
	{
		if (fork() == 0)
		{
			run_client(setting, sql, &p, clients, waiting, seconds + c * ROUNDS);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			exit(1);
	for (int round = 0; round < ROUNDS; round++)
	{
		double		longest = 0;

		for (int c = 0; c < clients; c++)
			longest = fmax(longest, seconds[c * ROUNDS + round]);
		best = fmax(best, clients * p.n / longest);
	}
	printf("%.0f\n", best);
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
first(const char *stem, int times, const char *sql)
{
	Vectors		query = vectors_read(stem, "query");
	Parameters	p = encode_all(&query);
	double	   *seconds = malloc(times * sizeof(double));

	for (int i = 0; i < times; i++)
	{
		PGconn	   *conn = connect_server();
		const char *value = p.bytes[i % p.n];
		int			format = 1;
		double		begin = bench_now();
		PGresult   *result = PQexecParams(conn, sql, 1, NULL, &value, &p.size, &format, 1);

		seconds[i] = bench_now() - begin;
		check(conn, result, PGRES_TUPLES_OK);
		PQclear(result);
		PQfinish(conn);
	}
	qsort(seconds, times, sizeof(double), compare);
	printf("%.2f\n", 1000 * seconds[times / 2]);
}

#define COLD 100

static void
cold(const char *stem, const char *sql)
{
	Vectors		query = vectors_read(stem, "query");
	Parameters	p = encode_all(&query);
	PGconn	   *conn = connect_prepared("SET similarity.ef_search = 0", sql);
	double		begin = bench_now();
	double		middle = begin;

	for (int i = 0; i < p.n; i++)
	{
		if (i == COLD)
			middle = bench_now();
		PQclear(execute(conn, &p, i));
	}
	printf("%.2f %.2f\n", 1000 * (middle - begin) / COLD,
		   1000 * (bench_now() - middle) / (p.n - COLD));
	PQfinish(conn);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "copy") == 0 && argc == 4)
		copy(argv[2], argv[3]);
	else if (strcmp(verb, "recall") == 0 && argc > 5)
		recall(argc, argv);
	else if (strcmp(verb, "speed") == 0 && argc == 6)
		speed(argv[2], atoi(argv[3]), argv[4], argv[5]);
	else if (strcmp(verb, "first") == 0 && argc == 5)
		first(argv[2], atoi(argv[3]), argv[4]);
	else if (strcmp(verb, "cold") == 0 && argc == 4)
		cold(argv[2], argv[3]);
	else
	{
		fprintf(stderr, "usage: see the top of sql_knn.c\n");
		return 2;
	}
	return 0;
}
