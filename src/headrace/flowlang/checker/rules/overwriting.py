"""Findings on results that take the place of inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.json_types import OBJECT, Presence, Shape
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.analysis.referenced_paths import named_places
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding
from headrace.flowlang.checker.rules.undefined import written
from headrace.flowlang.model import ActionState, Flow


def overwritten(flow: Flow, inputs: Iterable[Shape]) -> Iterator[Finding]:
    """Yield Actions whose status document takes the place of an object of the input.

    Where nothing of the document is read afterwards either, the name is hardly meant.

    Args:
        flow: the flow.
        inputs: what the run's input can be.
    """
    ways = list(inputs)
    for name, state in flow.states.items():
        if not isinstance(state, ActionState) or state.bare or not state.result_path.steps:
            continue
        steps = state.result_path.steps
        if ways and all(_is_declared(way, steps) for way in ways) and not _reads_it(flow, steps):
            yield Finding(
                WARNING,
                "input-overwritten",
                (*state_loc(name), "ResultPath"),
                f"the result takes the place of the input {written(steps)}, and no state reads it",
                'give the result a name of its own in "ResultPath"',
            )


def _is_declared(way: Shape, steps: Steps) -> bool:
    found = look(way, steps)
    return found.presence == Presence.MUST and found.shape.kinds == OBJECT


def _reads_it(flow: Flow, steps: Steps) -> bool:
    """Say whether a state reads what only an action's result has there."""
    for state in flow.states.values():
        places, whole = named_places(state)
        below = [p[len(steps)] for p in places if len(p) > len(steps) and p[: len(steps)] == steps]
        if whole or {"details", "status", "action_id"}.intersection(map(str, below)):
            return True
    return False
