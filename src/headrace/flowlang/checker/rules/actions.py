"""Findings on Actions: addresses, times, catchers and whose token is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from headrace.flowlang.checker.analysis.json_types import JsonType, Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.action_urls import IsServed, addresses
from headrace.flowlang.checker.rules.catchers import absence_not_caught, catchers
from headrace.flowlang.checker.rules.wait_times import wait_times
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parse import targets
from headrace.flowlang.providers import provider_of

# Providers that do work which what follows needs.
_WORK: Final = frozenset({"transfer", "compute_v2", "compute_v3"})
_IDENTITIES: Final = frozenset({"User", "Flow"})


def actions(
    flow: Flow,
    inputs: Iterable[JsonType],
    walltimes: Mapping[str, float],
    is_served: IsServed | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with the Actions of a flow.

    Args:
        flow: the checked flow.
        inputs: what the run's input can be.
        walltimes: seconds that a function or the jobs of an endpoint may take, by id or by the
            path in the input that the id is read from.
        is_served: says whether the target has a provider at an address; None: no target is known.
    """
    types = list(inputs)
    gives_times = any("WaitTime" in raw for raw in flow.definition["States"].values())
    for name, state in flow.states.items():
        raw, loc = flow.definition["States"][name], state_loc(name)
        if isinstance(state, ActionState):
            caught = raw.get("Catch", [])
            yield from catchers(state, caught, (*loc, "Catch"))
            yield from absence_not_caught(
                state, caught, (*loc, "Catch"), _result_is_read(flow, state)
            )
            yield from _unnoticed_failure(flow, state, loc)
            yield from addresses(state, raw, loc, is_served)
            yield from wait_times(state, raw, loc, walltimes, gives_times)
            yield from _missing_tokens(state, loc, types)


def _unnoticed_failure(flow: Flow, state: ActionState, loc: Loc) -> Iterator[Finding]:
    """Yield work whose failure nobody sees, though the flow goes on to other actions."""
    provider = provider_of(state.url)
    if (
        state.raises
        or provider is None
        or provider.name not in _WORK
        or _result_is_read(flow, state)
    ):
        return
    if _leads_to_action(flow, state):
        yield Finding(
            WARNING,
            "failure-unnoticed",
            (*loc, "ExceptionOnActionFailure"),
            f"an action ({provider.title}) that FAILED passes for one that succeeded: no state "
            f"reads {state.result_path.text}.status",
            "let the failure be raised, or test the status with a Choice",
        )


def _leads_to_action(flow: Flow, state: ActionState) -> bool:
    seen: set[str] = set()
    pending = [state.next] if state.next is not None else []
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        following = flow.states[name]
        if following is not state and isinstance(following, ActionState):
            return True
        pending += targets(flow.definition["States"][name])
    return False


def _result_is_read(flow: Flow, action: ActionState) -> bool:
    """Say whether a state reads something of an action's result, or the whole payload."""
    steps = action.result_path.steps
    for state in flow.states.values():
        places, reads_all = referenced_paths(state)
        if reads_all and state is not action:
            return True
        if any(place[: len(steps)] == steps for place in places):
            return True
    return False


def _missing_tokens(state: ActionState, loc: Loc, inputs: list[JsonType]) -> Iterator[Finding]:
    if state.run_as in _IDENTITIES:
        return
    close = get_close_matches(state.run_as.lower(), ["user", "flow"], 1, 0.7)
    if close:
        yield Finding(
            WARNING,
            "run-as-misspelt",
            (*loc, "RunAs"),
            f"{state.run_as!r} is taken for a role, whose token the input must bring",
            f"did you mean {close[0].capitalize()!r}?",
        )
    for steps in (("_tokens",), ("_tokens", state.run_as)):
        if inputs and all(
            get(json_type, steps).presence == Presence.CANNOT for json_type in inputs
        ):
            yield Finding(
                ERROR,
                "run-as-without-tokens",
                (*loc, "RunAs"),
                f"the token of the role {state.run_as!r} is passed in the input as "
                f"{'.'.join(steps)}, which the input schema does not admit",
                'declare "_tokens", an object, in the input schema; or run as User or Flow',
            )
            return
    if inputs and all(
        get(json_type, ("_tokens",)).presence == Presence.UNDECLARED for json_type in inputs
    ):
        yield Finding(
            WARNING,
            "run-as-without-tokens",
            (*loc, "RunAs"),
            f"the token of the role {state.run_as!r} is passed in the input as _tokens, which the "
            "input schema does not declare: an input without it is accepted, and the action fails",
            'declare "_tokens", an object, and require it; or run as User or Flow',
        )
