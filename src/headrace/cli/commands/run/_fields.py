"""Columns of the tables of ``headrace run``."""

from __future__ import annotations

from headrace.cli.termio.runs import entry_words, moment
from headrace.cli.termio.tables import Field, columns_of

# Every command that prints runs has these columns; a new one goes to the end, for -F unix.
RUN_FIELDS = (
    Field("run", key="run_id"),
    Field("status", key="status"),
    Field("started", moment("start_time"), key="start_time"),
    Field("", key="completion_time"),
    Field("flow", key="flow_title"),
    Field("label", key="label"),
)
RUN_COLUMNS = columns_of(RUN_FIELDS)
LOG_FIELDS = (
    Field("time", moment("time"), key="time"),
    Field("code", key="code"),
    Field("state", lambda entry: (entry.get("details") or {}).get("state_name")),
    Field("details", entry_words),
    Field("", key="description"),
)
