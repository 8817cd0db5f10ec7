"""Line search: the next step along a direction, from the trials so far; no state.

Backtracking with an Armijo condition and safeguarded parabolas follows Nocedal & Wright (2006),
Numerical Optimization, section 3.5; bracketing grows by the golden ratio and ends at a parabola's
minimum.

A trial without a finite misfit is a step that was too long: a shorter one follows. Two steps that
change nothing at all mean that the misfit moves in stairs, as one of whole samples does: longer
steps follow, and if the longest changes nothing either, the misfit is flat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from headrace.seismic.optimisation.settings import Settings

GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0
_GOOD_ENOUGH = 1.2  # ratio of a trial's step to the minimum of the parabola
_FASTEST = 5.0  # a parabola through a small first step is not trusted further than this


@dataclass(frozen=True)
class Trial:
    """One misfit along a direction.

    Attributes:
        name: the trial's id.
        step: step length.
        misfit: its misfit; infinite if it has none.
        predicted: change of the misfit by the gradient alone; below 0.
        problem: why it has no misfit; empty if it has one.
    """

    name: str
    step: float
    misfit: float
    predicted: float
    problem: str = ""


@dataclass(frozen=True)
class LineSearch:
    """A direction and what has been tried along it.

    Attributes:
        misfit: misfit where it begins.
        slope: derivative of the misfit there along the direction; below 0.
        first: step of the first trial.
        longest: longest step allowed.
        natural: the direction has a natural length, so that a step of 1 is expected to do.
        trials: trials in the order in which they were answered.
    """

    misfit: float
    slope: float
    first: float
    longest: float
    natural: bool
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class TryStep:
    """Another trial is wanted, at this step length."""

    step: float


@dataclass(frozen=True)
class Accept:
    """The search is over: this trial is the next model."""

    trial: Trial


@dataclass(frozen=True)
class Fail:
    """The search is over and has found nothing better."""

    reason: str


@dataclass(frozen=True)
class Flat:
    """The search is over: no step changes the misfit."""

    reason: str


Decision = TryStep | Accept | Fail | Flat


def next_decision(search: LineSearch, settings: Settings) -> Decision:
    """Decide from the trials so far.

    Args:
        search: direction and trials.
        settings: line search, Armijo factor, number of trials.

    Returns:
        Another trial, the trial to accept, or why there is none.
    """
    if not search.trials:
        return TryStep(min(search.first, search.longest))
    found: Decision
    if _is_flat_so_far(search):
        found = _step_beyond_flat(search)
    elif settings.line_search == "bracketing":
        found = _bracketing(search, settings)
    elif search.natural:
        found = _backtracking(search, settings)
    else:
        found = _doubling(search, settings)
    if not isinstance(found, TryStep) or len(search.trials) < settings.max_trials:
        return found
    best = _best(search)
    if best.misfit < search.misfit:
        return Accept(best)
    return _failure(search)


def _failure(search: LineSearch) -> Fail | Flat:
    steps = [trial.step for trial in search.trials]
    span = f"steps from {max(steps):g} down to {min(steps):g}"
    flat = [trial.step for trial in search.trials if trial.misfit == search.misfit]
    if len(flat) == len(steps):
        return Flat(f"the misfit is flat: {search.misfit:g} in all {len(steps)} trials, {span}")
    if _is_flat_so_far(search):
        return Flat(
            f"the misfit is flat: {search.misfit:g} up to a step of {max(flat):g}, and no longer "
            f"one lowers it; {len(steps)} trials, {span}"
        )
    reason = f"no decrease below {search.misfit:g} in {len(steps)} trials, {span}"
    wrong = [trial for trial in search.trials if trial.problem]
    if wrong:
        reason += f"; {len(wrong)} of them without a misfit, the last: {wrong[-1].problem}"
    return Fail(reason)


def _is_flat_so_far(search: LineSearch) -> bool:
    """Return whether two steps have left the misfit as it is, and none has lowered it."""
    same = sum(trial.misfit == search.misfit for trial in search.trials)
    return same >= 2 and _best(search).misfit >= search.misfit


def _step_beyond_flat(search: LineSearch) -> TryStep | Fail | Flat:
    flat = max(trial.step for trial in search.trials if trial.misfit == search.misfit)
    higher = [trial.step for trial in search.trials if trial.step > flat]
    if higher:
        return TryStep(math.sqrt(flat * min(higher)))
    if flat >= search.longest:
        return _failure(search)
    return TryStep(min(2.0 * flat, search.longest))


def _backtracking(search: LineSearch, settings: Settings) -> TryStep | Accept:
    last = search.trials[-1]
    if _sufficient(search, last, settings):
        return Accept(last)
    return TryStep(_shorten(search, last, settings))


def _doubling(search: LineSearch, settings: Settings) -> TryStep | Accept:
    """Grows until the misfit rises or the parabola sees its minimum, then take the best."""
    last, best = search.trials[-1], _best(search)
    if not _sufficient(search, best, settings):
        return TryStep(_shorten(search, last, settings))
    shortened = last.step < max(trial.step for trial in search.trials)
    growth = _growth(search, last)
    if best is not last or shortened or last.step >= search.longest or growth <= _GOOD_ENOUGH:
        return Accept(best)
    factor = min(growth, _FASTEST) if math.isfinite(growth) else 2.0
    return TryStep(min(max(2.0, factor) * last.step, search.longest))


def _bracketing(search: LineSearch, settings: Settings) -> TryStep | Accept:
    best = _best(search)
    ordered = sorted(search.trials, key=lambda trial: trial.step)
    if best.misfit >= search.misfit:
        return TryStep(_shorten(search, ordered[0], settings))
    above = [trial for trial in ordered if trial.step > best.step]
    if not above:
        if best.step >= search.longest:
            return Accept(best)
        return TryStep(min(GOLDEN * best.step, search.longest))
    below = [trial for trial in ordered if trial.step < best.step]
    left = (below[-1].step, below[-1].misfit) if below else (0.0, search.misfit)
    right = (above[0].step, above[0].misfit)
    if math.isfinite(right[1]):
        lowest = parabola_minimum(left, (best.step, best.misfit), right)
    else:  # no parabola goes through it
        lowest = math.sqrt(best.step * right[0])
    ratio = max(lowest / best.step, best.step / lowest)
    if ratio <= _GOOD_ENOUGH and _sufficient(search, best, settings):
        return Accept(best)
    return TryStep(lowest)


def parabola_minimum(
    left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]
) -> float:
    """Minimum of the parabola through three points of which the middle one is the lowest.

    Args:
        left: step and misfit.
        middle: step and misfit.
        right: step and misfit.

    Returns:
        A step strictly between the outer ones.
    """
    (a, fa), (b, fb), (c, fc) = left, middle, right
    to_left, to_right = (b - a) * (fb - fc), (b - c) * (fb - fa)
    below = 2.0 * (to_left - to_right)
    if below == 0.0:
        return b
    step = b - ((b - a) * to_left - (b - c) * to_right) / below
    margin = 0.01 * (c - a)
    return min(max(step, a + margin), c - margin)


def _best(search: LineSearch) -> Trial:
    return min(search.trials, key=lambda trial: (trial.misfit, trial.step))


def _sufficient(search: LineSearch, trial: Trial, settings: Settings) -> bool:
    return (
        trial.misfit < search.misfit
        and trial.misfit <= search.misfit + settings.armijo * trial.predicted
    )


def _shorten(search: LineSearch, trial: Trial, settings: Settings) -> float:
    """Return a shorter step, by the parabola within its safeguards."""
    low, high = settings.shrink
    if not math.isfinite(trial.misfit):
        return trial.step * high  # it says nothing of where the minimum is
    growth = _growth(search, trial)
    return trial.step * (min(max(growth, low), high) if math.isfinite(growth) else low)


def _growth(search: LineSearch, trial: Trial) -> float:
    """Minimum of the parabola through misfit and slope at the foot and a trial, over its step.

    Infinite where the parabola opens downwards.
    """
    # Bounds that cut a trial short make it predict less than the slope does.
    predicted = trial.predicted if trial.predicted < 0.0 else search.slope * trial.step
    excess = trial.misfit - search.misfit - predicted
    return -predicted / (2.0 * excess) if excess > 0.0 else math.inf
