"""Findings on what states read: what cannot be there, may be missing, or is of a wrong type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Final

from headrace._internal.near_names import nearest
from headrace.flowlang.checker.analysis.abstract_state import Loss, Situation, Steps, route
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    OBJECT,
    STRING,
    Presence,
    Shape,
    kinds_in_words,
)
from headrace.flowlang.checker.analysis.list_sizes import measured_lists
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.analysis.provider_results import CONTEXT, FAILED
from headrace.flowlang.checker.analysis.required_paths import is_needed_anyway
from headrace.flowlang.checker.analysis.uses import StateReading, readings
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING, Finding, Loc
from headrace.flowlang.paths import CONTEXT_NAME

# Names that are compared with a misspelt one: so many, so long.
_MOST: Final = 200
_LONGEST: Final = 100
_SHOWN: Final = 12
_STATUS: Final = "status"
_DETAILS: Final = "details"
_FAILED: Final = frozenset({(STRING, FAILED)})
_EXCEPTION: Final = "exception"
# What the Amazon States Language calls the members of a failure.
_OF_AMAZON: Final = {"Error": "exception", "Cause": "cause"}
# Members of the context that others have read, with what they are called now.
_OLD_CONTEXT: Final = {
    "action_id": "run_id",
    "run_owner": "user_id",
    "caller": "user_id",
    "flow_title": "",
}


class Missing:
    """Finds readings of what is not there.

    Args:
        analysis: the flow's situations.
    """

    def __init__(self, analysis: DataFlow) -> None:
        self._analysis = analysis
        self._undeclared: set[Steps] = set()
        self._measured = measured_lists(analysis.flow)
        self._lost: dict[Loc, tuple[str, Steps]] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the readings of every state."""
        for name, state in self._analysis.flow.states.items():
            by_place: dict[tuple[Loc, Steps], list[tuple[StateReading, Situation]]] = {}
            for situation in self._analysis.situations(name):
                for reading in readings(state, situation, self._analysis.inferences):
                    if not reading.steps:
                        continue
                    if not reading.guarded:
                        self._note_loss(name, reading, situation)
                    by_place.setdefault((reading.loc, reading.steps), []).append(
                        (reading, situation)
                    )
            told: set[Steps] = set()
            for (loc, steps), found in by_place.items():
                if steps[0] == CONTEXT_NAME:
                    yield from _context(loc, steps)
                elif not any(reading.guarded for reading, _ in found):
                    yield from self._of(name, loc, steps, found, told)
        yield from self._losses()

    def _of(
        self,
        name: str,
        loc: Loc,
        steps: Steps,
        found: list[tuple[StateReading, Situation]],
        told: set[Steps],
    ) -> Iterator[Finding]:
        if all(reading.found.presence == Presence.CANNOT for reading, _ in found):
            reading, situation = found[0]
            why, fix = _why(steps, reading, situation)
            yield Finding(ERROR, "path-cannot-exist", loc, f"{written(steps)} {why}", fix)
            return
        found = [pair for pair in found if not self._cared_for(*pair)]
        if not found:
            return
        reading, situation = min(found, key=lambda pair: pair[0].found.presence)
        presence, prefix = reading.found.presence, steps[: reading.found.depth]
        if presence <= Presence.MAY:
            if prefix in told:
                return
            told.add(prefix)
            yield self._may_be_missing(name, loc, prefix, reading, situation)
        elif presence == Presence.UNDECLARED and prefix not in self._undeclared:
            self._undeclared.add(prefix)
            yield Finding(
                WARNING,
                "undeclared-input",
                loc,
                f"the input schema does not declare {written(prefix)}: an input without it is "
                "accepted, and the run fails here",
                _declare(prefix, reading.found.owner),
            )
        else:
            lost = situation.loss is not None and reading.found.depth == 1
            yield from _near_miss(loc, steps, reading, lost)

    def _cared_for(self, reading: StateReading, situation: Situation) -> bool:
        """Say whether a flow has looked whether something that may be missing is there."""
        found, prefix = reading.found, reading.steps[: reading.found.depth]
        if found.presence != Presence.MAY or not prefix:
            return False
        if isinstance(prefix[-1], int):
            return prefix[:-1] in self._measured
        action = failed_action(situation, prefix)
        return action is not None and any(
            atom[0][: len(action)] == action for atom, _ in situation.facts
        )

    def _may_be_missing(
        self, name: str, loc: Loc, prefix: Steps, reading: StateReading, situation: Situation
    ) -> Finding:
        owner = reading.found.owner
        way = " -> ".join([*route(situation, prefix), name])
        special = _special(prefix, owner, situation, way)
        if special is not None:
            return Finding(WARNING, "path-may-be-missing", loc, *special)
        other = owner.kinds & ~OBJECT
        if owner.kinds != ALL and other and isinstance(prefix[-1], str):
            why = f"{written(prefix[:-1])} may be {kinds_in_words(other)}"
            return Finding(
                WARNING,
                "path-may-be-missing",
                loc,
                f"{written(prefix)} may be missing on the route {way}: {why}",
                "test the type with a Choice before, or narrow it in the input schema",
            )
        if is_needed_anyway(self._analysis.flow, prefix):
            return Finding(
                ADVICE,
                "path-may-be-missing",
                loc,
                f"{written(prefix)} is missing where the path is not there: the run fails here, "
                "before the transfer of that path would",
                "test details.code with a Choice before, to fail with words of your own",
            )
        return Finding(
            WARNING,
            "path-may-be-missing",
            loc,
            f"{written(prefix)} may be missing on the route {way}",
            "make it sure on that route: require it in the input schema, set it in a state, or "
            "test it with IsPresent before",
        )

    def _note_loss(self, name: str, reading: StateReading, situation: Situation) -> None:
        loss, steps = situation.loss, reading.steps
        if loss is None or loss.loc in self._lost or steps[0] in loss.documented:
            return
        if steps[0] == CONTEXT_NAME or look(loss.before, steps).presence == Presence.CANNOT:
            return
        now = look(situation.shape, steps[:1]).presence
        if now in (Presence.CANNOT, Presence.UNKNOWN) and not _written_since(situation, steps):
            self._lost[loss.loc] = (name, steps)

    def _losses(self) -> Iterator[Finding]:
        for loc, (name, steps) in self._lost.items():
            lost = f"{written(steps)}, which state {name!r} reads, is lost"
            if "Catch" in loc[3:]:
                yield Finding(
                    WARNING,
                    "catch-loses-payload",
                    loc,
                    f"without ResultPath the failure replaces the whole payload: {lost}",
                    'add a "ResultPath" such as "$.failure" to the catcher',
                )
            else:
                yield Finding(
                    WARNING,
                    "payload-lost",
                    loc,
                    f"without ResultPath the action's result replaces the whole payload: {lost}",
                    'add a "ResultPath" such as "$.result"',
                )


def failed_action(situation: Situation, steps: Steps) -> Steps | None:
    """Return the place of the result of a FAILED action whose details a path leads into."""
    for number in range(1, len(steps)):
        if steps[number] == _DETAILS:
            status = look(situation.shape, (*steps[:number], _STATUS)).shape.values
            if status == _FAILED:
                return steps[:number]
    return None


def _special(prefix: Steps, owner: Shape, situation: Situation, way: str) -> tuple[str, str] | None:
    """Return what is wrong, and the way out, where more is known than that it may be missing."""
    text, name = written(prefix), prefix[-1]
    if isinstance(name, int):
        return (
            f"{text} may be missing on the route {way}: {written(prefix[:-1])} may have no such "
            "item",
            'require it with "minItems" in the input schema, or test the number of items before',
        )
    if (action := failed_action(situation, prefix)) is not None:
        return (
            f"{text} may be missing on the route {way}: {written(action)} may be FAILED there, "
            "since ExceptionOnActionFailure is false",
            f"test {written(action)}.status with a Choice before",
        )
    if _EXCEPTION in owner.members and name in _OF_AMAZON:
        meant = written((*prefix[:-1], _OF_AMAZON[str(name)]))
        return (
            f"{text} may be missing on the route {way}: a failure has exception, cause and "
            "state_name",
            f"use {meant}",
        )
    return None


def _written_since(situation: Situation, steps: Steps) -> bool:
    member = situation.shape.members.get(str(steps[0]))
    return member is not None and member.presence == Presence.MUST


def _why(steps: Steps, reading: StateReading, situation: Situation) -> tuple[str, str]:
    found = reading.found
    before = steps[: found.depth - 1]
    if found.owner.kinds != ALL and before and not found.owner.kinds & OBJECT:
        step = steps[found.depth - 1]
        if isinstance(step, str):
            words = kinds_in_words(found.owner.kinds)
            return (
                f"cannot exist: {written(before)} is {words}, and has no members",
                "correct the path",
            )
    loss: Loss | None = situation.loss
    if loss is not None and look(loss.before, steps).presence > Presence.CANNOT:
        state = loss.loc[2]
        return (
            f"cannot exist: state {state!r} has replaced the payload",
            f'add a "ResultPath" to {state!r}',
        )
    near = _nearest(steps, found.depth, found.owner, situation.shape)
    fix = (
        f"did you mean {near}?" if near else "correct the path, or write to it in an earlier state"
    )
    return "cannot exist: no input and no earlier state produces it", fix


def _nearest(steps: Steps, depth: int, owner: Shape, payload: Shape) -> str | None:
    name = steps[depth - 1]
    near = nearest(name, _there(owner), 0.7)
    if near is not None:
        meant = (*steps[: depth - 1], near)
        whole = (*meant, *steps[depth:])
        return written(whole if look(payload, whole).presence > Presence.CANNOT else meant)
    text = written(steps)
    if len(text) > _LONGEST:
        return None
    close = get_close_matches(text, list(islice(_paths(payload, "$", 0), _MOST)), 1, 0.75)
    return close[0] if close else None


def _there(shape: Shape) -> list[str]:
    return [n for n, m in shape.members.items() if m.presence != Presence.CANNOT][:_MOST]


def _paths(shape: Shape, text: str, depth: int) -> Iterable[str]:
    if depth < 5:
        for name in _there(shape):
            path = text + _step(name)
            yield path
            yield from _paths(shape.members[name].shape, path, depth + 1)


def _declare(prefix: Steps, owner: Shape) -> str:
    name = str(prefix[-1])
    close = get_close_matches(name, _there(owner), 1, 0.8)
    if close:
        return f"did you mean {written((*prefix[:-1], close[0]))}? Else declare and require it"
    return f"declare {name!r} in the input schema, and require it"


def _near_miss(loc: Loc, steps: Steps, reading: StateReading, lost: bool) -> Iterator[Finding]:
    found = reading.found
    name = steps[found.depth - 1] if found.depth else None
    if found.presence != Presence.UNKNOWN or not found.owner.named or not isinstance(name, str):
        return
    if name in found.owner.members:
        return
    owner, undocumented = steps[: found.depth - 1], written(steps[: found.depth])
    close = get_close_matches(name, list(found.owner.members), 1, 0.8)
    if close:
        meant = written((*owner, close[0]))
        yield Finding(
            WARNING,
            "near-miss-name",
            loc,
            f"{undocumented} is not documented, but {meant} is",
            f"did you mean {meant}?",
        )
    elif found.owner.complete and not lost:
        near = nearest(name, _there(found.owner), 0.5)
        known = ", ".join(_there(found.owner)[:_SHOWN])
        yield Finding(
            WARNING,
            "undocumented-member",
            loc,
            f"{undocumented} is not documented: the provider gives nothing of this name",
            f"did you mean {written((*owner, near))}?" if near else f"there are: {known}",
        )


def _context(loc: Loc, steps: Steps) -> Iterator[Finding]:
    shape: Shape = CONTEXT
    for number, name in enumerate(steps[1:], 1):
        if not isinstance(name, str) or not shape.named:
            return
        if name not in shape.members:
            known = list(shape.members)
            close = get_close_matches(name, known, 1, 0.6)
            if name in _OLD_CONTEXT:
                close = [_OLD_CONTEXT[name]] if _OLD_CONTEXT[name] else []
            fix = f"use {written((*steps[:number], close[0]))}" if close else ""
            yield Finding(
                ADVICE if name in _OLD_CONTEXT else WARNING,
                "undocumented-context",
                loc,
                f"{written(steps[: number + 1])} is not a documented member of the run's context",
                fix or f"known: {', '.join(known)}",
            )
            return
        shape = shape.members[name].shape


def written(steps: Steps) -> str:
    """Write a path."""
    return "$" + "".join(_step(step) for step in steps)


def _step(step: object) -> str:
    if isinstance(step, str):
        return f".{step}" if step.isidentifier() else f"[{step!r}]"
    if isinstance(step, int):
        return f"[{step}]"
    return "[*]" if step is None else "[:]"
