"""Findings on Actions: addresses, times, catchers and whose token is used."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from headrace.flowlang.checker.analysis.json_types import Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.referenced_paths import result_is_read
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding
from headrace.flowlang.checker.rules.action_urls import addresses
from headrace.flowlang.checker.rules.catchers import absence_not_caught, catchers
from headrace.flowlang.checker.rules.registry import RuleContext, for_each, rule
from headrace.flowlang.checker.rules.wait_times import wait_times
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parse import targets
from headrace.flowlang.providers import provider_of

# Providers that do work which what follows needs.
_WORK: Final = frozenset({"transfer", "compute_v2", "compute_v3"})
_IDENTITIES: Final = frozenset({"User", "Flow"})


@rule("failure-unnoticed", WARNING)
def unnoticed_failure(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield work whose failure nobody sees, though the flow goes on to other actions."""
    flow, loc = context.flow, state_loc(state.name)
    provider = provider_of(state.url)
    if (
        state.raises
        or provider is None
        or provider.name not in _WORK
        or result_is_read(flow, state)
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


@rule("run-as-misspelt", WARNING)
@rule("run-as-without-tokens", ERROR)
def role_tokens(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield roles that are misspelt, or whose token the input cannot bring."""
    inputs, loc = context.inputs, state_loc(state.name)
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


actions: Final = for_each(
    ActionState,
    catchers,
    absence_not_caught,
    unnoticed_failure,
    addresses,
    wait_times,
    role_tokens,
)
