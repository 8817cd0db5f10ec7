"""The table ``[retries]``: which failures are tried again, and whose fault they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.near_names import known_names
from headrace._internal.settings import Integer, InvalidValue, Key, Kind, RefusedValue, table_of
from headrace.campaigns.tables.kinds import Duration, Factors
from headrace.compute.attempts.cause_names import FailureCause

TRANSFER: Final = "transfer"
"""Cause of an attempt whose files could not be moved."""

LOST_LANE: Final = "lost lane"
"""Cause of an attempt whose lane has gone: its endpoint does not come back."""

CAUSES: Final = (*(cause.value for cause in FailureCause), TRANSFER, LOST_LANE)
"""Causes that a failed attempt may have."""

FREE_CAUSES: Final = (
    FailureCause.NODE.value,
    FailureCause.PREEMPTED.value,
    FailureCause.TIME_LIMIT.value,
    FailureCause.NETWORK.value,
    FailureCause.LOST.value,
    LOST_LANE,
)
"""Causes that are not the member's fault, where the file does not say which."""

RETRIED_CAUSES: Final = (
    *(cause.value for cause in FailureCause if cause.transient),
    TRANSFER,
    LOST_LANE,
)
"""Causes that are tried again, where the file does not say which: what attempts call random."""


class _Causes(Kind):
    """Causes of failures; they are read as a tuple."""

    expected = 'a list of causes, such as ["node lost", "time limit"]'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the causes."""
        if not isinstance(value, list | tuple):
            raise InvalidValue(self.expected)
        for one in value:
            if not isinstance(one, str):
                raise InvalidValue(self.expected)
            if one not in CAUSES:
                raise RefusedValue(f'"{one}" is no cause of a failure; {known_names(one, CAUSES)}')
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the causes."""
        return {"type": "array", "items": {"enum": list(CAUSES)}}


@dataclass(frozen=True)
class RetriesTable:
    """The table ``[retries]``: which failures are tried again, and whose fault they were."""

    attempts: Annotated[
        int,
        Key("Attempts at a leg that a member has, those that it failed itself.", kind=Integer(1)),
    ] = 3
    free: Annotated[
        tuple[str, ...],
        Key(
            "Causes that are not the member's fault: such an attempt does not count.",
            kind=_Causes(),
            example='free = ["node lost", "time limit"]',
        ),
    ] = FREE_CAUSES
    free_attempts: Annotated[
        int, Key("Attempts at a leg that do not count, at most.", kind=Integer(0))
    ] = 20
    on: Annotated[
        tuple[str, ...],
        Key(
            "Causes that are tried again, beside those of free.",
            kind=_Causes(),
            default="those that may not come another time",
            example='on = ["out of memory", "killed"]',
        ),
    ] = RETRIED_CAUSES
    backoff: Annotated[
        str,
        Key(
            "Time before the second attempt, doubled before each further one, to an hour at most.",
            kind=Duration(),
        ),
    ] = "1 min"
    move: Annotated[
        bool, Key("Whether the next attempt takes another lane, where there is one.")
    ] = True
    grow: Annotated[
        Mapping[str, float],
        Key(
            "What {grow.NAME}, 1 at first, is multiplied by after an attempt that was out of "
            "memory.",
            kind=Factors(),
            example="grow = { memory = 2.0 }",
        ),
    ] = field(default_factory=dict)

    @cached_property
    def backoff_seconds(self) -> float:
        """Time before the second attempt, s."""
        return parse_duration(self.backoff)


RETRIES: Final = table_of(RetriesTable)
