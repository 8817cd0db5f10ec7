"""Times in definitions and payloads: RFC 3339, always with a zone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def parse_timestamp(value: Any) -> datetime | None:
    """Returns the time that a text names, or None where it names none."""
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None
