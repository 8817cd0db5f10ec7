"""What watches a directory for `trigger.py`: headrace's triggers, and watchdog's observers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace.triggers import Arrival, Ledger, Trigger, Watcher

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

    def wait_for_any(self) -> None:
        """Wait until a name has been noted."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self.at), timeout=120):
                raise SystemExit("no run was started within 2 minutes")

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
