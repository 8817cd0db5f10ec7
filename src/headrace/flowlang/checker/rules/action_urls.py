"""Findings on the addresses of action providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING, Finding, Loc
from headrace.flowlang.model import ActionState
from headrace.flowlang.providers import nearest_address, providers, replacement

# Whether the target has a provider at an address.
IsServed = Callable[[str], bool]


def addresses(
    state: ActionState, raw: dict[str, Any], loc: Loc, is_served: IsServed | None
) -> Iterator[Finding]:
    """Yield what is wrong with an Action's address.

    Args:
        state: the Action.
        raw: it, as the definition has it.
        loc: its location.
        is_served: says whether the target has a provider at an address; None: no target is known.
    """
    if state.url in {CREATE_WEB_INPUT, AWAIT_WEB_INPUT} or state.bare:
        return
    where: Loc = (*loc, "ActionUrl") if "ActionUrl" in raw else (*loc, "Handler", "Url")
    new = replacement(state.url)
    near = None if new is not None else nearest_address(state.url, providers())
    if new is not None:
        address, gone = new
        yield Finding(
            ERROR if gone else ADVICE,
            "deprecated-provider",
            where,
            f"{state.url} {'is no longer served' if gone else 'is an old address'}",
            f"use {address}",
        )
    elif near is not None:
        yield Finding(
            WARNING,
            "unknown-provider",
            where,
            f"{state.url}: {near.why}",
            f"did you mean {near.address}?" if near.address else "correct the address",
        )
    elif is_served is not None and not is_served(state.url):
        yield Finding(
            WARNING,
            "provider-not-served",
            where,
            f"the target has no provider {state.url}: the action cannot be run there",
            "run the flow at the other target, or name a provider of your own in headrace.toml",
        )
    if state.url.startswith("http:"):
        yield Finding(
            WARNING,
            "plain-http",
            where,
            f"{state.url}: the hosted service takes https only",
            "keep this flow local, or give the provider an https address",
        )
