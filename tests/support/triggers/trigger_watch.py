"""Shared by the tests of triggers: a trigger on a directory, and a run client in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace.triggers import Arrival, Ledger, Trigger, Watcher, WatchEvent


def make_trigger(root: Path, **changes: Any) -> Trigger:
    (root / "incoming").mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "name": "new_event",
        "file": root / "new_event.toml",
        "title": "New event",
        "collection": "workstation",
        "root": root,
        "path": "/incoming/",
        "what": "directory",
        "flow": "adjoint_sources",
        "settle": 0.3,
        "interval": 0.2,
    }
    return Trigger(**{**values, **changes})


class MemoryRunClient:
    """A run client that keeps its runs in memory, and fails on request."""

    def __init__(self) -> None:
        self.runs: dict[str, Arrival] = {}
        self.files: dict[str, int] = {}
        self.fail: Callable[[str], Exception | None] = lambda moment: None
        self.asked: list[tuple[str, datetime]] = []

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self._maybe_fail("before")
        assert tag not in self.runs, "a second run for one arrival"
        self.runs[tag] = arrival
        self.files[arrival.name] = sum(1 for path in arrival.location.rglob("*") if path.is_file())
        self._maybe_fail("after")
        return f"run of {tag}"

    def find(self, tag: str, since: datetime) -> str | None:
        self.asked.append((tag, since))
        self._maybe_fail("find")
        return f"run of {tag}" if tag in self.runs else None

    @property
    def names(self) -> list[str]:
        return sorted(arrival.name for arrival in self.runs.values())

    def _maybe_fail(self, moment: str) -> None:
        error = self.fail(moment)
        if error:
            raise error


class Watch:
    """A running watcher, whose events can be waited for."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self._received = threading.Condition()

    def receive(self, event: WatchEvent) -> None:
        with self._received:
            self.events.append(event)
            self._received.notify_all()

    def of(self, kind: type, name: str | None = None) -> list[Any]:
        return [
            event
            for event in list(self.events)
            if isinstance(event, kind) and (name is None or event.arrival.name == name)
        ]

    def wait_for(self, kind: type, count: int = 1, *, name: str | None = None) -> list[Any]:
        with self._received:
            enough = self._received.wait_for(lambda: len(self.of(kind, name)) >= count, timeout=120)
        assert enough, f"waited for {count} {kind.__name__}, received: {self.events}"
        return self.of(kind, name)


def make_event(place: Path, files: int = 6) -> Path:
    """Make a directory of small files, as an event's data come; its place."""
    for number in range(files):
        part = place / ("obs" if number % 2 else "syn")
        part.mkdir(parents=True, exist_ok=True)
        (part / f"trace_{number}.dat").write_bytes(os.urandom(2000))
    return place


@contextmanager
def watching(
    triggers: list[Trigger],
    ledger: Path,
    client: Any,
    made: Callable[[Watcher], None] = lambda watcher: None,
    **options: Any,
) -> Iterator[Watch]:
    watch = Watch()
    stop = threading.Event()
    failures: list[BaseException] = []
    with Ledger(ledger) as opened:
        watcher = Watcher(triggers, opened, client, watch.receive, **options)
        made(watcher)

        def run() -> None:
            try:
                watcher.run(stop)
            except BaseException as error:  # noqa: BLE001 - told to the test below
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield watch
        finally:
            stop.set()
            thread.join(120)
            assert not thread.is_alive()
    assert not failures, failures
