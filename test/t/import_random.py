"""Model files changed at random, given to import_model().

Prints a line for each thing that must not happen, then

    files NUMBER ACCEPTED
    state SQLSTATE NUMBER        00000: accepted
    memory BYTES                 what a session grew by

Run by 074_import.pl, which names the server in the environment and gives the
folder of PyTorch's files as an argument.  Every file is made from
SIMILARITY_IMPORT_SEED and its own number, so that SIMILARITY_IMPORT_ONLY=number
repeats one, and SIMILARITY_IMPORT_KEEP=path writes it there.

What must hold: no session ends, no internal error, no data called damaged but the
file; what is accepted embeds a row, or says that its numbers are not finite; what is
refused leaves no row.
"""
import collections
import copy
import json
import os
import random
import struct
import sys

import psycopg2

SEED = os.environ.get("SIMILARITY_IMPORT_SEED", "1")
FILES = int(os.environ.get("SIMILARITY_IMPORTS", "400"))
ONLY = os.environ.get("SIMILARITY_IMPORT_ONLY")
KEEP = os.environ.get("SIMILARITY_IMPORT_KEEP")
MAX_REPORTS = 40
FORBIDDEN = {"XX000", "XX001", "XX002"}

# Name, input, layers; what an export holds of them is changed too
MODELS = [
	("dense", [4], [{"dense": {"units": 3, "activation": "relu"}}, {"metric_embedding": {"units": 2}}]),
	("pictures", [8, 8, 1], [{"rescaling": {"scale": 0.004}}, {"conv2d": {"filters": 3, "kernel_size": 3}},
		{"batch_normalization": {}}, {"max_pooling2d": {}}, {"flatten": {}}, {"dropout": {"rate": 0.1}},
		{"metric_embedding": {"units": 4}}]),
	("branches", [6], [{"dense": {"units": 4, "name": "left"}}, {"dense": {"units": 4, "name": "right", "inputs": "input"}},
		{"add": {"inputs": ["left", "right"]}}, {"layer_normalization": {}}, {"metric_embedding": {"units": 2}}]),
	("depthwise", [6, 6, 2], [{"normalization": {}}, {"zero_padding2d": {"padding": 1}}, {"depthwise_conv2d": {"kernel_size": 3}},
		{"generalized_mean_pooling2d": {}}, {"metric_embedding": {"units": 3, "use_bias": False}}]),
]
# PyTorch's files, with the architecture that they need
TORCH = [
	("torch_dense.safetensors", [3], [{"dense": {"units": 4, "activation": "tanh"}}] * 6),
	("torch_conv.safetensors", [5, 5, 2], [{"conv2d": {"filters": 3, "kernel_size": 3, "activation": "relu"}},
		{"conv2d": {"filters": 4, "kernel_size": 2}}, {"global_average_pooling2d": {}}, {"dense": {"units": 3}}]),
]

NUMBERS = [0, 1, -1, 2, 3, 7, 64, 255, 65536, 2**31 - 1, 2**31, -2**31, 2**32, 2**53, 2**63, 2**64, 0.5, 1e300, -1e300]
VALUES = NUMBERS + [None, True, False, "", "x", "relu", "same", "F32", "F16", "I64", [], {}, [[]], [1, 2], [2, 2, 2, 2, 2],
	{"a": {}}, "\u0000", "\U0001f600", "x" * 300]


def read(data):
	"""Header, and the bytes after it."""
	size, = struct.unpack("<Q", data[:8])
	return json.loads(data[8:8 + size]), data[8 + size:]


def write(header, body):
	text = header if isinstance(header, bytes) else json.dumps(header).encode("utf-8", "surrogatepass")
	return struct.pack("<Q", len(text)) + text + body


# ---- changes: each takes a generator of random numbers and a file ----


def flip_bits(rng, data):
	data = bytearray(data)
	# near the front as often as anywhere
	for _ in range(rng.choice([1, 1, 2, 8, 64])):
		at = rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), 400))
		data[at] ^= 1 << rng.randrange(8)
	return bytes(data)


def cut(rng, data):
	at = rng.randrange(len(data))
	return data[:at] if rng.random() < 0.7 else data[:at] + data[at + rng.randrange(64):]


def lengthen(rng, data):
	return data + bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 1000])))


def header_size(rng, data):
	size = rng.choice([0, 1, 7, len(data), len(data) - 8, len(data) - 7, 2**31, 2**63, 2**64 - 1, 2**64 - 8])
	return struct.pack("<Q", size % 2**64) + data[8:]


def places(value, path=()):
	"""Paths of all values of a JSON document"""
	yield path
	items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
	for key, member in items:
		yield from places(member, path + (key,))


def change_json(rng, document):
	"""One value replaced, taken away, doubled, renamed or nested."""
	document = copy.deepcopy(document)
	path = rng.choice([p for p in places(document) if p] or [()])
	if not path:
		return rng.choice(VALUES)
	parent = document
	for key in path[:-1]:
		parent = parent[key]
	how = rng.randrange(6)
	if how == 0:
		del parent[path[-1]]
	elif how == 1 and isinstance(parent, dict):
		parent[rng.choice(["x", "", "name", "__metadata__", "dense/kernel", "units", "shape", "0"])] = parent.pop(path[-1])
	elif how == 2 and isinstance(parent, list):
		parent.insert(path[-1], copy.deepcopy(parent[path[-1]]))
	elif how == 3:
		parent[path[-1]] = [parent[path[-1]]]
	elif how == 4 and isinstance(parent[path[-1]], int):
		parent[path[-1]] += rng.choice([-4, -1, 1, 4, 2**32])
	else:
		parent[path[-1]] = rng.choice(VALUES)
	return document


def change_header(rng, data):
	header, body = read(data)
	for _ in range(rng.choice([1, 1, 2, 4])):
		changed = change_json(rng, header)
		header = changed if isinstance(changed, dict) and changed else header
	return write(header, body)


def change_layers(rng, data):
	header, body = read(data)
	metadata = header.get("__metadata__", {})
	key = rng.choice(["layers", "input"])
	if key not in metadata:
		return change_header(rng, data)
	if key == "input":
		metadata[key] = rng.choice(["{}", "{4,4}", "{-1}", "{NULL}", "{2147483647,2147483647}", "{{1,2},{3,4}}", "4", "", "{x}", "{1,1,1,1,1}"])
	else:
		layers = json.loads(metadata[key])
		for _ in range(rng.choice([1, 1, 3])):
			changed = change_json(rng, layers)
			layers = changed if isinstance(changed, list) and changed else layers
		metadata[key] = rng.choice([json.dumps(layers)] * 9 + ["[" * 10000, "null", json.dumps(layers) + "x", ""])
	return write(header, body)


def repeat_member(rng, data):
	"""The same key twice"""
	header, body = read(data)
	name = rng.choice(list(header))
	text = json.dumps(header).encode()
	return write(text[:-1] + b", " + json.dumps({name: header[name]}).encode()[1:], body)


def nest(rng, data):
	depth = rng.choice([10, 1000, 100000])
	return write(b'{"x": ' + b"[" * depth + b"]" * rng.choice([0, depth]) + b"}", read(data)[1])


def raw_numbers(rng, data):
	"""Numbers in the header that JSON or we do not have"""
	header, body = read(data)
	text = json.dumps(header)
	digits = [i for i, c in enumerate(text) if c.isdigit()]
	at = rng.choice(digits)
	number = rng.choice(["NaN", "-0", "1e400", "0x10", "9" * 400, "1.", "01", "+1", "18446744073709551616", "-9223372036854775809"])
	return write((text[:at] + number + text[at + 1:]).encode(), body)


def weights(rng, data):
	header, body = read(data)
	body = bytearray(body)
	value = rng.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f", b"\x01\x00\x00\x00", b"\xff\xff\xff\xff"])
	for at in [rng.randrange(len(body) // 4) * 4] if rng.random() < 0.5 else range(0, len(body) // 4 * 4, 4):
		body[at:at + 4] = value
	return write(header, bytes(body))


def leave(rng, data):
	return data


CHANGES = [flip_bits, cut, lengthen, header_size, change_header, change_header, change_layers, change_layers, change_layers,
	repeat_member, nest, raw_numbers, weights, leave]


# ---- the server ----

LEFT = """SELECT (SELECT count(*) FROM _similarity.model), (SELECT count(*) FROM _similarity.model_version),
	(SELECT count(*) FROM _similarity.model_weights), (SELECT count(*) FROM _similarity.deployment),
	(SELECT count(*) FROM _similarity.retired_version), (SELECT count(*) FROM _similarity.model_grant)"""
MEMORY = "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts"


class Importer:
	def __init__(self):
		self.reports = 0
		self.states = collections.Counter()
		self.connect()

	def connect(self):
		self.connection = psycopg2.connect("")
		self.connection.autocommit = True
		self.cursor = self.connection.cursor()
		self.cursor.execute("SET statement_timeout = '10s'")
		self.cursor.execute("SET similarity.cache_memory = '16MB'")

	def value(self, statement, *arguments):
		self.cursor.execute(statement, arguments)
		return self.cursor.fetchone()

	def report(self, text):
		self.reports += 1
		if self.reports <= MAX_REPORTS:
			print("\n  ".join(text.splitlines()), flush=True)

	def prepare(self, folder):
		"""Files, each with what import_model() is told beside it"""
		files = []
		for name, shape, layers in MODELS:
			self.cursor.execute("SELECT similarity.create_model(%s, %s, %s)", (name, shape, json.dumps(layers)))
			self.cursor.execute("CALL similarity.train(%s, %s, epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false)",
				(name, "SELECT array_fill(i::real / 9, '{%s}'), i %% 3 FROM generate_series(1, 12) i" % ",".join(map(str, shape))))
			data = bytes(self.value("SELECT similarity.export_model(%s)", name)[0])
			files.append((data, None, None, "keras"))
			files.append((data, shape, layers, "keras"))
		for name, shape, layers in TORCH:
			with open(os.path.join(folder, name), "rb") as file:
				files.append((file.read(), shape, layers, "torch"))
		return files

	def attempt(self, number, data, shape, layers, layout):
		"""Import, embed, undo; returns the SQLSTATE."""
		step = "import_model"
		try:
			self.cursor.execute("BEGIN")
			self.cursor.execute("SELECT similarity.import_model('new', %s, %s, %s, %s)",
				(psycopg2.Binary(data), shape, layers and json.dumps(layers), layout))
			state = "00000"
			step = "embed"
			self.cursor.execute("SELECT embed('new', array_fill(0.5::real, input)) FROM similarity.models WHERE model = 'new'")
			self.cursor.fetchall()
		except psycopg2.Error as error:
			if self.connection.closed:
				self.report("file %d: session lost in %s: %s" % (number, step, error))
				self.connect()
				return "lost"
			# numbers that overflow are no fault, whether in the file or on their way
			overflow = error.pgcode == "22003" or "not allowed in embedding" in str(error)
			if error.pgcode in FORBIDDEN or (step == "embed" and not overflow and error.pgcode not in ("57014", "53200")):
				self.report("file %d: %s in %s: %s" % (number, error.pgcode, step, error))
			state = error.pgcode if step == "import_model" else "00000"
		self.cursor.execute("ROLLBACK")
		return state

	def one(self, number, files):
		rng = random.Random("%s/%d" % (SEED, number))
		data, shape, layers, layout = rng.choice(files)
		for _ in range(rng.choice([1, 1, 1, 2])):
			try:
				data = rng.choice(CHANGES)(rng, data)
			except (ValueError, IndexError, struct.error, KeyError, TypeError, RecursionError):
				pass  # a second change of what is no file any more
		if layers is not None and rng.random() < 0.3:
			changed = change_json(rng, layers)
			layers = changed if isinstance(changed, list) else layers
		if shape is not None and rng.random() < 0.1:
			shape = [rng.choice([0, -1, 1, 4, 8, 2**31 - 1]) for _ in range(rng.randrange(6))]
		if rng.random() < 0.1:
			layout = rng.choice(["keras", "torch", "torchvision", "timm", "x"])
		if KEEP:
			with open(KEEP, "wb") as file:
				file.write(data)
			print("file %d: input %s, layers %s, layout %s" % (number, shape, json.dumps(layers), layout))
		self.states[self.attempt(number, data, shape, layers, layout)] += 1


def main():
	importer = Importer()
	files = importer.prepare(sys.argv[1])
	left = importer.value(LEFT)
	for data, shape, layers, layout in files:
		if importer.attempt(-1, data, shape, layers, layout) != "00000":
			importer.report("a file that was not changed is refused")
	memory = importer.value(MEMORY)[0]
	for number in [int(ONLY)] if ONLY else range(FILES):
		importer.one(number, files)
		if number % 50 == 49 and importer.value(LEFT) != left:
			importer.report("file %d or one of 50 before it left rows behind" % number)
	if importer.value(LEFT) != left:
		importer.report("rows are left behind")
	print("memory %d" % (importer.value(MEMORY)[0] - memory))
	print("files %d %d" % (sum(importer.states.values()), importer.states["00000"]))
	for state, count in sorted(importer.states.items()):
		print("state %s %d" % (state, count))


main()
