"""Type inference for expressions: uses of the payload, and the type of the result."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from headrace.flowlang.checker.analysis.conditions import Scope, refine_by_test
from headrace.flowlang.checker.analysis.expression_paths import (
    PRESENCE_FUNCTIONS,
    guarded_paths,
    source_text,
)
from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    ANY_BOOLEAN,
    ANY_NUMBER,
    ANY_STRING,
    ARRAY,
    NUMBER,
    OBJECT,
    STRING,
    JsonType,
    Member,
    Presence,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.lattice import join, widen
from headrace.flowlang.checker.analysis.operators import FUNCTIONS, binary, comparison, method
from headrace.flowlang.checker.analysis.path_inference import PathInference, PathUse
from headrace.flowlang.checker.analysis.type_constructors import array, array_of, type_of_value
from headrace.flowlang.expressions import Expression


@dataclass(frozen=True)
class Inference:
    """Inferred properties of an expression.

    Attributes:
        json_type: type of its value.
        uses: paths that it reads.
        problems: why it, or a part of it, must fail; and whether that part is evaluated whenever
            the expression is.
        reads_unnamed_paths: whether it may read more than it names.
    """

    json_type: JsonType
    uses: tuple[PathUse, ...]
    problems: tuple[tuple[str, bool], ...]
    reads_unnamed_paths: bool


def infer(expression: Expression, payload: JsonType) -> Inference:
    """Infer the uses and the type of an expression.

    Args:
        expression: the compiled expression.
        payload: what is known of the payload where it is evaluated.
    """
    guards, reads_unnamed_paths = guarded_paths(expression)
    visitor = _TypeInference(expression, payload, guards)
    json_type = visitor.visit(expression.tree, payload, True)
    return Inference(
        widen(json_type),
        tuple({(r.steps, r.always, r.guarded): r for r in visitor.uses}.values()),
        tuple(dict.fromkeys(visitor.problems)),
        reads_unnamed_paths,
    )


class _TypeInference(PathInference):
    def _constant(self, node: ast.Constant, payload: JsonType, always: bool) -> JsonType:
        del payload, always
        known = node.value is None or isinstance(node.value, bool | int | float | str)
        return type_of_value(node.value) if known else ANY

    def _call(self, node: ast.Call, payload: JsonType, always: bool) -> JsonType:
        function = node.func
        named = isinstance(function, ast.Name)
        if isinstance(function, ast.Name) and function.id in PRESENCE_FUNCTIONS and node.args:
            return self._presence_call(function.id, node, payload, always)
        arguments = [self.visit(argument, payload, always) for argument in node.args]
        for keyword in node.keywords:
            self.visit(keyword.value, payload, always)
        if named and isinstance(function, ast.Name):
            takes, gives = FUNCTIONS.get(function.id, (0, ANY))
            if arguments and takes and not arguments[0].kinds & takes:
                words = describe_kinds(arguments[0].kinds)
                self.problems.append((f"{function.id}() does not take {words}", always))
            return gives
        if isinstance(function, ast.Attribute):
            owner = self.visit(function.value, payload, always)
            result, problem = method(owner, function.attr)
            if problem is not None:
                self.problems.append((f"{ast.unparse(function)}(): {problem}", always))
            return result
        return ANY

    def _binop(self, node: ast.BinOp, payload: JsonType, always: bool) -> JsonType:
        left = self.visit(node.left, payload, always)
        right = self.visit(node.right, payload, always)
        result, problem = binary(node.op, left, right)
        if problem is not None:
            self.problems.append((f"{source_text(node)}: {problem}", always))
        return result

    def _unaryop(self, node: ast.UnaryOp, payload: JsonType, always: bool) -> JsonType:
        operand = self.visit(node.operand, payload, always)
        if isinstance(node.op, ast.Not):
            return ANY_BOOLEAN
        if isinstance(node.op, ast.USub) and operand.values is not None:
            numbers = [value for kind, value in operand.values if kind == NUMBER]
            if len(numbers) == 1 and operand.kinds == NUMBER:
                return type_of_value(-numbers[0])
        return ANY_NUMBER

    def _boolop(self, node: ast.BoolOp, payload: JsonType, always: bool) -> JsonType:
        continues_if = isinstance(node.op, ast.And)
        known: JsonType | None = payload
        result: JsonType | None = None
        for number, value in enumerate(node.values):
            if known is None:
                break
            json_type = self.visit(value, known, always and number == 0)
            result = json_type if result is None else join(result, json_type)
            known = self._refine(value, known, continues_if)
        return result or ANY

    def _compare(self, node: ast.Compare, payload: JsonType, always: bool) -> JsonType:
        left = self.visit(node.left, payload, always)
        for number, (operator, other) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.visit(other, payload, always and number == 0)
            problem = comparison(operator, left, right)
            if problem is not None:
                self.problems.append((f"{source_text(node)}: {problem}", always and number == 0))
            left = right
        return ANY_BOOLEAN

    def _ifexp(self, node: ast.IfExp, payload: JsonType, always: bool) -> JsonType:
        self.visit(node.test, payload, always)
        json_types = []
        for branch, truth in ((node.body, True), (node.orelse, False)):
            known = self._refine(node.test, payload, truth)
            if known is not None:
                json_types.append(self.visit(branch, known, False))
        return join(json_types[0], json_types[-1]) if json_types else ANY

    def _refine(self, test: ast.expr, payload: JsonType, truth: bool) -> JsonType | None:
        return refine_by_test(test, payload, truth, Scope(self._expression, frozenset(self._bound)))

    def _list(self, node: ast.List | ast.Tuple, payload: JsonType, always: bool) -> JsonType:
        json_types: list[JsonType] = []
        exact = True
        for element in node.elts:
            inner = element.value if isinstance(element, ast.Starred) else element
            json_type = self.visit(inner, payload, always)
            if isinstance(element, ast.Starred):
                exact = False
                json_type = (
                    json_type.items
                    if json_type.kinds == ARRAY and json_type.items is not None
                    else ANY
                )
            json_types.append(json_type)
        listed = array_of(json_types)
        return listed if exact else array(listed.items)

    _tuple = _list

    def _dict(self, node: ast.Dict, payload: JsonType, always: bool) -> JsonType:
        members: dict[str, Member] = {}
        exact = True
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                self.visit(key, payload, always)
            json_type = self.visit(value, payload, always)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                members[key.value] = Member(json_type)
            else:
                exact = False
        if not exact:
            members = {name: Member(ANY) for name in members}
        return widen(JsonType(OBJECT, members, Presence.CANNOT if exact else Presence.UNKNOWN))

    def _joinedstr(self, node: ast.JoinedStr, payload: JsonType, always: bool) -> JsonType:
        for value in node.values:
            self.visit(value, payload, always)
        return ANY_STRING

    def _formattedvalue(
        self, node: ast.FormattedValue, payload: JsonType, always: bool
    ) -> JsonType:
        self.visit(node.value, payload, always)
        if node.format_spec is not None:
            self.visit(node.format_spec, payload, always)
        return ANY_STRING

    def _listcomp(self, node: Any, payload: JsonType, always: bool) -> JsonType:
        (element,), source = self._comprehension_types(node.generators, [node.elt], payload, always)
        if len(node.generators) > 1 or source.kinds != ARRAY or source.min_items is None:
            return array(element)
        filtered = bool(node.generators[0].ifs)
        return array(element, 0 if filtered else source.min_items, source.max_items)

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp, payload: JsonType, always: bool) -> JsonType:
        self._comprehension_types(node.generators, [node.key, node.value], payload, always)
        return JsonType(OBJECT)

    def _comprehension_types(
        self,
        generators: list[ast.comprehension],
        elements: list[ast.expr],
        payload: JsonType,
        always: bool,
    ) -> tuple[list[JsonType], JsonType]:
        """Return the types of a comprehension's elements, and of its first iterable."""
        outer, first = self._bound, ANY
        self._bound = dict(outer)
        known = payload
        for number, generator in enumerate(generators):
            source = self.visit(generator.iter, known, always and number == 0)
            first = source if number == 0 else first
            if not source.kinds & (STRING | ARRAY | OBJECT):
                words = describe_kinds(source.kinds)
                self.problems.append(
                    (f"{source_text(generator.iter)}: {words} has no items", always and not number)
                )
            item = source.items if source.kinds == ARRAY and source.items is not None else ANY
            self._bind(generator.target, item)
            for test in generator.ifs:
                self.visit(test, known, False)
                known = self._refine(test, known, True) or known
        json_types = [self.visit(element, known, False) for element in elements]
        self._bound = outer
        return json_types, first

    def _bind(self, target: ast.expr, json_type: JsonType) -> None:
        if isinstance(target, ast.Name):
            self._bound[target.id] = json_type
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._bind(element, ANY)
