"""Call everything that the extension lets SQL call, with hostile arguments.

Prints a line for each thing that must not happen, then

    calls NUMBER
    state SQLSTATE NUMBER        00000: no error
    object KIND NAME CALLS SUCCESSES

Run by 073_calls.pl, which names the server in the environment.  Objects are
taken from the catalog: functions, procedures, aggregates and window functions,
operators, casts, operator classes, trigger functions and views.  The calls come
in batches, each made from SIMILARITY_CALLS_SEED and its own number alone, in a
database that is a copy of one and the same: SIMILARITY_CALLS_ONLY=number repeats
one batch, SIMILARITY_CALLS_PRINT=1 prints its statements as they run.

Whoever calls is a plain role that owns models, galleries, tables and indexes,
beside another role that owns some too.  What must hold, whatever is called:

  - no session ends, and so no other session either
  - no internal error (XX000), no damaged data (XX001, XX002): all is well here
  - statement_timeout is answered
"""
import collections
import os
import random
import select
import struct
import sys
import time

import psycopg2
import psycopg2.extensions

SEED = os.environ.get("SIMILARITY_CALLS_SEED", "1")
CALLS = int(os.environ.get("SIMILARITY_CALLS", "2000"))
ONLY = os.environ.get("SIMILARITY_CALLS_ONLY")
PRINT = os.environ.get("SIMILARITY_CALLS_PRINT")
BATCH = 1000
TIMEOUT_MS = 1000
PATIENCE_S = 20  # after which a statement counts as hanging
MAX_REPORTS = 40
FORBIDDEN = {"XX000", "XX001", "XX002"}


# ---- what there is to work on ----

# As a superuser, in the database that batches copy
PREPARE = """
CREATE EXTENSION similarity;
GRANT CREATE ON SCHEMA similarity TO caller, neighbor;
GRANT CREATE ON SCHEMA public TO caller, neighbor;
"""

# As each of two roles; the neighbor's names end in _n
OWNED = """
CREATE TABLE item%(n)s (id integer PRIMARY KEY, label text, x real[], e embedding(4), h embedding(4, half), b embedding(16, bit),
	image bytea, note jsonb);
INSERT INTO item%(n)s (id, label, x, image) SELECT i, 'c' || i %% 5,
	ARRAY[i %% 5, i %% 7, i %% 3, sin(i)]::real[], decode(repeat(lpad(to_hex(i * 3 %% 256), 2, '0'), 16), 'hex')
FROM generate_series(1, 60) i;
SELECT similarity.create_model('flat%(n)s', '{4}', '[{"dense": {"units": 6, "activation": "relu"}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('flat%(n)s', 'SELECT x, label FROM item%(n)s', epochs => 1, steps_per_epoch => 20, seed => 1, verbose => false);
CALL similarity.train('flat%(n)s', 'SELECT x, label FROM item%(n)s', epochs => 1, steps_per_epoch => 2, seed => 2, verbose => false);
SELECT similarity.create_model('picture%(n)s', '{4,4,1}', '[{"rescaling": {"scale": 0.01}},
	{"conv2d": {"filters": 3, "kernel_size": 3, "padding": "same"}}, {"batch_normalization": {}}, {"max_pooling2d": {}},
	{"flatten": {}}, {"dense": {"units": 5, "name": "side"}}, {"layer_normalization": {}}, {"metric_embedding": {"units": 4}}]');
CALL similarity.train('picture%(n)s', 'SELECT image, label FROM item%(n)s', epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
SELECT similarity.create_model('untrained%(n)s', '{4}', '[{"metric_embedding": {"units": 4}}]');
UPDATE item%(n)s SET e = embed('flat%(n)s', x), h = embed('flat%(n)s', x), b = binary_quantize(random_embedding(16, id));
CREATE INDEX item%(n)s_e ON item%(n)s USING similarity_hnsw (e embedding_cosine_ops);
CREATE INDEX item%(n)s_h ON item%(n)s USING similarity_hnsw (h embedding_l2_ops) WITH (target_recall = 0.9);
CREATE INDEX item%(n)s_b ON item%(n)s USING similarity_hnsw (b embedding_jaccard_ops);
CREATE VIEW seen%(n)s AS SELECT * FROM item%(n)s WHERE id < 40;
CREATE TABLE part%(n)s (id integer, e embedding(4)) PARTITION BY HASH (id);
CREATE TABLE part%(n)s_0 PARTITION OF part%(n)s FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part%(n)s_1 PARTITION OF part%(n)s FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part%(n)s SELECT id, e FROM item%(n)s;
CREATE INDEX part%(n)s_e ON part%(n)s USING similarity_hnsw (e embedding_l2_ops);
SELECT similarity.create_gallery('shelf%(n)s', 'item%(n)s', 'e', 'label', model => 'flat%(n)s');
SELECT similarity.calibrate('shelf%(n)s', 'SELECT x, label FROM item%(n)s', targets => '{"half": 0.5}', drop_closest => true);
SELECT similarity.attach('shelf%(n)s', 'x');
SELECT similarity.create_gallery('views%(n)s', 'seen%(n)s', 'e', 'label', key => 'id', distance => 'snr');
SELECT similarity.create_gallery('pictures%(n)s', 'item%(n)s', 'h', 'label', distance => 'euclidean', image => 'image', image_shape => '{4,4}');
"""

# Code of the caller that runs in the middle of the extension's
MISCHIEF = """
CREATE FUNCTION mischief(what text) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE what;
	RETURN 'c1';
END $$;
CREATE FUNCTION endless() RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		RETURN NEXT 1;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
"""

# Objects of the extension: kind, name, call with its arguments as types
OBJECTS = """
WITH member AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity'))
SELECT CASE WHEN p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) THEN 't' ELSE p.prokind::text END AS kind,
	format('%I.%I', n.nspname, p.proname) AS name, p.proargnames[1:p.pronargs] AS names,
	ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, i) ORDER BY i) AS types, p.pronargdefaults AS defaults
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid JOIN pg_namespace n ON n.oid = p.pronamespace
UNION ALL SELECT 'operator', format('OPERATOR(%I.%s)', n.nspname, o.oprname), NULL,
	CASE WHEN oprleft = 0 THEN '{}' ELSE ARRAY[format_type(oprleft, NULL)] END || format_type(oprright, NULL), 0
FROM member m JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND o.oid = m.objid JOIN pg_namespace n ON n.oid = o.oprnamespace
UNION ALL SELECT 'cast', format_type(c.casttarget, NULL), NULL, ARRAY[format_type(c.castsource, NULL)], 0
FROM member m JOIN pg_cast c ON m.classid = 'pg_cast'::regclass AND c.oid = m.objid
UNION ALL SELECT 'class', format('%I.%I', n.nspname, o.opcname), NULL, ARRAY[a.amname::text], 0
FROM member m JOIN pg_opclass o ON m.classid = 'pg_opclass'::regclass AND o.oid = m.objid
	JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
UNION ALL SELECT 'relation', c.oid::regclass::text, NULL, ARRAY[c.relkind::text], 0
FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
ORDER BY 1, 2, 4, 3
"""


# ---- values ----

MODELS = ["flat", "picture", "untrained"]
GALLERIES = ["shelf", "views", "pictures"]
RELATIONS = ["item", "seen", "part", "part_0", "item_e", "item_h", "item_b", "part_e", "item_pkey"]
ROLES = ["caller", "neighbor", "public", "pg_database_owner", "nobody_of_this_name", "postgres"]
NUMBERS = ["0", "1", "2", "3", "4", "5", "7", "16", "40", "-1", "100", "1000", "16000", "16384", "32767", "32768", "65536", "1048576",
	"2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808"]
REALS = ["0", "1", "-1", "0.5", "0.25", "2", "1e-45", "1e38", "3.4028235e38", "1e39", "1e308", "-1e308", "NaN", "Infinity", "-Infinity"]
ODD = ["", " ", "'", '"', "''", "\\", "%s%n%d", "$1", "{}", "[]", "\x01\x02\x1b[31m", "\u202e\u2066\ufeff", "\U0001f600" * 9,
	"x" * 63, "x" * 64, "\u00e9" * 32, "x" * 5000, "select", "a.b.c", "pg_catalog.pg_class", "similarity.gallery", "; DROP TABLE item; --",
	"NULL", "null", "NaN", "-", "0", "\n", "a\nb", "__proto__", "\\x", "\\x00", "{1,2", "[1,2", "(1,1)"]
LAYERS = ["dense", "metric_embedding", "conv2d", "depthwise_conv2d", "max_pooling2d", "average_pooling2d", "global_max_pooling2d",
	"global_average_pooling2d", "generalized_mean_pooling1d", "generalized_mean_pooling2d", "batch_normalization", "layer_normalization",
	"normalization", "rescaling", "dropout", "activation", "flatten", "reshape", "zero_padding2d", "add", "multiply", "concatenate", "lstm"]
PARAMETERS = ["units", "filters", "kernel_size", "strides", "padding", "pool_size", "activation", "use_bias", "rate", "scale", "offset",
	"mean", "variance", "p", "keepdims", "epsilon", "momentum", "target_shape", "depth_multiplier", "name", "inputs", "trainable",
	"learning_rate", "margin", "distance", "reduction", "memory_size", "warmup_steps", "temperature", "decay_steps", "alpha", "gamma",
	"total_steps", "weight_decay", "clipnorm", "beta_1", "rho", "projection_type", "positive_mining", "negative_mining"]
LOSSES = ["multi_similarity", "triplet", "contrastive", "soft_nearest_neighbor", "arcface", "cosface", "normalized_softmax", "proxy_anchor",
	"proxy_nca", "simclr", "vicreg", "barlow", "simsiam", "multiple_negatives_ranking", "circle", "lifted_structure", "sup_con", "pn",
	"nt_xent", "none_such"]
METRICS = ["recall@1", "precision@3", "map@5", "ndcg@2", "mrr@4", "map@r", "r_precision", "recall@0", "recall@1000000", "recall@-1",
	"recall@99999999999999999999", "recall", "@", "map@"]
DISTANCES = ["cosine", "euclidean", "squared_euclidean", "manhattan", "inner_product", "snr", "hamming", "jaccard", "l2", "ip", "l1"]

# What the argument "name" of a function is
NAMES = {"similarity.loss": "loss", "similarity.architecture": "architecture", "similarity.drop_gallery": "gallery",
	"similarity.create_model": "newcomer", "similarity.import_model": "newcomer", "similarity.copy_model": "newcomer",
	"similarity.create_gallery": "newcomer"}

# What an argument of a name may well be
PLAUSIBLE = {
	"newcomer": ["new"],
	"architecture": ["mnist_cnn", "adapter", "resnet18_sim"],
	"loss": LOSSES,
	"optimizer": ["adam", "adamw", "sgd", "lamb", "rmsprop"],
	"sampler": ["multi_shot", "single_shot", "none_such"],
	"metric": DISTANCES, "distance": DISTANCES,
	"metrics": METRICS,
	"average": ["micro", "macro"],
	"matcher": ["match_nearest", "match_majority_vote"],
	"calibration_metric": ["f1", "precision", "recall", "binary_accuracy", "npv", "fpr"],
	"cutpoint": ["optimal", "half"],
	"embedding": ["e", "h", "b", "x", "id"], "embedding_column": ["e", "h", "b", "x"],
	"label": ["label", "id", "e", "note", "ctid", "c1"], "labels": ["c1", "c2"], "key": ["id", "label", "ctid"], "image": ["image", "x"],
	"layout": ["keras", "torch", "torchvision", "timm"],
	"style": ["plain", "ansi", "unicode", "color"],
	"input": ["x", "image", "e", "{1,2,3,4}", "[1,2,3,4]", "\\x00010203"],
	"known_classes": ["c1", "c2", "c3"],
	"title": ["<script>"],
}
CALM_ARRAYS = {"input": ["'{4}'", "'{1,2,3,4}'", "'{4,4,1}'"], "image_shape": ["'{4,4}'"], "shape": ["'{4,4}'", "'{2,2}'"],
	"labels": ["'{1,2,1,2}'"], "query_labels": ["'{c1,c2,c1,c2}'"], "neighbor_distances": ["'{{0,1},{0,0},{0.1,0.2},{0.5,9}}'"], "relevant": ["'{2,2,1,3}'"],
	"metrics": ["'{recall@1,map@2}'"]}
TIMES = ["1 hour", "0", "1 ms", "-1 day", "1000000 years", "x", "infinity"]


class Values:
	"""Arguments as SQL; rng decides everything.

	A call with one argument that makes sense and another that does not goes
	deeper than one of nonsense: each argument is calm or hostile by itself.
	"""

	def __init__(self, rng):
		self.rng = rng
		self.calm = False
		self.hostility = 1.0

	def one(self, choices):
		return self.rng.choice(choices)

	def often(self, share):
		return self.rng.random() < share

	def owned(self, names):
		if self.calm and self.often(0.7):
			return names[0]
		return self.one(names) + ("_n" if self.often(0.15) else "")

	def quoted(self, text):
		return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

	def next_call(self):
		self.hostility = self.one([0.0, 0.0, 0.2, 0.2, 1.0])
		self.calm = self.hostility < 1

	def argument(self, type_name, name=""):
		self.calm = self.rng.random() >= self.hostility
		return self.value(type_name, name)

	def number(self):
		if self.calm:
			return str(self.rng.randrange(1, 6))
		return self.one(NUMBERS) if self.often(0.6) else str(self.rng.randrange(12))

	def real(self):
		if self.calm:
			return "%.3g" % self.rng.uniform(-3, 3)
		return self.one(REALS) if self.often(0.5) else repr(self.rng.uniform(-3, 3))

	def count(self):
		if self.calm:
			return 4
		return self.one([0, 1, 1, 2, 3, 4, 4, 4, 4, 5, 8, 16, 16, 17, 64, 1000]) if self.often(0.97) else self.one([15999, 16000, 16001])

	# ---- text ----

	def query(self):
		if self.calm:
			return "SELECT %s FROM item%s" % (self.one(["x, label", "x, label", "x, label", "e, label", "image, label", "x, id", "x"]),
				self.one(["", "", " WHERE id < 20", " ORDER BY id DESC", " LIMIT 25", "_n"]))
		columns = self.one(["x, label", "x, label", "e, label", "image, label", "x, id", "x", "e", "x, NULL", "NULL, label", "*", "label, x",
			"x, label, id", "x::double precision[], label", "x[1:2], label", "ARRAY[x, x], label", "NULL::real[], label", "h, label", "b, label",
			"'{1,2,3,4}', label", "x, x", "image, id", "array_fill('NaN'::real, '{4}'), label", "random_embedding(4, id), label",
			"e::embedding(4, int8), label", "note, label", "1, 1", "x, label || repeat('x', id * 100)", "", "x, label AS label, 1/(id - 30)",
			"embed('flat', x), label", "similarity.drop_model('flat')::text::real[], label",
			"(SELECT array_agg(l.distance) FROM similarity.lookup('shelf', x, 2) l), label",
			"x, similarity.drop_gallery('shelf')::text", "(SELECT e FROM similarity.loss('triplet', '{1,1}', ARRAY[e, e])), label",
			"x, mischief(%s)" % self.quoted(self.one(["CLOSE ALL", "DISCARD ALL", "ROLLBACK", "COMMIT", "DROP TABLE item CASCADE",
				"SET ROLE neighbor", "RESET ROLE", "TRUNCATE item", "ALTER TABLE item DROP COLUMN e CASCADE", "SET search_path = public",
				"ALTER TABLE item ALTER e TYPE text", "DROP VIEW seen", "UPDATE item SET x = NULL", "DROP INDEX item_e",
				"SELECT similarity.drop_model('flat')", "SELECT similarity.drop_gallery('shelf')", "CREATE TABLE mine ()", "MOVE ALL IN c1",
				"SELECT similarity.deploy('flat', 1)", "SELECT * FROM similarity.lookup('shelf', '{1,2,3,4}'::real[])",
				"SELECT similarity.calibrate('shelf', 'SELECT x, label FROM item')", "DROP OWNED BY caller CASCADE", "REINDEX TABLE item",
				"CALL similarity.train('flat', 'SELECT x, label FROM item', epochs => 1, steps_per_epoch => 1)",
				"SELECT similarity.detach('shelf')", "SET similarity.threads = 1", "VACUUM item"]))])
		return self.one(["SELECT %s FROM %s", "SELECT %s FROM %s", "SELECT %s FROM %s", "SELECT %s FROM %s ORDER BY 1 LIMIT 9",
			"SELECT %s FROM %s WHERE id = 3", "SELECT %s FROM %s WHERE false", "SELECT %s FROM %s FOR UPDATE", "SELECT %s FROM %s, endless()",
			"SELECT %s FROM %s; SELECT 1", "SELECT %s INTO newly FROM %s", "WITH a AS (DELETE FROM item RETURNING *) SELECT %s FROM %s, a",
			"SELECT %s FROM (%s", "DECLARE c CURSOR FOR SELECT %s FROM %s", "EXPLAIN SELECT %s FROM %s", "SELECT %s FROM %s t WHERE $1 > 1",
			"CREATE TABLE a AS SELECT %s FROM %s", "COPY (SELECT %s FROM %s) TO STDOUT", "(SELECT %s FROM %s) UNION ALL SELECT NULL, NULL",
			"INSERT INTO item SELECT %s FROM %s RETURNING x, label", "/* %s %s */", "SELECT %s FROM %s t, pg_sleep(0.001)",
			]) % (columns, self.one(["item", "item", "item", "item", "seen", "item_n", "part", "none_such", "similarity.gallery", "pg_class"]))

	def text(self, name):
		if not self.calm and self.often(0.3):
			return self.one(ODD)
		if name in ("query", "source", "validation"):
			return self.query()
		if name == "model" or (name == "name" and self.often(0.3)):
			return self.owned(MODELS)
		if name == "gallery" or (name == "name" and self.often(0.3)):
			return self.owned(GALLERIES)
		if name == "input" and self.often(0.8):
			return self.one(["{1,2,3,4}", "[1,2,3,4]", "x"])
		if name in ("role", "owner", "new_owner"):
			return self.one(ROLES)
		if name in PLAUSIBLE:
			return self.one(PLAUSIBLE[name][:2] if self.calm else PLAUSIBLE[name])
		if self.calm:
			return self.one(["c1", "c2", "new", self.one(LOSSES), self.vector()])
		return self.one([self.owned(MODELS), self.owned(GALLERIES), "new", self.one(LAYERS), self.one(LOSSES), self.one(DISTANCES),
			self.vector(), "{1,2,3,4}", "\\x01020304", self.query(), "resnet18_sim", "mnist_cnn"])

	# ---- composed values ----

	def vector(self):
		return "[" + ",".join(self.real() if self.often(0.1) else "%.3g" % self.rng.uniform(-9, 9) for _ in range(self.count())) + "]"

	def embedding(self):
		shape = self.rng.random() * (0.6 if self.calm else 1)
		if shape < 0.35:
			return "'[1,2,%d,4]'::embedding" % self.rng.randrange(9)
		if shape < 0.5:
			return "(SELECT %s FROM item WHERE id = %d)" % (self.one(["e", "e", "h"] if self.calm else ["h", "b"]), self.rng.randrange(1, 64))
		if shape < 0.6:
			return "embed('%s', '{1,2,3,%d}'::real[])" % (self.owned(["flat"]), self.rng.randrange(9))
		if shape < 0.9:
			element = self.one(["", "", "half", "int8", "bit", "float"])
			return "random_embedding(%s, %s)::embedding%s" % (
				self.one([1, 2, 3, 4, 4, 4, 16, 16, 100, 1024, 16000]) if self.often(0.9) else self.number(), self.rng.randrange(99),
				"(%s)" % element if element and self.often(0.9) else "")
		return self.quoted(self.vector()) + "::embedding"

	def array(self, element, name):
		if self.calm and name in CALM_ARRAYS:
			return self.one(CALM_ARRAYS[name])
		if self.calm and (name.startswith("neighbor_") or (not name and self.often(0.3))):
			return "ARRAY[%s]" % ",".join("ARRAY[%s,%s]" % (self.value(element, name), self.value(element, name)) for _ in range(4))
		shape = 1 if self.calm else self.rng.random()
		dims = self.count()
		if shape < 0.05:
			return "'{}'"
		if shape < 0.1:
			return "array_fill(%s, ARRAY[%s, %d])" % (self.value(element, name), self.number() if self.often(0.2) else "2", min(dims, 17))
		if shape < 0.15:
			return "ARRAY[ARRAY[%s], ARRAY[%s]]" % (self.value(element, name), self.value(element, name))
		if shape < 0.18:
			return "array_fill(%s, '{3}', '{%s}')" % (self.value(element, name), self.one(["-5", "0", "2147483640"]))
		return "ARRAY[%s]" % ",".join(self.value(element, name) for _ in range(min(dims, 17)))

	def json(self, depth=0):
		kind = self.rng.random()
		if kind < 0.2:
			return self.one(REALS[:12] + NUMBERS)
		if kind < 0.35:
			return self.one(["true", "false", "null", '""', "1e1000", "0.1", "[2,2]", "[3]", "[null]", "[[1]]", "-0", "1.5", "[]", "{}"])
		if kind < 0.55 or depth > 3:
			return '"%s"' % self.one(PARAMETERS + LAYERS + ["relu", "same", "valid", "cosine", "mean", "sum", "hard", "easy", "input"])
		if kind < 0.6:
			return "[" * 500 + "]" * 500
		if kind < 0.75:
			return "[%s]" % ",".join(self.json(depth + 1) for _ in range(self.rng.randrange(4)))
		return "{%s}" % ",".join('"%s": %s' % (self.one(PARAMETERS + LAYERS), self.json(depth + 1)) for _ in range(self.rng.randrange(4)))

	def layer(self):
		kind = self.one(LAYERS[:2] + LAYERS[10:16] if self.calm else LAYERS)
		parameters = {"dense": '"units": %s', "metric_embedding": '"units": %s', "conv2d": '"filters": 2, "kernel_size": %s',
			"depthwise_conv2d": '"kernel_size": %s', "dropout": '"rate": 0.%s', "activation": '"activation": "relu"',
			"rescaling": '"scale": %s', "reshape": '"target_shape": [%s, -1]'}.get(kind, "")
		if "%" in parameters:
			parameters = parameters % (self.number() if self.calm or self.often(0.6) else self.json(3))
		if not self.calm and self.often(0.3):
			parameters += (", " if parameters else "") + '"%s": %s' % (self.one(PARAMETERS), self.json(2))
		return '{"%s": {%s}}' % (kind, parameters)

	def layers(self):
		layers = [self.layer() for _ in range(self.rng.randrange(4))]
		if self.often(0.6):
			layers.append('{"flatten": {}}')
		if self.often(0.9):
			layers.append('{"metric_embedding": {"units": 4}}')
		if self.often(0.02):
			layers = layers * 400
		return "[%s]" % ", ".join(layers)

	def jsonb(self, name):
		if name == "layers" and self.often(0.8):
			return self.layers()
		if name == "targets" and self.often(0.7):
			return '{"%s": %s}' % (self.one(["t", "optimal", "x" * 70, ""]), self.one(["0.5", "0.9", "1", "2", "-1", "null", '"x"']))
		if self.calm and name == "schedule":
			return '{"constant": {}}'
		if self.calm or self.often(0.3):
			return "{}"
		if name == "schedule" and self.often(0.7):
			return '{"%s": {"decay_steps": 10}}' % self.one(["cosine", "constant", "warmup_cosine"])
		return '{"%s": %s}' % (self.one(PARAMETERS), self.json(1)) if self.often(0.6) else self.json()

	def bytea(self, name):
		if self.calm and name != "file" and self.often(0.5):
			return "'\\x010203%02x'::bytea" % self.rng.randrange(256)
		kind = self.rng.random() * (0.3 if self.calm else 1)
		if name == "file" and kind < 0.6:
			return "similarity.export_model('%s')" % self.owned(MODELS)
		if name == "file" and kind < 0.8:
			return "set_byte(similarity.export_model('flat'), %d, %d)" % (self.rng.randrange(900), self.rng.randrange(256))
		if kind < 0.3:
			return "(SELECT image FROM item WHERE id = %d)" % self.rng.randrange(1, 64)
		if kind < 0.4:
			return "embedding_send(%s)" % self.embedding()
		data = bytes(self.rng.randrange(256) for _ in range(self.count() % 1001))
		if kind < 0.5:
			data = struct.pack("<Q", self.one([0, 2, len(data), 1 << 63])) + data
		return "'\\x%s'::bytea" % data.hex()

	def relation(self, name):
		if self.calm:
			return "'%s'::regclass" % self.one(["item_e", "item_h", "part_e"] if name == "index" else ["item"])
		if self.often(0.1):
			return "%s::oid::regclass" % self.one(["0", "1", "1259", "4294967295", str(self.rng.randrange(1 << 32))])
		if self.often(0.1):
			return "'%s'::regclass" % self.one(["pg_class", "pg_class_oid_index", "similarity.gallery", "similarity.galleries",
				"similarity.gallery_pkey", "similarity.gallery_id_seq"])
		return "'%s'::regclass" % self.owned(RELATIONS)

	def value(self, type_name, name=""):
		if not self.calm and self.often(0.15):
			return "NULL::%s" % type_name
		if type_name.endswith("[]"):
			return "%s::%s" % (self.array(type_name[:-2], name), type_name)
		if type_name in ("smallint", "integer", "bigint", "oid"):
			limit = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63, "oid": 1 << 31}[type_name]
			number = int(self.one(["1", "2", "3"]) if name == "version" and self.often(0.6) else self.number())
			number = max(min(number, limit - 1), 0 if type_name == "oid" else -limit)
			return "'%d'::%s" % (number, type_name)
		if type_name in ("real", "double precision", "numeric"):
			value = self.real()
			if type_name == "real" and value in ("1e39", "1e308", "-1e308", "1e-45"):
				value = "0"
			return "'%s'::%s" % (value, type_name)
		if type_name == "boolean":
			return self.one(["true", "false"])
		if type_name == "embedding":
			return self.embedding()
		if type_name == "bytea":
			return self.bytea(name)
		if type_name in ("json", "jsonb"):
			if not name and self.calm:
				return "'[1, 2.5, -3, %s]'::%s" % (self.number(), type_name)
			return "%s::%s" % (self.quoted(self.jsonb(name) if self.calm or self.often(0.7) else self.vector().replace("NaN", "1").replace("Inf", "9")),
				type_name)
		if type_name in ("bit", "bit varying"):
			return "'%s'::varbit" % "".join(self.one("01") for _ in range(self.count()))
		if type_name == "regclass":
			return self.relation(name)
		if type_name == "interval":
			return "'%s'::interval" % self.one(TIMES[:3] if self.calm else TIMES)
		if type_name == "internal":
			return "NULL"
		return "%s::%s" % (self.quoted(self.text(name)), "text" if type_name == "text" else type_name)


# ---- calls ----

class Object:
	def __init__(self, kind, name, names, types, defaults):
		self.kind, self.name, self.names, self.types, self.defaults = kind, name, names or [], types, defaults
		self.calls = 0
		self.successes = 0
		# what takes names and queries has more ways to go wrong than arithmetic
		self.weight = 3 if kind in "pt" or name.startswith("similarity.") and kind == "f" else 1

	def arguments(self, values):
		"""Some of those that have defaults are left out, those after them named."""
		required = len(self.types) - self.defaults
		arguments = []
		skipped = False
		for i, type_name in enumerate(self.types):
			if i >= required and values.often(0.7):
				skipped = True
				continue
			name = self.names[i] if i < len(self.names) else ""
			value = values.argument(type_name, NAMES.get(self.name, name) if name == "name" else name)
			arguments.append("%s => %s" % (name, value) if skipped else value)
		return ", ".join(arguments)

	def statement(self, values):
		values.next_call()
		return getattr(self, "call_" + {"f": "function", "p": "procedure", "a": "aggregate", "w": "window", "t": "trigger"}
			.get(self.kind, self.kind))(values)

	def call_function(self, values):
		call = "%s(%s)" % (self.name, self.shortened(self.arguments(values)))
		return values.one(["SELECT * FROM %s", "SELECT * FROM %s", "SELECT %s", "SELECT %s FROM item LIMIT 3",
			"SELECT f FROM item i, LATERAL %s f WHERE i.id < 3"]) % call

	# A training must be short.
	def shortened(self, arguments):
		if self.name.endswith((".train", ".train_background")):
			for short in "epochs => 1", "steps_per_epoch => 2", "verbose => false":
				if short.split(" ")[0] + " =>" not in arguments:
					arguments += ", " + short
		return arguments

	def call_procedure(self, values):
		return "CALL %s(%s)" % (self.name, self.shortened(self.arguments(values)))

	def rows(self, values):
		return ", ".join("(%s)" % values.argument("embedding") for _ in range(values.rng.randrange(5) + 1))

	def call_aggregate(self, values):
		over, distinct = values.one([("", ""), ("", "DISTINCT "), (" OVER ()", ""), (" OVER (ROWS 1 PRECEDING)", ""),
			(" FILTER (WHERE e IS NOT NULL)", "")])
		return "SELECT %s(%se)%s FROM (VALUES %s) v (e)" % (self.name, distinct, over, self.rows(values))

	def call_window(self, values):
		types = list(self.types)
		if values.often(0.5):
			column = {"bytea": "image", "embedding": "e"}.get(types[1], "x")
			return "SELECT %s(%s, %s) OVER (%s) FROM item" % (self.name, values.argument(types[0], "model" if types[0] == "text" else "version"),
				column, values.one(["", "ORDER BY id", "PARTITION BY label", "ROWS 1 PRECEDING"]))
		return "SELECT %s(%s) OVER () FROM generate_series(1, 3)" % (self.name, self.arguments(values))

	def call_operator(self, values):
		if len(self.types) == 1:
			return "SELECT %s %s" % (self.name, values.argument(self.types[0]))
		if values.often(0.2) and self.types == ["embedding", "embedding"]:
			return "SELECT id, {c} {op} q FROM item, (SELECT {v} AS q) v ORDER BY {c} {op} q LIMIT {n}".format(
				c=values.one(["e", "h", "b"]), op=self.name, v=values.argument("embedding"), n=values.rng.randrange(80))
		return "SELECT %s %s %s" % (values.argument(self.types[0]), self.name, values.argument(self.types[1]))

	def call_cast(self, values):
		typmod = ""
		if self.name == "embedding" and values.often(0.5):
			typmod = "(%s)" % values.one(["4", "16", "4, half", "4, int8", "16, bit", "4, 1", "4, 2, half", "0", "-1", "16001", "half", "4, 99999", "x"])
		return "SELECT (%s)::%s%s" % (values.argument(self.types[0]), self.name, typmod)

	def call_class(self, values):
		option = "%s = %s" % (values.one(["m", "ef_construction", "ef_search", "target_recall", "vectors", "bits", "passes", "fillfactor", "x"]),
			values.one(["0", "1", "2", "3", "4", "5", "16", "1000", "-1", "0.5", "auto", "half", "float", "int8", "9999999999", "NaN"]))
		return "CREATE INDEX ON %s USING %s (%s %s)%s" % (
			values.one(["item", "item", "part", "seen", "item_n"]), self.types[0],
			values.one(["e", "h", "b", "x", "(e + e)", "(embed(1, x)::embedding(4))", "e, h", "(l2_normalize(e)::embedding(4))"]), self.name,
			" WITH (%s)" % option if values.often(0.5) else "")

	def call_relation(self, values):
		return "SELECT * FROM %s LIMIT 50" % self.name

	def call_trigger(self, values):
		if values.often(0.1):
			return "SELECT %s()" % self.name
		return ("CREATE TRIGGER t %s %s ON %s FOR EACH %s EXECUTE FUNCTION %s(%s); INSERT INTO item (id, label, x, e) VALUES (%s, %s, %s, %s);"
			" UPDATE item SET x = %s WHERE id < 3; DELETE FROM item WHERE id = 4") % (
			values.one(["BEFORE", "AFTER"]), values.one(["INSERT", "UPDATE", "DELETE", "INSERT OR UPDATE OR DELETE", "TRUNCATE"]),
			values.one(["item", "item", "item", "part", "seen", "item_n"]), values.one(["ROW", "ROW", "STATEMENT"]), self.name,
			values.one(["", "'e'", "'x'", "'shelf'", "'e', 'x'", "''", "'shelf', 'x'", "1"]),
			values.rng.randrange(100, 200), "'c1'",
			values.argument("real[]"), values.argument("embedding"), values.argument("real[]"))


SETTINGS = ["SET enable_seqscan = off", "SET work_mem = 64", "SET jit_above_cost = 0", "SET default_transaction_read_only = on",
	"SET similarity.cache_memory = 64", "SET similarity.training_memory = '1MB'", "SET similarity.threads = 2",
	"SET similarity.search_order = strict", "SET search_path = ''", "SET maintenance_work_mem = '1MB'", "SET client_min_messages = debug1",
	"SET force_parallel_mode = on", "SET bytea_output = escape", "SET extra_float_digits = -15", "SET DateStyle = German"]


# ---- the session ----

class Hanging(Exception):
	pass


def wait(connection):
	deadline = time.monotonic() + PATIENCE_S
	while True:
		state = connection.poll()
		if state == psycopg2.extensions.POLL_OK:
			return
		reading = state == psycopg2.extensions.POLL_READ
		ready = select.select([connection] if reading else [], [] if reading else [connection], [], deadline - time.monotonic())
		if not ready[0] and not ready[1]:
			raise Hanging()


def connect(database, user):
	connection = psycopg2.connect(dbname=database, user=user)
	connection.autocommit = True
	return connection


def run_as(database, user, *statements):
	connection = connect(database, user)
	cursor = connection.cursor()
	for statement in statements:
		cursor.execute(statement)
	connection.close()


def one_by_one(script):
	return [statement for statement in script.split(";\n") if statement.strip()]


class Batch:
	def __init__(self, number, objects, report):
		self.number = number
		self.objects = objects
		self.values = Values(random.Random("%s/%d" % (SEED, number)))
		self.report = report
		self.states = collections.Counter()
		self.connection = None

	def session(self):
		self.connection = connect("batch", "caller")
		self.cursor = self.connection.cursor()
		self.execute("SET statement_timeout = %d" % TIMEOUT_MS)
		self.execute("SET client_min_messages = error")
		if self.values.often(0.5):
			self.execute(self.values.one(SETTINGS))

	def execute(self, statement):
		"""Returns its SQLSTATE, None if the session is lost."""
		if PRINT:
			print(statement + ";", flush=True)
		try:
			self.cursor.execute(statement)
			if self.cursor.description is not None:
				self.cursor.fetchall()
			return "00000"
		except Hanging:
			self.report("batch %d, hanging for %d s: %s" % (self.number, PATIENCE_S, statement))
		except UnicodeError:
			return "00000"
		except psycopg2.Error as error:
			if error.pgcode in FORBIDDEN:
				self.report("batch %d, %s: %s\n%s" % (self.number, error.pgcode, statement, str(error).strip()))
			if self.connection.closed == 0:
				return error.pgcode or "00000"  # without a code it is the client that cannot read a value
			self.report("batch %d, session lost: %s\n%s" % (self.number, statement, str(error).strip()))
		self.connection.close()
		return None

	def recover(self):
		"""The server may be starting again."""
		for _ in range(30):
			time.sleep(1)
			try:
				return self.session()
			except psycopg2.OperationalError:
				pass
		raise SystemExit("the server does not come back")

	def call(self, one):
		# nothing that a call does stays, but of one in twenty and of procedures, which end transactions
		free = self.values.often(0.5 if one.kind == "p" else 0.05)
		statement = one.statement(self.values)
		if not free:
			self.execute("BEGIN")
		state = self.execute(statement)
		one.calls += 1
		one.successes += state == "00000"
		self.states[state or "lost"] += 1
		if state is None:
			self.recover()
		elif not free:
			self.execute("ROLLBACK")

	def run(self, calls):
		run_as("postgres", None, "DROP DATABASE IF EXISTS batch WITH (FORCE)", "CREATE DATABASE batch TEMPLATE ready")
		self.session()
		order = []
		for i in range(calls):
			if not order:
				order = [one for one in self.objects for _ in range(one.weight)]
				self.values.rng.shuffle(order)
			if i % 100 == 99:
				self.connection.close()
				self.session()
			self.call(order.pop())
		self.connection.close()


def prepare():
	"""The database that batches copy, and what there is to call."""
	run_as("postgres", None, "DROP DATABASE IF EXISTS batch WITH (FORCE)", "DROP DATABASE IF EXISTS ready WITH (FORCE)",
		"DROP ROLE IF EXISTS caller, neighbor", "CREATE ROLE caller LOGIN", "CREATE ROLE neighbor LOGIN", "CREATE DATABASE ready")
	run_as("ready", None, *one_by_one(PREPARE))
	run_as("ready", "caller", *one_by_one(OWNED % {"n": ""}))
	run_as("ready", "neighbor", *one_by_one(OWNED % {"n": "_n"}))
	run_as("ready", "caller", MISCHIEF)
	connection = connect("ready", None)
	cursor = connection.cursor()
	cursor.execute(OBJECTS)
	objects = [Object(*row) for row in cursor.fetchall()]
	connection.close()
	return objects


def main():
	psycopg2.extensions.set_wait_callback(wait)
	reports = []

	def report(text):
		reports.append(text)
		if len(reports) <= MAX_REPORTS:
			print("\n  ".join(text.splitlines()), flush=True)

	objects = prepare()
	states = collections.Counter()
	batches = [int(ONLY)] if ONLY else range((CALLS + BATCH - 1) // BATCH)
	for number in batches:
		batch = Batch(number, objects, report)
		batch.run(min(BATCH, CALLS - number * BATCH) if not ONLY else BATCH)
		states += batch.states
	print("calls %d" % sum(states.values()))
	for state, count in sorted(states.items()):
		print("state %s %d" % (state, count))
	for one in objects:
		print("object %s %s(%s) %d %d" % (one.kind, one.name, ",".join(one.types).replace(" ", "_"), one.calls, one.successes))
	return 0


sys.exit(main())
