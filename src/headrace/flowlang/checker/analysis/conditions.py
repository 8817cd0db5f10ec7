"""Refinement of a payload's type by tests within an expression."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from headrace.flowlang.checker.analysis.expression_paths import argument_path, node_path
from headrace.flowlang.checker.analysis.json_types import JsonType, Presence
from headrace.flowlang.checker.analysis.lookup import get, meet_at, remove, require
from headrace.flowlang.checker.analysis.type_constructors import type_of_value
from headrace.flowlang.expressions import Expression
from headrace.flowlang.paths import CONTEXT_NAME

_OPPOSITE: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@dataclass(frozen=True)
class Scope:
    """Scope of a test: the expression, and names that comprehensions bind.

    Attributes:
        expression: the whole expression.
        bound: names that comprehensions bind.
    """

    expression: Expression
    bound: frozenset[str]


def refine_by_test(test: ast.expr, payload: JsonType, truth: bool, scope: Scope) -> JsonType | None:
    """Refine a payload's type by a test that is true, or false; None where it cannot be."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return refine_by_test(test.operand, payload, not truth, scope)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is truth:
        known: JsonType | None = payload
        for value in test.values:
            known = None if known is None else refine_by_test(value, known, truth, scope)
        return known
    size = _size_bounds(test, truth)
    if size is not None:
        node, minimum, maximum = size
        steps = node_path(node, scope.expression)
        if steps is None or steps[0] in scope.bound or steps[0] == CONTEXT_NAME:
            return payload
        return meet_at(payload, steps, JsonType(min_items=minimum, max_items=maximum)) or payload
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name):
        steps = argument_path(test.args[0]) if test.args else None
        if test.func.id != "is_present" or steps is None or steps[0] == CONTEXT_NAME:
            return payload
        if truth:
            return require(payload, steps)
        presence = get(payload, steps).presence
        return None if presence == Presence.MUST else remove(payload, steps)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _refine_by_equality(test, payload, truth, scope)
    return payload


def _size_bounds(test: ast.expr, truth: bool) -> tuple[ast.expr, int | None, int | None] | None:
    """Return the node whose size a test bounds, with the minimum and maximum of the size."""
    if isinstance(test, ast.Name | ast.Attribute | ast.Subscript):
        return (test, 1, None) if truth else (test, None, 0)
    if (measured := len_argument(test)) is not None:
        return (measured, 1, None) if truth else (measured, None, 0)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    measured, bound = len_argument(test.left), test.comparators[0]
    if measured is None or not isinstance(bound, ast.Constant) or type(bound.value) is not int:
        return None
    minimum, maximum = _bounds(type(test.ops[0]), bound.value, truth)
    return measured, minimum, maximum


def _bounds(operator: type[ast.cmpop], bound: int, truth: bool) -> tuple[int | None, int | None]:
    if not truth:
        opposite = _OPPOSITE.get(operator)
        return (None, None) if opposite is None else _bounds(opposite, bound, True)
    if operator is ast.NotEq and bound == 0:
        return 1, None
    return {
        ast.Gt: (bound + 1, None),
        ast.GtE: (bound, None),
        ast.Lt: (None, bound - 1),
        ast.LtE: (None, bound),
        ast.Eq: (bound, bound),
    }.get(operator, (None, None))


def len_argument(node: ast.expr) -> ast.expr | None:
    """Return the argument of ``len(...)``; None where it is no such call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return node.args[0] if node.func.id == "len" else None
    return None


def _refine_by_equality(
    test: ast.Compare, payload: JsonType, truth: bool, scope: Scope
) -> JsonType:
    operator, other = test.ops[0], test.comparators[0]
    if isinstance(operator, ast.Eq | ast.Is):
        same = True
    elif isinstance(operator, ast.NotEq | ast.IsNot):
        same = False
    else:
        return payload
    steps = node_path(test.left, scope.expression)
    if steps is None or steps[0] in scope.bound or steps[0] == CONTEXT_NAME or same is not truth:
        return payload
    if isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, str)):
        return meet_at(payload, steps, type_of_value(other.value)) or payload
    return payload
