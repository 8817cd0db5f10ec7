"""Findings on the WaitTime of Actions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.flowlang.checker.analysis.expression_paths import argument_path
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ADVICE, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.model import ActionState

# Less than the default is probably a mistake for what can take hours.
SHORT_WAIT_TIME: Final = limits.DEFAULT_WAIT_TIME
_WORKERS: Final = ("endpoint", "endpoint_id", "function", "function_id")


@rule("default-wait-time", WARNING)
@rule("wait-time-too-short", WARNING)
@rule("wait-time-too-long", WARNING)
def wait_times(context: RuleContext, state: ActionState) -> Iterator[Finding]:
    """Yield what is wrong with an Action's WaitTime."""
    states, walltimes = context.flow.definition["States"], context.walltimes
    raw, loc = states[state.name], state_loc(state.name)
    if "WaitTime" in raw and state.wait_time > limits.MAX_WAIT_SECONDS:
        yield Finding(
            WARNING,
            "wait-time-too-long",
            (*loc, "WaitTime"),
            f"{state.wait_time} s is longer than the year that a run can take",
            'give "WaitTime" in seconds, such as 86400 for a day',
        )
        return
    provider = context.analysis.provider_of(state)
    if provider is None or state.url == AWAIT_WEB_INPUT:
        return
    known = [
        (walltimes[name], name) for name in _compute_ids(raw.get("Parameters")) if name in walltimes
    ]
    longest, name = max(known, default=(0.0, ""))
    where: Loc = (*loc, "WaitTime") if "WaitTime" in raw else loc
    if longest > state.wait_time:
        yield Finding(
            WARNING,
            "wait-time-too-short",
            where,
            f"the flow waits {state.wait_time} s, and jobs of {name} may take {longest:g} s, "
            "besides their time in the queue",
            f'set "WaitTime" to {longest:g} and the longest time in the queue',
        )
    elif provider.long and "WaitTime" not in raw:
        # A flow without any WaitTime may be content with the default.
        yield Finding(
            WARNING if any("WaitTime" in other for other in states.values()) else ADVICE,
            "default-wait-time",
            loc,
            f"without WaitTime the action ({provider.title}) is cancelled after "
            f"{limits.DEFAULT_WAIT_TIME} s",
            'add a "WaitTime" in seconds, such as 86400',
        )
    elif provider.long and state.wait_time < SHORT_WAIT_TIME:
        yield Finding(
            WARNING,
            "wait-time-too-short",
            where,
            f"the action ({provider.title}) is cancelled after {state.wait_time} s, its time in "
            "queues included",
            'give the longest time that it may take as "WaitTime", such as 86400',
        )


def _compute_ids(parameters: Any) -> Iterator[str]:
    """Yield the functions and endpoints that Compute's parameters name, as ids or paths."""
    if not isinstance(parameters, dict):
        return
    tasks = parameters.get("tasks")
    for body in [parameters, *(tasks if isinstance(tasks, list) else [])]:
        if isinstance(body, dict):
            for name in _WORKERS:
                for key in (name, f"{name}.$"):
                    if isinstance(body.get(key), str):
                        yield body[key]
                if isinstance(body.get(f"{name}.="), str):
                    yield from _paths_in(body[f"{name}.="])


def _paths_in(expression: str) -> Iterator[str]:
    """Yield the paths that an expression names: dotted ones, and those of ``getattr``."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # told by another rule
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and argument_path(node.args[0]) is not None:
            yield f"$.{ast.literal_eval(node.args[0])}"
        elif isinstance(node, ast.Attribute):
            yield f"$.{ast.unparse(node)}"
