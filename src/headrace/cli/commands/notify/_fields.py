"""Columns of the tables of ``headrace notify``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.cli.termio.runs import moment
from headrace.cli.termio.tables import Field

TEST_FIELDS = (
    Field("channel", key="channel"),
    Field("", key="taken"),
    Field("goes to", key="value"),
    Field("taken", lambda row: "taken" if row["taken"] else f"failed: {row['error']}"),
    Field("", key="error"),
)
RECORD_FIELDS = (
    Field("when", moment("time"), key="time"),
    Field("severity", key="severity"),
    Field("state", key="state"),
    Field("subject", key="subject"),
    Field("by", lambda row: _channels(row)),
)


def _channels(row: Mapping[str, Any]) -> str:
    """Return the channels of a notification, with why one has not taken it yet."""
    shown = []
    for each in row["channels"]:
        error = f" ({each['error']})" if each["error"] and each["state"] != "sent" else ""
        state = "" if each["state"] == "sent" else f" {each['state']}"
        shown.append(f"{each['channel']}{state}{error}")
    return ", ".join(shown)
