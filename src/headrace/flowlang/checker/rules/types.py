"""Findings on types: what must fail, whatever the run."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.flowlang.checker.analysis.abstract_state import Situation
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Presence,
    kinds_in_words,
)
from headrace.flowlang.checker.analysis.lookup import Found, look
from headrace.flowlang.checker.analysis.uses import parts, state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.undefined import written
from headrace.flowlang.model import ActionState, PassState, State, WaitState
from headrace.flowlang.parameters import Computed
from headrace.flowlang.paths import Path


def mismatches(analysis: DataFlow) -> Iterator[Finding]:
    """Yield values that cannot be of the type that is needed.

    Args:
        analysis: the flow's situations.
    """
    for name, state in analysis.flow.states.items():
        situations = analysis.situations(name)
        if situations:
            yield from _expressions(analysis, state, situations)
            yield from _paths(state, situations)
            yield from _targets(state, situations)


def _expressions(
    analysis: DataFlow, state: State, situations: list[Situation]
) -> Iterator[Finding]:
    for loc, part in parts(state):
        if isinstance(part, Computed):
            found = [set(analysis.inferences.of(part, s.shape).problems) for s in situations]
            shared = dict(sorted(set.intersection(*found)))
            for problem, always in shared.items():
                # What stands in a branch, or in a loop over what may be empty, need not be reached.
                severity = ERROR if always else WARNING
                fix = "convert or correct what is read"
                yield Finding(severity, "type-mismatch", loc, problem, fix)


def _paths(state: State, situations: list[Situation]) -> Iterator[Finding]:
    loc = state_loc(state.name)
    if isinstance(state, WaitState):
        yield from _of_nothing(state, loc, situations)
        yield from _of_kind(state.seconds_path, NUMBER, (*loc, "SecondsPath"), situations)
        yield from _of_kind(state.timestamp_path, STRING, (*loc, "TimestampPath"), situations)
    elif _must_give_object(state):
        path = getattr(state, "input_path", None)
        yield from _of_kind(path, OBJECT, (*loc, "InputPath"), situations)


def _must_give_object(state: State) -> bool:
    if isinstance(state, PassState):
        replaces = not state.result_path.steps
        return replaces and state.result is None and state.parameters is None
    return isinstance(state, ActionState)


def _of_kind(
    path: Path | None, kind: int, loc: Loc, situations: list[Situation]
) -> Iterator[Finding]:
    if path is None or path.reads_context or not path.is_single:
        return
    found = [look(situation.shape, path.steps) for situation in situations]
    wrong = [f for f in found if f.presence != Presence.CANNOT and not f.shape.kinds & kind]
    if not wrong or any(f.presence == Presence.CANNOT for f in found):
        return
    everywhere = len(wrong) == len(found)
    verb = "is" if everywhere else "may be"
    yield Finding(
        ERROR if everywhere else WARNING,
        "type-mismatch",
        loc,
        f"{path.text} {verb} {kinds_in_words(_union(wrong))}, and {loc[-1]} needs "
        f"{kinds_in_words(kind)}",
        "lead the path to such a value",
    )


def _of_nothing(state: WaitState, loc: Loc, situations: list[Situation]) -> Iterator[Finding]:
    """Yield a Wait whose seconds, as far as they are known, are fewer than none."""
    where, seconds = (*loc, "Seconds"), state.seconds
    path = state.seconds_path
    if path is not None and path.is_single and not path.reads_context:
        where = (*loc, "SecondsPath")
        known = [look(situation.shape, path.steps).shape.values for situation in situations]
        numbers = [v for values in known for kind, v in values or () if kind == NUMBER]
        seconds = min(numbers, default=None)
    if seconds is not None and seconds < 0:
        yield Finding(
            WARNING,
            "wait-of-nothing",
            where,
            f"a Wait of {seconds:g} s: the run goes on at once",
            "give the seconds to wait as a positive number",
        )


def _targets(state: State, situations: list[Situation]) -> Iterator[Finding]:
    places = [(getattr(state, "result_path", None), (*state_loc(state.name), "ResultPath"))]
    for number, catcher in enumerate(getattr(state, "catch", ())):
        loc = (*state_loc(state.name), "Catch", number, "ResultPath")
        places.append((catcher.result_path, loc))
    for path, loc in places:
        if not isinstance(path, Path) or not path.is_single:
            continue
        for length in range(1, len(path.steps)):
            if not isinstance(path.steps[length], str):
                continue
            found = [look(situation.shape, path.steps[:length]) for situation in situations]
            if any(
                f.presence != Presence.MUST or f.shape.kinds == ALL or f.shape.kinds & _FILLED
                for f in found
            ):
                continue
            owner = written(path.steps[:length])
            yield Finding(
                ERROR,
                "type-mismatch",
                loc,
                f"{owner} is {kinds_in_words(_union(found))}: nothing can be put into it",
                "put the result elsewhere",
            )
            break


_FILLED = OBJECT | NULL


def _union(found: list[Found]) -> int:
    kinds = 0
    for one in found:
        kinds |= one.shape.kinds
    return kinds
