"""Results that an expression may give: JSON, as a copy."""

from __future__ import annotations

import math
from typing import Any, Final

from headrace.flowlang.errors import ExpressionError
from headrace.flowlang.expressions.frame import VIEWS

_PLAIN: Final = frozenset({str, int, bool, type(None)})


def to_json(value: Any) -> Any:
    """Copy a value; tuples become lists.

    Args:
        value: of bounded size and depth.

    Raises:
        ExpressionError: JSON has no such value.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ExpressionError(f"gives {value}, which JSON does not have")
        return value
    if kind in (list, tuple):
        return [item if type(item) in _PLAIN else to_json(item) for item in value]
    if kind is dict:
        for name in value:
            if type(name) is not str:
                raise ExpressionError(f"gives an object with the name {name!r:.40}: no string")
        return {
            name: item if type(item) in _PLAIN else to_json(item) for name, item in value.items()
        }
    advice = "; write list(...) around it" if isinstance(value, (set, *VIEWS)) else ""
    raise ExpressionError(f"gives a {kind.__name__}, which JSON does not have{advice}")
