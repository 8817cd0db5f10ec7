"""Filter of members: fields of an address or a form, and the selection that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from headrace.campaigns.ledger.selection import MemberSelection

if TYPE_CHECKING:
    import sqlite3

_CAUSE_STATES: Final = ("failed", "asking", "held")
_LONGEST: Final = 500


@dataclass(frozen=True)
class MemberFilter:
    """Filter of members: all of its conditions hold; "" is none.

    Attributes:
        key: key; ``*`` is any text.
        state: states, separated by commas.
        group: group; ``*`` is any text.
        lane: lane where they are or were last.
        step: step that they are at.
        cause: text in the cause of those that failed, ask or are held; with ``*``, all of it.
        where: expression over columns, facts and what lists show.
    """

    key: str = ""
    state: str = ""
    group: str = ""
    lane: str = ""
    step: str = ""
    cause: str = ""
    where: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> MemberFilter:
        """Make a filter of the parameters of an address, or the fields of a form."""
        values = {each.name: given.get(each.name, "").strip()[:_LONGEST] for each in fields(cls)}
        return cls(**values)

    @property
    def conditions(self) -> dict[str, str]:
        """The conditions that are given, by their names."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def is_empty(self) -> bool:
        """True where every member is selected."""
        return not self.conditions

    @property
    def is_quick_to_count(self) -> bool:
        """True where indexes alone give the number of members."""
        return not self.where and not self.step and "*" not in self.key

    @property
    def selection(self) -> MemberSelection:
        """The selection of members."""
        states = tuple(filter(None, (each.strip() for each in self.state.split(","))))
        if self.cause and not states:
            states = _CAUSE_STATES
        return MemberSelection(
            keys=_texts(self.key),
            states=states,
            groups=_texts(self.group),
            lanes=_texts(self.lane),
            steps=_texts(self.step),
            causes=_texts(self.cause),
            where=_texts(self.where),
        )

    def query(self, **more: str) -> str:
        """Return the query of an address that has this filter.

        Args:
            more: further parameters.
        """
        return urlencode({**self.conditions, **{k: v for k, v in more.items() if v}})

    def with_state(self, state: str) -> MemberFilter:
        """Return this filter, of members in a state where it says none."""
        return self if self.state or self.key else replace(self, state=state)


def not_changed_since(database: sqlite3.Connection, ids: Sequence[int], moment: str) -> list[int]:
    """Return the members that were not changed after a moment, as a person saw them.

    Args:
        database: the ledger.
        ids: numbers of members.
        moment: the moment, UTC in ISO format.
    """
    import json

    rows = database.execute(
        "SELECT id FROM members WHERE id IN (SELECT value FROM json_each(?)) AND changed_at <= ? "
        "ORDER BY id",
        (json.dumps([*ids]), moment),
    )
    return [int(row[0]) for row in rows]


def _texts(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
