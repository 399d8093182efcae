"""Binary embeddings from a client: COPY BINARY built and read byte by byte.

The layout is that of pgvector's vector: int16 dimensions, int16 zero, float4
elements, big-endian.  Prints "ok NAME" or "not ok NAME: why" for each check;
run by 010_binary.pl, which names the server in the environment.
"""
import ctypes
import ctypes.util
import io
import struct

import psycopg2

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)


def encode(numbers):
    return struct.pack(">hh%df" % len(numbers), len(numbers), 0, *numbers)


def encode_array(oid, letter, numbers):
    """An array of one dimension as PostgreSQL sends it; None is NULL."""
    elements = [b"" if x is None else struct.pack(">" + letter, x) for x in numbers]
    return struct.pack(">iiIii", 1, int(None in numbers), oid, len(numbers), 1) + b"".join(
        struct.pack(">i", len(e) or -1) + e for e in elements)


def decode(value):
    dims, zero = struct.unpack_from(">hh", value)
    assert zero == 0 and len(value) == 4 + 4 * dims
    return list(struct.unpack_from(">%df" % dims, value, 4))


def copy_message(values):
    """COPY BINARY with one column; None is NULL."""
    rows = b""
    for value in values:
        rows += struct.pack(">h", 1)
        rows += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return SIGNATURE + rows + TRAILER


def copy_values(message):
    values, at = [], len(SIGNATURE)
    while struct.unpack_from(">h", message, at)[0] == 1:
        size = struct.unpack_from(">i", message, at + 2)[0]
        at += 6
        values.append(None if size < 0 else message[at:at + size])
        at += max(size, 0)
    return values


connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()


def send(values, table="sent"):
    cursor.copy_expert("COPY %s FROM STDIN (FORMAT binary)" % table, io.BytesIO(copy_message(values)))


def receive(query):
    out = io.BytesIO()
    cursor.copy_expert("COPY (%s) TO STDOUT (FORMAT binary)" % query, out)
    return copy_values(out.getvalue())


def check(name, condition, why=""):
    print(("ok %s" if condition else "not ok %s: %s") % ((name,) if condition else (name, why)), flush=True)


def check_refused(name, value, sqlstate, message, table="sent"):
    try:
        send([value], table)
    except psycopg2.Error as error:
        check(name, error.pgcode == sqlstate and error.diag.message_primary == message,
              "%s %s" % (error.pgcode, error.diag.message_primary))
    else:
        check(name, False, "was accepted")


cursor.execute("CREATE TABLE sent (e embedding)")
cursor.execute("CREATE TABLE typed (e embedding(2, 7))")

vectors = [[1.0], [1.0, 2.5, -3.0], [0.0, -0.0, 2.0**-149, 3.4028234663852886e38], [float(i) for i in range(16384)]]
send([encode(v) for v in vectors] + [None])
cursor.execute("SELECT e::text FROM sent ORDER BY dims(e) NULLS LAST LIMIT 3")
texts = [row[0] for row in cursor.fetchall()]
check("sent bytes are the values", texts == ["[1]", "[1,2.5,-3]", "[0,-0,1e-45,3.4028235e+38]"], texts)

values = receive("SELECT e FROM sent ORDER BY dims(e) NULLS LAST")
check("bytes come back as they were", values == [encode(v) for v in vectors] + [None])
check("and decode to the numbers", [decode(v) for v in values[:-1]] == vectors)
check("embedding_send has the same layout",
      receive("SELECT embedding_send('[1,-2]')")[0] == b"\0\2\0\0\x3f\x80\0\0\xc0\0\0\0")

send([encode([1, 2])], "typed")
cursor.execute("SELECT e::text, embedding_model(e) FROM typed")
check("a column stamps its model version", cursor.fetchone() == ("[1,2]", 7))
check("which no byte of the value shows", receive("SELECT e FROM typed")[0] == encode([1, 2]))

good = encode([1, 2])
binary = "22P03"
check_refused("empty", b"", binary, "binary embedding needs a header of 4 bytes, not 0")
check_refused("half a header", good[:3], binary, "binary embedding needs a header of 4 bytes, not 3")
check_refused("truncated", good[:-1], binary, "binary embedding of 2 dimensions needs 8 bytes of elements, not 7")
check_refused("one byte too many", good + b"\0", binary,
              "binary embedding of 2 dimensions needs 8 bytes of elements, not 9")
check_refused("second field", b"\0\2\0\1" + good[4:], binary,
              "expected 0 in the second field of binary embedding, not 1")
check_refused("no dimension", struct.pack(">hh", 0, 0), "22000", "embedding must have at least 1 dimension")
check_refused("negative dimensions", struct.pack(">hhf", -1, 0, 1), "22000",
              "embedding must have at least 1 dimension")
check_refused("too many dimensions", encode([0.0] * 16385), "54000",
              "embedding cannot have more than 16384 dimensions")
check_refused("more dimensions than bytes", struct.pack(">hh", 16384, 0), binary,
              "binary embedding of 16384 dimensions needs 65536 bytes of elements, not 0")
check_refused("NaN", encode([1, float("nan")]), "22000", "NaN is not allowed in embedding")
check_refused("infinity", encode([float("-inf")]), "22003", "infinity is not allowed in embedding")
check_refused("dimensions of the column", encode([1, 2, 3]), "22000", "expected 2 dimensions, not 3", "typed")

cursor.execute("SELECT count(*) FROM sent")
check("nothing of the refused ones stayed", cursor.fetchone()[0] == 5)
cursor.execute("CREATE TABLE copied AS TABLE sent WITH NO DATA")
send(receive("SELECT e FROM sent"), "copied")
cursor.execute("SELECT count(*) FROM (TABLE sent EXCEPT ALL TABLE copied) x")
check("COPY binary out and in loses nothing", cursor.fetchone()[0] == 0)

# Arrays of numbers as clients send them that do not know the type
cursor.execute("CREATE TABLE sent_array (e embedding(2))")
types = {"smallint[]": (21, "h"), "integer[]": (23, "i"), "bigint[]": (20, "q"), "real[]": (700, "f"),
         "double precision[]": (701, "d")}
for name, (oid, letter) in types.items():
    send([encode_array(oid, letter, [1, -2])], "sent_array")
    check(name + " becomes an embedding", decode(receive("SELECT e FROM sent_array")[-1]) == [1, -2])
check_refused("an array of text", encode_array(25, "c", [b"1", b"2"]), binary,
              "binary array of the type with OID 25 cannot become an embedding", "sent_array")
check_refused("an array with a null", encode_array(700, "f", [1, None]), "22000",
              "array must not contain nulls to become an embedding", "sent_array")
check_refused("an array cut short", encode_array(700, "f", [1, 2])[:-1], binary,
              "binary array of 2 elements needs 16 bytes of elements, not 15", "sent_array")
check_refused("a double beyond float", encode_array(701, "d", [1, 1e39]), "22003",
              "infinity is not allowed in embedding", "sent_array")
check_refused("an array of other dimensions", encode_array(700, "f", [1]), "22000",
              "expected 2 dimensions, not 1", "sent_array")
try:
    send([b"[1,2]"], "sent_array")
except psycopg2.Error as error:
    check("text in the place of binary gets a hint",
          error.diag.message_primary == "text was sent where binary embedding is expected"
          and error.diag.message_hint.startswith("Register the type with the client"), error)
else:
    check("text in the place of binary gets a hint", False, "was accepted")

# Every precision takes and gives the same bytes, rounded to what it stores.
stored = {"half": [0.0999755859375, -2.0, 300.0], "int8": [0.0, -2.362213134765625, 300.0010681152344], "bit": [1.0, 0.0, 1.0]}
for kind, expected in stored.items():
    cursor.execute("CREATE TABLE sent_%s (e embedding(3, %s))" % (kind, kind))
    send([encode([0.1, -2.0, 300.0])], "sent_" + kind)
    values = receive("SELECT e FROM sent_" + kind)
    check("COPY rounds to " + kind, decode(values[0]) == expected, decode(values[0]))
    send(values, "sent_" + kind)
    check("and what it gave comes back, " + kind, receive("SELECT e FROM sent_" + kind) == 2 * values)
    check_refused("dimensions of a column of " + kind, encode([1, 2]), "22000",
                  "expected 3 dimensions, not 2", "sent_" + kind)
check_refused("beyond half", encode([1, 2, 70000]), "22003",
              '"70000" is out of range for half precision of type embedding', "sent_half")

# Parameters and results of a prepared statement, in binary, by libpq itself.
libpq = ctypes.CDLL(ctypes.util.find_library("pq"))
for name in ("PQconnectdb", "PQexecParams", "PQgetvalue", "PQresultErrorMessage"):
    getattr(libpq, name).restype = ctypes.c_void_p
session = ctypes.c_void_p(libpq.PQconnectdb(b""))


def execute(sql, value):
    """The first column of the first row in binary, or the server's message."""
    result = ctypes.c_void_p(libpq.PQexecParams(
        session, sql.encode(), 1, None, (ctypes.c_char_p * 1)(value), (ctypes.c_int * 1)(len(value)),
        (ctypes.c_int * 1)(1), 1))
    if libpq.PQntuples(result) == 0:
        return ctypes.string_at(libpq.PQresultErrorMessage(result)).decode()
    return ctypes.string_at(libpq.PQgetvalue(result, 0, 0), libpq.PQgetlength(result, 0, 0))


numbers = encode([0.1, -2.0, 300.0])
check("a binary parameter", execute("SELECT $1::embedding", numbers) == numbers)
for kind, expected in stored.items():
    got = execute("SELECT e FROM sent_%s ORDER BY e <-> $1 LIMIT 1" % kind, numbers)
    check("a binary parameter and result of " + kind, decode(got) == expected, got)
check("a distance in binary", execute("SELECT '[0,0]'::embedding <-> $1", encode([3, 4])) == struct.pack(">d", 5.0))
message = execute("SELECT $1::embedding", numbers[:-2])
check("a truncated parameter", "needs 12 bytes of elements, not 10" in message, message)

# Inputs as drivers send them: parameters without a type, lists, bytes.
cursor.execute("""
CREATE TABLE item AS SELECT i AS id, i % 3 AS label, set_byte(set_byte('\\x0000', 0, i % 3 * 100), 1, i % 7) AS image
FROM generate_series(1, 30) i;
SELECT similarity.create_model('items', '{2}', '[{"dense": {"units": 4}}, {"metric_embedding": {"units": 2}}]');
CALL similarity.train('items', 'SELECT image, label FROM item', epochs => 1, steps_per_epoch => 20, seed => 1, verbose => false);
CREATE TABLE shelf AS SELECT id, label, embed('items', image) AS e FROM item;
SELECT similarity.create_gallery('shelf', 'shelf', embedding => 'e', label => 'label', key => 'id', model => 'items');
""")
cursor.execute("SELECT e::text FROM shelf WHERE id = 4")
wanted = cursor.fetchone()[0]
cursor.execute("SELECT image FROM item WHERE id = 4")
image = bytes(cursor.fetchone()[0])


def ask(sql, *values):
    cursor.execute(sql, values)
    return cursor.fetchone()[0]


for name, value in {"bytes": image, "a list of floats": [float(b) for b in image], "a list of integers": list(image),
                    "text of an array": "{%d,%d}" % tuple(image), "text of bytes": "\\x" + image.hex()}.items():
    check("embed() takes " + name, ask("SELECT embed('items', %s)::text", value) == wanted)
    check("lookup() takes " + name, ask("SELECT distance FROM similarity.lookup('shelf', %s, 1)", value) < 1e-6)
vector = [float(x) for x in wanted.strip("[]").split(",")]
for name, value in {"a list": vector, "text": wanted, "text of an array": "{%s}" % wanted.strip("[]")}.items():
    check("ORDER BY takes " + name, ask("SELECT e::text FROM shelf ORDER BY e <-> %s LIMIT 1", value) == wanted)
    cursor.execute("INSERT INTO sent_array VALUES (%s)", (value,))
    check("INSERT takes " + name, ask("SELECT count(*) FROM sent_array WHERE e = %s::embedding", value) > 0)
check("embed_image() takes bytes without a type", execute("SELECT embed_image('items', $1)", image) == encode(vector))
check("lookup_image() takes bytes without a type",
      execute("SELECT label FROM similarity.lookup_image('shelf', $1, 1)", image) == b"1")
message = execute("SELECT embed('items', $1)", b"GIF")
check("embed() says what to write for bytes without a type", "write $1::bytea" in message, message)
