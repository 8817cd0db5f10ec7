"""Findings on type mismatches."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.flowlang.checker.analysis.abstract_state import AbstractState
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Presence,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.lookup import LookupResult, get
from headrace.flowlang.checker.analysis.uses import parameter_leaves, state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.checker.rules.undefined import path_text
from headrace.flowlang.model import ActionState, PassState, State, WaitState
from headrace.flowlang.parameters import Computed
from headrace.flowlang.paths import Path


@rule("type-mismatch", ERROR)
@rule("wait-of-nothing", WARNING)
def type_mismatches(context: RuleContext) -> Iterator[Finding]:
    """Yield values that cannot be of the type that is needed."""
    analysis = context.analysis
    for name, state in analysis.flow.states.items():
        entry_states = analysis.states_at(name)
        if entry_states:
            yield from _expressions(analysis, state, entry_states)
            yield from _paths(state, entry_states)
            yield from _result_paths(state, entry_states)


def _expressions(
    analysis: DataFlow, state: State, entry_states: list[AbstractState]
) -> Iterator[Finding]:
    for loc, part in parameter_leaves(state):
        if isinstance(part, Computed):
            found = [set(analysis.inferences.infer(part, s.payload).problems) for s in entry_states]
            shared = dict(sorted(set.intersection(*found)))
            for problem, always in shared.items():
                # A branch, or a loop over a list that may be empty, need not be evaluated.
                severity = ERROR if always else WARNING
                fix = "convert or correct what is read"
                yield Finding(severity, "type-mismatch", loc, problem, fix)


def _paths(state: State, entry_states: list[AbstractState]) -> Iterator[Finding]:
    loc = state_loc(state.name)
    if isinstance(state, WaitState):
        yield from _negative_wait(state, loc, entry_states)
        yield from _path_kind(state.seconds_path, NUMBER, (*loc, "SecondsPath"), entry_states)
        yield from _path_kind(state.timestamp_path, STRING, (*loc, "TimestampPath"), entry_states)
    elif _must_give_object(state):
        path = getattr(state, "input_path", None)
        yield from _path_kind(path, OBJECT, (*loc, "InputPath"), entry_states)


def _must_give_object(state: State) -> bool:
    if isinstance(state, PassState):
        replaces = not state.result_path.steps
        return replaces and state.result is None and state.parameters is None
    return isinstance(state, ActionState)


def _path_kind(
    path: Path | None, kind: int, loc: Loc, entry_states: list[AbstractState]
) -> Iterator[Finding]:
    if path is None or path.reads_context or not path.is_single:
        return
    found = [get(entry_state.payload, path.steps) for entry_state in entry_states]
    wrong = [f for f in found if f.presence != Presence.CANNOT and not f.json_type.kinds & kind]
    if not wrong or any(f.presence == Presence.CANNOT for f in found):
        return
    everywhere = len(wrong) == len(found)
    verb = "is" if everywhere else "may be"
    yield Finding(
        ERROR if everywhere else WARNING,
        "type-mismatch",
        loc,
        f"{path.text} {verb} {describe_kinds(_union(wrong))}, and {loc[-1]} needs "
        f"{describe_kinds(kind)}",
        "lead the path to such a value",
    )


def _negative_wait(
    state: WaitState, loc: Loc, entry_states: list[AbstractState]
) -> Iterator[Finding]:
    """Yield a Wait of a negative number of seconds."""
    where, seconds = (*loc, "Seconds"), state.seconds
    path = state.seconds_path
    if path is not None and path.is_single and not path.reads_context:
        where = (*loc, "SecondsPath")
        known = [
            get(entry_state.payload, path.steps).json_type.values for entry_state in entry_states
        ]
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


def _result_paths(state: State, entry_states: list[AbstractState]) -> Iterator[Finding]:
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
            found = [get(entry_state.payload, path.steps[:length]) for entry_state in entry_states]
            if any(
                f.presence != Presence.MUST
                or f.json_type.kinds == ALL
                or f.json_type.kinds & _CONTAINER_KINDS
                for f in found
            ):
                continue
            owner = path_text(path.steps[:length])
            yield Finding(
                ERROR,
                "type-mismatch",
                loc,
                f"{owner} is {describe_kinds(_union(found))}: nothing can be put into it",
                "put the result elsewhere",
            )
            break


_CONTAINER_KINDS = OBJECT | NULL


def _union(found: list[LookupResult]) -> int:
    kinds = 0
    for one in found:
        kinds |= one.json_type.kinds
    return kinds
