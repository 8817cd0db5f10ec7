"""The optimiser as a whole: what it finds, what it keeps to, what it refuses."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from headrace.seismic import ModelError, OptimiserError
from headrace.seismic.models import Provenance, read_model, write_model
from headrace.seismic.optimisation import Optimiser, Settings
from tests.support.seismic.optimiser_problems import (
    UNLIMITED,
    Problem,
    layout_for,
    rosenbrock,
    rosenbrock_gradient,
    rosenbrock_start,
)


def quadratic(place: Path, n: int = 20, condition: float = 100.0, **more) -> Problem:
    weights = np.logspace(0.0, np.log10(condition), n)
    centre = np.random.default_rng(4).normal(3.0, 1.0, n)
    return Problem(
        place,
        lambda x: float(0.5 * np.sum(weights * (x - centre) ** 2)),
        lambda x: weights * (x - centre),
        np.ones(n),
        **more,
    )


def logarithmic(place: Path, dtype: str = "float32") -> Problem:
    """A quadratic in the logarithm of the parameter, far from its start."""
    centre = np.log(3000.0) + np.random.default_rng(4).normal(0.0, 0.3, 30)
    return Problem(
        place,
        lambda m: float(0.5 * np.sum((np.log(m) - centre) ** 2)),
        lambda m: np.log(m) - centre,
        np.full(30, 3000.0),
        dtype,
    )


def scipy_evaluations(problem: Problem, below: float, memory: int) -> int:
    """Evaluations until SciPy's L-BFGS-B first sees a misfit below."""
    seen: list[float] = []

    class Reached(Exception):
        pass

    def both(flat):
        values = flat.reshape(problem.start.shape)
        seen.append(problem.misfit(values))
        if seen[-1] < below:
            raise Reached
        return seen[-1], problem.gradient(values).ravel()

    options = {"maxcor": memory, "ftol": 0.0, "gtol": 0.0, "maxiter": 5000, "maxfun": 5000}
    with pytest.raises(Reached):
        minimize(both, problem.start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return len(seen)


@pytest.mark.parametrize(
    "shape",
    [(2,), (10, 10), pytest.param((1000, 1000), marks=pytest.mark.slow)],
    ids=["n=2", "n=100", "n=1e6"],
)
def test_rosenbrock_beside_scipy(tmp_path: Path, shape: tuple[int, ...]) -> None:
    problem = Problem(tmp_path, rosenbrock, rosenbrock_gradient, rosenbrock_start(*shape))
    below = 1e-8 * rosenbrock(problem.start)
    problem.minimise(Settings(**UNLIMITED), below)
    assert problem.lowest < below
    assert problem.misfits <= 1.3 * scipy_evaluations(problem, below, Settings().memory)
    assert problem.gradients < problem.misfits


@pytest.mark.parametrize("condition", [10.0, 100.0])
def test_quadratic_beside_scipy(tmp_path: Path, condition: float) -> None:
    problem = quadratic(tmp_path, 50, condition)
    below = 1e-8 * problem.misfit(problem.start)
    problem.minimise(Settings(**UNLIMITED), below)
    assert problem.lowest < below
    assert problem.misfits <= 1.3 * scipy_evaluations(problem, below, Settings().memory)


@pytest.mark.parametrize(
    ("method", "iterations"), [("steepest_descent", 60), ("nlcg", 25), ("lbfgs", 25)]
)
@pytest.mark.parametrize("line_search", ["backtracking", "bracketing"])
def test_every_method_reaches_the_minimum(tmp_path, method, iterations, line_search) -> None:
    problem = quadratic(tmp_path, 10, 8.0)
    settings = Settings(method=method, line_search=line_search, **UNLIMITED)
    problem.minimise(settings, below=1e-8, iterations=iterations)
    assert problem.lowest < 1e-8


def test_conjugate_gradients_need_fewer_iterations_than_steepest_descent(tmp_path: Path) -> None:
    needed = {}
    for method in ("steepest_descent", "nlcg"):
        place = tmp_path / method
        place.mkdir()
        settings = Settings(method=method, line_search="bracketing", **UNLIMITED)
        task = quadratic(place, 10, 20.0).minimise(settings, below=1e-5, iterations=80)
        needed[method] = task.iteration
    assert needed["nlcg"] < 0.5 * needed["steepest_descent"]


def test_no_iteration_changes_the_model_by_more_than_allowed(tmp_path: Path) -> None:
    problem = logarithmic(tmp_path)
    problem.minimise(Settings(max_relative_model_change=0.05), iterations=8)
    models = [
        read_model(path).fields["a"] for path in sorted(tmp_path.glob("optimiser/models/00?.h5"))
    ]
    changes = [float(np.abs(new / old - 1.0).max()) for old, new in itertools.pairwise(models)]
    assert len(changes) == 8
    assert max(changes) <= 0.05
    assert changes[0] > 0.04


def test_the_first_trial_is_a_small_relative_change(tmp_path: Path) -> None:
    problem = logarithmic(tmp_path)
    optimiser = problem.create(Settings())
    task = problem.answer(optimiser, optimiser.ask())
    change = np.abs(read_model(task.model).fields["a"] / 3000.0 - 1.0).max()
    assert change == pytest.approx(0.02, rel=1e-3)


def test_bounds_hold_and_the_minimum_within_them_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(12, 12))
    hessian, centre = root @ root.T + np.eye(12), rng.normal(3.0, 1.5, 12)
    problem = Problem(
        tmp_path,
        lambda x: float(0.5 * (x - centre) @ hessian @ (x - centre)),
        lambda x: hessian @ (x - centre),
        np.full(12, 3.0),
    )
    reference = minimize(
        problem.misfit,
        problem.start,
        jac=problem.gradient,
        method="L-BFGS-B",
        bounds=[(2.0, 4.0)] * 12,
        options={"ftol": 1e-14, "gtol": 1e-10},
    )
    settings = Settings(**UNLIMITED, bounds={"a": (2.0, 4.0)})
    problem.minimise(settings, below=reference.fun * (1 + 1e-8) + 1e-12, iterations=100)
    assert problem.lowest <= reference.fun * (1 + 1e-8) + 1e-12
    for path in tmp_path.glob("optimiser/models/*.h5"):
        values = read_model(path).fields["a"]
        assert values.min() >= 2.0
        assert values.max() <= 4.0


def test_it_finishes_when_all_points_are_held_by_bounds(tmp_path: Path) -> None:
    problem = Problem(tmp_path, lambda x: float(x.sum()), np.ones_like, np.full(4, 2.0))
    task = problem.minimise(Settings(**UNLIMITED, bounds={"a": (1.0, None)}))
    assert task.kind == "finished"
    np.testing.assert_array_equal(read_model(task.model).fields["a"], 1.0)


def test_a_preconditioner_shortens_the_way_and_keeps_the_true_slope(tmp_path: Path) -> None:
    weights = np.logspace(0.0, 4.0, 50)
    # Its units are its own: only the direction may matter.
    problem = quadratic(tmp_path, 50, 1e4, precondition=lambda g: 1e6 * g / weights)
    problem.minimise(Settings(**UNLIMITED), below=1e-6)
    assert problem.lowest < 1e-6
    assert problem.misfits <= 15
    plain = quadratic(tmp_path, 50, 1e4)
    optimiser = plain.create(Settings(**UNLIMITED), "plain")
    task = optimiser.ask()
    while plain.misfits < 4 * problem.misfits:
        task = plain.answer(optimiser, task)
    assert plain.lowest > 1e-6


def test_a_misfit_that_rises_on_every_trial_stops_after_one_restart(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    task = optimiser.ask()
    while task.iteration < 2:
        task = problem.answer(optimiser, task)
    task = problem.answer(optimiser, task)
    trials = 0
    while task.kind == "misfit":
        trials += 1
        task = optimiser.tell(task.name, misfit=1e9 + trials)
    assert trials == 2 * Settings().max_trials
    assert task.kind == "stopped"
    assert "no decrease" in task.reason
    record = optimiser.history[-1]
    assert record.direction == "steepest_descent"
    assert any("memory dropped" in note for note in record.notes)
    assert len(record.trials) == trials
    assert len({trial.name for trial in record.trials}) == trials


def test_steepest_descent_that_fails_stops_at_once(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    task = problem.answer(optimiser, optimiser.ask())
    trials = 0
    while task.kind == "misfit":
        trials += 1
        task = optimiser.tell(task.name, misfit=1e9)
    assert (task.kind, trials) == ("stopped", Settings().max_trials)
    with pytest.raises(OptimiserError, match="it has stopped"):
        optimiser.tell("000_trial_99", misfit=1.0)


def test_a_new_band_drops_the_memory_and_asks_for_both(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    task = optimiser.ask()
    while task.iteration < 3 or task.kind != "misfit":
        task = problem.answer(optimiser, task)
    assert len(optimiser.state.pairs) > 1
    abandoned = task.name
    task = optimiser.begin_objective("band_2")
    assert (task.kind, task.name, task.iteration) == ("misfit_and_gradient", "003_band_2", 3)
    assert optimiser.begin_objective("band_2") == task
    assert optimiser.state.pairs == ()
    task = problem.answer(optimiser, task)
    assert optimiser.history[-1].objective == "band_2"
    assert optimiser.history[-1].direction == "steepest_descent"
    assert task.name not in {abandoned, *(trial.name for trial in optimiser.history[-2].trials)}
    with pytest.raises(OptimiserError, match="not what was asked"):
        optimiser.tell(abandoned, misfit=0.0)
    optimiser.begin_objective("band_3")
    with pytest.raises(OptimiserError, match="band_2 is over"):
        optimiser.begin_objective("band_2")
    with pytest.raises(OptimiserError, match="cannot be a tag"):
        optimiser.begin_objective("../x")


def test_the_gradient_of_an_accepted_trial_uses_its_forward_run(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    task, trials = optimiser.ask(), []
    while task.iteration == 0:
        task = problem.answer(optimiser, task)
        trials.append(task.name)
    assert task.kind == "gradient"
    assert task.name == "001"
    assert task.forward == optimiser.history[0].accepted
    assert task.forward in trials
    best = min(optimiser.history[0].trials, key=lambda trial: trial.misfit)
    assert task.forward == best.name
    assert (problem.gradients, problem.misfits) == (1, len(optimiser.history[0].trials) + 1)


def test_misfit_and_gradient_may_be_told_one_after_the_other(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    task = optimiser.tell("000", misfit=problem.misfit(problem.start))
    assert (task.kind, task.name) == ("gradient", "000")
    assert problem.answer(optimiser, task).kind == "misfit"


def test_an_answer_told_again_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    first = optimiser.ask()
    second = problem.answer(optimiser, first)
    before = (tmp_path / "optimiser/state.json").read_bytes()
    known = optimiser.state.answers["000"].misfit
    assert optimiser.tell("000", misfit=known) == second
    assert optimiser.tell("000", gradient=tmp_path / "gradient.h5") == second
    with pytest.raises(OptimiserError, match="differs now"):
        optimiser.tell("000", misfit=known + 1.0)
    with pytest.raises(OptimiserError, match="not what was asked; misfit of 000_trial_01 is"):
        optimiser.tell("000_trial_02", misfit=1.0)
    with pytest.raises(OptimiserError, match="misfit of 000 is nan"):
        optimiser.tell("000", misfit=float("nan"))
    with pytest.raises(OptimiserError, match="only its misfit"):
        optimiser.tell("000_trial_01", misfit=1.0, gradient=tmp_path / "gradient.h5")
    assert (tmp_path / "optimiser/state.json").read_bytes() == before


def test_a_gradient_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    optimiser = problem.create(Settings(**UNLIMITED))
    wrong = tmp_path / "wrong.h5"
    write_model(wrong, layout_for((3,)), {"a": np.ones(3)}, Provenance("test"))
    with pytest.raises(OptimiserError, match=r"a on \(3,\); the model is a on \(20,\)"):
        optimiser.tell("000", misfit=1.0, gradient=wrong)
    with pytest.raises(ModelError, match="no such file"):
        optimiser.tell("000", misfit=1.0, gradient=tmp_path / "none.h5")
    assert optimiser.ask().kind == "misfit_and_gradient"


def test_a_start_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    problem = Problem(tmp_path, np.sum, np.ones_like, np.array([-1.0, 2.0]))
    with pytest.raises(OptimiserError, match="has no logarithm"):
        problem.create(Settings())
    with pytest.raises(OptimiserError, match="outside its bounds 0 to inf"):
        problem.create(Settings(parametrisation="linear", bounds={"a": (0.0, None)}))
    with pytest.raises(OptimiserError, match="no field vs, for which there are bounds"):
        problem.create(Settings(parametrisation="linear", bounds={"vs": (0.0, None)}))
    with pytest.raises(OptimiserError, match="no optimisation was started"):
        Optimiser(tmp_path / "optimiser")


def test_a_directory_keeps_one_optimisation(tmp_path: Path) -> None:
    problem = quadratic(tmp_path)
    problem.create(Settings(**UNLIMITED))
    assert problem.create(Settings(**UNLIMITED)).ask().name == "000"
    with pytest.raises(OptimiserError, match="another optimisation"):
        problem.create(Settings(**UNLIMITED, memory=7))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"method": "newton"}, "method: 'newton' is not one of"),
        ({"memory": 0}, "memory: 0 must be at least 1"),
        ({"max_relative_model_change": 5.0}, "must be between 0 and 1"),
        ({"shrink": [0.5, 0.1]}, "shrink"),
        ({"bounds": {"vp": [2.0, 1.0]}}, "2.0 is not below 1.0"),
        ({"steps": 3}, "steps: no such setting"),
        ({"memory": "five"}, "wrong type"),
    ],
)
def test_settings_are_checked(told, message) -> None:
    with pytest.raises(OptimiserError, match=message):
        Settings.from_dict(told)


def test_settings_survive_json() -> None:
    made = Settings(method="nlcg", bounds={"vp": (None, 3.0)}, shrink=(0.2, 0.4))
    assert Settings.from_dict(made.to_dict()) == made
