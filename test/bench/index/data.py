#!/usr/bin/python3
"""Make the vectors that the index benchmark searches.

    data.py NAME DIRECTORY

writes NAME.base (the rows), NAME.query (1,000 queries) and NAME.truth (for
each query the exact distance of its 10th neighbor, so that recall counts
ties), unless they are there already.  Vector files are int32 rows, int32
dimensions, then float32 row by row; truth is float64.  Everything is seeded.

    fashion  60,000 x 784, L2: Fashion-MNIST, Debian's dataset-fashion-mnist
    wordnet  about 183,000 x 384, cosine: glosses of Debian's wordnet-base by
             TF-IDF and truncated SVD; hard for every graph
    mixture  1,000,000 x 128, L2: 2,000 Gaussian clusters, 24 latent dimensions
    FILE.copy  rows that COPY ... TO STDOUT (FORMAT binary) of an embedding
             column wrote: cosine, the last 1,000 are the queries
"""
import gzip
import os
import re
import struct
import sys

import numpy as np

QUERIES = 1000
K = 10


def write(path, x):
    with open(path, "wb") as f:
        np.array(x.shape, dtype=np.int32).tofile(f)
        np.ascontiguousarray(x, dtype=np.float32).tofile(f)


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)


def fashion():
    def images(name):
        with gzip.open(f"/usr/share/datasets/fashion-mnist/{name}-images-idx3-ubyte.gz") as f:
            return np.frombuffer(f.read(), dtype=np.uint8, offset=16).reshape(-1, 784)
    return images("train"), images("t10k")[:QUERIES], "l2"


def wordnet():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    texts = []
    for part in ("noun", "verb", "adj", "adv"):
        with open(f"/usr/share/wordnet/data.{part}", encoding="latin-1") as f:
            for line in f:
                if line.startswith("  ") or " | " not in line:
                    continue
                gloss = line.split(" | ", 1)[1]
                texts += [t for t in re.split(r"; ", gloss.strip()) if t]
    tfidf = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    x = TruncatedSVD(384, random_state=1, n_iter=3).fit_transform(tfidf).astype(np.float32)
    x = unit(x[np.linalg.norm(x, axis=1) > 1e-6])
    order = np.random.default_rng(1).permutation(len(x))
    return x[order[QUERIES:]], x[order[:QUERIES]], "cosine"


def mixture():
    random = np.random.default_rng(1)
    centers = random.normal(size=(2000, 24))
    basis = random.normal(size=(24, 128)) / np.sqrt(24)

    def draw(n):
        latent = centers[random.integers(0, 2000, n)] + 0.4 * random.normal(size=(n, 24))
        return (latent @ basis + 0.05 * random.normal(size=(n, 128))).astype(np.float32)
    return np.concatenate([draw(100_000) for _ in range(10)]), draw(QUERIES), "l2"


def copied(path):
    """Rows of one embedding column in COPY's binary format."""
    data = open(path, "rb").read()
    at = 19 + struct.unpack_from(">i", data, 15)[0]
    rows = []
    while struct.unpack_from(">h", data, at)[0] != -1:
        size, dims = struct.unpack_from(">ih", data, at + 2)
        rows.append(np.frombuffer(data, dtype=">f4", count=dims, offset=at + 10))
        at += 6 + size
    x = np.stack(rows).astype(np.float32)
    return x[:-QUERIES], x[-QUERIES:], "cosine"


def kth_distances(base, query, metric):
    """Distance of the 10th neighbor: float32 products choose, float64 decides."""
    kth = np.empty(len(query))
    near = np.empty((len(query), 4 * K), dtype=np.int64)
    best = np.full((len(query), 4 * K), np.inf, dtype=np.float32)
    for begin in range(0, len(base), 50_000):
        part = base[begin:begin + 50_000]
        d = (part * part).sum(1)[None, :] - 2 * query @ part.T
        ids = np.argpartition(d, 4 * K, axis=1)[:, :4 * K] + begin
        d = np.take_along_axis(d, ids - begin, 1)
        both = np.concatenate([best, d], 1)
        ids = np.concatenate([near, ids], 1)
        keep = np.argpartition(both, 4 * K, axis=1)[:, :4 * K]
        best, near = np.take_along_axis(both, keep, 1), np.take_along_axis(ids, keep, 1)
    for i, q in enumerate(query.astype(np.float64)):
        x = base[near[i]].astype(np.float64)
        if metric == "cosine":
            d = 1 - (x @ q) / (np.linalg.norm(x, axis=1) * np.linalg.norm(q))
        else:
            d = np.linalg.norm(x - q, axis=1)
        kth[i] = np.sort(d)[K - 1]
    return kth


def main():
    name, directory = sys.argv[1:]
    stem = os.path.join(directory, os.path.basename(name).removesuffix(".copy"))
    if os.path.exists(stem + ".truth"):
        return
    make = {"fashion": fashion, "wordnet": wordnet, "mixture": mixture}
    base, query, metric = make[name]() if name in make else copied(name)
    base, query = base.astype(np.float32), query.astype(np.float32)
    write(stem + ".base", base)
    write(stem + ".query", query)
    # cosine chooses by L2 of unit vectors
    exact = (unit(base), unit(query)) if metric == "cosine" else (base, query)
    kth_distances(*exact, metric).tofile(stem + ".truth")
    print(f"{name}: {base.shape[0]} x {base.shape[1]}, {len(query)} queries, {metric}", file=sys.stderr)


main()
