"""The moves from one state to the next; each writes the vectors that the new state names."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import TypeVar

from headrace.seismic.errors import OptimiserError
from headrace.seismic.optimisation import vectors
from headrace.seismic.optimisation.base import Iterate, PreviousGradient
from headrace.seismic.optimisation.directions import STEEPEST_DESCENT, Combination, Products
from headrace.seismic.optimisation.line_search import LineSearch, Trial
from headrace.seismic.optimisation.method_lookup import find_method
from headrace.seismic.optimisation.paths import OptimiserPaths
from headrace.seismic.optimisation.settings import Settings
from headrace.seismic.optimisation.state import Iteration, LbfgsPair, PreviousIterate, State

_Value = TypeVar("_Value")
# A relative change that is kept below its limit although the model may be rounded to float32.
_ROUNDING = 1.0 - 1e-5
_CURVATURE = 1e-12


def require(value: _Value | None) -> _Value:
    """Return a value that the phase guarantees.

    Raises:
        OptimiserError: the state was changed by hand.
    """
    if value is None:
        raise OptimiserError("the optimiser's state does not fit together: was it edited?")
    return value


def keep_gradient(
    state: State, paths: OptimiserPaths, gradient: Path, preconditioned: Path | None
) -> State:
    """Copy the gradients of the current model."""
    layout = vectors.layout_of(paths.model(state.model))
    name = f"gradient_{state.evaluation}"
    vectors.copy_vector(gradient, paths.vector(name), layout)
    processed = None
    if preconditioned is not None:
        processed = f"preconditioned_{state.evaluation}"
        vectors.copy_vector(preconditioned, paths.vector(processed), layout)
    return dataclasses.replace(state, gradient=name, preconditioned=processed)


def update_memory(state: State, paths: OptimiserPaths) -> State:
    """Add the last step to the memory of pairs if its curvature is positive."""
    settings, previous = state.settings, state.previous
    if previous is None or not find_method(settings.method).keeps_pairs:
        return state
    age = state.age + 1
    if settings.restart_every is not None and age >= settings.restart_every:
        return drop_memory(state)
    pairs, products = state.pairs, state.products
    while len(pairs) >= settings.memory:
        pairs, products = pairs[1:], products.without_oldest()
    pair, (s, y, py) = _write_pair(state, previous, paths)
    all_s, all_y, all_py = ([paths.vector(name) for name in names] for names in _columns(pairs))
    all_s, all_y, all_py = [*all_s, s], [*all_y, y], [*all_py, py]
    count = len(all_s)
    found = vectors.inner(
        [(s, other) for other in all_y]
        + [(other, y) for other in all_s]
        + [(y, other) for other in all_py]
        + [(other, py) for other in all_y]
        + [(s, s), (y, y)]
    )
    rows = [found[start : start + count] for start in range(0, 4 * count, count)]
    curvature, bend = rows[0][-1], rows[2][-1]
    # A pair that bends the wrong way, or whose preconditioned step does, would spoil the memory.
    if curvature <= _CURVATURE * math.sqrt(found[-2] * found[-1]) or bend <= 0.0:
        return dataclasses.replace(state, age=age)
    products = products.with_pair(*rows)
    return dataclasses.replace(state, age=age, pairs=(*pairs, pair), products=products)


def _write_pair(
    state: State, previous: PreviousIterate, paths: OptimiserPaths
) -> tuple[LbfgsPair, list[Path]]:
    names = [f"{kind}_{state.evaluation}" for kind in ("s", "y", "py")]
    files = [paths.vector(name) for name in names]
    gradient = paths.vector(require(state.gradient))
    vectors.write_pair(
        (paths.model(previous.model), paths.model(state.model)),
        (paths.vector(previous.gradient), gradient),
        (files[0], files[1]),
        state.settings,
    )
    if previous.preconditioned is None or state.preconditioned is None:
        return LbfgsPair(names[0], names[1], names[1]), [files[0], files[1], files[1]]
    vectors.write_difference(
        paths.vector(previous.preconditioned), paths.vector(state.preconditioned), files[2]
    )
    return LbfgsPair(*names), files


def _columns(pairs: tuple[LbfgsPair, ...]) -> tuple[list[str], list[str], list[str]]:
    return [p.s for p in pairs], [p.y for p in pairs], [p.py for p in pairs]


def drop_memory(state: State) -> State:
    """Drop the memory, so that the next direction is steepest descent."""
    return dataclasses.replace(state, pairs=(), products=Products(), previous=None, age=0)


def has_memory(state: State) -> bool:
    """Return whether the direction was anything but fresh steepest descent."""
    return bool(state.pairs) or state.previous is not None


def new_direction(state: State, paths: OptimiserPaths, note: str = "") -> State:
    """Write the direction of the current model and prepare its line search.

    Args:
        state: misfit and gradient are known.
        paths: the files.
        note: why the memory was dropped, if it was.

    Returns:
        The state with a search without trials, or a finished or stopped one.
    """
    model = paths.model(state.model)
    gradient = paths.vector(require(state.gradient))
    preconditioned = paths.vector(state.preconditioned) if state.preconditioned else gradient
    free = _free_parts(state, paths, model, gradient, preconditioned)
    combination = _combination(state, paths, *free)
    name = f"direction_{state.evaluation}" + ("_restart" if state.given_up else "")
    facts = _write(state, paths, name, combination)
    if not math.isfinite(facts.gradient_norm + facts.norm + facts.slope):
        raise OptimiserError(
            f"gradient of {state.evaluation}: its length is {facts.gradient_norm:g}: look at the "
            "kernels and their preconditioner"
        )
    if facts.gradient_norm == 0.0 or (facts.norm == 0.0 and combination == STEEPEST_DESCENT):
        return dataclasses.replace(
            _with_record(state, facts, "none", note),
            phase="finished",
            reason="the gradient is zero wherever no bound holds",
        )
    if combination != STEEPEST_DESCENT and _cosine(facts) < state.settings.min_angle_cosine:
        note = f"memory dropped: direction nearly orthogonal to the gradient ({_cosine(facts):g})"
        state = drop_memory(state)
        combination = STEEPEST_DESCENT
        facts = _write(state, paths, name, combination)
    is_plain = not combination.s and not combination.previous
    direction = "steepest_descent" if is_plain else state.settings.method
    state = _with_record(state, facts, direction, note)
    if facts.slope >= 0.0:
        return dataclasses.replace(
            state,
            phase="stopped",
            reason="the preconditioned gradient points uphill: check preconditioner and smoothing",
        )
    search = _prepare(state, facts, combination)
    return dataclasses.replace(state, direction=name, search=search, pending=None)


def _with_record(state: State, facts: vectors.DirectionFacts, direction: str, note: str) -> State:
    """Begin the iteration's record, or goes on with it after a direction was given up."""
    record = Iteration(
        iteration=state.iteration,
        objective=state.objectives[-1],
        misfit=require(state.misfit),
        gradient_norm=facts.gradient_norm,
        slope=facts.slope,
        angle_cosine=_cosine(facts),
        direction=direction,
        pairs=len(state.pairs),
        notes=(note,) if note else (),
    )
    history = state.history
    if state.given_up:
        history, last = history[:-1], history[-1]
        record = dataclasses.replace(record, notes=(*last.notes, *record.notes), trials=last.trials)
    return dataclasses.replace(state, history=(*history, record))


def _free_parts(
    state: State, paths: OptimiserPaths, model: Path, gradient: Path, preconditioned: Path
) -> tuple[Path, Path]:
    """Return the gradients without the points that a bound holds.

    The same files if there are none.
    """
    if not vectors.count_held(model, gradient, state.settings):
        return gradient, preconditioned
    free = [paths.vector(f"free_{kind}_{state.evaluation}") for kind in ("g", "pg")]
    for source, target in zip((gradient, preconditioned), free, strict=True):
        vectors.write_free(model, gradient, source, target, state.settings)
    return free[0], free[1]


def _combination(state: State, paths: OptimiserPaths, free: Path, processed: Path) -> Combination:
    s, y, _ = (tuple(paths.vector(n) for n in names) for names in _columns(state.pairs))
    previous = None
    if state.previous is not None:
        old = state.previous
        previous = PreviousGradient(
            paths.vector(old.gradient), paths.vector(old.preconditioned or old.gradient)
        )
    return find_method(state.settings.method).direction(
        Iterate(state.settings, free, processed, previous, state.age, s, y, state.products)
    )


def _write(
    state: State, paths: OptimiserPaths, name: str, combination: Combination
) -> vectors.DirectionFacts:
    gradient = paths.vector(require(state.gradient))
    s, _, py = ([paths.vector(n) for n in names] for names in _columns(state.pairs))
    used = bool(combination.s)
    conjugate = combination.previous != 0.0
    parts = vectors.Parts(
        model=paths.model(state.model),
        gradient=gradient,
        preconditioned=paths.vector(state.preconditioned) if state.preconditioned else gradient,
        s=tuple(s) if used else (),
        py=tuple(py) if used else (),
        previous=paths.vector(require(state.previous).direction) if conjugate else None,
    )
    return vectors.write_direction(combination, parts, paths.vector(name), state.settings)


def _prepare(state: State, facts: vectors.DirectionFacts, combination: Combination) -> LineSearch:
    settings, previous = state.settings, state.previous
    longest = sys.float_info.max
    if settings.max_relative_model_change is not None:
        longest = _log_change(settings.max_relative_model_change, settings) / facts.largest
    first = _log_change(settings.first_step, settings) / facts.largest
    natural = bool(combination.s)
    if natural:
        first = 1.0
    elif previous is not None and not find_method(settings.method).keeps_pairs:
        first = previous.step * previous.slope / facts.slope
    return LineSearch(require(state.misfit), facts.slope, first, longest, natural, ())


def _log_change(relative: float, settings: Settings) -> float:
    return _ROUNDING * (math.log1p(relative) if settings.parametrisation == "log" else relative)


def _cosine(facts: vectors.DirectionFacts) -> float:
    length = facts.gradient_norm * facts.norm
    return -facts.slope / length if length else 0.0


def add_trial(state: State, trial: Trial) -> State:
    """Add an answered trial to the search and to the iteration's record."""
    search, record = require(state.search), state.history[-1]
    return dataclasses.replace(
        state,
        search=dataclasses.replace(search, trials=(*search.trials, trial)),
        pending=None,
        history=(
            *state.history[:-1],
            dataclasses.replace(record, trials=(*record.trials, trial)),
        ),
    )


def keep_model(state: State, paths: OptimiserPaths) -> State:
    """Make the current model the next one, too; what was remembered of it is forgotten."""
    number = state.iteration + 1
    paths.publish(paths.model(state.model), paths.model(f"{number:03d}"))
    record = state.history[-1]
    record = dataclasses.replace(record, notes=(*record.notes, f"model kept: {state.reason}"))
    return State(
        settings=state.settings,
        phase="gradient",
        iteration=number,
        objectives=state.objectives,
        evaluation=f"{number:03d}",
        misfit=state.misfit,
        forward=state.forward or state.evaluation,
        answers=state.answers,
        history=(*state.history[:-1], record),
    )


def accept_trial(state: State, paths: OptimiserPaths, trial: Trial) -> State:
    """Make a trial the next model; its gradient is wanted next."""
    number = state.iteration + 1
    paths.publish(paths.model(trial.name), paths.model(f"{number:03d}"))
    search = require(state.search)
    record = dataclasses.replace(state.history[-1], accepted=trial.name)
    age = state.age
    if not find_method(state.settings.method).keeps_pairs:
        age = 0 if record.direction == "steepest_descent" else age + 1
    return dataclasses.replace(
        state,
        phase="gradient",
        iteration=number,
        evaluation=f"{number:03d}",
        misfit=trial.misfit,
        forward=trial.name,
        gradient=None,
        preconditioned=None,
        direction=None,
        search=None,
        pending=None,
        trial_count=0,
        given_up=False,
        previous=PreviousIterate(
            model=state.model,
            gradient=require(state.gradient),
            preconditioned=state.preconditioned,
            direction=require(state.direction),
            slope=search.slope,
            step=trial.step,
        ),
        age=age,
        history=(*state.history[:-1], record),
    )
