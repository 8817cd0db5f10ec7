"""Templates of texts over the columns of a row, read once and filled in for many rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.near_names import known_names
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.members.keys import safe_key

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_KEY_TYPE: Final = ":key"


class RowText:
    """Template of a text; ``{COLUMN:key}`` stands for a column's text made safe for a name.

    Args:
        template: the template.
        where: what messages call it, such as ``members.group``.

    Raises:
        CampaignError: a lone brace.
    """

    def __init__(self, template: str, where: str) -> None:
        self._template, self._where = template, where
        self._literals: list[str] = []
        self._columns: list[tuple[str, bool]] = []
        literal, end = "", 0
        for piece in _PIECE.finditer(template):
            literal += template[end : piece.start()]
            end = piece.end()
            if piece[0] in ("{{", "}}"):
                literal += piece[0][0]
            elif piece[1] is None:
                raise CampaignError(f'{where}: lone "{piece[0]}" in "{template}"; write it twice')
            else:
                name, is_key = piece[1].removesuffix(_KEY_TYPE), piece[1].endswith(_KEY_TYPE)
                self._literals.append(literal)
                self._columns.append((name, is_key))
                literal = ""
        self._literals.append(literal + template[end:])
        self.alone = ""
        if len(self._columns) == 1 and self._literals == ["", ""] and not self._columns[0][1]:
            self.alone = self._columns[0][0]

    def render(self, values: Mapping[str, Any]) -> str | None:
        """Return the text of a row; None where a column that it needs is empty there.

        Args:
            values: JSON values by column.

        Raises:
            MemberRefused: a value is a list or an object.
            CampaignError: there is no such column.
        """
        text = self._literals[0]
        for (name, is_key), literal in zip(self._columns, self._literals[1:], strict=True):
            value = values.get(name)
            if value is None:
                if name not in values:
                    raise CampaignError(
                        f"{self._where}: unknown placeholder {{{name}}}; "
                        f"{known_names(name, values)}"
                    )
                return None
            if not isinstance(value, str):
                if isinstance(value, list | dict):
                    raise MemberRefused(f"{self._where}: {{{name}}} is a list or an object")
                value = text_of(value)
            if is_key:
                value = safe_key(value)
                if not value:
                    return None
            text += value + literal
        return text

    def absent(self, values: Mapping[str, Any]) -> str:
        """Return what is said where `render` has no text, with the column that is empty."""
        for name, is_key in self._columns:
            if values.get(name) is None:
                return f"{self._where}: {{{name}}} is empty in this row"
            if is_key and not safe_key(text_of(values[name])):
                return f"{self._where}: {values[name]!r} has no character that a key can have"
        return f"{self._where} is empty"


def text_of(value: Any) -> str:
    """Return a value as it stands within a text: numbers that are whole without a point."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return json.dumps(value)
