"""Findings on catchers that are never used, or catch nothing."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Final

from headrace._internal.near_names import nearest
from headrace.flowlang import limits
from headrace.flowlang.checker.analysis.referenced_paths import result_is_read
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.model import ActionState
from headrace.flowlang.providers import provider_of

KNOWN_ERRORS: Final = (
    "ActionUnableToRun",
    "ActionFailedException",
    "ActionTimeout",
    "Flows.WebInputExpired",
    "States.ALL",
    "States.Runtime",
    "States.ParameterPathFailure",
    "States.ResultPathMatchFailure",
    "States.IntrinsicFailure",
    "States.NoChoiceMatched",
    "NoTokenException",
)
_STAT: Final = "stat"
# Names of failures in other languages, and common slips.
_COMMON_MISNAMES: Final = {
    "*": "States.ALL",
    "All": "States.ALL",
    "ALL": "States.ALL",
    "Error": "States.ALL",
    "Exception": "States.ALL",
    "States.TaskFailed": "ActionFailedException",
    "States.Timeout": "ActionTimeout",
    "States.HeartbeatTimeout": "ActionTimeout",
    "States.Permissions": "ActionUnableToRun",
    "FAILED": "ActionFailedException",
    "FAILURE": "ActionFailedException",
    "Failed": "ActionFailedException",
    "Timeout": "ActionTimeout",
    "TimeoutError": "ActionTimeout",
}
_EXCEPTIONS: Final = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)


@rule("unreachable-catcher", WARNING)
@rule("unknown-error-name", WARNING)
def catchers(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield what is wrong with an Action's catchers."""
    raw = context.flow.definition["States"][state.name].get("Catch", [])
    loc: Loc = (*state_loc(state.name), "Catch")
    caught_by: dict[str, int] = {}
    catch_all: int | None = None
    for number, catcher in enumerate(raw):
        for at, error in enumerate(catcher["ErrorEquals"]):
            where: Loc = (*loc, number, "ErrorEquals", at)
            if catch_all is not None:
                yield _unused(
                    (*loc, number),
                    "this catcher is never used: an earlier one takes every failure",
                    "put the catcher with States.ALL last",
                )
                break
            if error in caught_by and caught_by[error] != number:
                yield _unused(
                    where,
                    f"{error!r} never comes here: catcher {caught_by[error] + 1} takes it",
                    "remove it from one of the two",
                )
            elif error == "ActionFailedException" and not state.raises:
                yield _unused(
                    where,
                    "'ActionFailedException' is not raised while ExceptionOnActionFailure is false",
                    "test the result's status with a Choice, or let the failure be raised",
                )
            yield from _misspelt(error, where)
            caught_by.setdefault(error, number)
        if catch_all is None and limits.CATCH_ALL.intersection(catcher["ErrorEquals"]):
            catch_all = number


@rule("absence-not-caught", WARNING)
def absence_not_caught(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield a Catch on ``stat`` by which a flow means to learn that a path is not there."""
    provider = provider_of(state.url)
    if provider is None or provider.name != _STAT:
        return
    if not context.flow.definition["States"][state.name].get("Catch"):
        return
    if result_is_read(context.flow, state):
        return
    yield Finding(
        WARNING,
        "absence-not-caught",
        (*state_loc(state.name), "Catch"),
        "stat of a path that is not there does not fail: it succeeds with details.code "
        "'NotFound', and no catcher is used",
        f"test {state.result_path.text}.details.code with a Choice after it",
    )


def _unused(loc: Loc, message: str, fix: str) -> Finding:
    return Finding(WARNING, "unreachable-catcher", loc, message, fix)


def _misspelt(error: str, loc: Loc) -> Iterator[Finding]:
    if error in KNOWN_ERRORS or error in limits.CATCH_ALL:
        return
    # Parts of names occur too: ActionFailed, Timeout, ALL.
    near = _COMMON_MISNAMES.get(error) or nearest(error, KNOWN_ERRORS, 0.8)
    if near is not None:
        yield Finding(
            WARNING,
            "unknown-error-name",
            loc,
            f"{error!r} is not a failure that the service documents, but {near!r} is: "
            "it catches nothing",
            f"did you mean {near!r}?",
        )
    elif error in _EXCEPTIONS or error.startswith("States."):
        yield Finding(
            WARNING,
            "unknown-error-name",
            loc,
            f"{error!r} is not a failure that the service documents: it catches nothing",
            "what an action's work raises is an ActionFailedException",
        )
