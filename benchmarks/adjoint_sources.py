"""How long adjoint sources take, stage by stage, beside the libraries alone.

Prints one JSON object. Every stage is timed on one core over all stations of an event; the
numbers are the median over the repetitions, in ms per station. ``limits`` are what the bare
libraries need for the same input in the same call: numpy to parse and to write the same files,
pyflex and pyadjoint as they come. The whole program is timed as a process of its own.

    python benchmarks/adjoint_sources.py [--repeat 9] [--event DIR] [--config FILE]

Without ``--event`` (a directory with obs/ and syn/) it takes event 001 of the reference data in
``HEADRACE_TEST_DATA``, or else computes an event.
"""

from __future__ import annotations

import argparse
import json
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
from collections.abc import Callable
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


def repeated(stations: int, repeat: int, work: Callable[[], Any]) -> list[float]:
    """Time of some work on all stations, ms per station, fastest first."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return [round(1000 * passed / stations, 3) for passed in sorted(times)]


def time_stages(event: Path, config_file: Path, repeat: int, place: Path) -> dict[str, Any]:
    """Return each stage of ours and of the bare libraries, ms per station."""
    config = read_config(config_file)
    stations, _ = find_stations(event / "obs", event / "syn", config.components)
    pairs = [pair for station in stations for pair in station.pairs if not pair.blank]
    files = [trace for pair in pairs for trace in (pair.observed, pair.synthetic) if trace]
    count = len(stations)

    def clock(work: Callable[[], Any]) -> float:
        return statistics.median(repeated(count, repeat, work))

    def read() -> list[Any]:
        return [read_seismogram(trace, config.origin_time) for trace in files]

    raw = read()
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
    stages = {
        "reading": clock(read),
        "filtering": clock(filtered),
        "windows": clock(lambda: [select_windows(*pair, dt, config) for pair in traces]),
        "measures": clock(
            lambda: [
                measure(*pair, found, dt, config)
                for pair, found in zip(traces, windows, strict=True)
            ]
        ),
        "writing": clock(write),
        "figures": clock(draw),
    }
    header = {"delta": dt, "channel": "BXX"}
    plain = [(Trace(o, dict(header)), Trace(s, dict(header))) for o, s in traces]
    settings = pyflex.Config(config.min_period, config.max_period, **config.windows)
    misfit = pyadjoint.get_config("cc_traveltime", config.min_period, config.max_period)
    tables = [(place / f"{n}.txt", s) for n, _, s in sources]
    axis: TimeAxis = sources[0][1]
    times = axis.start + axis.dt * np.arange(axis.npts)
    limits = {
        "numpy.loadtxt of the same files": clock(lambda: [np.loadtxt(t.path) for t in files]),
        "numpy.savetxt of the same traces": clock(
            lambda: [np.savetxt(p, np.column_stack([times, s])) for p, s in tables]
        ),
        "bytes of the same files to disk": clock(
            lambda: [
                (place / "copy").write_bytes((place / f"{n}.adj").read_bytes())
                for n, _, _ in sources
            ]
        ),
        "pyflex alone": clock(
            lambda: [PlainSelector(o, s, settings).select_windows() for o, s in plain]
        ),
        "pyadjoint cc_traveltime alone": clock(
            lambda: [
                pyadjoint.calculate_adjoint_source(
                    observed=o, synthetic=s, config=misfit, windows=[w.seconds(dt) for w in found]
                )
                for (o, s), found in zip(plain, windows, strict=True)
                if found
            ]
        ),
    }
    whole = repeated(count, repeat, all_of_it)
    return {
        "stations": count,
        "samples": axis.npts,
        "windows": sum(len(found) for found in windows),
        "ms_per_station": {
            **stages,
            "all_without_figures": statistics.median(whole),
            "all_without_figures_fastest": whole[0],
            "all_without_figures_slowest": whole[-1],
        },
        "limits_ms_per_station": limits,
    }


def time_program(event: Path, config_file: Path, repeat: int, place: Path) -> dict[str, float]:
    """Return seconds of the program as a process of its own, one rank and no figures."""
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
        "first_line": round(statistics.median(first_word), 3),
        "first_station_done": round(statistics.median(first_station), 3),
        "first_station_done_slowest": round(max(first_station), 3),
        "whole_process": round(statistics.median(whole), 3),
        "limit_python_importing_pyflex_and_pyadjoint": round(statistics.median(bare), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--event", type=Path)
    parser.add_argument("--config", type=Path, default=CONFIG)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        event, source = prepare(options.event, Path(folder, "event"))
        out = Path(folder, "out")
        out.mkdir()
        report = {
            "benchmark": "adjoint sources of one event, one core",
            "input": source,
            **time_stages(event, options.config, options.repeat, out),
            "start_up_seconds": time_program(event, options.config, options.repeat, out),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
