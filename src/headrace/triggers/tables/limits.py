"""The table ``[limits]``: how many runs are started, when, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from headrace._internal.quiet_hours import QuietHours, QuietRange, find_zone
from headrace._internal.settings import (
    Integer,
    InvalidValue,
    Key,
    Kind,
    Place,
    RefusedValue,
    Text,
    table_of,
)
from headrace.triggers.tables.kinds import QuotedChoice

_COUNT: Final = Integer(1)


class _Ranges(Kind):
    """Ranges of hours, one or several; they are read as a tuple."""

    expected = 'hours, such as "22:00-06:00", or a list of them'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the ranges."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
            raise InvalidValue(self.expected)
        try:
            for one in texts:
                QuietRange.parse(one)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return tuple(texts)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the ranges."""
        text = {"type": "string"}
        return {"anyOf": [text, {"type": "array", "items": text}]}


class _Zone(Text):
    """The name of a time zone."""

    def parse(self, value: Any) -> str:
        """Return the name."""
        name = super().parse(value)
        try:
            find_zone(name)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return name


@dataclass(frozen=True)
class LimitsTable:
    """The table ``[limits]``: how many runs are started, when, and in which order."""

    open_runs: Annotated[
        int | None,
        Key(
            "Runs of this trigger that may be open, that is not ended, at a time.",
            kind=_COUNT,
            default="any number",
            example="open_runs = 4",
        ),
    ] = None
    starts_per_hour: Annotated[
        int | None,
        Key(
            "Runs that are started within an hour.",
            kind=_COUNT,
            default="any number",
            example="starts_per_hour = 20",
        ),
    ] = None
    order: Annotated[
        Literal["arrival", "name", "number"],
        Key(
            "Order in which arrivals that wait get their runs: as they were seen, by name, or by "
            "the numbers in their names.",
            kind=QuotedChoice(("arrival", "name", "number")),
        ),
    ] = "arrival"
    quiet_hours: Annotated[
        tuple[str, ...],
        Key(
            "Hours in which no run is started; one range or a list, with days of the week.",
            kind=_Ranges(),
            example='quiet_hours = ["22:00-06:00", "Sat,Sun"]',
        ),
    ] = ()
    timezone: Annotated[
        str,
        Key(
            "Time zone of the quiet hours.",
            kind=_Zone(empty=False, expected="a text"),
            default="the machine's",
            example='timezone = "Europe/Zurich"',
        ),
    ] = ""

    @cached_property
    def quiet(self) -> QuietHours:
        """The quiet hours."""
        return QuietHours.parse(self.quiet_hours, self.timezone)


def _check(limits: LimitsTable, place: Place) -> None:
    try:
        QuietHours.parse(limits.quiet_hours, limits.timezone)
    except ValueError as error:
        place.child("quiet_hours").refused(str(error))


LIMITS: Final = table_of(LimitsTable, check=_check)
