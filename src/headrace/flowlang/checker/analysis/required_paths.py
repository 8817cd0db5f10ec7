"""Paths that a flow tests with ``stat``, and requires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.uses import parameter_leaves
from headrace.flowlang.checker.rules.suffixes import chains_of
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parameters import Computed, Reference, plain_name
from headrace.flowlang.providers import provider_of

_STAT: Final = "stat"
_TRANSFER: Final = "transfer"


def is_required_by_transfer(flow: Flow, result: Steps) -> bool:
    """Say whether a run fails in any case where the path that ``stat`` tests is missing.

    It does where a transfer takes the same path as its source.

    Args:
        flow: the flow.
        result: a path in the result of the ``stat``.
    """
    stat_paths: set[Steps] = set()
    source_paths: set[Steps] = set()
    for state in flow.states.values():
        provider = provider_of(state.url) if isinstance(state, ActionState) else None
        if not isinstance(state, ActionState) or provider is None:
            continue
        steps = state.result_path.steps
        if provider.name == _STAT and steps and result[: len(steps)] == steps:
            stat_paths.update(_parameter_paths(state, "path"))
        elif provider.name == _TRANSFER:
            source_paths.update(_parameter_paths(state, "source_path"))
    return bool(stat_paths) and stat_paths <= source_paths


def _parameter_paths(state: ActionState, name: str) -> Iterator[Steps]:
    for loc, part in parameter_leaves(state):
        if plain_name(str(loc[-1])) == name:
            yield from _paths(part)


def _paths(part: Any) -> list[Steps]:
    if isinstance(part, Reference):
        return [part.path.steps]
    return chains_of(part.expression) if isinstance(part, Computed) else []
