"""What is known of the payload where a test within an expression is true, and where it is not."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace.flowlang.checker.chains import chain, named_path
from headrace.flowlang.checker.places import assure, forget, look, narrow
from headrace.flowlang.checker.shapes import Presence, Shape, from_value
from headrace.flowlang.expressions import Expression
from headrace.flowlang.paths import CONTEXT_NAME


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
    """Returns what is known where a test is true, or false; None where it cannot be."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return where(test.operand, payload, not truth, scope)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is truth:
        known: Shape | None = payload
        for value in test.values:
            known = None if known is None else where(value, known, truth, scope)
        return known
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
