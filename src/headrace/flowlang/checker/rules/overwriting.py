"""Findings on results that overwrite inputs."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.json_types import OBJECT, JsonType, Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.checker.rules.undefined import path_text
from headrace.flowlang.model import ActionState, Flow


@rule("input-overwritten", WARNING)
def overwritten_inputs(context: RuleContext) -> Iterator[Finding]:
    """Yield Actions whose status document overwrites an object of the input.

    Only where nothing of the document is read afterwards: then the name is probably wrong.
    """
    flow, types = context.flow, context.inputs
    for name, state in flow.states.items():
        if not isinstance(state, ActionState) or state.bare or not state.result_path.steps:
            continue
        steps = state.result_path.steps
        if (
            types
            and all(_is_declared(input_type, steps) for input_type in types)
            and not _reads_it(flow, steps)
        ):
            yield Finding(
                WARNING,
                "input-overwritten",
                (*state_loc(name), "ResultPath"),
                f"the result takes the place of the input {path_text(steps)}, "
                "and no state reads it",
                'give the result a name of its own in "ResultPath"',
            )


def _is_declared(input_type: JsonType, steps: Steps) -> bool:
    found = get(input_type, steps)
    return found.presence == Presence.MUST and found.json_type.kinds == OBJECT


def _reads_it(flow: Flow, steps: Steps) -> bool:
    """Say whether a state reads a member that only an action's result has."""
    for state in flow.states.values():
        places, reads_all = referenced_paths(state)
        below = [p[len(steps)] for p in places if len(p) > len(steps) and p[: len(steps)] == steps]
        if reads_all or {"details", "status", "action_id"}.intersection(map(str, below)):
            return True
    return False
