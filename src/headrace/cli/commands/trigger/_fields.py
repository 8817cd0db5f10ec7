"""Columns of the tables of ``headrace trigger``."""

from __future__ import annotations

from headrace.cli.termio.tables import Field

TRIGGER_FIELDS = (
    Field("trigger", key="name"),
    Field("watches", key="directory"),
    Field("for each new", lambda trigger: f"{trigger['what']} {trigger['pattern']}"),
    Field("", key="what"),
    Field("", key="pattern"),
    Field("starts", lambda one: one["flow"] + " (paused)" * one["paused"], key="flow"),
    Field("title", lambda trigger: trigger["title"]),
)
ARRIVAL_FIELDS = (
    Field("trigger", key="trigger"),
    Field("arrival", key="name"),
    Field("state", key="state"),
    Field("attempts", key="attempts"),
    Field("run, or why there is none", lambda arrival: arrival["run_id"] or arrival["reason"]),
    Field("", key="run_id"),
    Field("", key="reason"),
)
