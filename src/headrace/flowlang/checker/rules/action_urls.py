"""Findings on the addresses of action providers."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.model import ActionState
from headrace.flowlang.providers import nearest_address, replacement


@rule("deprecated-provider", ERROR)
@rule("unknown-provider", WARNING)
@rule("provider-not-served", WARNING)
@rule("plain-http", WARNING)
def addresses(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield what is wrong with the address of an Action's provider."""
    raw, loc = context.flow.definition["States"][state.name], state_loc(state.name)
    is_served = context.is_served
    if state.url in {CREATE_WEB_INPUT, AWAIT_WEB_INPUT} or state.bare:
        return
    where: Loc = (*loc, "ActionUrl") if "ActionUrl" in raw else (*loc, "Handler", "Url")
    new = replacement(state.url)
    known = context.analysis.providers.addresses
    near = None if new is not None else nearest_address(state.url, known)
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
