"""What is known of the payload where a test within an expression is true, and where it is not."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from headrace.flowlang.checker.analysis.expression_paths import chain, named_path
from headrace.flowlang.checker.analysis.json_types import Presence, Shape, from_value
from headrace.flowlang.checker.analysis.lookup import assure, forget, look, narrow
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
    """What names mean where a test stands.

    Attributes:
        expression: the whole expression.
        bound: names that comprehensions give to their items.
    """

    expression: Expression
    bound: frozenset[str]


def where(test: ast.expr, payload: Shape, truth: bool, scope: Scope) -> Shape | None:
    """Return what is known where a test is true, or false; None where it cannot be."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return where(test.operand, payload, not truth, scope)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is truth:
        known: Shape | None = payload
        for value in test.values:
            known = None if known is None else where(value, known, truth, scope)
        return known
    size = _size_asked(test, truth)
    if size is not None:
        node, least, most = size
        steps = chain(node, scope.expression)
        if steps is None or steps[0] in scope.bound or steps[0] == CONTEXT_NAME:
            return payload
        return narrow(payload, steps, Shape(least=least, most=most)) or payload
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name):
        steps = named_path(test.args[0]) if test.args else None
        if test.func.id != "is_present" or steps is None or steps[0] == CONTEXT_NAME:
            return payload
        if truth:
            return assure(payload, steps)
        presence = look(payload, steps).presence
        return None if presence == Presence.MUST else forget(payload, steps)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _where_equal(test, payload, truth, scope)
    return payload


def _size_asked(test: ast.expr, truth: bool) -> tuple[ast.expr, int | None, int | None] | None:
    """Return what a test asks for its size, and the least and most of it where it comes out so."""
    if isinstance(test, ast.Name | ast.Attribute | ast.Subscript):
        return (test, 1, None) if truth else (test, None, 0)
    if (measured := measured_by_len(test)) is not None:
        return (measured, 1, None) if truth else (measured, None, 0)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    measured, bound = measured_by_len(test.left), test.comparators[0]
    if measured is None or not isinstance(bound, ast.Constant) or type(bound.value) is not int:
        return None
    least, most = _bounds(type(test.ops[0]), bound.value, truth)
    return measured, least, most


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


def measured_by_len(node: ast.expr) -> ast.expr | None:
    """Return what ``len(...)`` is asked of; None where it is no such call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return node.args[0] if node.func.id == "len" else None
    return None


def _where_equal(test: ast.Compare, payload: Shape, truth: bool, scope: Scope) -> Shape:
    operator, other = test.ops[0], test.comparators[0]
    if isinstance(operator, ast.Eq | ast.Is):
        same = True
    elif isinstance(operator, ast.NotEq | ast.IsNot):
        same = False
    else:
        return payload
    steps = chain(test.left, scope.expression)
    if steps is None or steps[0] in scope.bound or steps[0] == CONTEXT_NAME or same is not truth:
        return payload
    if isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, str)):
        return narrow(payload, steps, from_value(other.value)) or payload
    return payload
