"""From the tree of an expression to closures: what each node does, from a short list."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headrace.flowlang.errors import ExpressionError, ExpressionSyntaxError, MissingPathError
from headrace.flowlang.expressions.formatting import format_value, text_of
from headrace.flowlang.expressions.frame import SIZED, Frame, check_integer
from headrace.flowlang.expressions.functions import FUNCTIONS, PATH_FUNCTIONS, member_path
from headrace.flowlang.expressions.loops import (
    Run,
    Turn,
    Unpack,
    append,
    collect,
    items_of,
    kind_of,
    loop,
    put,
)
from headrace.flowlang.expressions.methods import (
    DICT_METHODS,
    METHOD_NAMES,
    REFUSED_ATTRIBUTES,
    call_method,
)
from headrace.flowlang.expressions.operators import BINARY, COMPARISONS, UNARY
from headrace.flowlang.paths import CONTEXT_NAME, MISSING, Path

_DESCRIBED: Final = {
    "Lambda": "lambda",
    "NamedExpr": "an assignment",
    "Starred": "'*' outside of a list",
    "SetComp": "a set comprehension",
    "Await": "await",
    "Yield": "yield",
    "YieldFrom": "yield",
}


class Compiler:
    """Compiles one expression.

    Args:
        paths: the backquoted paths, by the names that stand for them.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._scope: dict[str, int] = {}
        self.slots = 0

    def compile(self, node: ast.expr) -> Run:
        """Compile a node and all below it.

        Raises:
            ExpressionSyntaxError: the language does not have it.
        """
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            name = type(node).__name__
            raise ExpressionSyntaxError(f"{_DESCRIBED.get(name, name)} is not in the language")
        run: Run = method(node)
        return run

    def _constant(self, node: ast.Constant) -> Run:
        value = node.value
        if value is not None and type(value) not in (bool, int, float, str):
            raise ExpressionSyntaxError(f"{value!r:.40} is not in the language")
        if type(value) is int:
            check_integer(value.bit_length())
        return lambda frame: value

    def _name(self, node: ast.Name) -> Run:
        name = node.id
        if name in self._scope:
            slot = self._scope[name]
            return lambda frame: frame.slots[slot]
        if name in self._paths:
            return self._path(self._paths[name])
        if name.startswith("__"):
            raise ExpressionSyntaxError(f"{name}: names with two underscores cannot be used")
        if name == CONTEXT_NAME:
            return lambda frame: dict(frame.context)

        def read(frame: Frame) -> Any:
            try:
                return frame.payload[name]
            except KeyError:
                raise ExpressionError(f"'{name}' is not in the payload") from None

        return read

    @staticmethod
    def _path(path: Path) -> Run:
        def read(frame: Frame) -> Any:
            value = path.resolve(frame.payload, frame.context)
            if value is MISSING:
                raise MissingPathError(path.text)
            return value

        return read

    def _attribute(self, node: ast.Attribute) -> Run:
        name = _public(node.attr)
        owner = self.compile(node.value)

        is_method = name in DICT_METHODS

        def read(frame: Frame) -> Any:
            value = owner(frame)
            if type(value) is not dict:
                raise ExpressionError(f"'.{name}' of {kind_of(value)}: only objects have members")
            if is_method:
                raise ExpressionError(f"'.{name}' is a method; write ['{name}'] for the member")
            try:
                return value[name]
            except KeyError:
                raise ExpressionError(f"there is no member '{name}'") from None

        return read

    def _subscript(self, node: ast.Subscript) -> Run:
        owner, key = self.compile(node.value), self.compile(node.slice)

        def read(frame: Frame) -> Any:
            value, index = owner(frame), key(frame)
            if type(index) is slice and isinstance(value, SIZED):
                frame.make(type(value), len(value))
            try:
                return value[index]
            except KeyError:
                raise ExpressionError(f"there is no member {index!r:.60}") from None

        return read

    def _slice(self, node: ast.Slice) -> Run:
        parts = [
            None if p is None else self.compile(p) for p in (node.lower, node.upper, node.step)
        ]
        return lambda frame: slice(*[None if part is None else part(frame) for part in parts])

    def _call(self, node: ast.Call) -> Run:
        if any(isinstance(a, ast.Starred) for a in node.args):
            raise ExpressionSyntaxError("'*' outside of a list is not in the language")
        keywords = [(k.arg, self.compile(k.value)) for k in node.keywords if k.arg is not None]
        if len(keywords) < len(node.keywords):
            raise ExpressionSyntaxError("'**' in a call is not in the language")
        if isinstance(node.func, ast.Name):
            return self._function(node.func.id, node.args, keywords)
        if not isinstance(node.func, ast.Attribute):
            raise ExpressionSyntaxError("only functions and methods can be called")
        name = _public(node.func.attr)
        if name not in METHOD_NAMES:
            raise ExpressionSyntaxError(f"there is no method {name}() that may be called here")
        owner = self.compile(node.func.value)
        arguments = [self.compile(argument) for argument in node.args]

        def call(frame: Frame) -> Any:
            frame.charge(4)
            return call_method(
                frame,
                owner(frame),
                name,
                [argument(frame) for argument in arguments],
                {key: value(frame) for key, value in keywords},
            )

        return call

    def _function(self, name: str, nodes: list[ast.expr], keywords: list[tuple[str, Run]]) -> Run:
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionSyntaxError(
                f"there is no function {name}(); there are: {', '.join(sorted(FUNCTIONS))}"
            )
        arguments = [self.compile(node) for node in nodes]
        if name in PATH_FUNCTIONS and nodes and isinstance(nodes[0], ast.Constant):
            path = member_path(nodes[0].value)
            arguments[0] = lambda frame: path

        def call(frame: Frame) -> Any:
            frame.charge(2)
            values = [argument(frame) for argument in arguments]
            return function(frame, *values, **{key: value(frame) for key, value in keywords})

        return call

    def _binop(self, node: ast.BinOp) -> Run:
        operate = BINARY.get(type(node.op))
        if operate is None:
            raise ExpressionSyntaxError(f"operator {type(node.op).__name__} is not in the language")
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda frame: operate(frame, left(frame), right(frame))

    def _unaryop(self, node: ast.UnaryOp) -> Run:
        operate, operand = UNARY[type(node.op)], self.compile(node.operand)
        return lambda frame: operate(frame, operand(frame))

    def _boolop(self, node: ast.BoolOp) -> Run:
        values = [self.compile(value) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def decide(frame: Frame) -> Any:
            result: Any = None
            for value in values:
                result = value(frame)
                if bool(result) is stops_at:
                    break
            return result

        return decide

    def _compare(self, node: ast.Compare) -> Run:
        first = self.compile(node.left)
        rest = [
            (COMPARISONS[type(op)], self.compile(other))
            for op, other in zip(node.ops, node.comparators, strict=True)
        ]

        def compare(frame: Frame) -> Any:
            left, result = first(frame), True
            for holds, other in rest:
                right = other(frame)
                result = holds(frame, left, right)
                if not result:
                    break
                left = right
            return result

        return compare

    def _ifexp(self, node: ast.IfExp) -> Run:
        test, body, other = (self.compile(n) for n in (node.test, node.body, node.orelse))
        return lambda frame: body(frame) if test(frame) else other(frame)

    def _list(self, node: ast.List) -> Run:
        parts = [
            (isinstance(item, ast.Starred), self.compile(getattr(item, "value", item)))
            if isinstance(item, ast.Starred)
            else (False, self.compile(item))
            for item in node.elts
        ]

        def build(frame: Frame) -> Any:
            items: list[Any] = []
            for starred, part in parts:
                if starred:
                    more = part(frame)
                    frame.check_length(len(items) + len(more))
                    items.extend(more)
                else:
                    items.append(part(frame))
            return frame.admit(items)

        return build

    def _tuple(self, node: ast.Tuple) -> Run:
        parts = [self.compile(item) for item in node.elts]
        return lambda frame: frame.admit(tuple([part(frame) for part in parts]))

    def _set(self, node: ast.Set) -> Run:
        parts = [self.compile(item) for item in node.elts]
        return lambda frame: frame.admit({part(frame) for part in parts})

    def _dict(self, node: ast.Dict) -> Run:
        parts = [
            (None if key is None else self.compile(key), self.compile(value))
            for key, value in zip(node.keys, node.values, strict=True)
        ]

        def build(frame: Frame) -> Any:
            members: dict[Any, Any] = {}
            for key, value in parts:
                if key is None:
                    members.update(value(frame))
                else:
                    members[key(frame)] = value(frame)
            return frame.admit(members)

        return build

    def _joinedstr(self, node: ast.JoinedStr) -> Run:
        parts = [self.compile(value) for value in node.values]

        def build(frame: Frame) -> str:
            texts: list[str] = []
            length = 0
            for part in parts:
                text = text_of(frame, part(frame))
                length += len(text)
                texts.append(text)
            frame.make(str, length)
            return "".join(texts)

        return build

    def _formattedvalue(self, node: ast.FormattedValue) -> Run:
        if node.conversion != -1:
            raise ExpressionSyntaxError("'!r', '!s' and '!a' do nothing there; leave them out")
        value = self.compile(node.value)
        if node.format_spec is None:
            return value
        specification = self.compile(node.format_spec)
        return lambda frame: format_value(frame, value(frame), specification(frame))

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> Run:
        return self._comprehension(node, node.generators, (node.elt,))

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp) -> Run:
        return self._comprehension(node, node.generators, (node.key, node.value))

    def _comprehension(
        self, node: ast.expr, generators: list[ast.comprehension], elements: Iterable[ast.expr]
    ) -> Run:
        outer = self._scope
        self._scope = dict(outer)
        loops: list[tuple[Run, int | Unpack, list[Run]]] = []
        for generator in generators:
            if generator.is_async:
                raise ExpressionSyntaxError("async is not in the language")
            # Where the items come from is said before their name is known.
            source = self.compile(generator.iter)
            target = self._target(generator.target)
            loops.append((source, target, [self.compile(test) for test in generator.ifs]))
        parts = [self.compile(element) for element in elements]
        self._scope = outer
        # Each turn pays for the nodes that it goes through; what has no loop needs no counting.
        price = sum(1 for _ in ast.walk(node))
        turn: Turn = append(parts[0]) if len(parts) == 1 else put(parts[0], parts[1])
        for source, target, tests in reversed(loops):
            turn = loop(source, target, tests, turn, price)
        return collect(turn, list if len(parts) == 1 else dict)

    def _target(self, target: ast.expr) -> int | Unpack:
        """Return the slot of a name, or what gives an item's parts to several."""
        if isinstance(target, ast.Name):
            if target.id.startswith("__") or target.id in self._paths:
                raise ExpressionSyntaxError(f"{target.id} cannot name an item")
            slot = self.slots
            self.slots += 1
            self._scope[target.id] = slot
            return slot
        if not isinstance(target, (ast.Tuple, ast.List)):
            raise ExpressionSyntaxError("only names can be given to the items of a comprehension")
        inner = [self._target(element) for element in target.elts]

        def unpack(frame: Frame, item: Any) -> None:
            values = items_of(item)
            if len(values) != len(inner):
                raise ValueError(f"{len(values)} values for {len(inner)} names")
            for each, value in zip(inner, values, strict=True):
                if isinstance(each, int):
                    frame.slots[each] = value
                else:
                    each(frame, value)

        return unpack


def _public(name: str) -> str:
    if name.startswith(("_", "func_")) or name in REFUSED_ATTRIBUTES:
        raise ExpressionSyntaxError(f"'.{name}' cannot be used; write ['{name}'] for a member")
    return name
