"""Which places of the payload an expression reads."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace.flowlang.errors import PathError
from headrace.flowlang.expressions import DICT_METHODS, Expression
from headrace.flowlang.paths import Step, compile_path


@dataclass(frozen=True)
class Read:
    """One place that is read.

    Attributes:
        steps: the way to it.
        guarded: whether the expression copes with its absence.
    """

    steps: tuple[Step, ...]
    guarded: bool = False


def reads_of(expression: Expression) -> list[Read]:
    """Returns every place that an expression names outright."""
    collector = _Collector(expression)
    collector.visit(expression.tree)
    return [
        Read(steps, any(steps[: len(guard)] == guard for guard in collector.guards))
        for steps in dict.fromkeys(collector.found)
    ]


def method_members(expression: Expression) -> list[str]:
    """Returns members read with a dot whose name is a method of Python's dict."""
    called = {id(node.func) for node in ast.walk(expression.tree) if isinstance(node, ast.Call)}
    return [
        node.attr
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Attribute) and id(node) not in called and node.attr in DICT_METHODS
    ]


class _Collector(ast.NodeVisitor):
    def __init__(self, expression: Expression) -> None:
        self.found: list[tuple[Step, ...]] = []
        self.guards: list[tuple[Step, ...]] = []
        self._paths = expression.paths
        self._bound = {
            name.id
            for node in ast.walk(expression.tree)
            if isinstance(node, ast.comprehension)
            for name in ast.walk(node.target)
            if isinstance(name, ast.Name)
        }

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            if node.func.id in {"is_present", "getattr"} and node.args:
                self._guard(node.args[0])
                for argument in node.args[1:]:
                    self.visit(argument)
                return
        elif isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        for argument in (*node.args, *[keyword.value for keyword in node.keywords]):
            self.visit(argument)

    def visit_Name(self, node: ast.Name) -> None:
        self._note(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._note(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._note(node)
        if not isinstance(node.slice, ast.Constant):
            self.visit(node.slice)

    def _note(self, node: ast.expr) -> None:
        chain = self._chain(node)
        if chain is not None:
            self.found.append(chain)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            self.visit(node.value)

    def _chain(self, node: ast.expr) -> tuple[Step, ...] | None:
        if isinstance(node, ast.Name):
            if node.id in self._paths:
                return self._paths[node.id].steps
            return None if node.id in self._bound else (node.id,)
        if isinstance(node, ast.Attribute):
            owner = self._chain(node.value)
            return None if owner is None else (*owner, node.attr)
        if isinstance(node, ast.Subscript):
            owner = self._chain(node.value)
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if owner is None:
                return None
            known = isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool))
            return (*owner, key) if known else owner  # type: ignore[arg-type]
        return None

    def _guard(self, argument: ast.expr) -> None:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            try:
                self.guards.append(compile_path(f"$.{argument.value}").steps)
            except PathError:
                return
        else:
            self.visit(argument)
