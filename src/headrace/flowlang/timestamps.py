"""Times in definitions and payloads: RFC 3339, always with a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

# As the states language has it: T and Z are upper case, and nothing else stands for them.
_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

_SECOND = timedelta(seconds=1)
# Days at whose end, in UTC, a leap second can be.
_LEAP_DAYS = frozenset({(6, 30), (12, 31)})


def parse_timestamp(value: Any) -> datetime | None:
    """Return the time that a text names, or None where it names none."""
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        return None
    try:
        if value[17:19] == "60":
            return _leap_second(value)
        return datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None


def _leap_second(value: str) -> datetime | None:
    """Return the first moment after a leap second, which Python's times do not have."""
    before = datetime.fromisoformat(f"{value[:17]}59{value[19:]}")
    moment = before.astimezone(UTC)
    at_the_end = (moment.hour, moment.minute) == (23, 59)
    if not at_the_end or (moment.month, moment.day) not in _LEAP_DAYS:
        return None
    return before + _SECOND
