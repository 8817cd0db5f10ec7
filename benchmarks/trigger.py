"""How soon a trigger starts a run, and what watching costs while nothing happens.

* Marker: from the moment before a marker is created to the call that starts the run, which comes
  after one commit of the ledger, for arrivals that have lain there for 0.1, 1, 5 and 15 s.
* Settling: from the last write of an arrival, less the settling time, to the same call.
* Idle: processor time and memory of a process that watches directories of 100 files, all started.
* Waiting: the same for directories that wait for a marker.

Markers and writes come at random moments. The peers stand beside it, in turn: watchdog's
InotifyObserver on the whole tree, to its callback (for settling: to a timer that each event sets
anew), its PollingObserver, and our own polling. Prints JSON, with a figure of each round.

    python benchmarks/trigger.py [--rounds 3] [--arrivals 20] [--files 100000] [--seconds 20]
        [--parts marker settle idle waiting]
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from headrace.triggers import Arrival, Ledger, Trigger, Watcher

AGES = (0.1, 1.0, 5.0, 15.0)
SETTLE = 0.5
# Of all that polls, and of all while idle; else ours is the default.
INTERVAL = 1.0
OURS = "headrace"
SYSTEMS = {
    OURS: "inotify",
    "watchdog InotifyObserver": "watchdog inotify",
    "headrace, polling": "poll",
    "watchdog PollingObserver": "watchdog poll",
}
Action = tuple[float, Callable[[], None]]


class Starts:
    """Moments at which the runs of arrivals were started; a run client that starts none."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._changed = threading.Condition()

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        """Note the moment."""
        self.note(arrival.name)
        return tag

    def find(self, tag: str, since: datetime) -> str | None:
        """Find nothing: no answer is ever lost here."""
        return None

    def note(self, name: str) -> None:
        """Note the moment of a name."""
        with self._changed:
            self.at.setdefault(name, time.monotonic())
            self._changed.notify_all()

    def wait_for(self, names: set[str]) -> None:
        """Wait until all names have been noted."""
        with self._changed:
            if not self._changed.wait_for(lambda: names <= self.at.keys(), timeout=120):
                raise SystemExit("not all runs were started within 2 minutes")


@contextmanager
def watching(observer: str, root: Path, **watch: Any) -> Iterator[Starts]:
    """Watch a directory with a trigger."""
    values = {"settle": SETTLE, "observer": observer, **watch}
    file = root.parent / "benchmark.toml"
    names = ("benchmark", file, "Benchmark", "workstation", root, "/", "directory", "none")
    trigger = Trigger(*names, **values)
    starts, stop = Starts(), threading.Event()
    with Ledger(root.parent / f"{observer}.db") as ledger:
        watcher = Watcher([trigger], ledger, starts, lambda event: None)
        thread = threading.Thread(target=watcher.run, args=(stop,))
        thread.start()
        try:
            yield starts
        finally:
            stop.set()
            thread.join()


@contextmanager
def watching_with_watchdog(observer: str, root: Path, marker: str | None) -> Iterator[Starts]:
    """Watch a whole tree with watchdog: for markers, or for the time after the last event."""
    from watchdog import events
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserver

    starts = Starts()
    due: dict[str, float] = {}
    changed = threading.Condition()
    prefix = f"{root}/"

    class Handler(events.FileSystemEventHandler):
        def dispatch(self, event: events.FileSystemEvent) -> None:
            name, _, inner = os.fsdecode(event.src_path).removeprefix(prefix).partition("/")
            if marker and inner == marker and event.event_type == events.EVENT_TYPE_CREATED:
                starts.note(name)
            elif not marker:
                with changed:
                    due[name] = time.monotonic() + SETTLE
                    changed.notify()

    def wait() -> None:
        while not stop.is_set():
            with changed:
                now = time.monotonic()
                for name in [name for name, when in due.items() if when <= now]:
                    del due[name]
                    starts.note(name)
                changed.wait(min(due.values(), default=now + 1.0) - now)

    stop = threading.Event()
    thread = threading.Thread(target=wait)
    watcher = PollingObserver(timeout=INTERVAL) if observer.endswith("poll") else Observer()
    watcher.schedule(Handler(), str(root), recursive=True)
    watcher.start()
    thread.start()
    try:
        yield starts
    finally:
        watcher.stop()
        watcher.join()
        stop.set()
        thread.join()


def watch_tree(observer: str, root: Path, marker: str | None) -> Any:
    """Watch with one of the systems."""
    if observer.startswith("watchdog"):
        return watching_with_watchdog(observer, root, marker)
    interval = INTERVAL if observer == "poll" else 10.0
    return watching(observer, root, marker=marker, interval=interval)


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


def measure_settling(observer: str, arrivals: int, seed: int) -> list[float]:
    """Return in ms how late runs are; arrivals have ten files, written within a second or so."""
    chance = random.Random(seed)
    last: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "incoming"
        root.mkdir()
        actions: list[Action] = []
        for number in range(arrivals):
            event, at = root / str(number), chance.uniform(0.5, 0.5 + 0.2 * arrivals)
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


def row(
    id_: str, what: str, unit: str, values: dict[str, list[float]], settings: str
) -> dict[str, Any]:
    """Return a row of the table: figures of each round, ours and the peers'."""
    rounded = {name: [round(value, 3) for value in each] for name, each in values.items()}
    peers = [
        {"name": name, "values": each, "settings": "whole tree" if "watchdog" in name else "poll"}
        for name, each in rounded.items()
        if name != OURS
    ]
    return {
        **{"id": id_, "what": what, "unit": unit, "ours": rounded[OURS], "better": "less"},
        **{"peers": peers, "settings": settings},
    }


def latency_rows(parts: list[str], rounds: int, arrivals: int) -> list[dict[str, Any]]:
    """Measure markers and settling, all systems in turn."""
    median: dict[str, dict[str, list[float]]] = {}
    largest: dict[str, dict[str, list[float]]] = {}
    for seed in range(rounds):
        for name, observer in SYSTEMS.items():
            late: dict[str, list[float]] = {}
            if "marker" in parts:
                late |= measure_markers(observer, arrivals, seed)
            # A polling observer sees nothing for longer than the settling time.
            if "settle" in parts and observer != "watchdog poll":
                late["settle"] = measure_settling(observer, arrivals, seed)
            for case, values in late.items():
                found = statistics.median(values)
                median.setdefault(case, {}).setdefault(name, []).append(found)
                largest.setdefault(case, {}).setdefault(name, []).append(max(values))
    settings = f"{arrivals} arrivals a round at random moments, interval 10 s, 1 s where it polls"
    rows = []
    for case in median:
        what = f"marker of a directory that has waited {case} s, to the start of its run"
        if case == "settle":
            what = f"start of a run after the end of settling ({SETTLE} s)"
        id_ = "settle" if case == "settle" else f"marker_{case}s"
        rows += [
            row(id_, what, "ms", median[case], f"median of {settings}"),
            row(f"{id_}_largest", f"{what}: largest", "ms", largest[case], settings),
        ]
    return rows


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
    parts = ["marker", "settle", "idle", "waiting"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arrivals", type=int, default=20)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--cost", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cost:
        observer, marker, root = options.cost
        print(json.dumps(cost_alone(observer, marker, Path(root), options.seconds)))
        return
    report = {
        "bare_commit_ms": measure_commit(),
        "rows": [
            *latency_rows(options.parts, options.rounds, options.arrivals),
            *cost_rows(options),
        ],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
