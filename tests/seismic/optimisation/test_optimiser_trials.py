"""Trials that have no misfit, or the same as before: each ends as documented, also after a kill."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic import ModelError, OptimiserError
from headrace.seismic.models import read_model
from headrace.seismic.optimisation import Optimiser, Settings, vectors
from tests.support.seismic.optimiser_problems import UNLIMITED, Problem, Values

START = np.full(6, 2.0)
SEARCHES = [
    Settings(**UNLIMITED, method=method, line_search=search, first_step=first)
    for method in ("steepest_descent", "nlcg", "lbfgs")
    for search in ("backtracking", "bracketing")
    for first in (0.02, 50.0)
]


def gradient(values: Values) -> Values:
    return values - 1.0


def bowl(values: Values) -> float:
    return float(0.5 * np.sum((values - 1.0) ** 2))


def walled(beyond: float):
    """A bowl that cannot be computed where a value falls below a wall."""

    def misfit(values: Values) -> float:
        return beyond if (values < 0.9).any() else bowl(values)

    return misfit


@pytest.mark.parametrize("settings", SEARCHES, ids=str)
@pytest.mark.parametrize("beyond", [math.inf, math.nan, -math.inf])
def test_a_trial_without_a_misfit_is_a_shorter_step(
    tmp_path: Path, settings: Settings, beyond: float
) -> None:
    problem = Problem(tmp_path, walled(beyond), gradient, START)
    below = 1e-2 * bowl(START)
    task = problem.minimise(settings, below if beyond > 0.0 else -math.inf, iterations=2)
    assert task.kind != "stopped", task.reason
    optimiser = Optimiser(tmp_path / "optimiser")
    assert min(trial.misfit for row in optimiser.history for trial in row.trials) < bowl(START)
    trials = [trial for row in optimiser.history for trial in row.trials]
    refused = [trial for trial in trials if trial.problem]
    assert refused or settings.first_step < 1.0
    assert all(trial.misfit == math.inf for trial in refused)
    assert all(math.isfinite(trial.misfit) for trial in trials if not trial.problem)
    # What is on disk is plain JSON.
    text = (tmp_path / "optimiser" / "state.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_a_step_so_long_that_its_model_is_not_finite(tmp_path: Path) -> None:
    settings = Settings(first_step=1e39, max_relative_model_change=None)
    start = np.full(6, 0.5)
    problem = Problem(
        tmp_path, lambda m: float(np.sum(np.log(m) ** 2)), np.log, start, dtype="float32"
    )
    assert problem.minimise(settings, iterations=2).iteration == 2
    first = Optimiser(tmp_path / "optimiser").history[0].trials[0]
    assert "field a is not finite at" in first.problem


def test_a_disk_that_fails_is_no_step_that_was_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(tmp_path, bowl, gradient, START)
    optimiser = problem.create(Settings(**UNLIMITED))

    def full(*_: object) -> float:
        raise ModelError("000_trial_01.h5: cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "write_trial", full)
        with pytest.raises(ModelError, match="No space left"):
            problem.answer(optimiser, optimiser.ask())
    optimiser = Optimiser(tmp_path / "optimiser")
    task = problem.answer(optimiser, optimiser.ask())
    assert (task.kind, task.name) == ("misfit", "000_trial_01")
    assert optimiser.history[0].trials == ()


def test_a_search_in_which_no_trial_has_a_misfit_stops_and_says_why(tmp_path: Path) -> None:
    problem = Problem(
        tmp_path, lambda m: bowl(m) if (m == START).all() else math.nan, gradient, START
    )
    task = problem.minimise(Settings(**UNLIMITED))
    assert task.kind == "stopped"
    assert "8 of them without a misfit, the last: its misfit is nan" in task.reason


@pytest.mark.parametrize("settings", SEARCHES[::2], ids=str)
def test_a_misfit_that_is_flat_everywhere_ends_in_words(tmp_path: Path, settings: Settings) -> None:
    problem = Problem(tmp_path, lambda m: 3.0, gradient, START)
    task = problem.minimise(settings)
    assert task.kind == "finished"
    assert task.reason.startswith("the misfit is flat: 3 in all 8 trials, steps from ")


@pytest.mark.parametrize("settings", SEARCHES[::2], ids=str)
def test_a_misfit_in_stairs_is_left_by_longer_steps(tmp_path: Path, settings: Settings) -> None:
    # As one of shifts in whole samples is: steps of 0.02 change nothing.
    problem = Problem(tmp_path, lambda m: float(np.ceil(bowl(m))), gradient, START)
    problem.minimise(settings, iterations=1)
    history = Optimiser(tmp_path / "optimiser").history
    assert history[0].trials[0].misfit == history[0].misfit
    assert history[0].accepted is not None
    # On the lowest stair, where nothing is to be gained, it ends in words.
    task = problem.minimise(settings, iterations=9)
    assert task.kind == "finished"
    assert "the misfit is flat: 1 up to" in task.reason or "gradient is zero" in task.reason


def test_a_cap_ends_a_flat_search_early(tmp_path: Path) -> None:
    settings = Settings(max_relative_model_change=0.05)
    problem = Problem(tmp_path, lambda m: 3.0, gradient, START)
    assert "in all 4 trials" in problem.minimise(settings).reason


def test_a_gradient_of_zero_is_an_iteration_with_a_record(tmp_path: Path) -> None:
    problem = Problem(tmp_path, bowl, lambda m: 0.0 * m, START)
    task = problem.minimise(Settings(**UNLIMITED))
    assert (task.kind, task.reason) == ("finished", "the gradient is zero wherever no bound holds")
    [row] = Optimiser(tmp_path / "optimiser").history
    assert (row.misfit, row.trials, row.direction) == (bowl(START), (), "none")


def test_the_first_misfit_must_be_finite(tmp_path: Path) -> None:
    problem = Problem(tmp_path, lambda m: math.inf, gradient, START)
    with pytest.raises(OptimiserError, match="misfit of 000 is inf: look at its simulations"):
        problem.minimise(Settings(**UNLIMITED))


def test_a_gradient_too_large_for_its_square_is_told(tmp_path: Path) -> None:
    problem = Problem(tmp_path, bowl, lambda m: 1e200 * m, START)
    with pytest.raises(OptimiserError, match="gradient of 000: its length is inf"):
        problem.minimise(Settings(**UNLIMITED))


def test_a_model_is_kept_where_none_is_better(tmp_path: Path) -> None:
    problem = Problem(tmp_path, lambda m: 3.0, gradient, START)
    problem.minimise(Settings(**UNLIMITED))
    optimiser = Optimiser(tmp_path / "optimiser")
    task = optimiser.keep_model()
    assert (task.kind, task.name, task.iteration, task.forward) == ("gradient", "001", 1, "000")
    assert optimiser.keep_model() == task
    assert Optimiser(tmp_path / "optimiser").ask() == task
    assert read_model(task.model).fields["a"] == pytest.approx(START)
    assert optimiser.history[-1].notes[-1].startswith("model kept: the misfit is flat")
    # Another misfit function goes on from there.
    task = optimiser.begin_objective("next")
    assert (task.kind, task.name) == ("misfit_and_gradient", "001_next")


def test_other_settings_hold_from_the_next_iteration_on(tmp_path: Path) -> None:
    problem = Problem(tmp_path, bowl, gradient, START)
    optimiser = problem.create(Settings(**UNLIMITED))
    task = problem.answer(optimiser, optimiser.ask())
    other = Settings(**UNLIMITED, first_step=0.1, bounds={"a": (1.5, 3.0)})
    with pytest.raises(OptimiserError, match="a line search is under way in iteration 0"):
        optimiser.restart(other)
    while task.iteration == 0:
        task = problem.answer(optimiser, task)
    values = read_model(task.model).fields["a"]
    if values.min() < 1.5:
        with pytest.raises(OptimiserError, match="outside its bounds"):
            optimiser.restart(other)
    wide = Settings(**UNLIMITED, first_step=0.1, bounds={"a": (0.5, 3.0)})
    assert optimiser.restart(wide) == task
    assert optimiser.state.settings == wide
    task = problem.answer(optimiser, task)
    assert optimiser.history[-1].direction == "steepest_descent"


def test_a_search_that_has_stopped_goes_on_with_other_settings(tmp_path: Path) -> None:
    problem = Problem(tmp_path, walled(math.inf), gradient, np.full(6, 0.9))
    uphill = Settings(**UNLIMITED, max_trials=1, first_step=5.0)
    problem.gradient = lambda m: 1.0 - m  # of the wrong sign
    assert problem.minimise(uphill).kind == "stopped"
    optimiser = Optimiser(tmp_path / "optimiser")
    problem.gradient = gradient
    task = optimiser.restart(Settings(**UNLIMITED))
    assert (task.kind, task.name) == ("gradient", "000")
    while task.iteration == 0:
        task = problem.answer(optimiser, task)
    assert task.kind == "gradient"
