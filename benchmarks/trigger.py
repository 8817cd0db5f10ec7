"""How soon a trigger starts a run, and what watching costs while nothing happens.

Latency: seconds from the last write of an arrival (or from its marker) to the call that starts its
run, above the settling time, which is the least possible. Idle: processor time and memory of a
process that watches 1,000 event directories with 100 files each, all of them started; beside
watchdog's PollingObserver, which looks as often at the same tree. Prints JSON.

    python benchmarks/trigger.py [--arrivals 20] [--files 100000] [--seconds 20]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from headrace.triggers import Arrival, Ledger, Seen, Trigger, Watcher, WatchEvent

SETTLE = 0.5
INTERVAL = 1.0


def make_trigger(root: Path, observer: str, **changes: Any) -> Trigger:
    """Return a trigger on a directory, for event directories."""
    values = {
        "name": "benchmark",
        "file": root / "benchmark.toml",
        "title": "Benchmark",
        "collection": "workstation",
        "root": root,
        "path": "/",
        "what": "directory",
        "flow": "none",
        "settle": SETTLE,
        "interval": INTERVAL,
        "observer": observer,
    }
    return Trigger(**{**values, **changes})


class Clock:
    """A starter that notes when it was called."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self._told = threading.Condition()

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        """Note the time; there is no run."""
        self._note(self.started, arrival.name)
        return tag

    def find(self, tag: str, since: datetime) -> str | None:
        """Find nothing: no answer is ever lost here."""
        return None

    def tell(self, event: WatchEvent) -> None:
        """Note when something was seen."""
        if isinstance(event, Seen):
            self._note(self.seen, event.arrival.name)

    def _note(self, times: dict[str, float], name: str) -> None:
        with self._told:
            times[name] = time.monotonic()
            self._told.notify_all()

    def wait_for(self, times: dict[str, float], names: set[str]) -> None:
        """Wait until all names have their times."""
        with self._told:
            if not self._told.wait_for(lambda: names <= times.keys(), timeout=120):
                raise SystemExit("the watcher did not start all runs in 2 minutes")


class Watching:
    """A watcher in a thread of this process."""

    def __init__(self, trigger: Trigger, ledger: Path) -> None:
        self.clock = Clock()
        self._stop = threading.Event()
        self._ledger = Ledger(ledger)
        watcher = Watcher([trigger], self._ledger, self.clock, self.clock.tell)
        self._thread = threading.Thread(target=watcher.run, args=(self._stop,))
        self._thread.start()

    def __enter__(self) -> Clock:
        return self.clock

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._ledger.close()


def spread(values: list[float]) -> dict[str, float]:
    """Median and largest of some seconds, in ms."""
    ordered = sorted(values)
    return {
        "median_ms": round(1e3 * statistics.median(ordered), 1),
        "largest_ms": round(1e3 * ordered[-1], 1),
    }


def measure_latency(observer: str, arrivals: int, *, marker: bool) -> dict[str, float]:
    """Return one arrival after another.

    Each with 10 files, its last write 0.2 s after the first.
    """
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "incoming"
        root.mkdir()
        trigger = make_trigger(root, observer, marker="DONE" if marker else None)
        late = []
        pause = threading.Event()
        with Watching(trigger, Path(place) / "ledger.db") as clock:
            for number in range(arrivals):
                event = root / f"event_{number}"
                event.mkdir()
                for file in range(9):
                    (event / f"trace_{file}.dat").write_bytes(bytes(1000))
                pause.wait(0.2)
                (event / ("DONE" if marker else "trace_9.dat")).write_bytes(b"last")
                last = time.monotonic()
                clock.wait_for(clock.started, {event.name})
                late.append(clock.started[event.name] - last - (0.0 if marker else SETTLE))
    return spread(late)


def make_tree(root: Path, files: int) -> None:
    """Make event directories of 100 files each."""
    for number in range(max(1, files // 100)):
        event = root / f"event_{number}"
        event.mkdir()
        for file in range(100):
            (event / f"trace_{file}.dat").touch()


def measure_idle(seconds: float) -> dict[str, float]:
    """Processor time and memory of this process, while nothing happens."""
    process = psutil.Process()
    before, began = process.cpu_times(), time.monotonic()
    threading.Event().wait(seconds)
    after, passed = process.cpu_times(), time.monotonic() - began
    busy = after.user + after.system - before.user - before.system
    return {
        "cpu_percent": round(100 * busy / passed, 2),
        "memory_MB": round(process.memory_info().rss / 1e6, 1),
    }


def watch_idle(observer: str, root: Path, seconds: float) -> dict[str, float]:
    """Measure our watcher while nothing happens, and then how soon it sees a new directory."""
    began = time.monotonic()
    names = {event.name for event in root.iterdir()}
    trigger = make_trigger(root, observer, settle=0.0)
    ledger = root.parent / f"{observer}.db"
    with Watching(trigger, ledger) as clock:
        clock.wait_for(clock.started, names)
        first = time.monotonic() - began
    with Watching(trigger, ledger) as clock:
        # The second watcher finds all runs in the ledger; it is the one that is measured.
        idle = measure_idle(seconds)
        new = root / f"new_{observer}"
        made = time.monotonic()
        new.mkdir()
        clock.wait_for(clock.seen, {new.name})
        noticed = clock.seen[new.name] - made
        new.rmdir()
    return {"all_started_s": round(first, 2), **idle, "noticed_after_ms": round(1e3 * noticed, 1)}


def watch_idle_with_watchdog(root: Path, seconds: float) -> dict[str, float]:
    """Measure the same of the PollingObserver."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.polling import PollingObserver

    new = root / "new_watchdog"
    noticed = threading.Event()

    class Handler(FileSystemEventHandler):
        def on_created(self, event: FileSystemEvent) -> None:
            if event.src_path == str(new):
                noticed.set()

    began = time.monotonic()
    observer = PollingObserver(timeout=INTERVAL)
    observer.schedule(Handler(), str(root), recursive=True)
    observer.start()
    ready = time.monotonic() - began
    idle = measure_idle(seconds)
    made = time.monotonic()
    new.mkdir()
    noticed.wait(60)
    after = time.monotonic() - made
    new.rmdir()
    observer.stop()
    observer.join()
    return {"ready_s": round(ready, 2), **idle, "noticed_after_ms": round(1e3 * after, 1)}


def in_own_process(observer: str, root: Path, seconds: float) -> dict[str, float]:
    """Measure in a process that does nothing else."""
    command = [sys.executable, __file__, "--idle", observer, "--root", root, "--seconds", seconds]
    answer = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
    return dict(json.loads(answer.stdout))


def main() -> None:
    """Measure everything and print it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--arrivals", type=int, default=20)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--idle", choices=["inotify", "poll", "watchdog"], help=argparse.SUPPRESS)
    options.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.idle == "watchdog":
        print(json.dumps(watch_idle_with_watchdog(chosen.root, chosen.seconds)))
        return
    if chosen.idle:
        print(json.dumps(watch_idle(chosen.idle, chosen.root, chosen.seconds)))
        return
    latency = {
        f"{observer}, {'marker' if marker else 'settle'}": measure_latency(
            observer, chosen.arrivals, marker=marker
        )
        for observer in ("inotify", "poll")
        for marker in (False, True)
    }
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "incoming"
        root.mkdir()
        make_tree(root, chosen.files)
        names = {"inotify": "inotify", "poll": "poll", "watchdog": "watchdog PollingObserver"}
        idle = {
            name: in_own_process(observer, root, chosen.seconds) for observer, name in names.items()
        }
    print(
        json.dumps(
            {
                "latency_above_settle": latency,
                "settle_s": SETTLE,
                "interval_s": INTERVAL,
                "idle": idle,
                "idle_files": chosen.files,
                "idle_seconds": chosen.seconds,
                "python": platform.python_version(),
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
