"""Columns of the tables of ``headrace run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.cli.termio.runs import entry_words, moment
from headrace.cli.termio.tables import Field, columns_of


def _retry_text(run: Mapping[str, Any]) -> str:
    if run.get("mended_by"):
        return f"mended by {run['mended_by']}"
    return f"taken up by {run['retried_by']}" if run.get("retried_by") else ""


def _duration(run: Mapping[str, Any]) -> str:
    from headrace.runs import RunView
    from headrace.runs.describe import format_duration

    return format_duration(RunView(run).elapsed())


# Every command that prints runs has these columns; a new one goes to the end, for -F unix.
RUN_FIELDS = (
    Field("run", key="run_id"),
    Field("status", key="status"),
    Field("started", moment("start_time"), key="start_time"),
    Field("", key="completion_time"),
    Field("flow", key="flow_title"),
    Field("label", key="label"),
    Field("retry", _retry_text, optional=True, key="mended_by"),
    Field("held since", moment("held_at"), optional=True, key="held_at"),
)
RUN_COLUMNS = columns_of(RUN_FIELDS)
# What `run list --columns` names, each by its member of the JSON document.
LIST_FIELDS = {
    **{field.key: field for field in RUN_FIELDS},
    "completion_time": Field("ended", moment("completion_time"), key="completion_time"),
    "retried_by": Field("taken up by", key="retried_by"),
    "mended_by": Field("mended by", key="mended_by"),
    "cause": Field("cause", key="cause"),
    "duration": Field("took", _duration, key="duration"),
    "tags": Field("tags", key="tags"),
    "flow_id": Field("flow id", key="flow_id"),
}
LOG_FIELDS = (
    Field("time", moment("time"), key="time"),
    Field("code", key="code"),
    Field("state", lambda entry: (entry.get("details") or {}).get("state_name")),
    Field("details", entry_words),
    Field("", key="description"),
)
