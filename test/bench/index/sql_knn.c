/*
 * sql_knn.c
 *	  A client of the index benchmark: vectors into a table, queries out of it.
 *
 * sql_knn copy STEM
 *	  prints STEM.base as rows (id, e) of COPY ... (FORMAT binary)
 * sql_knn floor STEM CLIENTS
 *	  queries a second of a prepared statement that only receives the vector
 * sql_knn query STEM l2|cosine CLIENTS "SQL with $1" SETTING ...
 *	  for each SETTING (a SET statement) recall@10 of the query, which returns
 *	  ids, and queries a second over all clients
 *
 * The parameter is binary, the statement prepared; the connection comes from
 * libpq's environment.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
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
copy(const char *stem)
{
	Vectors		base = vectors_read(stem, "base");

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
connect_prepared(const char *setting, const char *sql)
{
	PGconn	   *conn = PQconnectdb("");
	PGresult   *result;

	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(conn));
		exit(1);
	}
	result = PQexec(conn, setting);
	check(conn, result, PGRES_COMMAND_OK);
	PQclear(result);
	result = PQprepare(conn, "q", sql, 0, NULL);
	check(conn, result, PGRES_COMMAND_OK);
	PQclear(result);
	return conn;
}

/* One client's pass over the queries; rows may be NULL. */
static double
pass(PGconn * conn, const Vectors *query, int64_t *rows)
{
	char	  **parameter = malloc(query->n * sizeof(char *));
	int			size = 0;
	int			format = 1;
	double		begin;
	double		seconds;

	for (int i = 0; i < query->n; i++)
		parameter[i] = encode(query, i, &size);
	begin = bench_now();
	for (int i = 0; i < query->n; i++)
	{
		const char *value = parameter[i];
		PGresult   *result = PQexecPrepared(conn, "q", 1, &value, &size, &format, 1);

		check(conn, result, PGRES_TUPLES_OK);
		for (int k = 0; rows != NULL && k < BENCH_K && k < PQntuples(result); k++)
		{
			uint32_t	id;

			memcpy(&id, PQgetvalue(result, k, 0), 4);
			rows[(size_t) i * BENCH_K + k] = ntohl(id);
		}
		PQclear(result);
	}
	seconds = bench_now() - begin;
	for (int i = 0; i < query->n; i++)
		free(parameter[i]);
	free(parameter);
	return seconds;
}

/* Queries a second of all clients together, the best of three rounds */
static double
throughput(const char *setting, const char *sql, const Vectors *query, int clients)
{
	double	   *seconds = mmap(NULL, clients * sizeof(double), PROT_READ | PROT_WRITE,
							   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double		qps = 0;

	for (int c = 0; c < clients; c++)
	{
		if (fork() == 0)
		{
			PGconn	   *conn = connect_prepared(setting, sql);

			pass(conn, query, NULL);
			seconds[c] = 1e30;
			for (int round = 0; round < 3; round++)
			{
				double		s = pass(conn, query, NULL);

				seconds[c] = s < seconds[c] ? s : seconds[c];
			}
			PQfinish(conn);
			_exit(0);
		}
	}
	while (wait(NULL) > 0);
	for (int c = 0; c < clients; c++)
		qps += query->n / seconds[c];
	return qps;
}

static void
query(int argc, char **argv)
{
	const char *stem = argv[2];
	int			cosine = strcmp(argv[3], "cosine") == 0;
	int			clients = atoi(argv[4]);
	Vectors		base = vectors_read(stem, "base");
	Vectors		queries = vectors_read(stem, "query");
	size_t		size;
	double	   *truth = bench_read(stem, "truth", &size);

	for (int a = 6; a < argc; a++)
	{
		int64_t    *rows = calloc((size_t) queries.n * BENCH_K, sizeof(int64_t));
		PGconn	   *conn = connect_prepared(argv[a], argv[5]);
		int			hits = 0;

		pass(conn, &queries, rows);
		PQfinish(conn);
		for (int i = 0; i < queries.n; i++)
			hits += vectors_hits(&base, queries.x + (size_t) i * queries.dims,
								 rows + (size_t) i * BENCH_K, BENCH_K, truth[i], cosine);
		printf("%s recall %.4f qps %.0f\n", argv[a], (double) hits / queries.n / BENCH_K,
			   throughput(argv[a], argv[5], &queries, clients));
		fflush(stdout);
		free(rows);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "copy") == 0)
		copy(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "floor") == 0)
	{
		Vectors		queries = vectors_read(argv[2], "query");

		printf("floor qps %.0f\n",
			   throughput("SET jit = off", "SELECT 1 WHERE $1::embedding IS NOT NULL", &queries, atoi(argv[3])));
	}
	else if (argc > 6 && strcmp(argv[1], "query") == 0)
		query(argc, argv);
	else
	{
		fprintf(stderr, "usage: see the top of sql_knn.c\n");
		return 2;
	}
	return 0;
}
