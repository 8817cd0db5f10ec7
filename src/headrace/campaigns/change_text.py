"""Words for what a change of members has done: the same at the command line and on pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change

CHANGED_MEMBERS: Final[Mapping[str, str]] = {
    "hold": "held",
    "release": "released",
    "drop": "dropped",
    "retry": "to be tried again",
    "move": "moved",
    "priority": "given this priority",
}
"""State of members after each change, by its verb."""

_SHOWN: Final = 10


def change_lines(change: Change, done: str) -> list[str]:
    """Return what a change has done, and what it has left and why; empty where nothing was changed.

    Args:
        change: the change.
        done: what its members are afterwards.
    """
    done_lines = [_line(change.changed, f" {done}: ")] if change.changed else []
    left = [f"{_line(keys, ' left: ')} {reason}" for reason, keys in change.left.items()]
    return done_lines + left


def member_count(count: int) -> str:
    """Return a number of members in words.

    Args:
        count: the number.
    """
    return f"{count:,} member{'s' if count != 1 else ''}"


def _line(keys: Sequence[str], between: str) -> str:
    shown = ", ".join(keys[:_SHOWN])
    more = len(keys) - _SHOWN
    return f"{member_count(len(keys))}{between}{shown}{f' and {more:,} more' if more > 0 else ''}"
