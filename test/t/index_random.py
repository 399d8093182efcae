"""Random queries of every shape through the index, held against exact answers.

Prints a line for each thing that does not hold, then one line for each shape:

    shape NAME QUERIES INDEXED WRONG RECALL EASY_RECALL

Run by 056_index_random.pl, which names the server in the environment.  Every
query is made from SIMILARITY_RANDOM_SEED and its own number, so that
SIMILARITY_RANDOM_ONLY=number repeats one; what is printed of a failure can
also be pasted into psql, as the tables stay until the test is run again.

What must hold, whatever the effort:

  - no error
  - rows come in the order that was asked for, with the operator's own distance,
    none twice; NULL embeddings last, NaN before them
  - LIMIT k gives k rows if k qualify; a scan to the end gives every row once
  - groups and ranks agree with the distances returned
  - what a scrolled cursor shows again is what it showed

Recall, the share of rows that an exact search would return, is counted beside.
"""
import collections
import math
import os
import random
import sys

import psycopg2

SEED = int(os.environ.get("SIMILARITY_RANDOM_SEED", "1"))
QUERIES = int(os.environ.get("SIMILARITY_RANDOM_QUERIES", "400"))
ONLY = os.environ.get("SIMILARITY_RANDOM_ONLY")
ROWS = 2000
MAX_REPORTS = 4  # of one shape
MOST_LOST = 0.3  # by the order, of the rows of one query on the hardest data

OPERATOR = {"l2": "<->", "cosine": "<=>", "ip": "<#>", "l1": "<+>", "hamming": "<~>", "jaccard": "<%>"}
GALLERY = {"l2": "euclidean", "cosine": "cosine", "ip": "inner_product", "l1": "manhattan"}


# ---- data ----


def gauss(rng, dims):
    return [rng.gauss(0, 1) for _ in range(dims)]


def clusters(rng, dims):
    center = random.Random(rng.randrange(20))
    return [center.gauss(0, 2) + rng.gauss(0, 1) for _ in range(dims)]


def grid(rng, dims):
    return [float(rng.randrange(8)) for _ in range(dims)]


def offset(rng, dims):
    return [1000 + rng.gauss(0, 1) for _ in range(dims)]


def few(rng, dims):
    return gauss(random.Random(rng.randrange(60)), dims)


def zeros(rng, dims):
    return [0.0] * dims if rng.random() < 0.05 else gauss(rng, dims)


def bits(rng, dims):
    center = random.Random(rng.randrange(20))
    return [float((center.random() < 0.5) != (rng.random() < 0.2)) for _ in range(dims)]


class Table:
    def __init__(self, name, metric, dims, element, data, options="", easy=True):
        self.name = name
        self.metric = metric
        self.op = OPERATOR[metric]
        self.dims = dims
        self.type = "embedding(%d%s)" % (dims, ", " + element if element else "")
        self.data = data
        self.options = options
        self.easy = easy

    def vector(self, rng):
        return self.data(rng, self.dims)


TABLES = [
    Table("l2_gauss", "l2", 12, "", gauss),
    Table("l2_float", "l2", 12, "", clusters, "vectors = 'float'"),
    Table("l2_half", "l2", 24, "", clusters, "vectors = 'half'"),
    Table("l2_int8", "l2", 24, "", clusters, "vectors = 'int8'"),
    Table("l2_one_bit", "l2", 64, "", clusters, "bits = 1", easy=False),
    Table("l2_halves", "l2", 16, "half", clusters),
    Table("cosine_clusters", "cosine", 32, "", clusters),
    Table("cosine_int8", "cosine", 32, "int8", clusters),
    Table("cosine_zeros", "cosine", 8, "", zeros),
    Table("ip_gauss", "ip", 16, "", gauss, easy=False),
    Table("l1_clusters", "l1", 16, "", clusters),
    Table("l1_grid", "l1", 3, "", grid, easy=False),
    Table("l2_grid", "l2", 3, "", grid, easy=False),
    Table("l2_few", "l2", 16, "", few, easy=False),
    Table("l2_offset", "l2", 16, "", offset, easy=False),
    Table("hamming_bits", "hamming", 64, "bit", bits, easy=False),
    Table("jaccard_bits", "jaccard", 64, "bit", bits, easy=False),
]
PARTITIONED = Table("parts", "l2", 12, "", clusters)


def text(vector):
    return "[" + ",".join("%.9g" % x for x in vector) + "]"


def fill(cursor, table, rng):
    """g is 0 .. 999 for filters; one embedding in twenty is NULL.  No other
    index is there that a plan could take instead."""
    index = "CREATE INDEX {0}_e ON {0} USING similarity_hnsw (e embedding_{1}_ops) {2}".format(
        table.name, table.metric, "WITH (%s)" % table.options if table.options else "")
    cursor.execute("CREATE TABLE %s (id integer, g integer, e %s)%s" % (
        table.name, table.type, " PARTITION BY HASH (id)" if table is PARTITIONED else ""))
    if table is PARTITIONED:
        for i in range(3):
            cursor.execute("CREATE TABLE parts_%d PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER %d)" % (i, i))
    values = []
    for i in range(ROWS):
        e = None if rng.random() < 0.05 else text(table.vector(rng))
        values.append((i + 1, rng.randrange(1000), e))
    # most rows are there when the index is built, some come and go afterwards
    insert = "INSERT INTO %s SELECT * FROM unnest(%%s, %%s, %%s) AS r (id, g, e)" % table.name
    insert = insert.replace("SELECT *", "SELECT id, g, e::embedding")
    for part in values[: ROWS * 9 // 10], values[ROWS * 9 // 10 :]:
        cursor.execute(insert, tuple(list(column) for column in zip(*part)))
        if part is not values and index:
            cursor.execute(index)
            index = None
    cursor.execute("DELETE FROM %s WHERE g %% 40 = 7" % table.name)
    cursor.execute("ANALYZE %s" % table.name)
    if table.metric in GALLERY and table is not PARTITIONED:
        cursor.execute("SELECT similarity.create_gallery(%s, %s, 'e', 'g', key => 'id', distance => %s)",
                       (table.name, table.name, GALLERY[table.metric]))


# ---- order of distances as SQL has it: numbers, NaN, NULL ----


def key(distance):
    if distance is None:
        return (2, 0.0)
    return (1, 0.0) if math.isnan(distance) else (0, distance)


class Wrong(Exception):
    pass


def require(condition, what, *values):
    if not condition:
        raise Wrong(what % values if values else what)


def require_order(distances, strictly=False):
    for i in range(1, len(distances)):
        a, b = key(distances[i - 1]), key(distances[i])
        require(a < b if strictly else a <= b, "row %d at distance %s comes after %s", i + 1, distances[i], distances[i - 1])


# ---- a query and what is known about it ----


class Case:
    """One random query: its table, vector, settings, and the exact answer."""

    def __init__(self, connection, number):
        self.rng = random.Random("%d-%d" % (SEED, number))
        self.number = number
        self.connection = connection
        self.cursor = connection.cursor()
        self.log = []
        self.indexed = False
        self.table = self.rng.choice(TABLES)
        self.k = self.rng.choice([1, 5, 10, 10, 30, 100])
        self.ef = self.rng.choice([0, 0, 10, 40, 200])
        self.memory = self.rng.choice(["4MB", "4MB", "256kB", "64kB"])
        self.found = self.wanted = self.lost = self.qualified = 0
        self.asked = self.answer = None

    def easy(self):
        return self.table.easy and self.ef in (0, 40, 200) and self.memory == "4MB" and self.k <= 100

    def new_vector(self):
        kind = self.rng.random()
        if kind < 0.2:
            ids = self.exact("SELECT e FROM %s WHERE e IS NOT NULL ORDER BY id OFFSET %d LIMIT 1" % (
                self.table.name, self.rng.randrange(1000)))
            return ids[0][0]
        if kind < 0.23 and self.table.metric != "jaccard":
            return text([0.0] * self.table.dims)
        return text(self.table.vector(self.rng))

    def distance(self, vector):
        return "e %s '%s'" % (self.table.op, vector)

    def distance_of(self, id):
        """From a row; the text of int8 does not give its last bits."""
        return "e %s (SELECT e FROM %s WHERE id = %d)" % (self.table.op, self.table.name, id)

    def start(self):
        self.vector = self.new_vector()
        self.d = self.distance(self.vector)

    def ordered(self):
        """The rows by distance as a sub-select, whose order a plan builds on: by
        distance and id the index itself is not taken before PostgreSQL 17."""
        return "(SELECT id, {0} AS d FROM {1} ORDER BY {0}) x".format(self.d, self.table.name)

    def exact(self, sql):
        """Without the index."""
        self.cursor.execute("SET enable_indexscan = off; SET enable_seqscan = on")
        self.cursor.execute(sql)
        return self.cursor.fetchall()

    def truth(self, d=None, table=None):
        return dict(self.exact("SELECT id, %s FROM %s" % (d or self.d, table or self.table.name)))

    def settings(self, **more):
        more = dict({"work_mem": "'%s'" % self.memory, "similarity.ef_search": self.ef,
                     "enable_indexscan": "on", "enable_seqscan": "off"}, **more)
        for name in sorted(more):
            self.run("SET LOCAL %s = %s" % (name, more[name]))

    def run(self, sql):
        """Remembered, so that a failure can be repeated."""
        self.log.append(sql + ";")
        self.cursor.execute(sql)
        return self.cursor.fetchall() if self.cursor.description else None

    def ask(self, sql):
        self.cursor.execute("EXPLAIN (COSTS off) " + sql)
        self.indexed |= any("Order By: (" in line for line, in self.cursor.fetchall())
        self.asked = sql
        self.answer = self.run(sql)
        return self.answer

    def require_complete(self, n, wanted, rows=None):
        """Order may cost rows that were found late: few, and none if relaxed."""
        self.lost += wanted - n
        self.qualified += wanted
        require(n <= wanted and wanted - n <= max(5, MOST_LOST * wanted), "%d of %d rows", n, wanted)
        if n < wanted and rows is not None and rows is self.answer:
            self.run("SET LOCAL similarity.search_order = relaxed")
            all_rows = self.run(self.asked)
            require(len(all_rows) == wanted, "%d rows, not %d, in any order", len(all_rows), wanted)
            self.run("SET LOCAL similarity.search_order = strict")

    def count_recall(self, distances, truth, limit=None):
        """Returned rows that are as near as the exact search's farthest."""
        best = sorted(map(key, truth))[: len(distances) if limit is None else limit]
        self.wanted += len(best)
        if best:
            self.found += sum(key(d) <= best[-1] for d in distances)

    def check_rows(self, rows, truth, limit, ordered=True):
        """rows are (id, distance), the first of those in truth."""
        self.count_recall([row[1] for row in rows], truth.values(), limit)
        ids = [row[0] for row in rows]
        require(len(set(ids)) == len(ids), "a row comes twice")
        for id, distance in rows:
            require(id in truth, "row %s does not qualify", id)
            require(key(distance) == key(truth[id]), "row %s is at %s, not at %s", id, truth[id], distance)
        if ordered:
            require_order([row[1] for row in rows])
        if limit is not None:
            self.require_complete(len(rows), min(limit, len(truth)), rows)


# ---- the shapes ----


def plain(case):
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY %s LIMIT %d" % (case.d, case.table.name, case.d, case.k))
    case.check_rows(rows, case.truth(), case.k)


def filtered(case):
    share = case.rng.choice([500, 200, 50, 10, 5, 1])
    where = "g < %d" % share
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s WHERE %s ORDER BY %s LIMIT %d" % (
        case.d, case.table.name, where, case.d, case.k))
    case.check_rows(rows, case.truth(table=case.table.name + " WHERE " + where), case.k)


def to_the_end(case):
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY %s" % (case.d, case.table.name, case.d))
    case.check_rows(rows, case.truth(), 10 * ROWS)


def filtered_to_the_end(case):
    where = "g < %d" % case.rng.choice([500, 50, 5])
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s WHERE %s ORDER BY %s" % (case.d, case.table.name, where, case.d))
    case.check_rows(rows, case.truth(table=case.table.name + " WHERE " + where), 10 * ROWS)


def radius(case):
    """Within a distance, nearest first"""
    distances = sorted(d for d in case.truth().values() if d is not None and not math.isnan(d))
    if not distances:
        return
    r = distances[min(case.k, len(distances)) - 1]
    where = "%s <= %r" % (case.d, r)
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s WHERE %s ORDER BY %s" % (case.d, case.table.name, where, case.d))
    case.check_rows(rows, case.truth(table=case.table.name + " WHERE " + where), 10 * ROWS)


def looked_up(case, rows, truth):
    """rows are (rank, label, distance, key)"""
    truth = {id: d for id, d in truth.items() if d is not None}
    require([row[0] for row in rows] == list(range(1, len(rows) + 1)), "ranks are not 1, 2, ...")
    case.check_rows([(int(row[3]), row[2]) for row in rows], truth, case.k)


def lookup(case):
    if case.table.metric not in GALLERY:
        return plain(case)
    case.settings()
    case.indexed = True
    rows = case.run("SELECT rank, label, distance, key FROM similarity.lookup('%s', '%s'::embedding, %d)" % (
        case.table.name, case.vector, case.k))
    looked_up(case, rows, case.truth())


def lookup_all(case):
    if case.table.metric not in GALLERY:
        return plain(case)
    case.settings()
    case.indexed = True
    where = "id IN (%d, %d)" % (case.rng.randrange(ROWS), case.rng.randrange(ROWS))
    items = dict(case.exact("SELECT id, e FROM %s WHERE e IS NOT NULL AND %s" % (case.table.name, where)))
    case.settings()
    rows = case.run("SELECT rank, label, distance, key, query_key FROM similarity.lookup_all('%s', "
                    "'SELECT e, id FROM %s WHERE e IS NOT NULL AND %s', %d)" % (
                        case.table.name, case.table.name, where, case.k))
    for id in items:
        looked_up(case, [row for row in rows if row[4] == str(id)], case.truth(case.distance_of(id)))


def group_by(case):
    """Of whole rows: groups come nearest first, none in two parts"""
    case.settings(enable_hashagg="off")
    rows = case.ask("SELECT %s, count(*) FROM %s GROUP BY 1 ORDER BY 1 LIMIT %d" % (case.d, case.table.name, case.k))
    groups = collections.Counter(key(d) for d in case.truth().values())
    require_order([row[0] for row in rows], strictly=True)
    case.require_complete(len(rows), min(case.k, len(groups)))
    for distance, n in rows:
        require(n <= groups[key(distance)], "%d rows at %s, not %d", n, distance, groups[key(distance)])
    best = sorted(groups)[: len(rows)]
    case.found += sum(n for distance, n in rows if key(distance) <= best[-1])
    case.wanted += sum(groups[d] for d in best)


def group_of_nearest(case):
    case.settings(enable_hashagg="off")
    rows = case.ask("SELECT d, count(*) FROM (SELECT %s AS d FROM %s ORDER BY %s LIMIT %d) x GROUP BY d" % (
        case.d, case.table.name, case.d, case.k))
    truth = case.truth()
    require(len(set(key(row[0]) for row in rows)) == len(rows), "a group comes twice")
    case.require_complete(sum(row[1] for row in rows), min(case.k, len(truth)))
    case.count_recall([d for d, n in rows for _ in range(n)], truth.values())


def distinct(case):
    case.settings(enable_hashagg=case.rng.choice(["on", "off"]))
    rows = case.ask("SELECT DISTINCT %s FROM %s ORDER BY 1 LIMIT %d" % (case.d, case.table.name, case.k))
    values = set(map(key, case.truth().values()))
    require_order([row[0] for row in rows], strictly=True)
    case.require_complete(len(rows), min(case.k, len(values)))
    case.count_recall([row[0] for row in rows], [d for d in dict((key(v), v) for v in case.truth().values()).values()])


def ranks(case):
    case.settings()
    rows = case.ask("SELECT id, %s, rank() OVER w, row_number() OVER w, dense_rank() OVER w FROM %s "
                    "WINDOW w AS (ORDER BY %s) LIMIT %d" % (case.d, case.table.name, case.d, case.k))
    case.check_rows([row[:2] for row in rows], case.truth(), case.k)
    keys = [key(row[1]) for row in rows]
    for i, row in enumerate(rows):
        require(row[2:] == (keys.index(keys[i]) + 1, i + 1, len(set(keys[: i + 1]))), "row %d has ranks %s", i + 1, row[2:])


def fused(case):
    """Reciprocal rank fusion of two rankings"""
    other = case.distance(case.new_vector())
    case.settings()
    rows = case.ask(
        "WITH a AS (SELECT id, row_number() OVER (ORDER BY {0}) AS r FROM {2} ORDER BY {0} LIMIT {3}), "
        "b AS (SELECT id, row_number() OVER (ORDER BY {1}) AS r FROM {2} ORDER BY {1} LIMIT {3}) "
        "SELECT id, a.r, b.r, coalesce(1.0 / (60 + a.r), 0) + coalesce(1.0 / (60 + b.r), 0) AS score "
        "FROM a FULL JOIN b USING (id) ORDER BY score DESC".format(case.d, other, case.table.name, case.k))
    for column, d in (1, case.d), (2, other):
        truth = case.truth(d)
        ranked = sorted((row for row in rows if row[column] is not None), key=lambda row: row[column])
        require([row[column] for row in ranked] == list(range(1, len(ranked) + 1)), "ranks are not 1, 2, ...")
        case.check_rows([(row[0], truth[row[0]]) for row in ranked], truth, case.k)
    require(all(a[3] >= b[3] for a, b in zip(rows, rows[1:])), "scores rise")


def with_ties(case):
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY %s FETCH FIRST %d ROWS WITH TIES" % (
        case.d, case.table.name, case.d, case.k))
    truth = case.truth()
    case.check_rows(rows, truth, None)
    require(len(rows) >= min(case.k, len(truth)), "%d rows", len(rows))
    require(all(key(row[1]) == key(rows[case.k - 1][1]) for row in rows[case.k :]), "a row that is no tie")


def merge_join(case):
    """On the distance, with a table of distances"""
    truth = case.truth()
    values = [repr(d) for d in truth.values() if d is not None and not math.isnan(d)]
    if not values:
        return
    values = sorted(set(case.rng.choices(values, k=20)))
    case.run("CREATE TEMPORARY TABLE mark (d double precision) ON COMMIT DROP")
    case.run("INSERT INTO mark VALUES (%s)" % "), (".join(values))
    case.run("ANALYZE mark")
    case.settings(enable_hashjoin="off", enable_nestloop="off")
    rows = case.ask("SELECT id, d FROM %s JOIN mark USING (d)" % case.ordered())
    marks = set(map(float, values))
    case.check_rows(rows, {id: d for id, d in truth.items() if d in marks}, None, ordered=False)
    case.wanted += sum(d in marks for d in truth.values()) - len(rows)


def merge_append(case):
    case.table = PARTITIONED
    case.start()
    plain(case)


def union_all(case):
    case.table = TABLES[0]
    case.start()
    other = TABLES[1]
    nearest = case.rng.choice(["", " ORDER BY 2 LIMIT %d" % case.k])
    case.settings()
    rows = case.ask("(SELECT id, {0} AS d FROM {1}{3}) UNION ALL (SELECT -id, {0} FROM {2}{3}) ORDER BY d LIMIT {4}".format(
        case.d, case.table.name, other.name, nearest, case.k))
    truth = case.truth()
    truth.update((-id, distance) for id, distance in case.truth(table=other.name).items())
    case.check_rows(rows, truth, case.k)


def keyset_pages(case):
    """By (distance, id), three pages"""
    truth = case.truth()
    rows = []
    case.settings()
    after = ""
    for _ in range(3):
        page = case.ask("SELECT id, d FROM %s %s ORDER BY d, id LIMIT %d" % (case.ordered(), after, case.k))
        rows += page
        if not page or page[-1][1] is None or math.isnan(page[-1][1]):
            break
        after = "WHERE (d, id) > (%r, %d)" % (page[-1][1], page[-1][0])
    case.check_rows(rows, truth, None)
    require_pairs(rows)


def require_pairs(rows):
    pairs = [(key(row[1]), row[0]) for row in rows]
    require(pairs == sorted(pairs), "equal distances are not in the order of id")


def incremental_sort(case):
    case.settings()
    rows = case.ask("SELECT id, d FROM %s ORDER BY d, id LIMIT %d" % (case.ordered(), case.k))
    case.check_rows(rows, case.truth(), case.k)
    require_pairs(rows)


def cursor(case):
    """FETCH and MOVE by turns"""
    query = "SELECT id, %s FROM %s ORDER BY %s" % (case.d, case.table.name, case.d)
    truth = case.truth()
    case.settings()
    case.ask(query + " LIMIT 1")
    case.run("DECLARE c NO SCROLL CURSOR FOR " + query)
    rows = []
    moved = 0
    for step in [case.k, case.k, case.k, "ALL"]:
        rows += case.run("FETCH %s FROM c" % step)
        case.run("MOVE %d FROM c" % case.rng.randrange(1, 30))
        moved += int(case.cursor.statusmessage.split()[1])
    case.check_rows(rows, truth, None)
    case.wanted = case.found = 0
    case.require_complete(len(rows) + moved, len(truth))


def scrolled(case):
    """Forward, backward and forward again, perhaps after the transaction"""
    hold = case.rng.choice(["", " WITH HOLD"])
    query = "SELECT id, %s FROM %s ORDER BY %s LIMIT %d" % (case.d, case.table.name, case.d, 3 * case.k)
    truth = case.truth()
    case.settings()
    case.ask(query)
    case.run("DECLARE c SCROLL CURSOR%s FOR %s" % (hold, query))
    first = case.run("FETCH %d FROM c" % case.k)
    if hold:
        case.run("COMMIT")
    rest = case.run("FETCH %d FROM c" % (3 * case.k))
    rows = first + rest
    back = case.run("FETCH BACKWARD ALL FROM c")
    require(list(map(repr, reversed(back))) == list(map(repr, rows)), "backward is not forward reversed")
    third = case.run("FETCH ABSOLUTE %d FROM c" % case.k)
    require(list(map(repr, third)) == list(map(repr, rows[case.k - 1 : case.k])), "FETCH ABSOLUTE %d gives another row", case.k)
    require(list(map(repr, case.run("FETCH ALL FROM c"))) == list(map(repr, rows[case.k :])), "forward again gives other rows")
    case.run("CLOSE c")
    case.check_rows(rows, truth, 3 * case.k)


def two_distances(case):
    other = case.distance(case.new_vector())
    case.settings(enable_incremental_sort=case.rng.choice(["on", "off"]))
    rows = case.ask("SELECT id, {0}, {1} FROM {2} ORDER BY {0}, {1} LIMIT {3}".format(
        case.d, other, case.table.name, case.k))
    case.check_rows([row[:2] for row in rows], case.truth(), case.k)
    pairs = [(key(row[1]), key(row[2])) for row in rows]
    require(pairs == sorted(pairs), "equal distances are not in the order of the second")


def outer_order(case):
    case.settings()
    rows = case.ask("SELECT id, d FROM (SELECT id, {0} AS d FROM {1} ORDER BY {0} LIMIT {2}) x ORDER BY d".format(
        case.d, case.table.name, case.k))
    case.check_rows(rows, case.truth(), case.k)


def lateral(case):
    """The nearest of each of a few rows"""
    where = "id <= %d AND id > %d" % ((lambda i: (i + 3, i))(case.rng.randrange(ROWS)))
    items = dict(case.exact("SELECT id, e FROM %s WHERE %s" % (case.table.name, where)))
    case.settings()
    sql = "SELECT o.id, n.id, n.d FROM {0} o, LATERAL (SELECT id, n.e {1} o.e AS d FROM {0} n ORDER BY n.e {1} o.e LIMIT {2}) n WHERE {3}"
    rows = case.ask(sql.format(case.table.name, case.table.op, case.k, where.replace("id", "o.id")))
    for id, vector in items.items():
        mine = [row[1:] for row in rows if row[0] == id]
        if vector is None:
            require(len(mine) == case.k and all(row[1] is None for row in mine), "%d rows for NULL", len(mine))
        else:
            case.check_rows(mine, case.truth(case.distance_of(id)), case.k)


def prepared(case):
    """A generic plan, run with vectors and with NULL"""
    case.settings(plan_cache_mode="force_generic_plan")
    query = "SELECT id, e {0} $1 FROM {1} ORDER BY e {0} $1 LIMIT $2".format(case.table.op, case.table.name)
    case.run("PREPARE p (embedding, bigint) AS " + query)
    try:
        for vector in case.vector, None, case.new_vector(), case.vector:
            case.settings()
            rows = case.ask("EXECUTE p (%s, %d)" % ("NULL" if vector is None else "'%s'" % vector, case.k))
            if vector is None:
                require(len(rows) == case.k and all(row[1] is None for row in rows), "%d rows for NULL", len(rows))
            else:
                case.check_rows(rows, case.truth(case.distance(vector)), case.k)
    finally:
        case.connection.rollback()
        case.cursor.execute("DEALLOCATE ALL")


def parameter(case):
    """The vector of a sub-select"""
    d = case.distance_of(case.rng.randrange(ROWS))
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY 2 LIMIT %d" % (d, case.table.name, case.k))
    truth = case.truth(d)
    case.check_rows(rows, truth, case.k)


def null_query(case):
    case.d = "e %s (SELECT NULL::embedding)" % case.table.op
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY %s LIMIT %d" % (case.d, case.table.name, case.d, case.k))
    case.check_rows(rows, case.truth(), case.k)


def locked(case):
    """FOR UPDATE, which looks at rows once more"""
    case.settings()
    rows = case.ask("SELECT id, %s FROM %s ORDER BY %s LIMIT %d FOR UPDATE" % (case.d, case.table.name, case.d, case.k))
    case.check_rows(rows, case.truth(), case.k)


def materialized(case):
    case.settings()
    rows = case.ask("WITH n AS MATERIALIZED (SELECT id, {0} AS d FROM {1} ORDER BY {0} LIMIT {2}) "
                    "SELECT id, d FROM n".format(case.d, case.table.name, case.k))
    case.check_rows(rows, case.truth(), case.k)


SHAPES = [
    plain, plain, filtered, filtered, to_the_end, filtered_to_the_end, radius, lookup, lookup_all,
    group_by, group_of_nearest, distinct, ranks, fused, with_ties, merge_join, merge_append, union_all,
    keyset_pages, incremental_sort, cursor, scrolled, two_distances, outer_order, lateral, prepared,
    parameter, null_query, locked, materialized,
]


class Sum:
    def __init__(self):
        self.queries = self.indexed = self.wrong = self.lost = self.qualified = 0
        self.found = self.wanted = self.easy_found = self.easy_wanted = 0


def share(found, wanted):
    return "%.4f" % (found / wanted) if wanted else "-"


def attempt(connection, shape, number):
    """The case, and what is wrong with it or None"""
    case = Case(connection, number)
    try:
        case.start()
        shape(case)
        return case, None
    except (Wrong, psycopg2.Error) as error:
        return case, str(error).strip().split("\n")[0]
    finally:
        connection.rollback()


def main():
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    cursor.execute("SET client_min_messages = warning; SET jit = off; SET maintenance_work_mem = '64MB';"
                   "SET max_parallel_maintenance_workers = 0; SET max_parallel_workers_per_gather = 0;"
                   "SET enable_bitmapscan = off")
    cursor.execute("SELECT to_regclass('parts') IS NULL")
    if cursor.fetchone()[0]:
        for i, table in enumerate(TABLES + [PARTITIONED]):
            fill(cursor, table, random.Random("%d %s" % (SEED, table.name)))
    connection.commit()

    sums = {}
    for number in [int(ONLY)] if ONLY else range(QUERIES):
        shape = SHAPES[number % len(SHAPES)]
        name = shape.__name__
        case, wrong = attempt(connection, shape, number)
        total = sums.setdefault(name, Sum())
        total.queries += 1
        total.indexed += case.indexed
        total.wrong += wrong is not None
        total.lost += case.lost
        total.qualified += case.qualified
        total.found += case.found
        total.wanted += case.wanted
        if case.easy():
            total.easy_found += case.found
            total.easy_wanted += case.wanted
        if wrong and (total.wrong <= MAX_REPORTS or ONLY):
            print("query %d, %s of %s: %s" % (number, name, case.table.name, wrong))
            print("    SET enable_bitmapscan = off; BEGIN; " + " ".join(case.log))
    for name, total in sums.items():
        print("shape %s %d %d %d %s %s" % (name, total.queries, total.indexed, total.wrong,
                                           share(total.found, total.wanted), share(total.easy_found, total.easy_wanted)))
    print("lost %d of %d" % (sum(total.lost for total in sums.values()), sum(total.qualified for total in sums.values())))
    sys.stdout.flush()


main()
