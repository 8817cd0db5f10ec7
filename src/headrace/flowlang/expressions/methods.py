"""The methods that expressions may call: those that change nothing, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.flowlang.errors import ExpressionError
from headrace.flowlang.expressions.frame import Frame

Guard = Callable[..., None]

# What getattr finds on an object before its members: written o.items, it is no member.
DICT_METHODS: Final = frozenset(name for name in dir(dict) if not name.startswith("_"))
# Refused by the hosted service's evaluator, whatever they are found on.
REFUSED_ATTRIBUTES: Final = frozenset(
    {"format", "format_map", "mro", "tb_frame", "gi_frame", "ag_frame", "cr_frame", "exec"}
)


def call_method(
    frame: Frame, value: Any, name: str, arguments: list[Any], keywords: Mapping[str, Any]
) -> Any:
    """Call a method of a value.

    Args:
        frame: pays for it.
        value: on which.
        name: the method's name.
        arguments: by position.
        keywords: by name.

    Raises:
        ExpressionError: there is no such method, or it may not be called.
        BudgetError: the result would be too large.
    """
    known = _METHODS.get(type(value))
    if known is None or name not in known:
        raise ExpressionError(f"a {_kind(value)} has no method {name}() that may be called here")
    for argument in arguments:
        frame.read(argument)
    frame.read(value)
    guard = known[name]
    if guard is not None:
        guard(frame, value, *arguments, **keywords)
    result = getattr(value, name)(*arguments, **keywords)
    return frame.admit(result) if isinstance(result, (list, tuple, dict, set)) else result


def _padded(frame: Frame, text: str, width: Any, *fill: Any) -> None:
    del fill
    if isinstance(width, int):
        frame.make(str, max(len(text), width))


def _tabs(frame: Frame, text: str, tabsize: Any = 8) -> None:
    if isinstance(tabsize, int):
        frame.make(str, len(text) + text.count("\t") * max(tabsize, 0))


def _replaced(frame: Frame, text: str, old: Any, new: Any, count: Any = -1) -> None:
    if isinstance(old, str) and isinstance(new, str) and isinstance(count, int):
        times = text.count(old)
        times = times if count < 0 else min(times, count)
        frame.charge(len(text) >> 5)
        frame.make(str, len(text) + times * max(len(new) - len(old), 0))


def _joined(frame: Frame, separator: str, parts: Any) -> None:
    nodes, characters = frame.weigh(parts)
    frame.make(str, characters + nodes * len(separator))
    frame.charge(nodes >> 2)


def _walked(frame: Frame, text: str, *arguments: Any, **keywords: Any) -> None:
    del arguments, keywords
    frame.charge(len(text) >> 4)


def _merged(frame: Frame, value: Any, *others: Any) -> None:
    frame.check_weight(sum(sum(frame.weigh(item)) for item in (value, *others)))
    frame.charge(sum(len(item) for item in (value, *others)) >> 2)


def _copied(frame: Frame, value: Any) -> None:
    frame.charge(len(value) >> 5)


_TESTS: Final = """
    isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace
    istitle isupper endswith startswith
"""
_WALKS: Final = """
    capitalize casefold count find index lower lstrip partition removeprefix removesuffix rfind
    rindex rpartition rsplit rstrip split splitlines strip swapcase title upper
"""
_MERGES: Final = """
    difference intersection isdisjoint issubset issuperset symmetric_difference union
"""
_STRING: Final[dict[str, Guard | None]] = {
    **dict.fromkeys(_TESTS.split()),
    **dict.fromkeys(_WALKS.split(), _walked),
    "center": _padded,
    "ljust": _padded,
    "rjust": _padded,
    "zfill": _padded,
    "expandtabs": _tabs,
    "replace": _replaced,
    "join": _joined,
}
_SET: Final[dict[str, Guard | None]] = {
    "copy": _copied,
    **dict.fromkeys(_MERGES.split(), _merged),
}
_METHODS: Final[dict[type, dict[str, Guard | None]]] = {
    str: _STRING,
    list: {"count": None, "index": None, "copy": _copied},
    tuple: {"count": None, "index": None},
    dict: {"copy": _copied, "get": None, "items": None, "keys": None, "values": None},
    set: _SET,
    int: {"bit_length": None},
    bool: {"bit_length": None},
    float: {"is_integer": None},
}
METHOD_NAMES: Final = frozenset(name for names in _METHODS.values() for name in names)


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
