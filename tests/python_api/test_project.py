"""Python programs deploy, start and wait, at a facility of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import headrace
from headrace.facility import stop_facility
from headrace.python_api.run import RunFailed
from tests.support.command_walk.installed_program import Program
from tests.support.small_project import write_project

FAIL = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "E", "Cause": "no beam"}}}
LATER = {"StartAt": "Later", "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[headrace.Project]:
    root = write_project(tmp_path_factory.mktemp("project"))
    for name, definition in (("fail", FAIL), ("later", LATER)):
        (root / "flows" / name).mkdir()
        (root / "flows" / name / "definition.json").write_text(json.dumps(definition))
    (root / "headrace.toml").write_text('name = "small"\n[collections.here]\nroot = "data"\n')
    project = headrace.Project(root)
    try:
        assert {step["name"] for step in project.deploy()} == {"say", "fail", "later", "double"}
        yield project
    finally:
        stop_facility(root)


def test_a_run_is_started_and_waited_for(project: headrace.Project) -> None:
    assert project.deploy("say") == []
    run = project.start("say", {"word": "hello"}, label="a word").wait()
    assert (run.status, run.output) == ("SUCCEEDED", {"said": "hello"})
    assert run.results is None
    assert project.run().id == project.run(run.id[:8]).id == run.id
    assert project.run("last").output["said"] == "hello"


def test_what_does_not_succeed_raises(project: headrace.Project) -> None:
    run = project.start("fail")
    with pytest.raises(RunFailed, match="no beam"):
        run.wait()
    assert run.wait(check=False).status == "FAILED"


def test_who_waits_no_longer_leaves_the_run_alone(project: headrace.Project) -> None:
    run = project.start("later")
    with pytest.raises(TimeoutError, match="it goes on"):
        run.wait(0.1)
    assert run.status == "ACTIVE"
    run.cancel()
    with pytest.raises(RunFailed):
        run.wait()


def test_the_environment_names_the_project(
    project: headrace.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(project.root))
    assert headrace.Project().root == project.root
    elsewhere = Program(project.root.parent)
    shown = elsewhere("flow", "list", "-F", "unix", HEADRACE_PROJECT=str(project.root))
    assert "say" in shown.stdout


def test_a_project_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(headrace.errors.HeadraceError, match="headrace init"):
        headrace.Project(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        headrace.Nothing  # type: ignore[attr-defined]  # noqa: B018
