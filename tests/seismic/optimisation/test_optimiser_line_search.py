"""The line search, decision by decision, and on whole functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.seismic.optimisation import Settings, Trial
from headrace.seismic.optimisation.line_search import (
    Accept,
    Fail,
    LineSearch,
    TryStep,
    next_decision,
    parabola_minimum,
)

BACKTRACKING = Settings()
BRACKETING = Settings(line_search="bracketing")


def search(*trials, misfit=1.0, slope=-1.0, first=1.0, longest=math.inf, natural=True):
    made = [Trial(f"t{i}", step, value, slope * step) for i, (step, value) in enumerate(trials)]
    return LineSearch(misfit, slope, first, longest, natural, tuple(made))


@pytest.mark.parametrize(("misfit", "step"), [(2.0, 0.25), (1.5, 1 / 3), (20.0, 0.1), (1.0, 0.5)])
def test_a_bad_step_is_shortened_by_a_parabola_within_limits(misfit, step) -> None:
    assert next_decision(search((1.0, misfit)), BACKTRACKING) == TryStep(pytest.approx(step))


def test_the_first_trial_is_no_longer_than_allowed() -> None:
    assert next_decision(search(), BACKTRACKING) == TryStep(1.0)
    assert next_decision(search(longest=0.3), BACKTRACKING) == TryStep(0.3)


def test_a_natural_step_that_brings_enough_is_taken() -> None:
    found = next_decision(search((1.0, 0.99)), BACKTRACKING)
    assert isinstance(found, Accept)
    assert found.trial.step == 1.0
    assert isinstance(next_decision(search((1.0, 0.99995)), BACKTRACKING), TryStep)


def grows(*trials, slope=-0.1, longest=math.inf):
    return next_decision(search(*trials, slope=slope, longest=longest, natural=False), BACKTRACKING)


def test_without_a_natural_length_steps_double_until_the_misfit_rises() -> None:
    tried = [(1.0, 0.85)]
    assert grows(*tried) == TryStep(2.0)
    tried.append((2.0, 0.7))
    assert grows(*tried) == TryStep(4.0)
    tried.append((4.0, 0.8))
    found = grows(*tried)
    assert isinstance(found, Accept)
    assert found.trial.step == 2.0


@pytest.mark.parametrize(("minimum", "factor"), [(1.5, 2.0), (3.0, 3.0), (50.0, 5.0)])
def test_steps_grow_to_the_minimum_of_the_parabola_within_limits(minimum, factor) -> None:
    misfit = 1.0 - 0.1 + 0.05 / minimum
    assert grows((1.0, misfit)) == TryStep(pytest.approx(factor))


def test_a_step_near_the_minimum_of_the_parabola_is_taken_at_once() -> None:
    found = grows((1.0, 1.0 - 0.1 + 0.05 / 1.1))
    assert isinstance(found, Accept)


def test_growing_ends_at_the_longest_step() -> None:
    tried = [(1.0, 0.9)]
    assert grows(*tried, longest=1.5) == TryStep(1.5)
    tried.append((1.5, 0.8))
    found = grows(*tried, longest=1.5)
    assert isinstance(found, Accept)
    assert found.trial.step == 1.5


def test_a_first_step_that_was_shortened_is_not_doubled_again() -> None:
    found = next_decision(search((1.0, 2.0), (0.25, 0.9), natural=False), BACKTRACKING)
    assert isinstance(found, Accept)
    assert found.trial.step == 0.25


def test_bracketing_grows_by_the_golden_ratio_then_takes_the_parabola() -> None:
    assert next_decision(search((1.0, 0.5)), BRACKETING) == TryStep(pytest.approx(1.618034))
    # The parabola through (0, 3), (1, 1), (2, 2) is lowest at 7/6, near enough to 1.
    found = next_decision(search((1.0, 1.0), (2.0, 2.0), misfit=3.0, slope=-4.0), BRACKETING)
    assert isinstance(found, Accept)
    assert parabola_minimum((0.0, 3.0), (1.0, 1.0), (2.0, 2.0)) == pytest.approx(7 / 6)
    # Through (0, 3), (1, 2.6), (3, 3) it is lowest at 1.5: too far from 1.
    found = next_decision(search((1.0, 2.6), (3.0, 3.0), misfit=3.0, slope=-1.0), BRACKETING)
    assert found == TryStep(pytest.approx(1.5))


@pytest.mark.parametrize("settings", [BACKTRACKING, BRACKETING])
@pytest.mark.parametrize("natural", [True, False])
def test_a_misfit_that_rises_on_every_trial_ends_the_search(settings, natural) -> None:
    tried: list[tuple[float, float]] = []
    while isinstance(found := next_decision(search(*tried, natural=natural), settings), TryStep):
        tried.append((found.step, 1.0 + found.step))
    assert isinstance(found, Fail)
    assert len(tried) == settings.max_trials
    assert "8 trials" in found.reason


def test_an_improvement_is_kept_when_the_trials_are_used_up() -> None:
    # It falls all along and is never bracketed: the best trial is still better than none.
    tried: list[tuple[float, float]] = []
    while isinstance(found := next_decision(search(*tried), BRACKETING), TryStep):
        tried.append((found.step, 1.0 - 1e-3 * found.step))
    assert isinstance(found, Accept)
    assert found.trial.step == max(step for step, _ in tried)


@given(
    centre=st.floats(1e-3, 1e3),
    steepness=st.floats(1e-3, 1e3),
    first=st.floats(0.05, 20.0),
    natural=st.booleans(),
    settings=st.sampled_from([BACKTRACKING, BRACKETING]),
)
def test_on_a_parabola_it_always_ends_lower(centre, steepness, first, natural, settings) -> None:
    foot = steepness * centre**2
    tried: list[tuple[float, float]] = []

    def so_far():
        return search(
            *tried,
            misfit=foot,
            slope=-2 * steepness * centre,
            first=first * centre,
            natural=natural,
        )

    while isinstance(found := next_decision(so_far(), settings), TryStep):
        assert found.step > 0
        tried.append((found.step, steepness * (found.step - centre) ** 2))
    assert isinstance(found, Accept)
    assert found.trial.misfit < foot
    assert len(tried) <= settings.max_trials


@given(
    st.floats(0.0, 1.0),
    st.floats(0.01, 1.0),
    st.floats(0.01, 1.0),
    st.floats(0.0, 5.0),
    st.floats(0.0, 5.0),
)
def test_the_parabola_stays_between_its_points(start, to_middle, to_right, rise, fall) -> None:
    left, middle = (start, 1.0 + fall), (start + to_middle, 1.0)
    right = (start + to_middle + to_right, 1.0 + rise)
    assert left[0] < parabola_minimum(left, middle, right) < right[0]
