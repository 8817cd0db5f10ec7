"""What is finished is not computed again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.seismic import ModelError, SolverError
from headrace.seismic.solvers import (
    AdjointRun,
    ForwardRun,
    is_finished,
    open_solver,
    run_all,
    run_key,
    solver_names,
)
from tests.support.seismic.small_models import small_event, small_model

SETTINGS: dict[str, Any] = {"dt": 0.1}


class Counting:
    """A solver that writes a file per run, and may fail."""

    name = "counting"
    needs_wavefield = True

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fail_on = ""

    def check(self, model: Path, events: object) -> list[str]:
        return []

    def forward(self, run: ForwardRun) -> None:
        self._write(run, "synthetics/trace")

    def adjoint(self, run: AdjointRun) -> None:
        self._write(run, "kernels.h5")

    def _write(self, run: ForwardRun | AdjointRun, name: str) -> None:
        path = run.output / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(run.event.name)
        if run.event.name == self.fail_on:
            raise SolverError("it went wrong")
        self.done.append(run.event.name)


@pytest.fixture
def runs(tmp_path: Path) -> list[ForwardRun]:
    model = small_model(tmp_path / "model.h5")
    return [
        ForwardRun(model, small_event(tmp_path / "events" / name), tmp_path / "out" / name)
        for name in ("a", "b", "c")
    ]


def computed(solver: Counting, runs: list[Any], settings: dict[str, Any] = SETTINGS) -> list[bool]:
    return [outcome.computed for outcome in run_all(solver, runs, settings)]


def test_only_what_is_missing_is_computed(runs: list[ForwardRun]) -> None:
    solver = Counting()
    assert computed(solver, runs[:2]) == [True, True]
    assert computed(solver, runs) == [False, False, True]
    assert solver.done == ["a", "b", "c"]
    told = json.loads((runs[0].output / "done.json").read_text())
    assert told["files"] == {"synthetics/trace": 1}


def test_a_failed_run_leaves_nothing_and_those_before_it_stay(runs: list[ForwardRun]) -> None:
    solver = Counting()
    solver.fail_on = "b"
    with pytest.raises(SolverError, match="it went wrong"):
        computed(solver, runs)
    assert [run.output.exists() for run in runs] == [True, False, False]
    solver.fail_on = ""
    assert computed(solver, runs) == [False, True, True]
    assert sorted(path.name for path in runs[0].output.parent.iterdir()) == ["a", "b", "c"]


@pytest.mark.parametrize("change", ["settings", "event", "model", "torn", "lost", "unmarked"])
def test_what_changed_is_computed_again(change: str, runs: list[ForwardRun]) -> None:
    solver, settings = Counting(), dict(SETTINGS)
    computed(solver, runs)
    if change == "settings":
        settings["dt"] = 0.2
    elif change == "event":
        (runs[0].event / "STATIONS").write_text("S1 AA 1 2\n")
    elif change == "model":
        shutil.copy(runs[0].model, runs[0].model.with_name("other.h5"))
        runs = [dataclasses.replace(runs[0], model=runs[0].model.with_name("other.h5")), *runs[1:]]
        assert computed(solver, runs) == [False, False, False]  # the same content
        small_model(runs[0].model, {"vp": 0.01})  # type: ignore[dict-item]
    elif change == "torn":
        (runs[0].output / "synthetics" / "trace").write_text("")
    elif change == "lost":
        (runs[0].output / "synthetics" / "trace").unlink()
    else:
        (runs[0].output / "done.json").write_text("{")
    assert computed(solver, runs, settings)[0]
    assert computed(solver, runs, settings) == [False, False, False]


def test_an_adjoint_run_depends_on_its_adjoint_sources(
    runs: list[ForwardRun], tmp_path: Path
) -> None:
    solver, sources = Counting(), tmp_path / "adj"
    run = AdjointRun(runs[0].model, runs[0].event, tmp_path / "out", sources, tmp_path / "kernel")
    with pytest.raises(SolverError, match="adj: no such directory"):
        computed(solver, [run])
    sources.mkdir()
    (sources / "A.adj").write_text("0 1\n")
    assert computed(solver, [run, run]) == [True, False]
    (sources / "A.adj").write_text("0 2\n")
    assert computed(solver, [run]) == [True]


def test_a_wavefield_is_asked_of_those_solvers_alone_that_need_it(runs: list[ForwardRun]) -> None:
    solver, run = Counting(), runs[0]
    keeping = dataclasses.replace(run, save_wavefield=True)
    assert run_key("x", run, SETTINGS) == run_key("x", keeping, SETTINGS)
    assert computed(solver, [run, keeping, keeping, run]) == [True, True, False, False]
    shutil.rmtree(run.output)
    solver.needs_wavefield = False
    assert computed(solver, [run, keeping]) == [True, False]


def test_inputs_that_are_not_there_are_named(runs: list[ForwardRun], tmp_path: Path) -> None:
    for change, error in (("model", ModelError), ("event", SolverError)):
        missing = dataclasses.replace(runs[0], **{change: tmp_path / "none"})
        with pytest.raises(error, match="none: no such"):
            computed(Counting(), [missing])
    assert not is_finished(tmp_path / "none", "key")


def test_a_solver_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SolverError, match=f"'magic': there are {', '.join(solver_names())}"):
        open_solver("magic", {})
