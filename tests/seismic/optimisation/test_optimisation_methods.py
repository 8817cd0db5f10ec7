"""An optimisation method of another package takes an inversion by rays through two iterations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.seismic.errors import OptimiserError
from headrace.seismic.optimisation import Optimiser, Settings, find_method, method_names
from tests.support.seismic import ray_inversion

AddEntryPoint = Callable[[str, str, str], None]


@pytest.fixture
def outside(extensions: Path, add_entry_point: AddEntryPoint) -> None:
    """The example of docs/extending.md, as a module of another package."""
    add_entry_point("headrace.optimisers", "halving_descent", "halving_descent:METHOD")


def test_the_methods_of_the_package_are_found() -> None:
    assert method_names() == ["lbfgs", "nlcg", "steepest_descent"]
    assert [find_method(name).keeps_pairs for name in method_names()] == [True, False, False]


def test_an_inversion_runs_by_a_method_of_another_package(outside: None, tmp_path: Path) -> None:
    paths = ray_inversion.make(tmp_path / "inversion")
    text = paths.settings.read_text()
    text = text.replace("[optimiser]", '[optimiser]\nmethod = "halving_descent"')
    paths.settings.write_text(text)
    for number in range(2):
        answer = ray_inversion.run_iteration(paths, number)
    assert answer["next"] == 2
    state = Optimiser(paths.optimiser).state
    assert state.settings.method == "halving_descent"
    misfits = [row.misfit for row in state.history]
    assert misfits[0] > misfits[1] > float(state.misfit or 0.0) > 0.0
    for row in state.history[:2]:
        assert row.direction == "steepest_descent"
        steps = [trial.step for trial in row.trials]
        assert steps == [steps[0] / 2.0**number for number in range(len(steps))]
        assert row.accepted == row.trials[-1].name


def test_one_that_cannot_be_used_is_named(add_entry_point: AddEntryPoint) -> None:
    with pytest.raises(OptimiserError, match="'halving_descent' is not one of lbfgs, nlcg"):
        Settings(method="halving_descent")
    add_entry_point("headrace.optimisers", "gone", "no_such_module:METHOD")
    with pytest.raises(OptimiserError, match="'gone' needs no_such_module"):
        find_method("gone")
    add_entry_point("headrace.optimisers", "twice", "one:METHOD")
    add_entry_point("headrace.optimisers", "twice", "two:METHOD")
    with pytest.raises(OptimiserError, match="two packages define it, one:METHOD and two:METHOD"):
        find_method("twice")
