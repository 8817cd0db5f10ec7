"""Paths that an expression names in its text."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

from headrace.flowlang.errors import PathError
from headrace.flowlang.expressions import DICT_METHODS, Expression
from headrace.flowlang.paths import Step, compile_path

Steps = tuple[Step, ...]
# Functions that take a path as text, and accept that nothing is there.
PRESENCE_FUNCTIONS: Final = frozenset({"is_present", "getattr"})


def dict_method_members(expression: Expression) -> list[str]:
    """Return members read with a dot whose name is a method of Python's dict."""
    called = {id(node.func) for node in ast.walk(expression.tree) if isinstance(node, ast.Call)}
    return [
        node.attr
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Attribute) and id(node) not in called and node.attr in DICT_METHODS
    ]


@lru_cache(maxsize=1024)  # asked of every payload that reaches an expression
def guarded_paths(expression: Expression) -> tuple[frozenset[Steps], bool]:
    """Return the paths whose absence an expression handles.

    Returns:
        The paths, and whether it also tests some that it computes.
    """
    guards: set[Steps] = set()
    has_computed_paths = False
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in PRESENCE_FUNCTIONS and node.args:
                steps = argument_path(node.args[0])
                has_computed_paths = has_computed_paths or steps is None
                guards.add(steps or ())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # o.get('k'), o.keys(): such a call handles that a member may be missing.
            owner = node_path(node.func.value, expression)
            if owner is not None and node.func.attr in DICT_METHODS:
                guards.add(owner)
        elif isinstance(node, ast.Compare):
            for operator, other in zip(node.ops, node.comparators, strict=True):
                owner = node_path(other, expression)
                if isinstance(operator, ast.In | ast.NotIn) and owner is not None:
                    guards.add(owner)
    return frozenset(guards - {()}), has_computed_paths


def argument_path(node: ast.expr) -> Steps | None:
    """Return the path that a constant argument of ``is_present`` or ``getattr`` names."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    text = node.value
    try:
        return compile_path(f"${text}" if text.startswith("[") else f"$.{text}").steps
    except PathError:
        return None


def node_path(node: ast.expr, expression: Expression) -> Steps | None:
    """Return the path that a node such as ``a.b[0]['c']`` names; None where it is no such chain."""
    steps: list[Step] = []
    while True:
        if isinstance(node, ast.Attribute):
            steps.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and (key := constant_key(node.slice)) is not None:
            steps.append(key)
            node = node.value
        elif isinstance(node, ast.Name):
            path = expression.paths.get(node.id)
            if path is not None:
                return (*path.steps, *reversed(steps)) if path.is_single else None
            return (node.id, *reversed(steps))
        else:
            return None


def constant_key(node: ast.expr) -> str | int | None:
    """Return the name or number between brackets, if it is constant."""
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    if not isinstance(inner, ast.Constant):
        return None
    key = inner.value
    if isinstance(key, str) and not negative:
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return -key if negative else key
    return None


def without_method(steps: Steps) -> Steps:
    """Return a path up to the first dotted name that is a method of objects."""
    for number, step in enumerate(steps):
        if number and step in DICT_METHODS:
            return steps[:number]
    return steps


def source_text(node: ast.AST) -> str:
    """Write a part of an expression, shortened where it is long."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."
