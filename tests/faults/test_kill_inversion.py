"""SIGKILL of anything at random moments of an inversion: the same model, nothing computed twice."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from headrace.runs.query import retry_run
from headrace.seismic.models import FieldReader
from tests.support.adjoint_sources_project import leftovers
from tests.support.inversion_project import InversionProject
from tests.support.seismic import ray_inversion

TARGETS = ("worker", "program", "endpoint", "facility", "watcher")
PROCESSES = {
    "worker": "process_worker_pool",
    "program": "job_scripts/inversion.py",
    "endpoint": "headrace.compute.host",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[InversionProject]:
    project = InversionProject(tmp_path / "project")
    yield project
    stop_facility(project.root)


@pytest.mark.timeout(600)
def test_a_few_kills_change_nothing(project: InversionProject, tmp_path: Path):
    survive(project, tmp_path, [*TARGETS], random.Random(7))


@pytest.mark.timeout(3000)
@pytest.mark.slow
def test_thirty_kills_change_nothing(project: InversionProject, tmp_path: Path):
    chance = random.Random(20261121)
    targets = list(TARGETS * 6)
    chance.shuffle(targets)
    survive(project, tmp_path, targets, chance)


def survive(
    project: InversionProject, tmp_path: Path, targets: list[str], chance: random.Random
) -> None:
    alone = ray_inversion.make(tmp_path / "alone")
    ray_inversion.run_all(alone)
    with FieldReader(alone.optimiser / "models" / "003.h5") as reader:
        expected = reader.content
    killing = Killing(project)
    project.publish()
    hit = [target for target in targets if killing.kill(target, chance.uniform(0.0, 1.5))]
    killing.wait_for_the_end()
    assert len(hit) == len(targets), "it was over before all kills"
    assert project.content(3) == expected
    for stage in ("forward", "adjoint", "windows"):
        done = project.computed(stage)
        assert len(set(done)) == len(done), stage
    stop_facility(project.root)
    assert leftovers(project.root) == []


class Killing:
    """An inversion under way, whose parts are killed and, where nobody else does, started again."""

    def __init__(self, project: InversionProject) -> None:
        self._project = project
        self._watch = project.watching()
        self._retried: set[str] = set()

    def kill(self, target: str, after: float) -> bool:
        """Kills a part some time after now; gives whether the inversion was still under way."""
        # The kill is to fall anywhere, so here a time is waited for, not a condition.
        threading.Event().wait(after)
        if target == "watcher":
            self._watch.kill()
            self._watch.wait()
            self._watch = self._project.watching()
        elif target == "facility":
            self._project.kill_facility()
            self._project.up()
        else:
            victims = wait_until(
                lambda: self._victims(target) or self._go_on(), target, interval=0.05
            )
            self._end(victims[0])
        self._go_on()
        return not self._over()

    def wait_for_the_end(self) -> None:
        def over() -> bool:
            self._go_on()
            return self._over()

        wait_until(over, "the end of the inversion", 600, interval=0.25)
        self._watch.terminate()
        self._watch.wait()

    def _over(self) -> bool:
        return self._project.home.summary(2).is_file() and self._status() == "SUCCEEDED"

    def _status(self) -> str:
        runs = self._project.runs()
        return str(runs[-1]["status"]) if runs else ""

    def _go_on(self) -> None:
        """What a person does about a run whose program was killed: takes it up again."""
        for run in self._project.runs():
            if run["status"] == "FAILED" and run["run_id"] not in self._retried:
                self._retried.add(run["run_id"])
                retry_run(self._project.services, "local", run["run_id"])

    def _victims(self, target: str) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                ours = str(self._project.root) in words + str(process.environ())
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if not ours or process.pid == os.getpid():
                continue
            if PROCESSES[target] in words:
                found.append(process)
        return found

    def _end(self, process: psutil.Process) -> None:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return  # it was quicker
