"""What the operators, functions and methods of expressions give, and what they cannot take."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ARRAY,
    BOOLEAN,
    COUNT,
    FLAG,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    TEXT,
    Shape,
    array,
    kinds_in_words,
)

# Python reckons with booleans as numbers.
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


def binary(operator: ast.operator, left: Shape, right: Shape) -> tuple[Shape, str | None]:
    """Return what an operator gives, and why it must fail, if it must."""
    table = _BINARY.get(type(operator))
    if table is None:
        return ANY, None
    kinds = 0
    for one, other, result in table:
        if left.kinds & one and right.kinds & other:
            kinds |= result
    if not kinds:
        symbol = _SYMBOLS[type(operator)]
        words = f"{kinds_in_words(left.kinds)} {symbol} {kinds_in_words(right.kinds)}"
        return ANY, f"{words} cannot be"
    if isinstance(operator, _DIVIDING) and right.values == _ZERO and left.kinds & _NUMERIC:
        return Shape(kinds), "division by zero"
    items = None
    if kinds == ARRAY and isinstance(operator, ast.Mult):
        items = left.items if left.kinds == ARRAY else right.items
    return Shape(kinds, items=items), None


def comparison(operator: ast.cmpop, left: Shape, right: Shape) -> str | None:
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
    return f"{kinds_in_words(left.kinds)} {symbol} {kinds_in_words(right.kinds)} cannot be"


# What a function takes as its first argument, and gives.
FUNCTIONS: Final[dict[str, tuple[int, Shape]]] = {
    "pathsplit": (STRING, array(TEXT, 2, 2)),
    "len": (_SIZED, COUNT),
    "int": (STRING | _NUMERIC, COUNT),
    "float": (STRING | _NUMERIC, COUNT),
    "str": (ALL, TEXT),
    "list": (_SIZED, array()),
    "tuple": (_SIZED, array()),
    "dict": (_SIZED, Shape(OBJECT)),
    "set": (_SIZED, ANY),
    "is_present": (STRING, FLAG),
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
_STRING_METHODS: Final[dict[str, Shape]] = {
    **dict.fromkeys(_TEXTS.split(), TEXT),
    **dict.fromkeys(_TESTS.split(), FLAG),
    **dict.fromkeys(("count", "find", "index", "rfind", "rindex"), COUNT),
    **dict.fromkeys(("split", "rsplit"), array(TEXT)),
    "splitlines": array(TEXT),
    **dict.fromkeys(("partition", "rpartition"), array(TEXT, 3, 3)),
}
_METHODS: Final[dict[int, dict[str, Shape]]] = {
    STRING: _STRING_METHODS,
    ARRAY: {"count": COUNT, "index": COUNT, "copy": array()},
    OBJECT: {"copy": Shape(OBJECT), "get": ANY, "items": ANY, "keys": ANY, "values": ANY},
    NUMBER: {"bit_length": COUNT, "is_integer": FLAG},
    BOOLEAN: {"bit_length": COUNT},
    NULL: {},
}


def method(owner: Shape, name: str) -> tuple[Shape, str | None]:
    """Return what a method gives, and why the call must fail, if it must."""
    results = [
        table[name] for kind, table in _METHODS.items() if owner.kinds & kind and name in table
    ]
    if not results:
        return ANY, f"{kinds_in_words(owner.kinds)} has no method {name}()"
    return (results[0] if len(results) == 1 else ANY), None
