"""Conditions of steps before anything has run: what the row alone decides."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from headrace.campaigns.rendering import condition_holds

_LATER: Final = frozenset({"steps", "output", "leg"})
"""Names of what is known after a run has ended."""


def may_hold(expression: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a step's condition may hold for a member.

    Args:
        expression: the condition; "": it holds.
        row: the member's row.

    Raises:
        MemberRefused: the row alone decides it, and it cannot be evaluated.
    """
    return not expression or _depends_on_runs(expression) or condition_holds(expression, row)


@lru_cache(maxsize=64)
def _depends_on_runs(expression: str) -> bool:
    from headrace.flowlang.expressions import compile_expression

    tree = compile_expression(expression).tree
    return any(isinstance(node, ast.Name) and node.id in _LATER for node in ast.walk(tree))
