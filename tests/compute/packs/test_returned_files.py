"""Files that members return to the place of the results: they are the user's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.packs import run_pack
from tests.support.sweep_project import member
from tests.support.waiting import wait_until

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("HEADRACE_JOBS", raising=False)

    def run(*members: dict[str, Any], **more: Any) -> dict[str, Any]:
        return run_pack(str(tmp_path / "pack"), list(members), **more)["members"]

    return run


def test_inputs_and_results_at_the_place_of_the_jobs_are_copied(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sims" / "a" / "grid").mkdir(parents=True)
    (source / "sims" / "a" / "grid" / "x.dat").write_text("x")
    command = "mv grid/x.dat y.dat"
    more = {"source": "sims/a/", "inputs": ["grid/"], "outputs": ["y.dat"]}
    results = tmp_path / "results"
    for _ in range(2):
        found = run(member("a", command, **more), source=str(source), results=str(results))["a"]
        assert found["state"] == "done", found
        assert (results / "a" / "start-000.1" / "y.dat").read_text() == "x"
        assert (source / "sims" / "a" / "grid" / "x.dat").exists()
        shutil.rmtree(results)


def test_results_are_the_users_alone(run: Run, tmp_path: Path) -> None:
    """Neither the scratch directory nor a program that goes on changes them, nor the reverse."""
    goes_on = "touch up; until [ -e go ]; do sleep 0.05; done; echo late; touch went"
    command = f"setsid bash -c '{goes_on}' & until [ -e up ]; do sleep 0.05; done"
    command += "; echo on; echo x > out"
    members = [member("a", command, outputs=["out"]), member("b", "echo on")]
    results, work = tmp_path / "results", tmp_path / "pack" / "a" / "start-000.1" / "work"
    run(*members, results=str(results))
    place = results / "a" / "start-000.1"
    (work / "go").touch()
    wait_until((work / "went").exists, "the program that goes on")
    assert (place / "member.out").read_text() == "on\n"
    assert (work.parent / "stdout").read_text() == "on\nlate\n"
    assert {path.stat().st_nlink for path in place.iterdir()} == {1}
    # Nobody writes to this one any more: it was not copied.
    assert (results / "b" / "start-000.1" / "member.out").read_text() == "on\n"
    assert not (tmp_path / "pack" / "b" / "start-000.1" / "stdout").exists()
    assert [*results.glob("*/.*")] == []


def test_results_that_are_wanted_elsewhere_are_brought_there(run: Run, tmp_path: Path) -> None:
    one = member("a", "echo x > out", outputs=["out"])
    first, second = tmp_path / "first", tmp_path / "second"
    run(one, results=str(first))
    assert run(one, results=str(second))["a"]["redone"] is False
    assert (second / "a" / "start-000.1" / "out").read_text() == "x\n"
    (first / "a" / "start-000.1" / "out").write_text("changed")
    shutil.rmtree(second)
    assert run(one, results=str(second))["a"]["redone"] is True
    assert run(one)["a"]["redone"] is False
    assert (tmp_path / "pack" / "a" / "start-000.1" / "return" / "out").read_text() == "x\n"


def test_results_that_cannot_be_written_lose_nothing(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.write_text("no directory")
    found = run(member("a", "echo on; echo x > out", outputs=["out"]), results=str(results))["a"]
    assert (found["state"], found["category"]) == ("failed", "file system")
    assert (tmp_path / "pack" / "a" / "start-000.1" / "stdout").read_text() == "on\n"
