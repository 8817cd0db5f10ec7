"""Sets of files that belong together: the names of their members, and the file that comes first."""

from __future__ import annotations

import re

from headrace.triggers.template import PLACEHOLDERS

_PIECE = re.compile(r"\{\{|\}\}|\{(\w+)\}|([{}])|([^{}]+)")


class InvalidMember(ValueError):
    """Template of a member's name that cannot be used; the message says why."""


def lead_regex(template: str) -> str:
    """Return the regular expression of the files that stand for sets.

    Args:
        template: of the first member's name, such as ``{shot}.segy``; its placeholders become
            groups.

    Raises:
        InvalidMember: it has none, or one that says something else.
    """
    found, groups = "", []
    for piece in _PIECE.finditer(template):
        if piece[0] in ("{{", "}}"):
            found += re.escape(piece[0][0])
        elif piece[2]:
            raise InvalidMember(f'lone "{piece[2]}" in "{template}"; write it twice')
        elif piece[3]:
            found += re.escape(piece[3])
        elif piece[1] in groups or (piece[1] in PLACEHOLDERS and piece[1] != "stem"):
            raise InvalidMember(
                f'{piece[0]} in "{template}": the placeholders of the first name say which part of '
                "it the others share, each once, with a name of its own, such as {stem}"
            )
        else:
            groups.append(piece[1])
            found += f"(?P<{piece[1]}>.+)"
    if not groups:
        raise InvalidMember(
            f'"{template}" has no placeholder, such as {{stem}}, for what the names share'
        )
    return found
