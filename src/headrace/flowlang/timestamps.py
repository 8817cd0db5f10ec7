"""Times in definitions and payloads: RFC 3339, always with a zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

_FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

_SECOND = timedelta(seconds=1)


def parse_timestamp(value: Any) -> datetime | None:
    """Returns the time that a text names, or None where it names none."""
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        return None
    try:
        if value[17:19] == "60":
            # A leap second, which Python's times do not have: the first moment after it.
            return datetime.fromisoformat(f"{value[:17]}59{value[19:]}".upper()) + _SECOND
        return datetime.fromisoformat(value.upper())
    except (ValueError, OverflowError):
        return None
