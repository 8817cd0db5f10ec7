"""How soon a trigger starts a run, and what watching costs while nothing happens.

* Marker: from the moment before a marker is created to the call that starts the run, which comes
  after one commit of the ledger, for arrivals that have lain there for 0.1, 1, 5 and 15 s.
* Settling: from the last write of an arrival, less the settling time, to the same call; in memory
  (tmpfs) and on the disk, with the median and the 99th percentile, beside those of a bare write and
  flush of 4 kB in the same directory: the start commits to the ledger, which takes one flush.
* Copying: processor time of a process that watches while 20,000 files are copied into an arrival
  that settles, one by one.
* Idle: processor time and memory of a process that watches directories of 100 files, all started.
* Service: from the moment before a marker is created to a facility's answer that its run is stored,
  through the watch's own client, beside watchdog's InotifyObserver to a handler that does nothing.
* Entries: a directory with --files files, each an arrival: seconds to the first run, of one scan,
  processor seconds of a round in which a file came, and memory.
* Waiting: the same for directories that wait for a marker.

Markers and writes come at random moments. The peers stand beside it, in turn: watchdog's
InotifyObserver on the whole tree, to its callback (for settling: to a timer that each event sets
anew), its PollingObserver, and our own polling. Prints JSON, with a figure of each round.

    python benchmarks/trigger.py [--rounds 3] [--arrivals 20] [--files 100000] [--seconds 20]
        [--parts marker settle copying idle waiting service entries] [--directory DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from trigger_peers.entries_rows import entries_rows
from trigger_peers.rows import FLUSH, quantile, row
from trigger_peers.service import service_rows
from trigger_peers.watching import (
    INTERVAL,
    OURS,
    SETTLE,
    SYSTEMS,
    watch_tree,
    watching,
    watching_with_watchdog,
)

AGES = (0.1, 1.0, 5.0, 15.0)
# Copies the files of a directory one by one, with a pause after each.
COPY = """
import pathlib, sys, time
source, copy = map(pathlib.Path, sys.argv[1:3])
copy.mkdir()
for path in sorted(source.iterdir()):
    (copy / path.name).write_bytes(path.read_bytes())
    time.sleep(float(sys.argv[3]))
"""
Action = tuple[float, Callable[[], None]]


def do_all(actions: list[Action]) -> None:
    """Do things at their times, in s from now."""
    pause, began = threading.Event(), time.monotonic()
    for when, act in sorted(actions, key=lambda action: action[0]):
        pause.wait(max(0.0, began + when - time.monotonic()))
        act()


def measure_markers(observer: str, arrivals: int, seed: int) -> dict[str, list[float]]:
    """Return latencies in ms by the age of the arrival, at random moments within some seconds."""
    chance = random.Random(seed)
    made: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "incoming"
        root.mkdir()
        actions: list[Action] = []
        for age in AGES:
            for number in range(arrivals):
                event = root / f"{age:g}_{number}"
                at = max(AGES) + 0.5 + chance.uniform(0.0, 0.2 * arrivals)
                actions.append((at - age, lambda event=event: make_event(event, 10)))
                actions.append((at, lambda event=event: mark(event, made)))
        with watch_tree(observer, root, "DONE") as starts:
            do_all(actions)
            starts.wait_for(set(made))
    late = {name: 1e3 * (starts.at[name] - at) for name, at in made.items()}
    return {
        f"{age:g}": [late[name] for name in late if name.startswith(f"{age:g}_")] for age in AGES
    }


def measure_settling(observer: str, arrivals: int, seed: int, directory: str | None) -> list[float]:
    """Return in ms how late runs are; arrivals have ten files, written within a second or so."""
    chance = random.Random(seed)
    last: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=directory) as place:
        root = Path(place) / "incoming"
        root.mkdir()
        actions: list[Action] = []
        for number in range(arrivals):
            event, at = root / str(number), chance.uniform(0.5, 0.5 + 0.05 * arrivals)
            actions.append((at, event.mkdir))
            for file in range(10):
                at += chance.uniform(0.0, 0.2)
                actions.append((at, lambda event=event, file=file: write(event, file, last)))
        with watch_tree(observer, root, None) as starts:
            do_all(actions)
            starts.wait_for(set(last))
    return [1e3 * (starts.at[name] - at - SETTLE) for name, at in last.items()]


def make_event(event: Path, files: int) -> None:
    """Make an event directory."""
    event.mkdir()
    for file in range(files):
        (event / f"trace_{file}.dat").touch()


def mark(event: Path, made: dict[str, float]) -> None:
    """Create a marker, and note the moment before."""
    made[event.name] = time.monotonic()
    (event / "DONE").touch()


def write(event: Path, file: int, last: dict[str, float]) -> None:
    """Write a file, and note the moment after."""
    (event / f"trace_{file}.dat").write_bytes(bytes(1000))
    last[event.name] = time.monotonic()


def measure_cost(seconds: float) -> dict[str, float]:
    """Processor time and memory of this process, while nothing happens."""
    used, began = time.process_time(), time.monotonic()
    threading.Event().wait(seconds)
    percent = 100 * (time.process_time() - used) / (time.monotonic() - began)
    return {"percent": round(percent, 3), "MB": psutil.Process().memory_info().rss / 1e6}


def cost_alone(observer: str, marker: str, root: Path, seconds: float) -> dict[str, float]:
    """Measure the cost of one system, in this process, which does nothing else."""
    if observer.startswith("watchdog"):
        with watching_with_watchdog(observer, root, marker or None):
            return measure_cost(seconds)
    watch = {"marker": marker} if marker else {"settle": 0.0}
    with watching(observer, root, interval=INTERVAL if not marker else 10.0, **watch):
        threading.Event().wait(3.0)
        return measure_cost(seconds)


def measure_costs(
    rounds: int, directories: int, files: int, marker: str, seconds: float
) -> dict[str, list[dict[str, float]]]:
    """Measure the cost of all systems in turn, each in a process of its own."""
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in SYSTEMS}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "incoming"
        root.mkdir()
        for number in range(directories):
            make_event(root / f"event_{number}", files)
        for observer in () if marker else ("inotify", "poll"):
            # Those that are measured find all runs in the ledger.
            with watching(observer, root, interval=INTERVAL, settle=0.0) as starts:
                starts.wait_for({event.name for event in root.iterdir()})
        for _ in range(rounds):
            for name, observer in SYSTEMS.items():
                command = [sys.executable, __file__, "--cost", observer, marker, str(root)]
                answer = subprocess.run(
                    [*command, "--seconds", str(seconds)], check=True, stdout=subprocess.PIPE
                )
                costs[name].append(json.loads(answer.stdout))
    return costs


def measure_commit(repeat: int = 100) -> float:
    """Return in ms the median of a bare commit by SQLite, the least that a start takes."""
    with tempfile.TemporaryDirectory() as place:
        database = sqlite3.connect(Path(place) / "commits.db", isolation_level=None)
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE t (x)")
        seconds = []
        for number in range(repeat):
            began = time.perf_counter()
            database.execute("INSERT INTO t VALUES (?)", (number,))
            seconds.append(time.perf_counter() - began)
        database.close()
    return round(1e3 * statistics.median(seconds), 3)


def marker_rows(rounds: int, arrivals: int) -> list[dict[str, Any]]:
    """Measure markers, all systems in turn."""
    median: dict[str, dict[str, list[float]]] = {}
    largest: dict[str, dict[str, list[float]]] = {}
    for seed in range(rounds):
        for name, observer in SYSTEMS.items():
            for case, values in measure_markers(observer, arrivals, seed).items():
                found = statistics.median(values)
                median.setdefault(case, {}).setdefault(name, []).append(found)
                largest.setdefault(case, {}).setdefault(name, []).append(max(values))
    settings = f"{arrivals} arrivals a round at random moments, interval 10 s, 1 s where it polls"
    rows = []
    for case in median:
        what = f"marker of a directory that has waited {case} s, to the start of its run"
        rows += [
            row(f"marker_{case}s", what, "ms", median[case], f"median of {settings}"),
            row(f"marker_{case}s_largest", f"{what}: largest", "ms", largest[case], settings),
        ]
    return rows


def settle_rows(rounds: int, arrivals: int, directory: str | None) -> list[dict[str, Any]]:
    """Measure settling in memory and on the disk, all systems and the disk's flush in turn."""
    # A polling observer sees nothing for longer than the settling time.
    systems = {name: how for name, how in SYSTEMS.items() if how != "watchdog poll"}
    places = {"tmpfs": "/dev/shm"} if Path("/dev/shm").is_dir() else {}
    places["disk"] = directory or tempfile.gettempdir()
    rows = []
    for case, place in places.items():
        late: dict[str, list[list[float]]] = {name: [] for name in systems}
        late[FLUSH] = []
        for seed in range(rounds):
            for name, observer in systems.items():
                late[name].append(measure_settling(observer, arrivals, seed, place))
            late[FLUSH].append(measure_flushes(place))
        what = f"start of a run after the end of settling ({SETTLE} s), on {case}"
        settings = f"of {arrivals} arrivals a round at random moments, within {place}"
        for key, share in (("", 0.5), ("_p99", 0.99)):
            values = {name: [quantile(each, share) for each in late[name]] for name in late}
            says = f"{'99th percentile' if key else 'median'} {settings}"
            title = f"{what}: 99th percentile" if key else what
            rows.append(row(f"settle_{case}{key}", title, "ms", values, says))
    return rows


def measure_flushes(place: str, repeat: int = 100) -> list[float]:
    """Return in ms what it takes to write 4 kB more into a file, and to flush it."""
    with tempfile.NamedTemporaryFile(dir=place, buffering=0) as file:
        found = []
        for _ in range(repeat):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            found.append(1e3 * (time.perf_counter() - began))
    return found


def measure_copying(observer: str, source: Path, place: Path, seconds: float) -> float:
    """Return the processor seconds that watching takes while files are copied one by one."""
    root = place / "incoming"
    root.mkdir()
    pause = seconds / sum(1 for _ in source.iterdir())
    with watch_tree(observer, root, None) as starts:
        used = time.process_time()
        subprocess.run(
            [sys.executable, "-c", COPY, str(source), str(root / "event"), str(pause)], check=True
        )
        starts.wait_for({"event"})
        return time.process_time() - used


def copying_rows(rounds: int, files: int) -> list[dict[str, Any]]:
    """Measure what it costs to watch while many files are copied into an arrival."""
    values: dict[str, list[float]] = {
        name: [] for name in SYSTEMS if name in (OURS, "watchdog InotifyObserver")
    }
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        source.mkdir()
        for number in range(files):
            (source / f"trace_{number}.dat").write_bytes(bytes(1000))
        for _ in range(rounds):
            for name, found in values.items():
                with tempfile.TemporaryDirectory() as empty:
                    seconds = files / 4000
                    observer = SYSTEMS[name]
                    found.append(measure_copying(observer, source, Path(empty), seconds))
    what = f"watching while {files:,} files are copied into an arrival that settles"
    settings = f"processor seconds; settle {SETTLE} s; {files / 4000:g} s of pauses in the copy"
    return [row("copying", what, "s", values, settings)]


def cost_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure what watching costs, all systems in turn."""
    rows = []
    directories = max(1, options.files // 100)
    for part, files, marker, what in (
        ("idle", 100, "", f"idle watch on {options.files:,} files in {directories:,} directories"),
        ("waiting", 1, "DONE", f"watch on {directories:,} directories that wait for a marker"),
    ):
        if part not in options.parts:
            continue
        costs = measure_costs(options.rounds, directories, files, marker, options.seconds)
        settings = f"{options.seconds:g} s a round, interval {10 if marker else 1} s"
        for key, unit in (("percent", "% of a core"), ("MB", "MB")):
            values = {name: [each[key] for each in found] for name, found in costs.items()}
            rows.append(row(f"{part}_{key}", what, unit, values, settings))
    return rows


def main() -> None:
    """Measure everything and print it."""
    parts = ["marker", "settle", "copying", "idle", "waiting", "service", "entries"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arrivals", type=int, default=20)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--directory", help="disk of settling arrivals; default: the temporary one")
    parser.add_argument("--cost", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cost:
        observer, marker, root = options.cost
        print(json.dumps(cost_alone(observer, marker, Path(root), options.seconds)))
        return
    rows = []
    if "marker" in options.parts:
        rows += marker_rows(options.rounds, options.arrivals)
    if "settle" in options.parts:
        rows += settle_rows(options.rounds, 5 * options.arrivals, options.directory)
    if "copying" in options.parts:
        rows += copying_rows(options.rounds, options.files // 5)
    if "service" in options.parts:
        rows += service_rows(options.rounds, 5 * options.arrivals, options.directory)
    if "entries" in options.parts:
        rows += entries_rows(options.rounds, options.files, options.directory)
    report = {
        "bare_commit_ms": measure_commit(),
        "rows": [*rows, *cost_rows(options)],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
