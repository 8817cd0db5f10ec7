"""The table ``[limits]``: how much is started over all lanes, and what stops the campaign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.settings import (
    Integer,
    InvalidValue,
    Key,
    Kind,
    Number,
    RefusedValue,
    Text,
    table_of,
)
from headrace.campaigns.tables.kinds import Counts

_RATE: Final = re.compile(r"(\d{1,9})\s+in\s+(.+)", re.IGNORECASE)
_ROW: Final = re.compile(r"(\d{1,9}) failures? in a row", re.IGNORECASE)
_SHARE: Final = re.compile(
    r"(?:more than )?(\d{1,3}(?:\.\d+)?) ?% of the last (\d{1,9})", re.IGNORECASE
)


@dataclass(frozen=True)
class StartRate:
    """Limit of starts: a number within a time.

    Attributes:
        count: runs that may be started within it.
        seconds: the time.
    """

    count: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> StartRate:
        """Read a rate, such as ``15 in 10 s``.

        Raises:
            ValueError: it is none.
        """
        found = _RATE.fullmatch(text.strip())
        if found is None or int(found[1]) < 1:
            raise ValueError(f'{text!r} is no rate: write "15 in 10 s"')
        seconds = parse_duration(found[2])
        if seconds <= 0:
            raise ValueError(f'{text!r} is no rate: write "15 in 10 s"')
        return cls(int(found[1]), seconds)


@dataclass(frozen=True)
class StopRule:
    """Rule that pauses a campaign whose members fail.

    Attributes:
        text: as it was written.
        failures: members that failed in a row; 0: it is of a share.
        share: share of failures, above which it holds, from 0 to 1; 0: it is of a row.
        last: of a share: how many members that ended last it is of.
    """

    text: str
    failures: int = 0
    share: float = 0.0
    last: int = 0

    @classmethod
    def parse(cls, text: str) -> StopRule:
        """Read a rule: ``10 failures in a row``, or ``20 % of the last 50``.

        Raises:
            ValueError: it is none.
        """
        plain = " ".join(text.split())
        if (found := _ROW.fullmatch(plain)) and int(found[1]) > 0:
            return cls(plain, failures=int(found[1]))
        found = _SHARE.fullmatch(plain)
        if found and 0 < float(found[1]) < 100 and int(found[2]) > 0:
            return cls(plain, share=float(found[1]) / 100, last=int(found[2]))
        raise ValueError(
            f'{text!r} is no rule: write "10 failures in a row" or "20 % of the last 50"'
        )


class _Rate(Text):
    """A rate of starts; it is read as the text."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected='a rate, such as "15 in 10 s"')

    def parse(self, value: Any) -> str:
        """Return the text."""
        text = super().parse(value)
        try:
            StartRate.parse(text)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return text


class _StopRules(Kind):
    """Rules that pause a campaign, one or several; they are read as a tuple."""

    expected = 'rules, such as ["10 failures in a row", "20 % of the last 50"]'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the rules' texts."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
            raise InvalidValue(self.expected)
        try:
            for one in texts:
                StopRule.parse(one)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return tuple(texts)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the rules."""
        text = {"type": "string"}
        return {"anyOf": [text, {"type": "array", "items": text}]}


@dataclass(frozen=True)
class LimitsTable:
    """The table ``[limits]``: how much is started over all lanes, and what stops the campaign."""

    open: Annotated[
        int | None,
        Key(
            "Members under way at most, over all lanes.",
            kind=Integer(1),
            default="any number",
            example="open = 200",
        ),
    ] = None
    starts: Annotated[
        str,
        Key(
            "Runs that are started within a time.",
            kind=_Rate(),
            default="15 in 10 s at globus, any number at the facility",
            example='starts = "15 in 10 s"',
        ),
    ] = ""
    core_hours: Annotated[
        float | None,
        Key(
            "Core hours after which nothing is started any more.",
            kind=Number(0.0),
            default="any number",
            example="core_hours = 1_100_000",
        ),
    ] = None
    licences: Annotated[
        Mapping[str, int],
        Key(
            "Licences that there are over all lanes, by name.",
            kind=Counts(),
            example="licences = { matlab = 4 }",
        ),
    ] = field(default_factory=dict)
    added_members: Annotated[
        int,
        Key("Members that members may add by results.next, in all.", kind=Integer(0)),
    ] = 1000
    added_depth: Annotated[
        int,
        Key(
            "Generations of members that members may add: one that the table has is 0.",
            kind=Integer(0),
        ),
    ] = 10
    stop_when: Annotated[
        tuple[str, ...],
        Key(
            "When the campaign is paused and people are told of it: after failures in a row, or "
            "where more than a share of the members that ended last have failed.",
            kind=_StopRules(),
            default="never",
            example='stop_when = ["10 failures in a row", "20 % of the last 50"]',
        ),
    ] = ()

    @cached_property
    def start_rate(self) -> StartRate | None:
        """The rate of starts; None where the file gives none."""
        return StartRate.parse(self.starts) if self.starts else None

    @cached_property
    def stop_rules(self) -> tuple[StopRule, ...]:
        """The rules that pause the campaign."""
        return tuple(StopRule.parse(one) for one in self.stop_when)


LIMITS: Final = table_of(LimitsTable)
