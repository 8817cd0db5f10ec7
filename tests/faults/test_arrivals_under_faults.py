"""Arrivals by all the usual tools while watch, facility, events and disk fail: one run for each.

``HEADRACE_TEST_ARRIVALS`` is the number of arrivals, 300 by default; ``HEADRACE_TEST_SEED`` chooses
the tools and the faults.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import facility_status, stop_facility
from headrace.project import connect, load_project
from headrace.triggers import read_ledger
from tests.support.triggers.mounted_disk import MountedDisk
from tests.support.triggers.writers import WAYS

ARRIVALS = int(os.environ.get("HEADRACE_TEST_ARRIVALS", "300"))
SEED = int(os.environ.get("HEADRACE_TEST_SEED", "17"))
SETTLE = 1.0
FILES = {"obs/a.dat": 300, "obs/b.dat": 2000, "syn/a.dat": 3000}
OBSERVERS = ("both", "poll", "auto")
DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
TRIGGER = f"""
[watch]
collection = "disk"
path = "/incoming/"
settle = {SETTLE}
interval = 0.5
existing = "run"
observer = "%s"

[start]
flow = "note"
label = "{{name}}"
input = {{ path = "{{path}}" }}
"""
FAULTS = ("watch", "facility", "overflow", "disk")
# Each creation and removal is an event, and the kernel keeps so many of them at the most.
OVERFLOW = 10_000


class Place:
    """A project with a facility of its own, whose watch is started and killed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.disk = MountedDisk(root / "data" / "incoming", root / "aside")
        self.log = (root / "watch.log").open("wb")
        self.program = str(Path(sys.executable).with_name("headrace"))
        flow = root / "flows" / "note"
        flow.mkdir(parents=True)
        (root / "triggers").mkdir()
        (root / "headrace.toml").write_text('[collections.disk]\nroot = "data"\n')
        (flow / "definition.json").write_text(json.dumps(DEFINITION))
        (flow / "input_schema.json").write_text("{}")
        (flow / "flow.toml").write_text('title = "Note"\n')
        self.watch_by("auto")
        subprocess.run([self.program, "deploy"], cwd=root, check=True, capture_output=True)

    def watch_by(self, observer: str) -> None:
        (self.root / "triggers" / "notes.toml").write_text(TRIGGER % observer)

    def watch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.program, "watch"], cwd=self.root, stdout=self.log, stderr=self.log
        )

    def kill_facility(self) -> None:
        status = facility_status(self.root)
        if status is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(status["pid"], signal.SIGKILL)

    def overflow_events(self, watch: subprocess.Popen[bytes]) -> None:
        """Stop the watch, and make more events than the kernel keeps."""
        os.kill(watch.pid, signal.SIGSTOP)
        try:
            for number in range(OVERFLOW):
                file = self.disk.aside / f".noise_{number}"
                file.touch()
                file.unlink()
        finally:
            os.kill(watch.pid, signal.SIGCONT)

    def remount(self, pause: float) -> None:
        self.disk.detach()
        threading.Event().wait(pause)
        self.disk.attach()

    def states(self) -> Counter[str]:
        return Counter(record.state for record in read_ledger(self.ledger))

    @property
    def ledger(self) -> Path:
        return self.root / ".headrace" / "triggers.local.db"

    def runs(self) -> list[dict[str, Any]]:
        services = connect(load_project(self.root), "local", start=True)
        return list(services.read_items("/runs", "runs", {"per_page": 100}))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    stop_facility(place.root)
    place.disk.close()


def deliver(place: Place, name: str, way: str) -> None:
    source = place.disk.aside / ".born" / name
    for file, size in FILES.items():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes(bytes(size))
    WAYS[way](source, place.disk.aside / name)


def last_change(arrival: Path) -> float:
    # Not of directories, whose links are counted: by names that come into them and go.
    return max(file.stat().st_ctime for file in arrival.rglob("*") if file.is_file())


def longest_pause(arrival: Path) -> float:
    changes = sorted(path.stat().st_ctime for path in [arrival, *arrival.rglob("*")])
    return max(after - before for before, after in pairwise(changes))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_arrival_has_one_run_and_none_early(place: Place) -> None:
    chance = random.Random(SEED)
    ways = {f"{way}_{n:05}": way for n in range(ARRIVALS) for way in [chance.choice([*WAYS])]}
    faults: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    with ThreadPoolExecutor(6) as writers:
        written = [writers.submit(deliver, place, name, way) for name, way in ways.items()]
        while not all(one.done() for one in written) or min(faults.values()) < 3:
            place.watch_by(chance.choice(OBSERVERS))
            watch = place.watch()
            for fault in chance.sample(FAULTS[1:], chance.randint(0, 2)):
                threading.Event().wait(chance.uniform(0.5, 3.0))
                if fault == "facility":
                    place.kill_facility()
                elif fault == "overflow":
                    place.overflow_events(watch)
                else:
                    place.remount(chance.uniform(0.0, 2.0))
                faults[fault] += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                watch.wait(chance.uniform(0.5, 8.0))
            assert watch.poll() is None, (place.root / "watch.log").read_text()[-3000:]
            watch.kill()
            watch.wait()
            faults["watch"] += 1
        for one in written:
            one.result()
    place.watch_by("both")
    watch = place.watch()
    deadline = time.monotonic() + 60 + ARRIVALS
    while place.states() != {"started": ARRIVALS}:
        assert time.monotonic() < deadline, place.states()
        assert watch.poll() is None, (place.root / "watch.log").read_text()[-3000:]
        threading.Event().wait(1.0)
    watch.terminate()
    watch.wait(60)

    runs = place.runs()
    labels = Counter(run["label"] for run in runs)
    assert labels == Counter(dict.fromkeys(ways, 1))
    records = read_ledger(place.ledger)
    assert {record.run_id for record in records} == {run["run_id"] for run in runs}
    early = [
        run["label"]
        for run in runs
        if datetime.fromisoformat(run["start_time"]).timestamp()
        < last_change(place.disk.aside / run["label"])
        # A tool that the machine left waiting for so long does count as being done.
        and longest_pause(place.disk.aside / run["label"]) < SETTLE
    ]
    assert early == []
    print(f"{ARRIVALS} arrivals: {Counter(ways.values())}; faults: {faults}")
