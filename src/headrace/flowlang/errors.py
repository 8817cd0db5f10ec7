"""Errors of the flow language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.errors import HeadraceError

Entry = dict[str, Any]


class FlowLanguageError(HeadraceError):
    """Something in a flow definition, or in one of its runs, is wrong."""


class DefinitionError(FlowLanguageError):
    """A definition that no run can use.

    Attributes:
        entries: what is wrong, each as ``{"loc": [...], "msg": ..., "type": ...}`` in the manner of
            the service.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries: list[Entry] = list(entries)
        first = self.entries[0]
        more = f" (and {len(self.entries) - 1} more)" if len(self.entries) > 1 else ""
        line = f"{location(first['loc'])}: {first['msg']}{more}"
        super().__init__(" ".join(line.split()))


class PathError(FlowLanguageError):
    """A path that is not written correctly."""


class ExpressionError(FlowLanguageError):
    """An expression that is not written correctly, or that cannot be evaluated."""


class ExpressionSyntaxError(ExpressionError):
    """An expression that the language does not have."""


class MissingPathError(ExpressionError):
    """A backquoted path of an expression leads to nothing.

    Attributes:
        path: the path, as it was written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"the path '{path}' could not be found in the payload")


class BudgetError(ExpressionError):
    """An expression that would take more steps or memory than one may."""


def location(loc: Sequence[Any]) -> str:
    """Write where something is in a definition, such as ``definition.States.A.Next``."""
    text = ""
    for item in loc:
        if isinstance(item, int):
            text += f"[{item}]"
        elif str(item).isidentifier():
            text += f".{item}"
        else:
            text += f"[{str(item)!r}]"
    return text.lstrip(".") or "definition"
