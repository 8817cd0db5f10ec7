"""Columns of the tables of ``headrace function``."""

from __future__ import annotations

from headrace.cli.termio.tables import Field

FUNCTION_FIELDS = (
    Field("function", key="name"),
    Field("state", key="state"),
    Field("description", lambda function: function["description"]),
    Field("id", key="id"),
    Field("problem", lambda function: function["problem"], optional=True),
)
