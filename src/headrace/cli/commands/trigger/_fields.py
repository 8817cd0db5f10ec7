"""Columns of the tables of ``headrace trigger``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.cli.termio.tables import Field

TRIGGER_FIELDS = (
    Field("trigger", key="name", fit="cut"),
    Field(
        "watches, or is due",
        lambda one: one["directory"] or one["schedule"] or one["after"],
        fit="cut",
    ),
    Field("", key="directory"),
    Field("", key="schedule"),
    Field(
        "for each new",
        lambda one: f"{one['what']} {one['regex'] or one['pattern']}".strip(),
        fit="cut",
    ),
    Field("", key="what"),
    Field("", key="pattern"),
    Field("starts", lambda one: one["flow"] + " (paused)" * one["paused"], key="flow", fit="cut"),
    Field("title", lambda trigger: trigger["title"], fit="cut"),
    Field("", key="regex"),
    Field("", key="after"),
)
ARRIVAL_FIELDS = (
    Field("trigger", key="trigger", fit="cut"),
    Field("arrival", key="name", fit="cut"),
    Field("state", key="state"),
    Field("attempts", key="attempts"),
    Field("run, or why there is none", lambda arrival: _run_or_reason(arrival), fit="wrap"),
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
