"""Columns of the tables of ``headrace trigger``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.cli.termio.tables import Field

TRIGGER_FIELDS = (
    Field("trigger", key="name"),
    Field("watches, or is due", lambda one: one["directory"] or one["schedule"] or one["after"]),
    Field("", key="directory"),
    Field("", key="schedule"),
    Field("for each new", lambda one: f"{one['what']} {one['regex'] or one['pattern']}".strip()),
    Field("", key="what"),
    Field("", key="pattern"),
    Field("starts", lambda one: one["flow"] + " (paused)" * one["paused"], key="flow"),
    Field("title", lambda trigger: trigger["title"]),
    Field("", key="regex"),
    Field("", key="after"),
)
ARRIVAL_FIELDS = (
    Field("trigger", key="trigger"),
    Field("arrival", key="name"),
    Field("state", key="state"),
    Field("attempts", key="attempts"),
    Field("run, or why there is none", lambda arrival: _run_or_reason(arrival)),
    Field("", key="run_id"),
    Field("", key="reason"),
    Field("", key="run_status"),
    Field("", key="run_cause"),
    Field("", key="afterwards"),
    Field("", key="afterwards_reason"),
    Field("", key="moved_to"),
)


def _run_or_reason(arrival: Mapping[str, Any]) -> str:
    """Return the run of an arrival, and how it ended where that is known; or why it has none."""
    if arrival["state"] != "started":
        return str(arrival["reason"] or arrival["run_id"] or "")
    shown = (arrival["run_status"], arrival["run_cause"], arrival["afterwards_reason"])
    ended = " ".join(filter(None, shown))
    return f"{arrival['run_id']} {ended}".rstrip()
