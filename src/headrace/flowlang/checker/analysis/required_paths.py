"""Paths that a flow looks at, and cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.uses import parts
from headrace.flowlang.checker.rules.suffixes import chains_of
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parameters import Computed, Reference, plain_name
from headrace.flowlang.providers import provider_of

_STAT: Final = "stat"
_TRANSFER: Final = "transfer"


def is_needed_anyway(flow: Flow, result: Steps) -> bool:
    """Say whether a run fails in any case where what ``stat`` looked at is not there.

    It does where a transfer takes the same path as its source.

    Args:
        flow: the flow.
        result: a place in the result of the ``stat``.
    """
    looked_at: set[Steps] = set()
    taken: set[Steps] = set()
    for state in flow.states.values():
        provider = provider_of(state.url) if isinstance(state, ActionState) else None
        if not isinstance(state, ActionState) or provider is None:
            continue
        steps = state.result_path.steps
        if provider.name == _STAT and steps and result[: len(steps)] == steps:
            looked_at.update(_given(state, "path"))
        elif provider.name == _TRANSFER:
            taken.update(_given(state, "source_path"))
    return bool(looked_at) and looked_at <= taken


def _given(state: ActionState, name: str) -> Iterator[Steps]:
    for loc, part in parts(state):
        if plain_name(str(loc[-1])) == name:
            yield from _places(part)


def _places(part: Any) -> list[Steps]:
    if isinstance(part, Reference):
        return [part.path.steps]
    return chains_of(part.expression) if isinstance(part, Computed) else []
