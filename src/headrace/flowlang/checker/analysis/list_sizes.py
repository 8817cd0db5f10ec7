"""Lists whose size a flow checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.conditions import len_argument
from headrace.flowlang.checker.analysis.expression_paths import node_path
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import parameter_leaves
from headrace.flowlang.expressions import Expression
from headrace.flowlang.model import Flow
from headrace.flowlang.parameters import Computed

# What listings say of the number of their entries, which stand in a member beside it.
_COUNTS = frozenset({"length", "total"})
_ENTRIES = "DATA"


def size_checked_lists(flow: Flow) -> frozenset[Steps]:
    """Return the lists whose size a flow may have checked before it reads an item.

    Args:
        flow: the flow.
    """
    found: set[Steps] = set()
    for state in flow.states.values():
        for _, part in parameter_leaves(state):
            if isinstance(part, Computed):
                found |= set(_size_checked(part.expression))
        places, _ = referenced_paths(state)
        found |= {(*p[:-1], _ENTRIES) for p in places if p and p[-1] in _COUNTS}
    return frozenset(found)


def _size_checked(expression: Expression) -> Iterator[Steps]:
    for node in ast.walk(expression.tree):
        checked: list[ast.expr] = []
        if isinstance(node, ast.expr) and (argument := len_argument(node)) is not None:
            checked = [argument]
        elif isinstance(node, ast.IfExp):
            checked = [node.test]
        elif isinstance(node, ast.BoolOp):
            checked = node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            checked = [node.operand]
        elif isinstance(node, ast.Compare):
            checked = [node.left, *node.comparators]
        for one in checked:
            steps = node_path(one, expression)
            if steps:
                yield steps
