"""How fast event files are indexed, read, extended and converted, beside peers and raw limits.

Prints one JSON object, everything on one core. The file is a synthetic run of built events with
2.5 hits each and traces of 250 samples, every hit with a whole fit extension; it is in the page
cache. Ours and the peers take turns, so many rounds, after all is compiled.

* ``index``: finding all ring items, beside the same index by a loop in C over the mapped file (no
  checks; only where there is a C compiler) and ``cat FILE > /dev/null``. Ours and the loop hop from
  header to header: their GB/s are of the file that is spanned, cat's of the bytes that are read.
* ``read``: all hits, traces and extensions into arrays, beside copying the file's bytes.
* ``extend``: the file's bytes with new extensions, beside copying the file's bytes.
* ``root``: events per tree entry with all hits and fits, from the event file to the disk, beside
  uproot alone writing the same columns, which it is given, with the same compression and flush,
  and beside the columns as they are in memory, without compression.

    python benchmarks/events.py [--events 1000000] [--rounds 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from headrace.datarun.convert import ConvertOptions, convert, event_columns
from headrace.datarun.convert.root_file import jagged
from headrace.datarun.events import EventFile, EventWriter, extend
from headrace.datarun.events.layout import ITEM
from headrace.datarun.extension import fitted_extensions
from headrace.datarun.synthetic import SyntheticRun, write_segment

_MADE = 50_000
_BATCH = 1 << 26
_INDEX_IN_C = """
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
struct item { int64_t offset; uint64_t timestamp; uint32_t size, type, source, header; };
long find_items(const char *path, struct item *items, long capacity)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &status)) return -1;
    const char *data = mmap(0, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (data == MAP_FAILED) return -1;
    long count = 0;
    for (int64_t at = 0; at + 12 <= status.st_size && count < capacity; count++) {
        struct item *item = items + count;
        uint32_t length;
        item->offset = at;
        memcpy(&item->size, data + at, 4);
        memcpy(&item->type, data + at + 4, 4);
        memcpy(&length, data + at + 8, 4);
        item->header = 8 + (length > 4 ? length : 4);
        item->timestamp = UINT64_MAX;
        item->source = 0;
        if (length >= 20) {
            memcpy(&item->timestamp, data + at + 12, 8);
            memcpy(&item->source, data + at + 20, 4);
        }
        if (item->size < 8) break;
        at += item->size;
    }
    munmap((void *)data, status.st_size);
    return count;
}
"""


def some_fits(hits: int) -> np.ndarray:
    """Extensions full of numbers that do not compress."""
    rng = np.random.default_rng(1)
    records = fitted_extensions(hits)
    for part in (records["single"], records["double"]):
        for name in ("chi_square", "offset"):
            part[name] = rng.normal(300, 5, hits)
        part["iterations"] = rng.integers(3, 30, hits)
    for part in (records["single"], records["double"]["pulses"]):
        for name in ("position", "amplitude", "steepness", "decay"):
            part[name] = rng.normal(100, 5, part[name].shape)
    records["p_double"] = rng.random(hits)
    records["p_single"] = 1 - records["p_double"]
    return records


def prepare(place: Path, events: int) -> Path:
    """Return a fitted event file; events are repeated past the first fifty thousand."""
    made = min(events, _MADE)
    plain = write_segment(place, SyntheticRun(segments=1, events=made), 0)
    target = place / "run-0001-00-fitted.evt"
    with EventFile(plain) as file, EventWriter(target) as writer:
        batch = file.read()
        data = extend(file, batch, some_fits(len(batch.hits)))
        for _ in range(max(events // made, 1)):
            writer.write_items(data)
    plain.unlink()
    return target


def seconds_of(work: Callable[[], Any]) -> float:
    """Return the time that some work takes, s."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turn(rounds: int, works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return the times of several works in s, or what they return if that is a time."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            answer = work()
            taken = time.perf_counter() - started
            seconds[name].append(answer if isinstance(answer, float) else taken)
    return seconds


def index_in_c(place: Path, path: Path) -> Callable[[], Any] | None:
    """Compile the loop in C, and check that it finds what we find; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = place / "find_items.c", place / "find_items.so"
    source.write_text(_INDEX_IN_C)
    subprocess.run([compiler, "-O3", "-shared", "-fPIC", "-o", library, source], check=True)
    find = ctypes.CDLL(str(library)).find_items
    find.restype, find.argtypes = ctypes.c_long, [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_long]
    with EventFile(path) as file:
        index = file.index.copy()

    def run() -> np.ndarray:
        # As ours it does not know beforehand how many there are; an untouched page costs nothing.
        items = np.empty(len(index) + len(index) // 8, ITEM)
        return items[: find(os.fsencode(path), items.ctypes.data, len(items))]

    if not np.array_equal(run(), index):
        raise SystemExit("the loop in C does not find the same ring items")
    return run


def read_all(path: Path) -> int:
    """Read all hits of a file; how many."""
    with EventFile(path) as file:
        return sum(len(batch.hits) for batch in file.batches())


def extend_all(path: Path) -> int:
    """Make a file's bytes with its own extensions anew; how many."""
    with EventFile(path) as file:
        return sum(len(extend(file, b, b.extensions)) for b in file.batches())


def copy_all(path: Path) -> int:
    """Copy a mapped file piece by piece, as much at a time as a batch; how many bytes."""
    data = np.memmap(path, np.uint8, mode="r")
    return sum(len(data[k : k + (1 << 25)].copy()) for k in range(0, len(data), 1 << 25))


def write_columns(path: Path, target: Path) -> float:
    """Write a file's columns as they are in memory; the time without reading them, s."""
    seconds = 0.0
    with EventFile(path) as file, target.open("wb") as stream:
        for batch in file.batches(size=_BATCH):
            columns = event_columns(file, batch)
            arrays = (*columns.events.values(), *columns.hits.values())
            seconds += seconds_of(lambda arrays=arrays: [stream.write(a.data) for a in arrays])
        stream.flush()
        seconds += seconds_of(lambda: os.fsync(stream.fileno()))
    target.unlink()
    return seconds


def write_by_uproot(path: Path, target: Path) -> float:
    """Write a file's columns by uproot alone; the time without reading them, s."""
    seconds = 0.0
    tree: Any = None
    with EventFile(path) as file:
        root = uproot.recreate(target, compression=uproot.ZSTD(1))
        for batch in file.batches(size=ConvertOptions().batch):
            columns = event_columns(file, batch)
            hits = jagged(columns.start, columns.hits)
            arrays = {**columns.events, "hits": hits}
            started = time.perf_counter()
            if tree is None:
                types = {name: values.dtype for name, values in columns.events.items()}
                tree = root.mktree("events", {**types, "hits": hits.type.content})
            tree.extend(arrays)
            seconds += time.perf_counter() - started
        seconds += seconds_of(root.close)
    with target.open("rb") as written:
        seconds += seconds_of(lambda: os.fsync(written.fileno()))
    target.unlink()
    return seconds


def row(
    id_: str, what: str, unit: str, values: dict[str, list[float]], settings: str, peers: str
) -> dict[str, Any]:
    """Return a row of the table: a figure of each round, ours first."""
    rounded = {name: [round(value, 3) for value in each] for name, each in values.items()}
    ours = rounded.pop("headrace")
    return {
        **{"id": id_, "what": what, "unit": unit, "ours": ours, "settings": settings},
        "better": "less" if unit == "s" else "more",
        "peers": [{"name": n, "values": each, "settings": peers} for n, each in rounded.items()],
    }


def measure(place: Path, events: int, rounds: int) -> dict[str, Any]:
    """Return all figures."""
    small = prepare(place, 200)
    convert(small, place / "small.root", ConvertOptions())  # compiles
    extend_all(small)
    small.unlink()
    path = prepare(place, events)
    size = path.stat().st_size / 1e9

    def cat() -> None:
        subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)

    loops: dict[str, Callable[[], Any]] = {"headrace": lambda: EventFile(path).close()}
    in_c = index_in_c(place, path)
    if in_c is not None:
        loops["loop in C, without checks"] = in_c
    copy = {"copying the bytes": lambda: copy_all(path)}
    works: dict[str, dict[str, Callable[[], Any]]] = {
        "index": loops | {"cat": cat},
        "read": {"headrace": lambda: read_all(path), **copy},
        "extend": {"headrace": lambda: extend_all(path), **copy},
        "root": {
            "headrace": lambda: convert(path, place / "out.root", ConvertOptions()),
            "uproot alone, given the columns": lambda: write_by_uproot(path, place / "b.root"),
            "columns as in memory": lambda: write_columns(path, place / "columns.raw"),
        },
    }
    for group in ("index", "read"):  # into the page cache
        in_turn(1, works[group])
    seconds = {name: in_turn(rounds, group) for name, group in works.items()}
    whats = {
        "index": ("index of an event file", "GB/s of span", "the same mapped file"),
        "read": ("event file into arrays: hits, traces, fits", "GB/s", "32 MB at a time"),
        "extend": ("event file with new fits", "GB/s", "32 MB at a time"),
        "root": (f"{events:,} events to ROOT", "s", "fsync; zstd 1 where packed"),
    }
    settings = f"{events:,} events, {size:.2f} GB, in the page cache, one core"
    rows = []
    for name, (what, unit, peers) in whats.items():
        speeds = seconds[name]
        if unit != "s":
            speeds = {who: [size / each for each in taken] for who, taken in speeds.items()}
        rows.append(row(name, what, unit, speeds, settings, peers))
    medians = {
        name: {who: round(statistics.median(each), 4) for who, each in group.items()}
        for name, group in seconds.items()
    }
    return {
        "rows": rows,
        "median_seconds": medians,
        "file_gb": round(size, 3),
        "events": events,
        "hits": read_all(path),
        "root_file_gb": round((place / "out.root").stat().st_size / 1e9, 3),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where the files are made; needs 4 GB")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="events-", dir=options.directory))
    try:
        figures = measure(place, options.events, options.rounds)
    finally:
        shutil.rmtree(place)
    where = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps(figures | where))
    return 0


if __name__ == "__main__":
    sys.exit(main())
