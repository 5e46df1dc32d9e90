"""FAISS as a worker: answers one JSON question per line. `make` writes a bank and its queries, `search` finds the nearest 20."""

import json
import sys
import time

import faiss
import numpy

BLOCK = 65536
indexes = {}


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def make(rows, dim, queries, bank, out):
    """Unit vectors around 2,000 topics, in float16; each query is a vector of the bank plus noise."""
    draw = numpy.random.default_rng(0)
    topics = draw.standard_normal((2000, dim), dtype=numpy.float32)
    table = numpy.lib.format.open_memmap(bank, mode="w+", dtype=numpy.float16, shape=(rows, dim))
    for at in range(0, rows, BLOCK):
        count = min(BLOCK, rows - at)
        noise = draw.standard_normal((count, dim), dtype=numpy.float32)
        table[at : at + count] = unit(0.5 * topics[draw.integers(0, 2000, count)] + noise)
    table.flush()
    target = draw.choice(rows, queries, replace=False)
    wanted = unit(table[target].astype(numpy.float32)) + draw.standard_normal((queries, dim), dtype=numpy.float32) * (1.5 / dim**0.5)
    numpy.save(out, unit(wanted).astype(numpy.float32))
    return {"target": target.tolist(), "offset": table.offset}


def search(bank, queries, k, threads, out):
    """Builds an index of the bank in float32, normalised to length 1; this is not timed."""
    faiss.omp_set_num_threads(threads)
    if bank not in indexes:
        indexes.clear()
        table = numpy.load(bank, mmap_mode="r")
        indexes[bank] = faiss.IndexFlatIP(table.shape[1])
        for at in range(0, len(table), BLOCK):
            indexes[bank].add(unit(table[at : at + BLOCK].astype(numpy.float32)))
    wanted = numpy.load(queries)
    start = time.perf_counter()
    cosines, rows = indexes[bank].search(wanted, k)
    seconds = time.perf_counter() - start
    numpy.save(out, rows.astype(numpy.int32))
    return {"seconds": seconds, "least": cosines[:, -1].tolist()}


for line in sys.stdin:
    question = json.loads(line)
    command = question.pop("command")
    try:
        if command == "versions":
            answer = {"faiss": faiss.__version__, "python": sys.version.split()[0]}
        else:
            answer = {"make": make, "search": search}[command](**question)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
