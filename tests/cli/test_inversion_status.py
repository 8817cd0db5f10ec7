"""`headrace inversion status` says whether somebody advances an inversion, and is right."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.cli.parsing.session import Session
from headrace.facility import stop_facility
from headrace.pipelines.inversion import runs
from tests.support.inversion_project import HEADRACE, InversionProject

# A machine on which nothing goes on before somebody lets it.
HELD = """
import pathlib, time
while not pathlib.Path(__file__).with_name("go_on").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[InversionProject]:
    project = InversionProject(tmp_path / "project", events=2)
    yield project
    stop_facility(project.root)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InversionProject]:
    """A project whose first run has failed."""
    project = InversionProject(tmp_path_factory.mktemp("failed") / "project", events=2)
    (project.home.observed_event("002") / "AA.S01.BXP.semp").unlink()
    project.publish()
    assert project.watch() == 1
    yield project
    stop_facility(project.root)


def status(project: InversionProject, *options: str) -> dict[str, Any]:
    command = [*HEADRACE, "inversion", "status", "-F", "json", *options]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_running(project: InversionProject) -> dict[str, Any] | None:
    told = status(project)
    return told if told["state"] == "running" else None


@pytest.mark.timeout(300)
def test_each_state_is_true(project: InversionProject) -> None:
    script = project.root / "job_scripts" / "inversion.py"
    script.write_text(script.read_text().replace("if __name__", HELD + "\nif __name__"))
    told = status(project)
    assert told["state"] == "waiting"
    assert "it has not started" in told["reason"]
    project.publish()
    told = status(project)
    assert (told["state"], told["run_id"]) == ("waiting", None)
    assert "no `headrace watch` is on to run it" in told["reason"]

    watch = project.watching()
    try:
        told = wait_until(lambda: is_running(project), "its run", 120)
        assert "no `headrace watch`" not in told["reason"]
    finally:
        watch.terminate()
        watch.wait()
    (run,) = project.runs()
    told = status(project)
    assert (told["state"], told["run_id"]) == ("running", run["run_id"])
    assert told["reason"].endswith("so the next iteration will wait for one")
    project.services.flows.cancel_run(run["run_id"])
    wait_until(lambda: project.runs()[0]["status"] != "ACTIVE", "the end")
    script.with_name("go_on").touch()
    told = status(project)
    assert told["state"] == "cancelled"
    assert f"`headrace run retry {run['run_id'][:8]}`" in told["reason"]

    # A place that does not know it is no place where it runs.
    told = status(project, "--at", "globus")
    assert told["state"] == "unknown"
    assert "its runs cannot be asked for" in told["reason"]

    stop_facility(project.root)
    told = status(project)
    assert told["state"] == "waiting"
    assert "is down, so nobody advances iteration" in told["reason"]


@pytest.mark.timeout(300)
def test_a_run_that_failed_is_not_running(failed: InversionProject) -> None:
    told = status(failed)
    assert told["state"] == "failed"
    assert "event 002: no observed seismogram of AA.S01" in told["reason"]
    assert told["run_id"] == failed.runs()[0]["run_id"]


@pytest.mark.timeout(300)
def test_what_a_watch_has_left_alone_is_told(project: InversionProject) -> None:
    project.publish()
    watched = [*HEADRACE, "watch", "inversion", "--existing", "skip", "--until-idle", "0.1"]
    subprocess.run(watched, cwd=project.root, capture_output=True, check=True)
    told = status(project)
    assert (told["state"], told["run_id"]) == ("waiting", None)
    assert "was skipped; `headrace inversion resume --again`" in told["reason"]


@pytest.mark.timeout(300)
def test_a_run_is_found_behind_many_runs_of_others(
    failed: InversionProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if so many runs had begun since.
    monkeypatch.setattr(runs, "_LOOKED_THROUGH", 0)
    root, session = failed.home.root, Session()
    found = runs.InversionRuns(root, "local", lambda: failed.project, session.services)
    state = found.state(0)
    assert (state.state, state.run_id) == ("failed", failed.runs()[0]["run_id"])
