"""A watcher to be killed: run by test_kills.py in a process of its own.

Runs are lines of an append-only file, so that a run is started by one call of the system, and the
answer to it can be lost. HEADRACE_TEST_KILL="MOMENT:N" kills the process at the Nth such moment.
HEADRACE_TEST_TRIGGERS="NAME,..." makes it one of several watches, with these triggers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

from headrace.triggers import (
    Arrival,
    Ledger,
    Record,
    Trigger,
    TriggerClaims,
    Watcher,
    WatchEvent,
    load_triggers,
)

MOMENTS = ("before begin", "begun", "run started", "answered", "noted", "seen", "searched")


class Fate:
    """Kills the process at one moment."""

    def __init__(self, words: str) -> None:
        moment, _, count = words.partition(":")
        self._moment, self._count = moment, int(count or 0)
        self._passed: Counter[str] = Counter()

    def pass_by(self, moment: str) -> None:
        self._passed[moment] += 1
        if moment == self._moment and self._passed[moment] == self._count:
            os.kill(os.getpid(), signal.SIGKILL)


class FileRunClient:
    """Starts runs in a file."""

    def __init__(self, file: Path, fate: Fate) -> None:
        self._file = file
        self._fate = fate

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        files = [path for path in arrival.location.rglob("*") if path.is_file()]
        run = {
            "tag": tag,
            "name": arrival.name,
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
        }
        log = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, (json.dumps(run) + "\n").encode())
        os.fsync(log)
        os.close(log)
        self._fate.pass_by("run started")
        return f"run of {tag}"

    def find(self, tag: str, since: datetime) -> str | None:
        self._fate.pass_by("searched")
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return f"run of {tag}" if any(json.loads(line)["tag"] == tag for line in lines) else None


class DoomedLedger(Ledger):
    """A ledger that passes the moments around its transactions."""

    fate: Fate

    def mark_starting(self, id_: int) -> Record:
        self.fate.pass_by("before begin")
        record = super().mark_starting(id_)
        self.fate.pass_by("begun")
        return record

    def mark_started(self, id_: int, run_id: str, *, followed: bool = True) -> Record:
        self.fate.pass_by("answered")
        record = super().mark_started(id_, run_id, followed=followed)
        self.fate.pass_by("noted")
        return record


def main(project: Path) -> None:
    fate = Fate(os.environ.get("HEADRACE_TEST_KILL", ""))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())

    def tell(event: WatchEvent) -> None:
        print(event, flush=True)
        fate.pass_by(type(event).__name__.lower())

    triggers = load_triggers(project / "triggers", {"workstation": project / "data"})
    own = [name for name in os.environ.get("HEADRACE_TEST_TRIGGERS", "").split(",") if name]
    triggers = [trigger for trigger in triggers if not own or trigger.name in own]
    path = project / ".headrace" / "triggers.db"
    with TriggerClaims(path) as claims, DoomedLedger(path, shared=bool(own)) as ledger:
        claims.take(own)
        ledger.fate = fate
        Watcher(triggers, ledger, FileRunClient(project / "runs.jsonl", fate), tell).run(stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
