"""Findings on Actions: providers, times, catchers and whose token is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from headrace.flowlang import silent
from headrace.flowlang.checker.findings import ADVICE, ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.places import look
from headrace.flowlang.checker.providers import provider_of, replacement
from headrace.flowlang.checker.readings import state_loc
from headrace.flowlang.checker.shapes import (
    Presence,
    Shape,
)
from headrace.flowlang.model import ActionState, Flow

KNOWN_ERRORS: Final = (
    "ActionUnableToRun",
    "ActionFailedException",
    "ActionTimeout",
    "States.ALL",
    "States.Runtime",
    "States.ParameterPathFailure",
    "States.ResultPathMatchFailure",
    "States.IntrinsicFailure",
    "States.NoChoiceMatched",
    "NoTokenException",
)
_WORKERS: Final = ("endpoint", "endpoint_id", "function", "function_id")
_IDENTITIES: Final = frozenset({"User", "Flow"})


def actions(
    flow: Flow, inputs: Iterable[Shape], walltimes: Mapping[str, float]
) -> Iterator[Finding]:
    """Yields what is wrong with the Actions of a flow.

    Args:
        flow: the checked flow.
        inputs: what the run's input can be.
        walltimes: seconds that a function or the jobs of an endpoint may take, by id or by the
            path in the input that the id is read from.
    """
    ways = list(inputs)
    for name, state in flow.states.items():
        raw, loc = flow.definition["States"][name], state_loc(name)
        if isinstance(state, ActionState):
            yield from _catchers(raw.get("Catch", []), state.raises, (*loc, "Catch"))
            yield from _provider(state, raw, loc)
            yield from _times(state, raw, loc, walltimes)
            yield from _tokens(state, loc, ways)


def _provider(state: ActionState, raw: dict[str, Any], loc: Loc) -> Iterator[Finding]:
    where: Loc = (*loc, "ActionUrl") if "ActionUrl" in raw else (*loc, "Handler", "Url")
    new = replacement(state.url)
    if new is not None:
        address, gone = new
        yield Finding(
            WARNING if gone else ADVICE,
            "deprecated-provider",
            where,
            f"{state.url} {'is no longer served' if gone else 'is an old address'}",
            f"use {address}",
        )
    if state.url.startswith("http:"):
        yield Finding(
            WARNING,
            "plain-http",
            where,
            f"{state.url}: the hosted service takes https only",
            "keep this flow local, or give the provider an https address",
        )


def _times(
    state: ActionState, raw: dict[str, Any], loc: Loc, walltimes: Mapping[str, float]
) -> Iterator[Finding]:
    provider = provider_of(state.url)
    if provider is None:
        return
    known = [
        (walltimes[worker], worker)
        for worker in _workers(raw.get("Parameters"))
        if worker in walltimes
    ]
    longest, worker = max(known, default=(0.0, ""))
    if longest > state.wait_time:
        yield Finding(
            WARNING,
            "wait-time-too-short",
            (*loc, "WaitTime") if "WaitTime" in raw else loc,
            f"the flow waits {state.wait_time} s, and jobs of {worker} may take {longest:g} s, "
            "besides their time in the queue",
            f'set "WaitTime" to {longest:g} and the longest time in the queue',
        )
    elif provider.long and "WaitTime" not in raw:
        yield Finding(
            WARNING,
            "default-wait-time",
            loc,
            f"without WaitTime the action ({provider.title}) is cancelled after "
            f"{silent.DEFAULT_WAIT_TIME} s",
            'add a "WaitTime" in seconds, such as 86400',
        )


def _workers(parameters: Any) -> Iterator[str]:
    """Yields the functions and endpoints that Compute's parameters name, as ids or paths."""
    if not isinstance(parameters, dict):
        return
    tasks = parameters.get("tasks")
    for body in [parameters, *(tasks if isinstance(tasks, list) else [])]:
        if isinstance(body, dict):
            for name in _WORKERS:
                for key in (name, f"{name}.$"):
                    if isinstance(body.get(key), str):
                        yield body[key]


def _tokens(state: ActionState, loc: Loc, inputs: list[Shape]) -> Iterator[Finding]:
    if state.run_as in _IDENTITIES or not inputs:
        return
    for steps in (("_tokens",), ("_tokens", state.run_as)):
        if all(look(way, steps).presence == Presence.CANNOT for way in inputs):
            yield Finding(
                ERROR,
                "run-as-without-tokens",
                (*loc, "RunAs"),
                f"the token of the role {state.run_as!r} is passed in the input as "
                f"{'.'.join(steps)}, which the input schema does not admit",
                'declare "_tokens", an object, in the input schema; or run as User or Flow',
            )
            return


def _catchers(catchers: Any, raises: bool, loc: Loc) -> Iterator[Finding]:
    taken: dict[str, int] = {}
    everything: int | None = None
    for number, catcher in enumerate(catchers):
        for at, error in enumerate(catcher["ErrorEquals"]):
            where: Loc = (*loc, number, "ErrorEquals", at)
            if everything is not None:
                yield _unused(
                    (*loc, number),
                    "this catcher is never used: an earlier one takes every failure",
                    "put the catcher with States.ALL last",
                )
                break
            if error in taken and taken[error] != number:
                yield _unused(
                    where,
                    f"{error!r} never comes here: catcher {taken[error] + 1} takes it",
                    "remove it from one of the two",
                )
            elif error == "ActionFailedException" and not raises:
                yield _unused(
                    where,
                    "'ActionFailedException' is not raised while ExceptionOnActionFailure is false",
                    "test the result's status with a Choice, or let the failure be raised",
                )
            yield from _misspelt(error, where)
            taken.setdefault(error, number)
        if everything is None and silent.CATCH_ALL.intersection(catcher["ErrorEquals"]):
            everything = number


def _unused(loc: Loc, message: str, fix: str) -> Finding:
    return Finding(WARNING, "unreachable-catcher", loc, message, fix)


def _misspelt(error: str, loc: Loc) -> Iterator[Finding]:
    if error in KNOWN_ERRORS or error in silent.CATCH_ALL or len(error) > 60:
        return
    low = {known.lower(): known for known in KNOWN_ERRORS}
    close = get_close_matches(error.lower(), low, 1, 0.85)
    if close:
        yield Finding(
            ADVICE,
            "unknown-error-name",
            loc,
            f"{error!r} is not a failure that the service documents, but {low[close[0]]!r} is",
            f"did you mean {low[close[0]]!r}?",
        )
