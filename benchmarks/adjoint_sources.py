"""How long adjoint sources take, stage by stage, beside the libraries alone.

Prints one JSON object. Every stage and every peer is timed on one core over all stations of an
event, in turn in each round, after a first one that is not counted; ``ms_per_station`` and
``limits`` are medians over the rounds, in ms per station, and ``rows`` has every round. The peers:

* ``std::from_chars`` of C++17 by ctypes (``adjoint_peers/from_chars.cpp``; left out without g++)
  and ``numpy.loadtxt`` for reading, ``numpy.savetxt`` for writing;
* pyflex and pyadjoint as they come, on traces in memory;
* a script of the usual libraries for the whole: loadtxt, obspy, pyflex, pyadjoint, savetxt.

The whole program is timed as a process of its own, beside one that imports pyflex and pyadjoint.

    python benchmarks/adjoint_sources.py [--repeat 9] [--event DIR] [--config FILE]

Without ``--event`` (a directory with obs/ and syn/) it takes event 001 of the reference data in
``HEADRACE_TEST_DATA``, or else computes an event.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyadjoint
import pyflex
from obspy import Trace
from pyflex.window_selector import WindowSelector

from headrace.seismic import (
    TraceResult,
    align,
    demo_event,
    filter_pair,
    find_stations,
    measure,
    process_station,
    read_config,
    read_seismogram,
    select_windows,
)
from headrace.seismic.measurement.figures import TraceFigure
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = REPOSITORY / "job_scripts" / "adjoint_sources.py"
CONFIG = REPOSITORY / "job_scripts" / "adjoint_sources.toml"
READER = REPOSITORY / "benchmarks" / "adjoint_peers" / "from_chars.cpp"

LOADTXT = "numpy.loadtxt of the same files"
SAVETXT = "numpy.savetxt of the same traces"
FROM_CHARS = "std::from_chars of the same files"
PYFLEX = "pyflex alone"
SCRIPT = "loadtxt, obspy, pyflex, pyadjoint, savetxt"


class PlainSelector(WindowSelector):  # type: ignore[misc]
    """pyflex as it comes, but for the check that numpy 2 cannot run."""

    def _sanity_checks(self) -> None:
        pass


def prepare(event: Path | None, place: Path) -> tuple[Path, str]:
    """Return the event's directory and a word on where it comes from."""
    if event is not None:
        return event, str(event)
    archive = Path(os.environ.get("HEADRACE_TEST_DATA", "-"), "seismograms", "waveforms.tar.gz")
    if archive.is_file():
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
        return place / "001", "reference event 001"
    return demo_event(place, "quake", seed=1), "computed event"


def in_turn(
    stations: int, repeat: int, works: Mapping[str, Callable[[], Any]]
) -> dict[str, list[float]]:
    """Time each work on all stations once a round, ms per station; the first round is dropped."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            passed = time.perf_counter() - started
            times[name].append(round(1000 * passed / stations, 3))
    return {name: found[1:] for name, found in times.items()}


def from_chars(place: Path) -> Callable[[Path], np.ndarray] | None:
    """Compile the reader in C++; None without a compiler that has it."""
    library = place / "from_chars.so"
    command = ["g++", "-O2", "-std=c++17", "-shared", "-fPIC", str(READER), "-o", str(library)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    read_numbers = ctypes.CDLL(str(library)).read_numbers
    read_numbers.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_long]
    read_numbers.restype = ctypes.c_long

    def read(path: Path) -> np.ndarray:
        text = path.read_bytes()
        numbers = np.empty(len(text) // 2)
        count = read_numbers(text, len(text), numbers.ctypes.data, len(numbers))
        return numbers[:count].reshape(-1, 2)

    return read


def usual_script(pair: Any, config: Any, settings: Any, misfit: Any, path: Path) -> None:
    """Take a pair from its files to its adjoint source by the usual libraries alone."""
    traces = []
    for file in (pair.observed.path, pair.synthetic.path):
        times, samples = np.loadtxt(file).T
        dt = round(float(times[1] - times[0]), 6)
        trace = Trace(np.ascontiguousarray(samples), {"delta": dt, "channel": "BXX"})
        trace.detrend("demean")
        trace.taper(config.taper)
        trace.filter(
            "bandpass",
            freqmin=1 / config.max_period,
            freqmax=1 / config.min_period,
            corners=config.corners,
            zerophase=config.zero_phase,
        )
        trace.detrend("simple")
        trace.detrend("demean")
        trace.taper(config.taper)
        traces.append(trace)
    observed, synthetic = traces
    windows = PlainSelector(observed, synthetic, settings).select_windows()
    source = np.zeros(len(times))
    if windows:
        borders = [(window.left * dt, window.right * dt) for window in windows]
        source = pyadjoint.calculate_adjoint_source(
            observed=observed, synthetic=synthetic, config=misfit, windows=borders
        ).adjoint_source[::-1]
    np.savetxt(path, np.column_stack([times, source]))


def time_stages(event: Path, config_file: Path, repeat: int, place: Path) -> dict[str, Any]:
    """Return each stage of ours and of the bare libraries, ms per station."""
    config = read_config(config_file)
    stations, _ = find_stations(event / "obs", event / "syn", config.components)
    pairs = [pair for station in stations for pair in station.pairs if not pair.blank]
    files = [trace for pair in pairs for trace in (pair.observed, pair.synthetic) if trace]
    raw = [read_seismogram(trace, config.origin_time) for trace in files]
    both = list(zip(raw[::2], raw[1::2], strict=True))
    dt = both[0][1].dt

    def filtered() -> list[Any]:
        aligned = [align(o, s, config) for o, s in both]
        return [filter_pair(one.observed, one.synthetic, dt, config) for one in aligned]

    traces = filtered()
    windows = [select_windows(*pair, dt, config) for pair in traces]
    results: list[TraceResult] = [r for s in stations for r in process_station(s, config)]
    sources = [(r.name, r.axis, r.adjoint_source) for r in results if r.axis is not None]

    def write() -> None:
        for name, axis, samples in sources:
            if samples is not None:
                write_two_columns(place / f"{name}.adj", axis, samples)

    def draw() -> None:
        figure = TraceFigure("event", config)
        for result in results:
            figure.draw(result, place / f"{result.name}.png")

    def all_of_it() -> None:
        for station in stations:
            for result in process_station(station, config):
                if result.axis is not None and result.adjoint_source is not None:
                    path = place / f"{result.name}.adj"
                    write_two_columns(path, result.axis, result.adjoint_source)

    write()
    header = {"delta": dt, "channel": "BXX"}
    plain = [(Trace(o, dict(header)), Trace(s, dict(header))) for o, s in traces]
    settings = pyflex.Config(config.min_period, config.max_period, **config.windows)
    misfit = pyadjoint.get_config("cc_traveltime", config.min_period, config.max_period)
    tables = [(place / f"{n}.txt", s) for n, _, s in sources]
    axis: TimeAxis = sources[0][1]
    times = axis.start + axis.dt * np.arange(axis.npts)
    stages: dict[str, Callable[[], Any]] = {
        "reading": lambda: [read_seismogram(trace, config.origin_time) for trace in files],
        "filtering": filtered,
        "windows": lambda: [select_windows(*pair, dt, config) for pair in traces],
        "measures": lambda: [
            measure(*pair, found, dt, config) for pair, found in zip(traces, windows, strict=True)
        ],
        "writing": write,
        "figures": draw,
        "all_without_figures": all_of_it,
    }
    limits: dict[str, Callable[[], Any]] = {
        LOADTXT: lambda: [np.loadtxt(t.path) for t in files],
        SAVETXT: lambda: [np.savetxt(p, np.column_stack([times, s])) for p, s in tables],
        "bytes of the same files to disk": lambda: [
            (place / "copy").write_bytes((place / f"{n}.adj").read_bytes()) for n, _, _ in sources
        ],
        PYFLEX: lambda: [PlainSelector(o, s, settings).select_windows() for o, s in plain],
        "pyadjoint cc_traveltime alone": lambda: [
            pyadjoint.calculate_adjoint_source(
                observed=o, synthetic=s, config=misfit, windows=[w.seconds(dt) for w in found]
            )
            for (o, s), found in zip(plain, windows, strict=True)
            if found
        ],
        SCRIPT: lambda: [
            usual_script(pair, config, settings, misfit, place / "script.txt") for pair in pairs
        ],
    }
    reader = from_chars(place)
    if reader is not None:
        limits[FROM_CHARS] = lambda: [reader(t.path) for t in files]
    found = in_turn(len(stations), repeat, {**stages, **limits})
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {
        "stations": len(stations),
        "samples": axis.npts,
        "windows": sum(len(found) for found in windows),
        "ms_per_station": {
            **{name: medians[name] for name in stages},
            "all_without_figures_fastest": min(found["all_without_figures"]),
            "all_without_figures_slowest": max(found["all_without_figures"]),
        },
        "limits_ms_per_station": {name: medians[name] for name in limits},
        "rows": station_rows(found, f"{axis.npts} samples, {len(stations)} stations, one core"),
    }


def station_rows(found: Mapping[str, list[float]], sizes: str) -> list[dict[str, Any]]:
    """Return the rows of what is done for a station."""

    def row(name: str, what: str, ours: list[float], peers: dict[str, str]) -> dict[str, Any]:
        beside = [
            {"name": peer, "values": found[peer], "settings": told}
            for peer, told in peers.items()
            if peer in found
        ]
        about = {"id": name, "what": what, "unit": "ms", "better": "less", "settings": sizes}
        return {**about, "ours": ours, "peers": beside}

    whole = found["all_without_figures"]
    return [
        row(
            "station",
            "windows, misfit and adjoint source of one station, text in and out, no figures",
            whole,
            {
                SCRIPT: "the same band, windows, misfit and files; no checks of the records",
                PYFLEX: "windows alone, of filtered traces in memory",
                SAVETXT: "writing alone, 18 digits",
            },
        ),
        row(
            "station_with_figure",
            "... with a figure",
            [round(a + b, 3) for a, b in zip(whole, found["figures"], strict=True)],
            {},
        ),
        row(
            "read_station",
            "reading the two seismograms of a station, and checking their times",
            found["reading"],
            {
                FROM_CHARS: "C++17, g++ -O2, called by ctypes; no checks",
                LOADTXT: "as it comes; no checks",
            },
        ),
    ]


def time_program(event: Path, config_file: Path, repeat: int, place: Path) -> dict[str, Any]:
    """Return seconds of the program as a process of its own, and the row of its start."""
    one = place / "one"
    for folder in ("obs", "syn"):
        (one / folder).mkdir(parents=True)
        first = min((event / folder).iterdir())
        shutil.copy(first, one / folder / first.name)
    first_word, first_station, whole, bare = [], [], [], []
    for _ in range(repeat):
        command = [
            sys.executable,
            str(PROGRAM),
            f"--observed={one / 'obs'}",
            f"--synthetic={one / 'syn'}",
            f"--output={place / 'results'}",
            f"--config={config_file}",
            "--figures=none",
        ]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                passed = time.perf_counter() - started
                stage = json.loads(line)["stage"]
                if stage == "start":
                    first_word.append(passed)
                elif stage == "progress":
                    first_station.append(passed)
        whole.append(time.perf_counter() - started)
        if process.returncode:
            raise SystemExit(f"{PROGRAM} failed with exit code {process.returncode}")
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import pyflex, pyadjoint"], check=True)
        bare.append(time.perf_counter() - started)
    return {
        "start_up_seconds": {
            "first_line": round(statistics.median(first_word), 3),
            "first_station_done": round(statistics.median(first_station), 3),
            "first_station_done_slowest": round(max(first_station), 3),
            "whole_process": round(statistics.median(whole), 3),
            "limit_python_importing_pyflex_and_pyadjoint": round(statistics.median(bare), 3),
        },
        "row": {
            "id": "first_station",
            "what": "from start to the first station done",
            "unit": "s",
            "better": "less",
            "ours": [round(one, 3) for one in first_station],
            "settings": "one rank, one station, no figures, compiled modules on disk",
            "peers": [
                {
                    "name": "importing pyflex and pyadjoint",
                    "values": [round(one, 3) for one in bare],
                    "settings": "a process that does nothing else",
                }
            ],
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--event", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for library in ("pyflex", "pyadjoint"):
        logging.getLogger(library).setLevel(logging.ERROR)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        event, source = prepare(options.event, Path(folder, "event"))
        out = Path(folder, "out")
        out.mkdir()
        stages = time_stages(event, options.config, options.repeat, out)
        program = time_program(event, options.config, options.repeat, out)
        report = {
            "benchmark": "adjoint sources of one event, one core",
            "input": source,
            **stages,
            "start_up_seconds": program["start_up_seconds"],
            "rows": [*stages["rows"], program["row"]],
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
