"""TOML of plain values, which the standard library reads and does not write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(document: Mapping[str, Any]) -> str:
    """Write tables, lists of tables and plain values.

    Args:
        document: texts, numbers, true and false, times, and lists and tables of them.

    Returns:
        The text; keys stay in their order.
    """
    return "\n".join(_lines(document, "")).strip("\n") + "\n"


def _lines(table: Mapping[str, Any], name: str) -> list[str]:
    plain = {key: value for key, value in table.items() if not _is_table(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if key in plain:
            continue
        full = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, Mapping):
            inner = _lines(value, full)
            # A table that has only tables needs no heading of its own.
            headed = not value or any(not _is_table(one) for one in value.values())
            lines += ["", f"[{full}]", *inner] if headed else inner
        else:
            for one in value:
                lines += ["", f"[[{full}]]", *_lines(one, full)]
    return lines


def _is_table(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _key(key: str) -> str:
    plain = bool(key) and all(part.isalnum() or part in "_-" for part in key) and key.isascii()
    return key if plain else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
