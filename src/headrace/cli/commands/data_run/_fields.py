"""Columns of the tables of ``headrace data-run``."""

from __future__ import annotations

from headrace.cli.termio.tables import Field

DATA_RUN_FIELDS = (
    Field("run", lambda run: run.name, key="name"),
    Field("status", lambda run: run.status, key="status"),
    Field("segments", lambda run: run.segments, key="segments"),
    Field("data", lambda run: _size(run.bytes), key="bytes"),
    Field("events", lambda run: _number(run.events), key="events"),
    Field("traces/s", lambda run: _number(run.traces_per_second), key="traces_per_second"),
    Field("lag", lambda run: _duration(run.lag), key="lag"),
    Field("now", lambda run: run.now),
)


def _size(value: int | None) -> str:
    from headrace.runs.describe import format_size

    return "" if value is None else format_size(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _duration(seconds: float | None) -> str:
    from headrace.runs.describe import format_duration

    return "" if seconds is None else format_duration(seconds)
