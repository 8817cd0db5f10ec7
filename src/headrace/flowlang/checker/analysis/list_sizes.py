"""Lists whose size a flow looks at."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.conditions import measured_by_len
from headrace.flowlang.checker.analysis.expression_paths import chain
from headrace.flowlang.checker.analysis.referenced_paths import named_places
from headrace.flowlang.checker.analysis.uses import parts
from headrace.flowlang.expressions import Expression
from headrace.flowlang.model import Flow
from headrace.flowlang.parameters import Computed

# What listings say of the number of their entries, which stand in a member beside it.
_COUNTS = frozenset({"length", "total"})
_ENTRIES = "DATA"


def measured_lists(flow: Flow) -> frozenset[Steps]:
    """Return the lists that a flow may have measured before it takes an item of them.

    Args:
        flow: the flow.
    """
    found: set[Steps] = set()
    for state in flow.states.values():
        for _, part in parts(state):
            if isinstance(part, Computed):
                found |= set(_measured(part.expression))
        places, _ = named_places(state)
        found |= {(*p[:-1], _ENTRIES) for p in places if p and p[-1] in _COUNTS}
    return frozenset(found)


def _measured(expression: Expression) -> Iterator[Steps]:
    for node in ast.walk(expression.tree):
        asked: list[ast.expr] = []
        if isinstance(node, ast.expr) and (measured := measured_by_len(node)) is not None:
            asked = [measured]
        elif isinstance(node, ast.IfExp):
            asked = [node.test]
        elif isinstance(node, ast.BoolOp):
            asked = node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            asked = [node.operand]
        elif isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        for one in asked:
            steps = chain(one, expression)
            if steps:
                yield steps
