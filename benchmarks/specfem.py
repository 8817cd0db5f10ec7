"""What headrace adds to SPECFEM: reading and writing its fields, and one event's runs.

Prints one JSON object. Fields are of one process, 25 points per element, in the page cache; each
figure is the best of the rounds, in which ours and the peer take turns; ``rows`` has every round.

* ``read``: a field as float64, beside ``numpy.fromfile`` of the same file, converted likewise.
* ``write``: a field, beside ``ndarray.tofile`` of the same numbers, in single precision.
* ``model``: four fields to HDF5 with content hash and sync, beside copying the four files, synced.
* ``forward``: one event in SPECFEM2D's Tape2007 example, from the event's directory to checked
  synthetics, beside its mesher and solver alone in the same directory, one after the other; left
  out without ``SPECFEM2D_BIN``.

    python benchmarks/specfem.py [--elements 400000] [--steps 2000] [--repeat 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace._internal.atomic import flush_file
from headrace.seismic.specfem_files import (
    field_file,
    fields_from_model,
    model_from_fields,
    read_field,
    write_field,
)

FIELDS = ("x", "z", "vp", "vs")
PROGRAMS = ("xmeshfem2D", "xspecfem2D")


def seconds(work: Callable[[], Any]) -> float:
    """Return the time of some work, s."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 4)


def compare(repeat: int, ours: Callable[[], Any], peer: Callable[[], Any]) -> dict[str, Any]:
    """Both times in turn, s, their best, and ours over the peer's; the first round is dropped."""
    pairs = [(seconds(ours), seconds(peer)) for _ in range(repeat + 1)][1:]
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    best, peers_best = min(mine), min(theirs)
    ratio = round(best / peers_best, 2)
    return {"s": best, "peer_s": peers_best, "ratio": ratio, "all_s": mine, "peer_all_s": theirs}


WHAT = {
    "read": ("reading a field of SPECFEM", "numpy.fromfile, converted"),
    "write": ("writing a field of SPECFEM", "ndarray.tofile"),
    "model": ("four fields to HDF5 with hash and sync", "copying the four files, synced"),
    "forward": ("one event in SPECFEM2D, from files to files", "its mesher and solver alone"),
}
"""What is measured, and what stands beside it."""


def rows(found: Mapping[str, Any], sizes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the table of figures."""
    return [
        {
            "id": f"specfem_{name}",
            "what": what,
            "unit": "s",
            "better": "less",
            "ours": found[name]["all_s"],
            "settings": sizes[name],
            "peers": [{"name": peer, "values": found[name]["peer_all_s"], "settings": sizes[name]}],
        }
        for name, (what, peer) in WHAT.items()
        if name in found
    ]


def copy_synced(place: Path) -> None:
    """Copy all fields and wait until they are on the disk."""
    for name in FIELDS:
        source = field_file(place, name, 0)
        target = source.with_suffix(".copy")
        shutil.copyfile(source, target)
        flush_file(target)


def measure_fields(place: Path, elements: int, repeat: int) -> dict[str, Any]:
    """Measure reading, writing and converting."""
    points = (25 * elements,)
    values = np.random.default_rng(1).normal(3000.0, 100.0, points[0])
    single = values.astype(np.float32)
    for name in FIELDS:
        write_field(place, name, values, points)
    file = field_file(place, "vp", 0)
    return {
        "points": points[0],
        "read": compare(
            repeat,
            lambda: read_field(place, "vp", points),
            lambda: np.fromfile(file, np.float32)[1:-1].astype(np.float64),
        ),
        "write": compare(
            repeat,
            lambda: write_field(place, "vp", values, points),
            lambda: single.tofile(place / "raw.bin"),
        ),
        "model": compare(
            repeat,
            lambda: model_from_fields(place, place / "000.h5", FIELDS),
            lambda: copy_synced(place),
        ),
    }


def measure_forward(place: Path, steps: int, repeat: int) -> dict[str, Any]:
    """Return one event with headrace and with the programs alone."""
    from headrace.seismic.solvers import ForwardRun, open_solver, run_all
    from headrace.seismic.solvers.backends.specfem2d.tape2007 import write_tape2007

    example = write_tape2007(place, events=1)
    settings = {**example.settings, "par_file": {"NSTEP": steps}}
    solver = open_solver("specfem2d", settings)
    run = ForwardRun(example.target, example.events[0], place / "forward")
    # The mesh is made once for all events of a process.
    solver.check(run.model, example.events)

    def ours() -> None:
        shutil.rmtree(run.output, ignore_errors=True)
        list(run_all(solver, [run], settings))

    bare = place / "bare"
    programs = Path(os.environ["SPECFEM2D_BIN"]).absolute()

    def prepare() -> None:
        shutil.copytree(run.output / "run", bare)
        shutil.copy(example.template / "DATA" / "interfaces_Tape2007.dat", bare / "DATA")
        fields_from_model(example.target, bare / "DATA", ["rho", "vp", "vs"], (40_000,))

    def peer() -> None:
        for program in PROGRAMS:
            subprocess.run([programs / program], cwd=bare, check=True, stdout=subprocess.DEVNULL)

    ours()
    prepare()
    return compare(repeat, ours, peer)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=400_000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        place = Path(directory)
        found: dict[str, Any] = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            **measure_fields(place, options.elements, options.repeat),
        }
        if os.environ.get("SPECFEM2D_BIN"):
            found["forward"] = measure_forward(place / "tape", options.steps, options.repeat)
    sizes = dict.fromkeys(WHAT, f"{25 * options.elements} points, files in the page cache")
    sizes["forward"] = f"Tape2007, {options.steps} steps"
    found["rows"] = rows(found, sizes)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
