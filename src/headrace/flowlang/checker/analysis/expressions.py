"""What an expression reads and gives, without a payload: only what is known of one."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from headrace.flowlang.checker.analysis.conditions import Scope, where
from headrace.flowlang.checker.analysis.expression_paths import (
    ASKING,
    Steps,
    before_method,
    chain,
    constant_key,
    guards_of,
    named_path,
    shown,
)
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ARRAY,
    COUNT,
    FLAG,
    NUMBER,
    OBJECT,
    STRING,
    TEXT,
    Member,
    Presence,
    Shape,
    array,
    bounded,
    exactly,
    from_value,
    join,
    kinds_in_words,
)
from headrace.flowlang.checker.analysis.lookup import Found, look
from headrace.flowlang.checker.analysis.operators import FUNCTIONS, binary, comparison, method
from headrace.flowlang.checker.analysis.provider_results import CONTEXT
from headrace.flowlang.expressions import DICT_METHODS, Expression
from headrace.flowlang.expressions.methods import METHOD_NAMES
from headrace.flowlang.paths import CONTEXT_NAME


@dataclass(frozen=True)
class Reading:
    """One place that an expression reads.

    Attributes:
        steps: the way to it.
        found: what is known of it, where it is read.
        always: whether it is read whenever the expression is evaluated.
        guarded: whether the expression looks out for its absence.
    """

    steps: Steps
    found: Found
    always: bool
    guarded: bool


@dataclass(frozen=True)
class Inferred:
    """What is known of an expression.

    Attributes:
        shape: what it gives.
        readings: what it reads.
        problems: why it, or a part of it, must fail; and whether that part is evaluated whenever
            the expression is.
        whole: whether it may read more than it names.
    """

    shape: Shape
    readings: tuple[Reading, ...]
    problems: tuple[tuple[str, bool], ...]
    whole: bool


def infer(expression: Expression, payload: Shape) -> Inferred:
    """Works out what an expression reads and gives.

    Args:
        expression: the compiled expression.
        payload: what is known of the payload where it is evaluated.
    """
    guards, whole = guards_of(expression)
    walk = _Walk(expression, payload, guards)
    shape = walk.visit(expression.tree, payload, True)
    return Inferred(
        bounded(shape),
        tuple({(r.steps, r.always, r.guarded): r for r in walk.readings}.values()),
        tuple(dict.fromkeys(walk.problems)),
        whole,
    )


class _Walk:
    def __init__(self, expression: Expression, payload: Shape, guards: frozenset[Steps]) -> None:
        self.readings: list[Reading] = []
        self.problems: list[tuple[str, bool]] = []
        self._expression = expression
        self._payload = payload
        self._guards = guards
        self._bound: dict[str, Shape] = {}

    def visit(self, node: ast.expr, payload: Shape, always: bool) -> Shape:
        """Return what a node gives where the payload is of a shape."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.visit(child, payload, False)
            return ANY
        shape: Shape = method(node, payload, always)
        return shape

    def _constant(self, node: ast.Constant, payload: Shape, always: bool) -> Shape:
        del payload, always
        known = node.value is None or isinstance(node.value, bool | int | float | str)
        return from_value(node.value) if known else ANY

    def _name(self, node: ast.Name, payload: Shape, always: bool) -> Shape:
        return self._chained(node, payload, always)

    def _attribute(self, node: ast.Attribute, payload: Shape, always: bool) -> Shape:
        return self._chained(node, payload, always)

    def _chained(self, node: ast.expr, payload: Shape, always: bool) -> Shape:
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in self._bound:
            path = self._expression.paths.get(root.id)
            if path is not None and not path.is_single:
                return ANY
            steps = chain(node, self._expression)
            if steps is not None:
                shape = self._read(before_method(steps), payload, always, steps)
                # Whether the service writes what stands in backquotes as text is not documented.
                return shape if path is None else join(shape, TEXT)
        if isinstance(node, ast.Name):
            return self._bound.get(node.id, ANY)
        if isinstance(node, ast.Attribute):
            owner = self.visit(node.value, payload, always)
            if node.attr in METHOD_NAMES | DICT_METHODS:
                return ANY
            return self._member(owner, node.attr, ast.unparse(node), always)
        assert isinstance(node, ast.Subscript)  # noqa: S101 - the callers' types
        return self._item(node, payload, always)

    def _read(self, steps: Steps, payload: Shape, always: bool, written: Steps) -> Shape:
        if steps[0] == CONTEXT_NAME:
            found = look(CONTEXT, steps[1:])
            self.readings.append(Reading(steps, found, always, False))
            return found.shape if found.presence == Presence.MUST else ANY
        if _is_character(payload, steps):
            self._read(steps[:-1], payload, always, written)
            return TEXT
        found = look(payload, steps)
        guarded = any(steps[: len(guard)] == guard for guard in self._guards)
        self.readings.append(Reading(steps, found, always, guarded))
        return found.shape if steps == written else ANY

    def _member(self, owner: Shape, name: str, text: str, always: bool) -> Shape:
        found = look(owner, (name,))
        if found.presence == Presence.CANNOT:
            if owner.kinds & OBJECT:
                known = ", ".join(list(owner.members)[:8]) or "none"
                self.problems.append(
                    (f"{text}: there is no member {name!r}; there are: {known}", always)
                )
            else:
                words = kinds_in_words(owner.kinds)
                self.problems.append((f"{text}: {words} has no members", always))
            return ANY
        if owner.complete and found.presence == Presence.UNKNOWN and name not in owner.members:
            known = ", ".join(list(owner.members)[:8])
            self.problems.append(
                (f"{text}: a member {name!r} is not documented; there are: {known}", False)
            )
        return found.shape

    def _subscript(self, node: ast.Subscript, payload: Shape, always: bool) -> Shape:
        if constant_key(node.slice) is not None:
            return self._chained(node, payload, always)
        return self._item(node, payload, always)

    def _item(self, node: ast.Subscript, payload: Shape, always: bool) -> Shape:
        owner = self.visit(node.value, payload, always)
        if isinstance(node.slice, ast.Slice):
            for part in (node.slice.lower, node.slice.upper, node.slice.step):
                if part is not None:
                    self.visit(part, payload, always)
            kinds = owner.kinds & (STRING | ARRAY)
            return Shape(kinds, items=owner.items) if kinds else ANY
        key = constant_key(node.slice)
        if isinstance(key, str):
            return self._member(owner, key, ast.unparse(node), always)
        self.visit(node.slice, payload, always)
        if owner.kinds == STRING:
            return TEXT
        if (
            isinstance(key, int)
            and owner.kinds == ARRAY
            and look(owner, (key,)).presence == Presence.CANNOT
        ):
            self.problems.append((f"{shown(node)}: there is no such item", always))
        return (owner.items or ANY) if owner.kinds == ARRAY else ANY

    def _call(self, node: ast.Call, payload: Shape, always: bool) -> Shape:
        function = node.func
        named = isinstance(function, ast.Name)
        if isinstance(function, ast.Name) and function.id in ASKING and node.args:
            return self._asked(function.id, node, payload, always)
        arguments = [self.visit(argument, payload, always) for argument in node.args]
        for keyword in node.keywords:
            self.visit(keyword.value, payload, always)
        if named and isinstance(function, ast.Name):
            takes, gives = FUNCTIONS.get(function.id, (0, ANY))
            if arguments and takes and not arguments[0].kinds & takes:
                words = kinds_in_words(arguments[0].kinds)
                self.problems.append((f"{function.id}() does not take {words}", always))
            return gives
        if isinstance(function, ast.Attribute):
            owner = self.visit(function.value, payload, always)
            result, problem = method(owner, function.attr)
            if problem is not None:
                self.problems.append((f"{ast.unparse(function)}(): {problem}", always))
            return result
        return ANY

    def _asked(self, name: str, node: ast.Call, payload: Shape, always: bool) -> Shape:
        others = [self.visit(argument, payload, always) for argument in node.args[1:]]
        if name == "is_present":
            return FLAG
        steps = named_path(node.args[0])
        if steps is None:
            self.visit(node.args[0], payload, always)
            return ANY
        if steps[0] == CONTEXT_NAME:
            return ANY
        found = look(payload, steps)
        self.readings.append(Reading(steps, found, False, True))
        default = others[0] if others else from_value(None)
        if found.presence == Presence.CANNOT:
            return default
        return found.shape if found.presence == Presence.MUST else join(found.shape, default)

    def _binop(self, node: ast.BinOp, payload: Shape, always: bool) -> Shape:
        left = self.visit(node.left, payload, always)
        right = self.visit(node.right, payload, always)
        result, problem = binary(node.op, left, right)
        if problem is not None:
            self.problems.append((f"{shown(node)}: {problem}", always))
        return result

    def _unaryop(self, node: ast.UnaryOp, payload: Shape, always: bool) -> Shape:
        operand = self.visit(node.operand, payload, always)
        if isinstance(node.op, ast.Not):
            return FLAG
        if isinstance(node.op, ast.USub) and operand.values is not None:
            numbers = [value for kind, value in operand.values if kind == NUMBER]
            if len(numbers) == 1 and operand.kinds == NUMBER:
                return from_value(-numbers[0])
        return COUNT

    def _boolop(self, node: ast.BoolOp, payload: Shape, always: bool) -> Shape:
        goes_on = isinstance(node.op, ast.And)
        known: Shape | None = payload
        result: Shape | None = None
        for number, value in enumerate(node.values):
            if known is None:
                break
            shape = self.visit(value, known, always and number == 0)
            result = shape if result is None else join(result, shape)
            known = self._where(value, known, goes_on)
        return result or ANY

    def _compare(self, node: ast.Compare, payload: Shape, always: bool) -> Shape:
        left = self.visit(node.left, payload, always)
        for number, (operator, other) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.visit(other, payload, always and number == 0)
            problem = comparison(operator, left, right)
            if problem is not None:
                self.problems.append((f"{shown(node)}: {problem}", always and number == 0))
            left = right
        return FLAG

    def _ifexp(self, node: ast.IfExp, payload: Shape, always: bool) -> Shape:
        self.visit(node.test, payload, always)
        shapes = []
        for branch, truth in ((node.body, True), (node.orelse, False)):
            known = self._where(node.test, payload, truth)
            if known is not None:
                shapes.append(self.visit(branch, known, False))
        return join(shapes[0], shapes[-1]) if shapes else ANY

    def _where(self, test: ast.expr, payload: Shape, truth: bool) -> Shape | None:
        return where(test, payload, truth, Scope(self._expression, frozenset(self._bound)))

    def _list(self, node: ast.List | ast.Tuple, payload: Shape, always: bool) -> Shape:
        shapes: list[Shape] = []
        exact = True
        for element in node.elts:
            inner = element.value if isinstance(element, ast.Starred) else element
            shape = self.visit(inner, payload, always)
            if isinstance(element, ast.Starred):
                exact = False
                shape = shape.items if shape.kinds == ARRAY and shape.items is not None else ANY
            shapes.append(shape)
        listed = exactly(shapes)
        return listed if exact else array(listed.items)

    _tuple = _list

    def _dict(self, node: ast.Dict, payload: Shape, always: bool) -> Shape:
        members: dict[str, Member] = {}
        exact = True
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                self.visit(key, payload, always)
            shape = self.visit(value, payload, always)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                members[key.value] = Member(shape)
            else:
                exact = False
        if not exact:
            members = {name: Member(ANY) for name in members}
        return bounded(Shape(OBJECT, members, Presence.CANNOT if exact else Presence.UNKNOWN))

    def _joinedstr(self, node: ast.JoinedStr, payload: Shape, always: bool) -> Shape:
        for value in node.values:
            self.visit(value, payload, always)
        return TEXT

    def _formattedvalue(self, node: ast.FormattedValue, payload: Shape, always: bool) -> Shape:
        self.visit(node.value, payload, always)
        if node.format_spec is not None:
            self.visit(node.format_spec, payload, always)
        return TEXT

    def _listcomp(self, node: Any, payload: Shape, always: bool) -> Shape:
        (element,), source = self._looped(node.generators, [node.elt], payload, always)
        if len(node.generators) > 1 or source.kinds != ARRAY or source.least is None:
            return array(element)
        filtered = bool(node.generators[0].ifs)
        return array(element, 0 if filtered else source.least, source.most)

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp, payload: Shape, always: bool) -> Shape:
        self._looped(node.generators, [node.key, node.value], payload, always)
        return Shape(OBJECT)

    def _looped(
        self,
        generators: list[ast.comprehension],
        elements: list[ast.expr],
        payload: Shape,
        always: bool,
    ) -> tuple[list[Shape], Shape]:
        """Return what the elements of a comprehension are, and what its first loop goes over."""
        outer, first = self._bound, ANY
        self._bound = dict(outer)
        known = payload
        for number, generator in enumerate(generators):
            source = self.visit(generator.iter, known, always and number == 0)
            first = source if number == 0 else first
            if not source.kinds & (STRING | ARRAY | OBJECT):
                words = kinds_in_words(source.kinds)
                self.problems.append(
                    (f"{shown(generator.iter)}: {words} has no items", always and not number)
                )
            item = source.items if source.kinds == ARRAY and source.items is not None else ANY
            self._bind(generator.target, item)
            for test in generator.ifs:
                self.visit(test, known, False)
                known = self._where(test, known, True) or known
        shapes = [self.visit(element, known, False) for element in elements]
        self._bound = outer
        return shapes, first

    def _bind(self, target: ast.expr, shape: Shape) -> None:
        if isinstance(target, ast.Name):
            self._bound[target.id] = shape
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._bind(element, ANY)


def _is_character(payload: Shape, steps: Steps) -> bool:
    """Say whether the last step may take one character of a string."""
    if len(steps) < 2 or not isinstance(steps[-1], int):
        return False
    owner = look(payload, steps[:-1]).shape
    return owner.kinds != ALL and bool(owner.kinds & STRING)
