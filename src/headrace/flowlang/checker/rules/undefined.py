"""Findings on undefined paths: uses of values that cannot exist, or may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Final

from headrace._internal.near_names import nearest
from headrace.flowlang.checker.analysis.abstract_state import (
    AbstractState,
    Overwrite,
    Steps,
    missing_route,
)
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    OBJECT,
    STRING,
    JsonType,
    Presence,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.list_sizes import size_checked_lists
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.provider_results import CONTEXT, FAILED
from headrace.flowlang.checker.analysis.required_paths import is_required_by_transfer
from headrace.flowlang.checker.analysis.uses import StateUse, uses
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.paths import CONTEXT_NAME

# Names that are compared with a misspelt one: so many, so long.
_MAX_NAMES: Final = 200
_MAX_LENGTH: Final = 100
_MAX_SHOWN: Final = 12
_STATUS: Final = "status"
_DETAILS: Final = "details"
_FAILED: Final = frozenset({(STRING, FAILED)})
_EXCEPTION: Final = "exception"
# What the Amazon States Language calls the members of a failure.
_AMAZON_NAMES: Final = {"Error": "exception", "Cause": "cause"}
# Members of the context that others have read, with what they are called now.
_OLD_CONTEXT: Final = {
    "action_id": "run_id",
    "run_owner": "user_id",
    "caller": "user_id",
    "flow_title": "",
}


@rule("path-cannot-exist", ERROR)
@rule("path-may-be-missing", WARNING)
@rule("undeclared-input", WARNING)
@rule("near-miss-name", WARNING)
@rule("undocumented-member", WARNING)
@rule("undocumented-context", WARNING)
@rule("payload-lost", WARNING)
@rule("catch-loses-payload", WARNING)
def undefined_paths(context: RuleContext) -> Iterator[Finding]:
    """Yield uses of paths that are not defined."""
    yield from _UndefinedPaths(context.analysis).findings()


class _UndefinedPaths:
    """Finds uses of paths that are not defined.

    Args:
        analysis: the flow's data flow analysis.
    """

    def __init__(self, analysis: DataFlow) -> None:
        self._analysis = analysis
        self._undeclared: set[Steps] = set()
        self._size_checked = size_checked_lists(analysis.flow)
        self._overwritten: dict[Loc, tuple[str, Steps]] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the uses of every state."""
        for name, state in self._analysis.flow.states.items():
            by_place: dict[tuple[Loc, Steps], list[tuple[StateUse, AbstractState]]] = {}
            for entry_state in self._analysis.states_at(name):
                for use in uses(state, entry_state, self._analysis.inferences):
                    if not use.steps:
                        continue
                    if not use.guarded:
                        self._note_overwrite(name, use, entry_state)
                    by_place.setdefault((use.loc, use.steps), []).append((use, entry_state))
            reported: set[Steps] = set()
            for (loc, steps), found in by_place.items():
                if steps[0] == CONTEXT_NAME:
                    yield from _context_findings(loc, steps)
                elif not any(use.guarded for use, _ in found):
                    yield from self._use_findings(name, loc, steps, found, reported)
        yield from self._overwritten_findings()

    def _use_findings(
        self,
        name: str,
        loc: Loc,
        steps: Steps,
        found: list[tuple[StateUse, AbstractState]],
        reported: set[Steps],
    ) -> Iterator[Finding]:
        if all(use.found.presence == Presence.CANNOT for use, _ in found):
            use, entry_state = found[0]
            why, fix = _reason(steps, use, entry_state)
            yield Finding(ERROR, "path-cannot-exist", loc, f"{path_text(steps)} {why}", fix)
            return
        found = [pair for pair in found if not self._is_checked(*pair)]
        if not found:
            return
        use, entry_state = min(found, key=lambda pair: pair[0].found.presence)
        presence, prefix = use.found.presence, steps[: use.found.depth]
        if presence <= Presence.MAY:
            if prefix in reported:
                return
            reported.add(prefix)
            yield self._may_be_missing(name, loc, prefix, use, entry_state)
        elif presence == Presence.UNDECLARED and prefix not in self._undeclared:
            self._undeclared.add(prefix)
            yield Finding(
                WARNING,
                "undeclared-input",
                loc,
                f"the input schema does not declare {path_text(prefix)}: an input without it is "
                "accepted, and the run fails here",
                _declaration_fix(prefix, use.found.owner),
            )
        else:
            overwritten = entry_state.overwrite is not None and use.found.depth == 1
            yield from _undocumented_member(loc, steps, use, overwritten)

    def _is_checked(self, use: StateUse, entry_state: AbstractState) -> bool:
        """Say whether a flow has checked the presence of a value that may be missing."""
        found, prefix = use.found, use.steps[: use.found.depth]
        if found.presence != Presence.MAY or not prefix:
            return False
        if isinstance(prefix[-1], int):
            return prefix[:-1] in self._size_checked
        action = failed_action(entry_state, prefix)
        return action is not None and any(
            atom[0][: len(action)] == action for atom, _ in entry_state.facts
        )

    def _may_be_missing(
        self, name: str, loc: Loc, prefix: Steps, use: StateUse, entry_state: AbstractState
    ) -> Finding:
        owner = use.found.owner
        route = " -> ".join([*missing_route(entry_state, prefix), name])
        special = _specific_problem(prefix, owner, entry_state, route)
        if special is not None:
            return Finding(WARNING, "path-may-be-missing", loc, *special)
        other = owner.kinds & ~OBJECT
        if owner.kinds != ALL and other and isinstance(prefix[-1], str):
            why = f"{path_text(prefix[:-1])} may be {describe_kinds(other)}"
            return Finding(
                WARNING,
                "path-may-be-missing",
                loc,
                f"{path_text(prefix)} may be missing on the route {route}: {why}",
                "test the type with a Choice before, or narrow it in the input schema",
            )
        if is_required_by_transfer(self._analysis.flow, prefix):
            return Finding(
                ADVICE,
                "path-may-be-missing",
                loc,
                f"{path_text(prefix)} is missing where the path is not there: the run fails here, "
                "before the transfer of that path would",
                "test details.code with a Choice before, to fail with words of your own",
            )
        return Finding(
            WARNING,
            "path-may-be-missing",
            loc,
            f"{path_text(prefix)} may be missing on the route {route}",
            "make it sure on that route: require it in the input schema, set it in a state, or "
            "test it with IsPresent before",
        )

    def _note_overwrite(self, name: str, use: StateUse, entry_state: AbstractState) -> None:
        overwrite, steps = entry_state.overwrite, use.steps
        if (
            overwrite is None
            or overwrite.loc in self._overwritten
            or steps[0] in overwrite.documented
        ):
            return
        if steps[0] == CONTEXT_NAME or get(overwrite.before, steps).presence == Presence.CANNOT:
            return
        now = get(entry_state.payload, steps[:1]).presence
        if now in (Presence.CANNOT, Presence.UNKNOWN) and not _written_since(entry_state, steps):
            self._overwritten[overwrite.loc] = (name, steps)

    def _overwritten_findings(self) -> Iterator[Finding]:
        for loc, (name, steps) in self._overwritten.items():
            overwritten = f"{path_text(steps)}, which state {name!r} reads, is lost"
            if "Catch" in loc[3:]:
                yield Finding(
                    WARNING,
                    "catch-loses-payload",
                    loc,
                    f"without ResultPath the failure replaces the whole payload: {overwritten}",
                    'add a "ResultPath" such as "$.failure" to the catcher',
                )
            else:
                yield Finding(
                    WARNING,
                    "payload-lost",
                    loc,
                    "without ResultPath the action's result replaces the whole payload: "
                    f"{overwritten}",
                    'add a "ResultPath" such as "$.result"',
                )


def failed_action(entry_state: AbstractState, steps: Steps) -> Steps | None:
    """Return the path of the result of a FAILED action whose details a path leads into."""
    for number in range(1, len(steps)):
        if steps[number] == _DETAILS:
            status = get(entry_state.payload, (*steps[:number], _STATUS)).json_type.values
            if status == _FAILED:
                return steps[:number]
    return None


def _specific_problem(
    prefix: Steps, owner: JsonType, entry_state: AbstractState, route: str
) -> tuple[str, str] | None:
    """Return a message and a fix where more is known than that a value may be missing."""
    text, name = path_text(prefix), prefix[-1]
    if isinstance(name, int):
        return (
            f"{text} may be missing on the route {route}: {path_text(prefix[:-1])} may have no "
            "such item",
            'require it with "minItems" in the input schema, or test the number of items before',
        )
    if (action := failed_action(entry_state, prefix)) is not None:
        return (
            f"{text} may be missing on the route {route}: {path_text(action)} may be FAILED there, "
            "since ExceptionOnActionFailure is false",
            f"test {path_text(action)}.status with a Choice before",
        )
    if _EXCEPTION in owner.members and name in _AMAZON_NAMES:
        meant = path_text((*prefix[:-1], _AMAZON_NAMES[str(name)]))
        return (
            f"{text} may be missing on the route {route}: a failure has exception, cause and "
            "state_name",
            f"use {meant}",
        )
    return None


def _written_since(entry_state: AbstractState, steps: Steps) -> bool:
    member = entry_state.payload.members.get(str(steps[0]))
    return member is not None and member.presence == Presence.MUST


def _reason(steps: Steps, use: StateUse, entry_state: AbstractState) -> tuple[str, str]:
    found = use.found
    before = steps[: found.depth - 1]
    if found.owner.kinds != ALL and before and not found.owner.kinds & OBJECT:
        step = steps[found.depth - 1]
        if isinstance(step, str):
            words = describe_kinds(found.owner.kinds)
            return (
                f"cannot exist: {path_text(before)} is {words}, and has no members",
                "correct the path",
            )
    overwrite: Overwrite | None = entry_state.overwrite
    if overwrite is not None and get(overwrite.before, steps).presence > Presence.CANNOT:
        state = overwrite.loc[2]
        return (
            f"cannot exist: state {state!r} has replaced the payload",
            f'add a "ResultPath" to {state!r}',
        )
    near = _nearest(steps, found.depth, found.owner, entry_state.payload)
    fix = (
        f"did you mean {near}?" if near else "correct the path, or write to it in an earlier state"
    )
    return "cannot exist: no input and no earlier state produces it", fix


def _nearest(steps: Steps, depth: int, owner: JsonType, payload: JsonType) -> str | None:
    name = steps[depth - 1]
    near = nearest(name, _known_members(owner), 0.7)
    if near is not None:
        meant = (*steps[: depth - 1], near)
        full_path = (*meant, *steps[depth:])
        return path_text(full_path if get(payload, full_path).presence > Presence.CANNOT else meant)
    text = path_text(steps)
    if len(text) > _MAX_LENGTH:
        return None
    close = get_close_matches(text, list(islice(_paths(payload, "$", 0), _MAX_NAMES)), 1, 0.75)
    return close[0] if close else None


def _known_members(json_type: JsonType) -> list[str]:
    return [n for n, m in json_type.members.items() if m.presence != Presence.CANNOT][:_MAX_NAMES]


def _paths(json_type: JsonType, text: str, depth: int) -> Iterable[str]:
    if depth < 5:
        for name in _known_members(json_type):
            path = text + _step(name)
            yield path
            yield from _paths(json_type.members[name].json_type, path, depth + 1)


def _declaration_fix(prefix: Steps, owner: JsonType) -> str:
    name = str(prefix[-1])
    close = get_close_matches(name, _known_members(owner), 1, 0.8)
    if close:
        return f"did you mean {path_text((*prefix[:-1], close[0]))}? Else declare and require it"
    return f"declare {name!r} in the input schema, and require it"


def _undocumented_member(
    loc: Loc, steps: Steps, use: StateUse, overwritten: bool
) -> Iterator[Finding]:
    found = use.found
    name = steps[found.depth - 1] if found.depth else None
    if (
        found.presence != Presence.UNKNOWN
        or not found.owner.documented
        or not isinstance(name, str)
    ):
        return
    if name in found.owner.members:
        return
    owner, undocumented = steps[: found.depth - 1], path_text(steps[: found.depth])
    close = get_close_matches(name, list(found.owner.members), 1, 0.8)
    if close:
        meant = path_text((*owner, close[0]))
        yield Finding(
            WARNING,
            "near-miss-name",
            loc,
            f"{undocumented} is not documented, but {meant} is",
            f"did you mean {meant}?",
        )
    elif found.owner.fully_documented and not overwritten:
        near = nearest(name, _known_members(found.owner), 0.5)
        known = ", ".join(_known_members(found.owner)[:_MAX_SHOWN])
        yield Finding(
            WARNING,
            "undocumented-member",
            loc,
            f"{undocumented} is not documented: the provider gives nothing of this name",
            f"did you mean {path_text((*owner, near))}?" if near else f"there are: {known}",
        )


def _context_findings(loc: Loc, steps: Steps) -> Iterator[Finding]:
    json_type: JsonType = CONTEXT
    for number, name in enumerate(steps[1:], 1):
        if not isinstance(name, str) or not json_type.documented:
            return
        if name not in json_type.members:
            known = list(json_type.members)
            close = get_close_matches(name, known, 1, 0.6)
            if name in _OLD_CONTEXT:
                close = [_OLD_CONTEXT[name]] if _OLD_CONTEXT[name] else []
            fix = f"use {path_text((*steps[:number], close[0]))}" if close else ""
            yield Finding(
                ADVICE if name in _OLD_CONTEXT else WARNING,
                "undocumented-context",
                loc,
                f"{path_text(steps[: number + 1])} is not a documented member of the run's context",
                fix or f"known: {', '.join(known)}",
            )
            return
        json_type = json_type.members[name].json_type


def path_text(steps: Steps) -> str:
    """Write a path."""
    return "$" + "".join(_step(step) for step in steps)


def _step(step: object) -> str:
    if isinstance(step, str):
        return f".{step}" if step.isidentifier() else f"[{step!r}]"
    if isinstance(step, int):
        return f"[{step}]"
    return "[*]" if step is None else "[:]"
