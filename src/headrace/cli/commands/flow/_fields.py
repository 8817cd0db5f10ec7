"""Columns of the tables of ``headrace flow``."""

from __future__ import annotations

from headrace.cli.termio.tables import Field

FLOW_FIELDS = (
    Field("flow", key="name"),
    Field("state", key="state"),
    Field("title", key="title"),
    Field("id", key="id"),
    Field("problem", lambda flow: flow["problem"], optional=True),
)
