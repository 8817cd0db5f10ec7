"""How fast event files are indexed, read, extended and converted, beside the raw limits.

Prints one JSON object, everything on one core. The file is a synthetic run of built events with
2.5 hits each and traces of 250 samples, every hit with a whole fit extension; it is in the page
cache. Each figure is the best of the repetitions, except the conversion, which is done once.

* ``index``: finding all ring items, beside ``cat FILE > /dev/null``.
* ``read``: all hits, traces and extensions into arrays, beside copying the file's bytes.
* ``extend``: the file's bytes with new extensions, beside copying the file's bytes.
* ``root``: events per tree entry with all hits and fits, from the event file to the disk, beside
  writing the same columns to the disk as they are in memory, without compression.

    python benchmarks/events.py [--events 1000000] [--repeat 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.datarun.convert import ConvertOptions, convert, event_columns
from headrace.datarun.events import EventFile, EventWriter, extend
from headrace.datarun.extension import fitted_extensions
from headrace.datarun.synthetic import SyntheticRun, write_segment

_MADE = 50_000


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


def best(repeat: int, work: Callable[[], Any]) -> float:
    """Return the shortest time of some work, s."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


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


def write_columns(path: Path, target: Path) -> None:
    """Read a file and write its columns as they are in memory."""
    with EventFile(path) as file, target.open("wb") as stream:
        for batch in file.batches(size=1 << 26):
            columns = event_columns(file, batch)
            for values in (*columns.events.values(), *columns.hits.values()):
                stream.write(values.data)
        stream.flush()
        os.fsync(stream.fileno())


def measure(place: Path, events: int, repeat: int) -> dict[str, Any]:
    """Return all figures."""
    path = prepare(place, events)
    size = path.stat().st_size
    cat = best(repeat, lambda: subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True))
    EventFile(path).read(0, 10)  # compiles
    hits = read_all(path)
    index = best(repeat, lambda: EventFile(path))
    copy = best(repeat, lambda: copy_all(path))
    read = best(repeat, lambda: read_all(path))
    extended = best(max(repeat // 2, 1), lambda: extend_all(path))
    raw = best(1, lambda: write_columns(path, place / "columns.raw"))
    root = best(1, lambda: convert(path, place / "out.root", ConvertOptions()))
    return {
        "file_gb": round(size / 1e9, 3),
        "events": events,
        "hits": hits,
        "index": {
            "ours_gb_per_s": round(size / index / 1e9, 2),
            "cat_gb_per_s": round(size / cat / 1e9, 2),
            "share_of_cat": round(cat / index, 2),
        },
        "read": {
            "ours_gb_per_s": round(size / read / 1e9, 2),
            "hits_per_s": round(hits / read),
            "copy_gb_per_s": round(size / copy / 1e9, 2),
        },
        "extend": {
            "ours_gb_per_s": round(size / extended / 1e9, 2),
            "copy_gb_per_s": round(size / copy / 1e9, 2),
        },
        "root": {
            "seconds": round(root, 2),
            "events_per_s": round(events / root),
            "file_gb": round((place / "out.root").stat().st_size / 1e9, 3),
            "raw_columns_seconds": round(raw, 2),
            "raw_columns_gb": round((place / "columns.raw").stat().st_size / 1e9, 3),
        },
    }


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where the files are made; needs 4 GB")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="events-", dir=options.directory))
    try:
        figures = measure(place, options.events, options.repeat)
    finally:
        shutil.rmtree(place)
    where = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps(figures | where))
    return 0


if __name__ == "__main__":
    sys.exit(main())
