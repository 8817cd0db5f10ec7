"""JSON schema of a function's arguments, from its annotations."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final

from .functions import Function

_PLAIN: Final[Mapping[str, dict[str, Any]]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "dict": {"type": "object"},
    "list": {"type": "array"},
    "object": {},
    "Any": {},
}
_ARRAYS: Final = frozenset({"list", "List", "Sequence", "Iterable", "tuple"})
_OBJECTS: Final = frozenset({"dict", "Dict", "Mapping"})


def arguments_schema(function: Function) -> dict[str, Any]:
    """Return the JSON schema of a function's keyword arguments.

    An annotation that JSON has nothing for admits everything: the function itself must look.

    Args:
        function: the function.
    """
    arguments = _definition(function).args
    named = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(named) - len(arguments.defaults))
    pairs = list(zip(named, [*defaults, *arguments.defaults], strict=True))
    pairs += list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    properties: dict[str, Any] = {}
    for argument, default in pairs:
        schema = _schema(argument.annotation)
        if default is not None:
            schema = {**schema, **_default(default)}
        properties[argument.arg] = schema
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": function.name,
        "type": "object",
        "properties": properties,
        "required": [argument.arg for argument, default in pairs if default is None],
        "additionalProperties": arguments.kwarg is not None,
    }


def signature(function: Function) -> str:
    """Return a function's head as it was written, on one line."""
    node = _definition(function)
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"{node.name}({ast.unparse(node.args)}){result}"


def _definition(function: Function) -> ast.FunctionDef:
    tree = ast.parse(function.path.read_text(encoding="utf-8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function.name]
    return found[-1]


def _schema(node: ast.expr | None) -> dict[str, Any]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # An annotation in quotes.
        try:
            return _schema(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return {}
    if isinstance(node, ast.Constant) and node.value is None:
        return dict(_PLAIN["None"])
    if isinstance(node, ast.Name | ast.Attribute):
        return dict(_PLAIN.get(_name(node), {}))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([_schema(node.left), _schema(node.right)])
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _generic(_name(node.value), inner)
    return {}


def _generic(name: str, inner: list[ast.expr]) -> dict[str, Any]:
    if name == "Literal":
        words = [item.value for item in inner if isinstance(item, ast.Constant)]
        return {"enum": words} if len(words) == len(inner) else {}
    if name == "Optional":
        return _either([_schema(inner[0]), dict(_PLAIN["None"])])
    if name == "Union":
        return _either([_schema(item) for item in inner])
    if name in _ARRAYS:
        items = _schema(inner[0]) if inner else {}
        return {"type": "array", **({"items": items} if items else {})}
    if name in _OBJECTS:
        values = _schema(inner[1]) if len(inner) > 1 else {}
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    return {}


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return {} if any(not schema for schema in schemas) else {"anyOf": schemas}


def _default(node: ast.expr) -> dict[str, Any]:
    try:
        return {"default": ast.literal_eval(node)}
    except ValueError:
        return {}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
