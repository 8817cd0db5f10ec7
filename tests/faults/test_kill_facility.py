"""SIGKILL of the facility at random moments of the adjoint-sources flow."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator

import pytest

from tests.support.waiting import wait_until

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import Project, leftovers

ROUNDS = 10
KILLS_PER_ROUND = 5
# Kills fall into the first seconds after a start, where the facility takes up what it finds, and
# around the moments at which a state begins.
STATES = ["TransferWaveforms", "ProcessWaveforms", "Summarise", "TransferResults", "Done"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("killed") / "project")
    yield project
    stop_facility(project.root)


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_every_run_ends_well_though_its_facility_is_killed(project: Project):
    chance = random.Random(20261120)
    untouched = project.start("reference")
    assert project.wait(untouched)["status"] == "SUCCEEDED"
    expected = project.results("reference")
    assert any(name.endswith(".adj") for name in expected)
    log = project.codes(untouched)

    for number in range(ROUNDS):
        name = f"killed-{number}"
        run_id = project.start(name)
        for _ in range(KILLS_PER_ROUND):
            state = chance.choice(STATES)
            moment = chance.expovariate(1 / 0.4)
            watch = Moment(project, run_id, state, moment)
            watch.wait()
            project.kill()
            project.up()
        run = project.wait(run_id)
        assert run["status"] == "SUCCEEDED", run["details"]
        assert project.codes(run_id) == log
        assert project.results(name) == expected

    store = sqlite3.connect(f"file:{project.root}/.headrace/facility.db?mode=ro", uri=True)
    per_state = store.execute(
        "SELECT COUNT(*), COUNT(DISTINCT run_id || state_name), SUM(attempts) FROM actions"
    ).fetchone()
    store.close()
    actions, distinct, attempts = per_state
    assert actions == distinct == 3 * (ROUNDS + 1)
    assert attempts > actions  # some kills fell into an action, or they tested nothing

    stop_facility(project.root)
    assert leftovers(project.root) == []


class Moment:
    """A point in time: so long after a run has come to a state, or has ended."""

    def __init__(self, project: Project, run_id: str, state: str, seconds: float) -> None:
        self._project = project
        self._run_id = run_id
        self._state = state
        self._seconds = seconds

    def wait(self) -> None:
        def reached() -> bool:
            told = self._project.codes(self._run_id)
            over = self._project.run(self._run_id)["status"] != "ACTIVE"
            return over or any(state == self._state for _, state in told)

        wait_until(reached, f"state {self._state}")
        # The kill is to fall anywhere, so here a time is waited for, not a condition.
        threading.Event().wait(self._seconds)
