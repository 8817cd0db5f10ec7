"""Findings on loops: without an exit, and polls without waiting."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import NUMBER
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ADVICE, WARNING, Finding
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.model import ActionState, Flow, State, WaitState
from headrace.flowlang.parse import targets
from headrace.flowlang.paths import Path
from headrace.flowlang.providers import provider_of

# A poll at shorter intervals should back off.
SHORT_WAIT: Final = 60.0
# Providers that wait for a person.
_ASKING_PEOPLE: Final = frozenset({"await_web_input", "web_option"})

Graph = Mapping[str, Collection[str]]


@rule("loop-without-end", WARNING)
@rule("poll-without-wait", WARNING)
@rule("poll-constant-wait", ADVICE)
def loops(context: RuleContext) -> Iterator[Finding]:
    """Yield what is wrong with the loops of a flow."""
    analysis = context.analysis
    flow = analysis.flow
    graph = {name: targets(raw) for name, raw in flow.definition["States"].items()}
    for loop in cycles(graph):
        if not _has_exit(flow, graph, loop):
            first = next(name for name in graph if name in loop)
            others = f" (with {', '.join(map(repr, _others(graph, loop, first)))})"
            yield Finding(
                WARNING,
                "loop-without-end",
                state_loc(first),
                f"no way leads out of the loop of {first!r}{others if len(loop) > 1 else ''}",
                'let a Choice lead out of it, or end a state with "End": true',
            )
        if not _makes_progress(flow, loop):
            yield from _short_waits(analysis, loop)
    without_waits = {name: rest for name, rest in graph.items() if not _waits(flow.states[name])}
    for loop in cycles(without_waits):
        actions = [n for n in graph if n in loop and isinstance(flow.states[n], ActionState)]
        if actions and not _makes_progress(flow, loop):
            yield Finding(
                WARNING,
                "poll-without-wait",
                state_loc(actions[0]),
                f"a loop calls {actions[0]!r} with the same parameters again and again, and never "
                "waits",
                "put a Wait into the loop",
            )


def _others(graph: Graph, loop: Collection[str], first: str) -> list[str]:
    return [name for name in graph if name in loop and name != first][:4]


def _has_exit(flow: Flow, graph: Graph, loop: Collection[str]) -> bool:
    states = flow.definition["States"]
    return any(
        states[name].get("End") is True or any(target not in loop for target in graph[name])
        for name in loop
    )


def _waits(state: State) -> bool:
    """Say whether a state waits for a time, or for a person."""
    if isinstance(state, ActionState):
        provider = provider_of(state.url)
        return provider is not None and provider.name in _ASKING_PEOPLE
    return isinstance(state, WaitState)


def _makes_progress(flow: Flow, loop: Collection[str]) -> bool:
    """Say whether iterations of a loop differ: an action's parameters change, or a counter does."""
    written: set[object] = set()
    for name in loop:
        for path in _writes(flow.states[name]):
            if not path.steps:
                return True
            written.add(path.steps[0])
    for name in loop:
        state = flow.states[name]
        places, reads_all = referenced_paths(state)
        reads = {steps[0] for steps in places}
        if isinstance(state, ActionState):
            if reads_all or reads & written:
                return True
        elif any(path.steps[0] in reads for path in _writes(state)):
            return True
    return False


def _writes(state: State) -> Iterator[Path]:
    for holder in (state, *getattr(state, "catch", ())):
        path = getattr(holder, "result_path", None)
        if isinstance(path, Path):
            yield path


def _short_waits(analysis: DataFlow, loop: Collection[str]) -> Iterator[Finding]:
    flow = analysis.flow
    if not any(isinstance(flow.states[name], ActionState) for name in loop):
        return
    waits = [state for name in loop if isinstance(state := flow.states[name], WaitState)]
    seconds = [_constant_seconds(analysis, state) for state in waits]
    # One wait that is long, or not known, is enough.
    total = sum(s for s in seconds if s is not None)
    if not waits or None in seconds or total >= SHORT_WAIT:
        return
    for state in waits:
        field = "SecondsPath" if state.seconds_path is not None else "Seconds"
        yield Finding(
            ADVICE,
            "poll-constant-wait",
            (*state_loc(state.name), field),
            f"a loop asks the same again every {total:g} s, however long it takes",
            "wait for a number that an ExpressionEval doubles in each turn, up to some minutes; or "
            f"wait {SHORT_WAIT:g} s or more",
        )


def _constant_seconds(analysis: DataFlow, state: WaitState) -> float | None:
    if state.seconds is not None:
        return state.seconds
    if state.seconds_path is None or not state.seconds_path.is_single:
        return None
    steps: Steps = state.seconds_path.steps
    longest = 0.0
    for entry_state in analysis.states_at(state.name):
        json_type = get(entry_state.payload, steps).json_type
        if json_type.values is None or json_type.kinds != NUMBER or len(json_type.values) != 1:
            return None
        longest = max(longest, *(float(value) for _, value in json_type.values))
    return longest if analysis.states_at(state.name) else None


def cycles(graph: Graph) -> list[set[str]]:
    """Return the strongly connected components of a graph that have a cycle (Tarjan 1972).

    Args:
        graph: the states that each state can lead to; others are left out.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for root in graph:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        waiting = [(root, iter(graph[root]))]
        while waiting:
            name, rest = waiting[-1]
            for target in rest:
                if target not in graph:
                    continue
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    on_stack.add(target)
                    waiting.append((target, iter(graph[target])))
                    break
                if target in on_stack:
                    low[name] = min(low[name], order[target])
            else:
                waiting.pop()
                if waiting:
                    above = waiting[-1][0]
                    low[above] = min(low[above], low[name])
                if low[name] == order[name]:
                    members: set[str] = set()
                    while name not in members:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.add(member)
                    if len(members) > 1 or name in graph[name]:
                        found.append(members)
    return found
