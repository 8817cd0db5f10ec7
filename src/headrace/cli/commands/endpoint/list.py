"""``headrace endpoint list``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.endpoint._common import project_and_services
from headrace.cli.parsing.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_LIST = (
    Field("endpoint", lambda row: row["name"]),
    Field("template", lambda row: row["template"]),
    Field("kind", lambda row: row["kind"]),
    Field("state", lambda row: row["state"]),
    Field("service", lambda row: row["service"]),
    Field("id", lambda row: row["id"]),
    Field("warning", lambda row: _told(row)),
)


_CHANGED = "its configuration has changed since it was started"


@click.command
@project_options
def list_command() -> None:
    """List the project's endpoints."""
    from headrace.endpoints.status import endpoint_documents

    project, services = project_and_services()
    rows = endpoint_documents(project, current().place, services)
    display(
        rows, lambda: table(rows, _LIST, "The project has no endpoints."), ("name", "state", "id")
    )


def _told(row: dict[str, Any]) -> str:
    configuration = row["configuration"] or {}
    if row["warning"]:
        return str(row["warning"])
    return _CHANGED if configuration.get("differs") else ""
