"""Types of operators, functions and methods of expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ANY_BOOLEAN,
    ANY_NUMBER,
    ANY_STRING,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    JsonType,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.type_constructors import array

# Python computes with booleans as numbers.
_NUMERIC: Final = NUMBER | BOOLEAN
_SIZED: Final = STRING | ARRAY | OBJECT

_Pair = tuple[int, int, int]  # kinds left, kinds right, kinds of the result
_ARITHMETIC: Final[_Pair] = (_NUMERIC, _NUMERIC, NUMBER)
_BINARY: Final[dict[type[ast.operator], tuple[_Pair, ...]]] = {
    ast.Add: (_ARITHMETIC, (STRING, STRING, STRING), (ARRAY, ARRAY, ARRAY)),
    ast.Sub: (_ARITHMETIC,),
    ast.Mult: (
        _ARITHMETIC,
        (STRING, _NUMERIC, STRING),
        (_NUMERIC, STRING, STRING),
        (ARRAY, _NUMERIC, ARRAY),
        (_NUMERIC, ARRAY, ARRAY),
    ),
    ast.Div: (_ARITHMETIC,),
    ast.FloorDiv: (_ARITHMETIC,),
    ast.Mod: (_ARITHMETIC, (STRING, ALL, STRING)),
    ast.Pow: (_ARITHMETIC,),
    ast.LShift: (_ARITHMETIC,),
    ast.RShift: (_ARITHMETIC,),
}
_DIVIDING: Final = (ast.Div, ast.FloorDiv, ast.Mod)
_ZERO: Final = frozenset({(NUMBER, 0)})
_SYMBOLS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_ORDERED: Final = ((_NUMERIC, _NUMERIC), (STRING, STRING), (ARRAY, ARRAY))
_CONTAINS: Final = ((STRING, STRING), (ALL, ARRAY), (ALL, OBJECT))


def binary(operator: ast.operator, left: JsonType, right: JsonType) -> tuple[JsonType, str | None]:
    """Return the result type of an operator, and why it must fail, if it must."""
    table = _BINARY.get(type(operator))
    if table is None:
        return ANY, None
    kinds = 0
    for one, other, result in table:
        if left.kinds & one and right.kinds & other:
            kinds |= result
    if not kinds:
        symbol = _SYMBOLS[type(operator)]
        words = f"{describe_kinds(left.kinds)} {symbol} {describe_kinds(right.kinds)}"
        return ANY, f"{words} cannot be"
    if isinstance(operator, _DIVIDING) and right.values == _ZERO and left.kinds & _NUMERIC:
        return JsonType(kinds), "division by zero"
    items = None
    if kinds == ARRAY and isinstance(operator, ast.Mult):
        items = left.items if left.kinds == ARRAY else right.items
    return JsonType(kinds, items=items), None


def comparison(operator: ast.cmpop, left: JsonType, right: JsonType) -> str | None:
    """Return why a comparison must fail, or None where it need not."""
    if isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        table: Iterable[tuple[int, int]] = _ORDERED
    elif isinstance(operator, ast.In | ast.NotIn):
        table = _CONTAINS
    else:
        return None
    if any(left.kinds & one and right.kinds & other for one, other in table):
        return None
    symbol = _SYMBOLS[type(operator)]
    return f"{describe_kinds(left.kinds)} {symbol} {describe_kinds(right.kinds)} cannot be"


# Kinds of a function's first argument, and its result type.
FUNCTIONS: Final[dict[str, tuple[int, JsonType]]] = {
    "pathsplit": (STRING, array(ANY_STRING, 2, 2)),
    "len": (_SIZED, ANY_NUMBER),
    "int": (STRING | _NUMERIC, ANY_NUMBER),
    "float": (STRING | _NUMERIC, ANY_NUMBER),
    "str": (ALL, ANY_STRING),
    "list": (_SIZED, array()),
    "tuple": (_SIZED, array()),
    "dict": (_SIZED, JsonType(OBJECT)),
    "set": (_SIZED, ANY),
    "is_present": (STRING, ANY_BOOLEAN),
    "getattr": (STRING, ANY),
}

_TEXTS: Final = (
    "capitalize casefold center expandtabs join ljust lower lstrip removeprefix removesuffix "
    "replace rjust rstrip strip swapcase title upper zfill"
)
_TESTS: Final = (
    "endswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric "
    "isprintable isspace istitle isupper startswith"
)
_STRING_METHODS: Final[dict[str, JsonType]] = {
    **dict.fromkeys(_TEXTS.split(), ANY_STRING),
    **dict.fromkeys(_TESTS.split(), ANY_BOOLEAN),
    **dict.fromkeys(("count", "find", "index", "rfind", "rindex"), ANY_NUMBER),
    **dict.fromkeys(("split", "rsplit"), array(ANY_STRING)),
    "splitlines": array(ANY_STRING),
    **dict.fromkeys(("partition", "rpartition"), array(ANY_STRING, 3, 3)),
}
_METHODS: Final[dict[int, dict[str, JsonType]]] = {
    STRING: _STRING_METHODS,
    ARRAY: {"count": ANY_NUMBER, "index": ANY_NUMBER, "copy": array()},
    OBJECT: {"copy": JsonType(OBJECT), "get": ANY, "items": ANY, "keys": ANY, "values": ANY},
    NUMBER: {"bit_length": ANY_NUMBER, "is_integer": ANY_BOOLEAN},
    BOOLEAN: {"bit_length": ANY_NUMBER},
    NULL: {},
}


def method(owner: JsonType, name: str) -> tuple[JsonType, str | None]:
    """Return the result type of a method, and why the call must fail, if it must."""
    results = [
        table[name] for kind, table in _METHODS.items() if owner.kinds & kind and name in table
    ]
    if not results:
        return ANY, f"{describe_kinds(owner.kinds)} has no method {name}()"
    return (results[0] if len(results) == 1 else ANY), None
