"""Columns of the tables of ``headrace endpoint``."""

from __future__ import annotations

from typing import Any

from headrace.cli.termio.tables import Field

ENDPOINT_FIELDS = (
    Field("endpoint", key="name"),
    Field("template", lambda row: row["template"]),
    Field("kind", lambda row: row["kind"]),
    Field("state", key="state"),
    Field("service", lambda row: row["service"]),
    Field("id", key="id"),
    Field("warning", lambda row: _warning(row)),
)


def _warning(row: dict[str, Any]) -> str:
    if row["warning"]:
        return str(row["warning"])
    changed = (row["configuration"] or {}).get("differs")
    return "its configuration has changed since it was started" if changed else ""
