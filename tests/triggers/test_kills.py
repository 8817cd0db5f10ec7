"""Two hundred arrivals by four ways, with a watcher that is killed: one run for each."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import read_ledger
from tests.support.repository import SOURCE, SUPPORT
from tests.support.triggers.watcher_process import MOMENTS

HELPER = SUPPORT / "triggers" / "watcher_process.py"
EACH = 50
FILES = 6
SIZE = 3000
SETTLE = 0.5
TRIGGER = f"""
[watch]
collection = "workstation"
path = "/incoming/"
settle = {SETTLE}
interval = 0.25
observer = "%s"

[start]
flow = "adjoint_sources"
"""


def content(number: int) -> bytes:
    return bytes([number]) * SIZE


def make_event(place: Path) -> Path:
    for number in range(FILES):
        file = place / ("obs" if number % 2 else "syn") / f"trace_{number}.dat"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content(number))
    return place


def write_slowly(source: Path, target: Path) -> None:
    """Leave files open between two writes, and pause for a part of the settling time."""
    pause = threading.Event()
    for file in sorted(source.rglob("*.dat")):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes()
        with copy.open("wb", buffering=0) as stream:
            for start in range(0, SIZE, SIZE // 3):
                pause.wait(0.05)
                stream.write(data[start : start + SIZE // 3])


WAYS: dict[str, Callable[[Path, Path], Any]] = {
    "cp": lambda source, target: subprocess.run(["cp", "-r", source, target], check=True),
    "rsync": lambda source, target: subprocess.run(
        ["rsync", "-a", f"{source}/", f"{target}/"], check=True
    ),
    "mv": lambda source, target: subprocess.run(["mv", source, target], check=True),
    "slow": write_slowly,
}


def longest_pause(event: Path) -> float:
    """The longest time in s that passed between two changes in an arrival, as its files tell."""
    changes = sorted(path.stat().st_ctime_ns for path in [event, *event.rglob("*")])
    return max(after - before for before, after in pairwise(changes)) / 1e9


class Project:
    """A project whose watcher is started, killed and read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "data" / "incoming"
        self.incoming.mkdir(parents=True)
        (root / "triggers").mkdir()
        self.log = (root / "watcher.log").open("wb")

    def start(self, observer: str, kill: str = "") -> subprocess.Popen[bytes]:
        (self.root / "triggers" / "new_event.toml").write_text(TRIGGER % observer)
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "HEADRACE_TEST_KILL": kill}
        return subprocess.Popen(
            [sys.executable, str(HELPER), str(self.root)],
            env=environment,
            stdout=self.log,
            stderr=self.log,
        )

    def runs(self) -> list[dict[str, Any]]:
        file = self.root / "runs.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def unfinished(self) -> int:
        records = read_ledger(self.root / ".headrace" / "triggers.db")
        return sum(record.state != "started" for record in records)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def deliver(project: Project, way: str, numbers: range) -> None:
    for number in numbers:
        source = make_event(project.root / "born" / f"{way}_{number}")
        WAYS[way](source, project.incoming / f"{way}_{number}")


def test_each_arrival_has_one_run_although_the_watcher_is_killed(project: Project) -> None:
    chance = random.Random(2)
    ways = [way for way in WAYS if way != "rsync" or shutil.which("rsync")]
    parts = {"slow": 5}
    writers = [
        threading.Thread(target=deliver, args=(project, way, range(part, EACH, parts.get(way, 1))))
        for way in ways
        for part in range(parts.get(way, 1))
    ]
    for writer in writers:
        writer.start()
    killed = 0
    while any(writer.is_alive() for writer in writers) or killed < 12:
        kill = f"{chance.choice(MOMENTS)}:{chance.randint(1, 5)}" if chance.random() < 0.8 else ""
        watcher = project.start(chance.choice(["inotify", "poll"]), kill)
        try:
            watcher.wait(chance.uniform(0.3, 2.0))
        except subprocess.TimeoutExpired:
            watcher.kill()
        assert watcher.wait() == -signal.SIGKILL, (project.root / "watcher.log").read_text()
        killed += 1
    for writer in writers:
        writer.join()

    watcher = project.start("auto")
    # Once this one has its run, the last watcher has looked at everything.
    deliver(project, "mv", range(EACH, EACH + 1))
    expected = {f"{way}_{number}" for way in ways for number in range(EACH)} | {f"mv_{EACH}"}
    deadline = time.monotonic() + 120
    pause = threading.Event()
    while len({run["name"] for run in project.runs()}) < len(expected) or project.unfinished():
        assert time.monotonic() < deadline, (project.root / "watcher.log").read_text()[-3000:]
        assert watcher.poll() is None
        pause.wait(0.05)
    watcher.terminate()
    assert watcher.wait(120) == 0

    runs = project.runs()
    assert sorted(run["name"] for run in runs) == sorted(expected)
    early = [
        run
        for run in runs
        if (run["files"], run["bytes"]) != (FILES, FILES * SIZE)
        # A tool that the machine left waiting for so long does count as being done.
        and longest_pause(project.incoming / run["name"]) < SETTLE
    ]
    assert early == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_each_moment_leaves_one_run(project: Project, moment: str) -> None:
    make_event(project.incoming / "event")
    first = "run started:1" if moment == "searched" else f"{moment}:1"
    assert project.start("auto", first).wait(120) == -signal.SIGKILL
    if moment == "searched":
        assert project.start("auto", "searched:1").wait(120) == -signal.SIGKILL
    watcher = project.start("auto", "started:1" if moment != "noted" else "watching:1")
    assert watcher.wait(120) == -signal.SIGKILL
    assert [run["name"] for run in project.runs()] == ["event"]
    assert project.unfinished() == 0


def test_a_second_watcher_is_refused(project: Project) -> None:
    first = project.start("auto")
    try:
        deadline = time.monotonic() + 120
        pause = threading.Event()
        while b"Watching" not in (project.root / "watcher.log").read_bytes():
            assert time.monotonic() < deadline
            pause.wait(0.02)
        second = project.start("auto")
        assert second.wait(120) == 1
        log = (project.root / "watcher.log").read_text()
        assert "LedgerBusy" in log
        assert "another watcher works with this ledger" in log
    finally:
        first.terminate()
        assert first.wait(120) == 0
