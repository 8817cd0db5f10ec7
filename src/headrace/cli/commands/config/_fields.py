"""Columns of the tables of ``headrace config``."""

from __future__ import annotations

from typing import Any

from headrace.cli.termio.tables import Field


def _default(row: dict[str, Any]) -> str:
    return "must be given" if row["required"] else str(row["default"])


KEY_FIELDS = (
    Field("file", key="file"),
    Field("table", key="table", optional=True),
    Field("key", key="key"),
    Field("value", key="value"),
    Field("default", _default, key="default", optional=True),
    Field("meaning", key="description"),
)
