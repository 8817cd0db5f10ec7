"""The monitor removes scratch directories once a day, and no fault of that stops its checks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from headrace.compute.stages.result_store import ResultStore
from headrace.config import ProjectError
from headrace.endpoints.monitor import EndpointMonitor, scratch_removal
from headrace.endpoints.monitor.scratch_removal import ScratchRemoval
from headrace.project import Project, load_project
from headrace.runs.scratch import ScratchDirectory

DAY = 86400.0
GONE = ScratchDirectory("/scratch/run7", "hpc", "r", "", "e", (), bytes=2000, removed=True)


class Place:
    """A project, a clock, and a removal that answers as it is told."""

    def __init__(self, root: Path) -> None:
        (root / "headrace.toml").write_text('[scratch]\nkeep = "30d"\n')
        self.project: Project = load_project(root)
        self.time = 1_000_000.0
        self.calls = 0
        self.answer: Callable[[], Sequence[ScratchDirectory]] = lambda: [GONE]

    def remove(self) -> Sequence[ScratchDirectory]:
        self.calls += 1
        return self.answer()

    def removal(self) -> ScratchRemoval:
        return ScratchRemoval(self.project, "local", lambda: self.time, self.remove)

    def after(self, removal: ScratchRemoval, seconds: float) -> int:
        self.time += seconds
        removal.start()
        removal.wait()
        return self.calls


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_is_done_once_a_day_by_however_many_processes(place: Place) -> None:
    removal = place.removal()
    assert [place.after(removal, 0), place.after(removal, DAY - 1)] == [1, 1]
    # As with cron, where each check is a process.
    assert [place.after(place.removal(), 0), place.after(place.removal(), 1)] == [1, 2]
    assert removal.new_lines() == ["scratch: removed /scratch/run7 (2,000 bytes)"]
    assert removal.new_lines() == []
    assert place.removal().summary().startswith("removed 1 scratch directory at ")


def test_a_clock_that_is_set_back_does_not_stop_it(place: Place) -> None:
    removal = place.removal()
    assert [place.after(removal, 0), place.after(removal, -9 * DAY)] == [1, 2]


def test_it_does_nothing_where_the_project_does_not_say_how_long(place: Place) -> None:
    place.project.config_file.write_text("")
    place.project = load_project(place.project.root)
    assert place.after(place.removal(), 0) == 0


def test_a_fault_is_said_and_tried_again_an_hour_later(place: Place) -> None:
    removal = place.removal()

    def fail() -> Sequence[ScratchDirectory]:
        raise ProjectError("no\nnetwork")

    place.answer = fail
    place.after(removal, 0)
    assert removal.problem() == "scratch: no network"
    assert [place.after(removal, 3599), place.after(removal, 1)] == [1, 2]
    place.answer = lambda: [replace(GONE, removed=False, problem="it was changed since")]
    place.after(removal, 3600)
    assert removal.problem() == "scratch: /scratch/run7 is not removed: it was changed since"
    place.answer = lambda: [GONE]
    place.after(removal, 3600)
    assert removal.problem() == ""


def test_shared_results_that_were_not_used_for_long_go_as_well(
    place: Place, tmp_path: Path
) -> None:
    """Whatever is wrong with the scratch directories; those that were used stay."""
    store = ResultStore(tmp_path / "cluster" / "results")
    (tmp_path / "made").write_text("x")
    old, used = "ab" * 32, "cd" * 32
    for key in (old, used):
        store.add(key, tmp_path / "made", {})
    before = time.time() - 91 * DAY
    os.utime(store.directory / old[:2] / old / "entry.json", (before, before))
    results = '[results]\ncollection = "hpc"\npath = "/results"\nkeep = "90d"\n'
    place.project.config_file.write_text(f'[collections.hpc]\nroot = "cluster"\n{results}')
    place.project = load_project(tmp_path)
    removal = place.removal()
    assert place.after(removal, 0) == 0  # scratch directories are kept
    [line] = removal.new_lines()
    assert line.startswith(f"results: removed 1 from {store.directory} (")
    assert "removed 0 scratch directories and 1 shared result at " in removal.summary()
    assert store.copy_out(old, tmp_path / "gone") is None
    assert store.copy_out(used, tmp_path / "copy")

    def fail() -> Sequence[ScratchDirectory]:
        raise ProjectError("no network")

    place.answer = fail
    os.utime(store.directory / used[:2] / used / "entry.json", (before, before))
    with place.project.config_file.open("a") as file:
        file.write('[scratch]\nkeep = "30d"\n')
    place.project = load_project(tmp_path)
    removal = place.removal()
    assert place.after(removal, DAY) == 1
    assert removal.problem() == "scratch: no network"
    assert store.copy_out(used, tmp_path / "gone") is None


def test_results_whose_place_is_not_said_are_a_fault(place: Place) -> None:
    place.project.config_file.write_text('[results]\nkeep = "90d"\n')
    place.project = load_project(place.project.root)
    removal = place.removal()
    place.after(removal, 0)
    assert "[results] does not say where they are" in removal.problem()


def test_a_damaged_record_and_a_full_disk_stop_nothing(place: Place) -> None:
    file = place.project.root / ".headrace" / "monitor" / "scratch.local.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"unix": ')
    assert place.after(place.removal(), 0) == 1
    file.unlink()
    file.mkdir()
    removal = place.removal()
    assert place.after(removal, 0) == 2
    assert place.after(removal, 1) == 2


def test_a_removal_that_hangs_holds_no_check_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = Event(), Event()

    def hang(project: Project, target: str) -> Sequence[ScratchDirectory]:
        begun.set()
        released.wait()
        return [GONE]

    monkeypatch.setattr(scratch_removal, "_remove_scratch", hang)
    monitor = EndpointMonitor(place.project, "local", interval=300.0, now=lambda: place.time)
    try:
        monitor.check()
        begun.wait()
        monitor.check()
    finally:
        released.set()
    monitor.scratch_removal.wait()
    assert len(monitor.scratch_removal.new_lines()) == 1


def test_the_heartbeat_says_what_was_removed_and_what_went_wrong(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_removal, "_remove_scratch", lambda project, target: place.remove())

    def beaten() -> dict[str, str]:
        EndpointMonitor(place.project, "local", now=lambda: place.time).check()
        [file] = (place.project.root / ".headrace" / "heartbeats").glob("monitor*")
        found: dict[str, str] = json.loads(file.read_text())
        return found

    assert "; removed 1 scratch directory at " in beaten()["activity"]
    place.time += DAY

    def fail() -> Sequence[ScratchDirectory]:
        raise OSError("the disk is gone")

    place.answer = fail
    assert beaten()["problem"] == "scratch: the disk is gone"
