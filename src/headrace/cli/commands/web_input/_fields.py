"""Columns of the tables of ``headrace web-input``."""

from __future__ import annotations

from headrace.cli.termio.runs import moment
from headrace.cli.termio.tables import Field

WEB_INPUT_FIELDS = (
    Field("web input", key="id"),
    Field("status", key="status"),
    Field("asked", moment("created_timestamp"), key="created_timestamp"),
    Field("title", key="title"),
    Field("run", lambda item: (item.get("run") or {}).get("id")),
)
