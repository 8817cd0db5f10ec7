"""Type inference for paths in expressions: names, members, items, and presence functions."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace.flowlang.checker.analysis.expression_paths import (
    Steps,
    argument_path,
    constant_key,
    node_path,
    source_text,
    without_method,
)
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ANY_BOOLEAN,
    ANY_STRING,
    ARRAY,
    OBJECT,
    STRING,
    JsonType,
    Presence,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.lattice import join
from headrace.flowlang.checker.analysis.lookup import LookupResult, get
from headrace.flowlang.checker.analysis.provider_results import CONTEXT
from headrace.flowlang.checker.analysis.type_constructors import type_of_value
from headrace.flowlang.expressions import DICT_METHODS, Expression
from headrace.flowlang.expressions.methods import METHOD_NAMES
from headrace.flowlang.paths import CONTEXT_NAME


@dataclass(frozen=True)
class PathUse:
    """Use of a path by an expression.

    Attributes:
        steps: the path.
        found: what is known of it, where it is read.
        always: whether it is read whenever the expression is evaluated.
        guarded: whether the expression handles its absence.
    """

    steps: Steps
    found: LookupResult
    always: bool
    guarded: bool


class PathInference:
    """Infers the types of paths that an expression reads, and collects their uses.

    Args:
        expression: the compiled expression.
        payload: type of the payload.
        guards: paths whose absence the expression handles.
    """

    def __init__(self, expression: Expression, payload: JsonType, guards: frozenset[Steps]) -> None:
        self.uses: list[PathUse] = []
        self.problems: list[tuple[str, bool]] = []
        self._expression = expression
        self._payload = payload
        self._guards = guards
        self._bound: dict[str, JsonType] = {}

    def visit(self, node: ast.expr, payload: JsonType, always: bool) -> JsonType:
        """Return the type of a node for a payload of a type."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.visit(child, payload, False)
            return ANY
        json_type: JsonType = method(node, payload, always)
        return json_type

    def _name(self, node: ast.Name, payload: JsonType, always: bool) -> JsonType:
        return self._chained(node, payload, always)

    def _attribute(self, node: ast.Attribute, payload: JsonType, always: bool) -> JsonType:
        return self._chained(node, payload, always)

    def _chained(self, node: ast.expr, payload: JsonType, always: bool) -> JsonType:
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in self._bound:
            path = self._expression.paths.get(root.id)
            if path is not None and not path.is_single:
                return ANY
            steps = node_path(node, self._expression)
            if steps is not None:
                json_type = self._read(without_method(steps), payload, always, steps)
                # Whether the service writes what stands in backquotes as text is not documented.
                return json_type if path is None else join(json_type, ANY_STRING)
        if isinstance(node, ast.Name):
            return self._bound.get(node.id, ANY)
        if isinstance(node, ast.Attribute):
            owner = self.visit(node.value, payload, always)
            if node.attr in METHOD_NAMES | DICT_METHODS:
                return ANY
            return self._member(owner, node.attr, ast.unparse(node), always)
        assert isinstance(node, ast.Subscript)  # noqa: S101 - the callers' types
        return self._item(node, payload, always)

    def _read(self, steps: Steps, payload: JsonType, always: bool, source: Steps) -> JsonType:
        if steps[0] == CONTEXT_NAME:
            found = get(CONTEXT, steps[1:])
            self.uses.append(PathUse(steps, found, always, False))
            return found.json_type if found.presence == Presence.MUST else ANY
        if _is_character(payload, steps):
            self._read(steps[:-1], payload, always, source)
            return ANY_STRING
        found = get(payload, steps)
        guarded = any(steps[: len(guard)] == guard for guard in self._guards)
        self.uses.append(PathUse(steps, found, always, guarded))
        return found.json_type if steps == source else ANY

    def _member(self, owner: JsonType, name: str, text: str, always: bool) -> JsonType:
        found = get(owner, (name,))
        if found.presence == Presence.CANNOT:
            if owner.kinds & OBJECT:
                known = ", ".join(list(owner.members)[:8]) or "none"
                self.problems.append(
                    (f"{text}: there is no member {name!r}; there are: {known}", always)
                )
            else:
                words = describe_kinds(owner.kinds)
                self.problems.append((f"{text}: {words} has no members", always))
            return ANY
        if (
            owner.fully_documented
            and found.presence == Presence.UNKNOWN
            and name not in owner.members
        ):
            known = ", ".join(list(owner.members)[:8])
            self.problems.append(
                (f"{text}: a member {name!r} is not documented; there are: {known}", False)
            )
        return found.json_type

    def _subscript(self, node: ast.Subscript, payload: JsonType, always: bool) -> JsonType:
        if constant_key(node.slice) is not None:
            return self._chained(node, payload, always)
        return self._item(node, payload, always)

    def _item(self, node: ast.Subscript, payload: JsonType, always: bool) -> JsonType:
        owner = self.visit(node.value, payload, always)
        if isinstance(node.slice, ast.Slice):
            for part in (node.slice.lower, node.slice.upper, node.slice.step):
                if part is not None:
                    self.visit(part, payload, always)
            kinds = owner.kinds & (STRING | ARRAY)
            return JsonType(kinds, items=owner.items) if kinds else ANY
        key = constant_key(node.slice)
        if isinstance(key, str):
            return self._member(owner, key, ast.unparse(node), always)
        self.visit(node.slice, payload, always)
        if owner.kinds == STRING:
            return ANY_STRING
        if (
            isinstance(key, int)
            and owner.kinds == ARRAY
            and get(owner, (key,)).presence == Presence.CANNOT
        ):
            self.problems.append((f"{source_text(node)}: there is no such item", always))
        return (owner.items or ANY) if owner.kinds == ARRAY else ANY

    def _presence_call(
        self, name: str, node: ast.Call, payload: JsonType, always: bool
    ) -> JsonType:
        others = [self.visit(argument, payload, always) for argument in node.args[1:]]
        if name == "is_present":
            return ANY_BOOLEAN
        steps = argument_path(node.args[0])
        if steps is None:
            self.visit(node.args[0], payload, always)
            return ANY
        if steps[0] == CONTEXT_NAME:
            return ANY
        found = get(payload, steps)
        self.uses.append(PathUse(steps, found, False, True))
        default = others[0] if others else type_of_value(None)
        if found.presence == Presence.CANNOT:
            return default
        return (
            found.json_type if found.presence == Presence.MUST else join(found.json_type, default)
        )


def _is_character(payload: JsonType, steps: Steps) -> bool:
    """Say whether the last step may take one character of a string."""
    if len(steps) < 2 or not isinstance(steps[-1], int):
        return False
    owner = get(payload, steps[:-1]).json_type
    return owner.kinds != ALL and bool(owner.kinds & STRING)
