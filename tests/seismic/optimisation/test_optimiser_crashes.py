"""The optimiser killed: after each answer, and before and after each step of taking one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic.models import FieldReader
from headrace.seismic.optimisation import Optimiser, Settings
from tests.support.seismic.optimiser_problems import Problem

ITERATIONS = 4


class Killed(BaseException):
    pass


def problem_in(place: Path) -> Problem:
    place.mkdir(exist_ok=True)
    centre = np.log(3000.0) + np.random.default_rng(4).normal(0.0, 0.1, 30)
    weights = np.logspace(0.0, 1.0, 30)
    return Problem(
        place,
        lambda m: float(0.5 * np.sum(weights * (np.log(m) - centre) ** 2)),
        lambda m: weights * (np.log(m) - centre),
        np.full(30, 3000.0),
        "float32",
        precondition=lambda g: g / np.sqrt(weights),
    )


def contents(place: Path) -> dict[str, str]:
    found = {}
    for path in sorted((place / "optimiser").rglob("*.h5")):
        with FieldReader(path) as reader:
            reader.verify()
            found[str(path.relative_to(place))] = reader.content
    return found


def ended(place: Path) -> tuple[bytes, dict[str, str]]:
    assert not list(place.rglob(".*.tmp"))
    return (place / "optimiser" / "state.json").read_bytes(), contents(place)


@pytest.mark.parametrize("method", ["steepest_descent", "nlcg", "lbfgs"])
def test_opened_anew_for_every_question(tmp_path: Path, method: str) -> None:
    settings = Settings(method=method)
    straight = problem_in(tmp_path / "straight")
    straight.minimise(settings, iterations=ITERATIONS)
    broken = problem_in(tmp_path / "broken")
    task = broken.create(settings).ask()
    while task.iteration < ITERATIONS:
        broken.answer(Optimiser(broken.place / "optimiser"), task)
        again = Optimiser(broken.place / "optimiser")
        assert again.ask() == again.ask()
        task = again.ask()
    assert ended(broken.place) == ended(straight.place)
    assert (broken.misfits, broken.gradients) == (straight.misfits, straight.gradients)


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A list of one number: which flush, rename or removal from now on is the last one."""
    left = [0]

    def wrap(owner: object, name: str, after: bool) -> None:
        real = getattr(owner, name)

        def counted(*args: object, **more: object) -> object:
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Killed
            found = real(*args, **more)
            if left[0] == 0:
                raise Killed
            return found

        monkeypatch.setattr(owner, name, counted)

    wrap(os, "fsync", after=False)
    wrap(Path, "replace", after=True)
    wrap(os, "link", after=True)
    yield left
    left[0] = 0


def behind_a_wall(place: Path) -> Problem:
    """Long steps have no misfit, and one of them not even a model."""
    problem = problem_in(place)
    misfit = problem.misfit
    problem.misfit = lambda m: misfit(m) if (m < 3500.0).all() else float("nan")
    return problem


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (problem_in, Settings(memory=2)),
        (behind_a_wall, Settings(first_step=2e4, max_relative_model_change=None, max_trials=40)),
    ],
)
def test_killed_at_every_step_of_taking_an_answer(
    tmp_path: Path,
    killing: list[int],
    make: Callable[[Path], Problem],
    settings: Settings,
) -> None:
    straight = make(tmp_path / "straight")
    killing[0] = 10**9
    straight.minimise(settings, iterations=ITERATIONS)
    steps = 10**9 - killing[0]
    broken = make(tmp_path / "broken")
    kills, task = 0, None
    while task is None or task.iteration < ITERATIONS:
        # Each time a little further into the answer, until it is through; then the next one.
        at = 1
        while True:
            killing[0] = at
            try:
                if task is None:
                    task = broken.create(settings).ask()
                else:
                    task = broken.answer(Optimiser(broken.place / "optimiser"), task)
                break
            except Killed:
                kills += 1
                at += 1
    killing[0] = 0
    assert kills > steps / 2
    Optimiser(broken.place / "optimiser").begin_objective("same")
    Optimiser(straight.place / "optimiser").begin_objective("same")
    assert ended(broken.place) == ended(straight.place)


CHILD = """
import os, signal, sys
from pathlib import Path
from headrace.seismic.optimisation import Optimiser
from tests.seismic.optimisation.test_optimiser_crashes import problem_in
problem = problem_in(Path(sys.argv[1]))
optimiser = Optimiser(problem.place / "optimiser")
problem.answer(optimiser, optimiser.ask())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_by_the_system_after_each_answer(tmp_path: Path) -> None:
    settings = Settings()
    straight = problem_in(tmp_path / "straight")
    straight.minimise(settings, iterations=2)
    broken = problem_in(tmp_path / "broken")
    broken.create(settings)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    while Optimiser(broken.place / "optimiser").ask().iteration < 2:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(broken.place)], env=environment, timeout=120
        )
        assert child.returncode == -signal.SIGKILL
    assert ended(broken.place) == ended(straight.place)


def test_a_trial_model_that_was_lost_is_made_again(tmp_path: Path) -> None:
    problem = problem_in(tmp_path)
    optimiser = problem.create(Settings())
    task = problem.answer(optimiser, optimiser.ask())
    before = task.model.read_bytes()
    task.model.unlink()
    assert Optimiser(tmp_path / "optimiser").ask() == task
    assert task.model.read_bytes() == before
