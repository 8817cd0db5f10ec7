"""``headrace flow list``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_LIST_FIELDS = (
    Field("flow", lambda flow: flow["name"]),
    Field("state", lambda flow: flow["state"]),
    Field("title", lambda flow: flow["title"]),
    Field("id", lambda flow: flow["id"]),
    Field("problem", lambda flow: flow["problem"], optional=True),
)


@click.command
@project_options
def list_command() -> None:
    """List the project's flows, and whether they are deployed."""
    from headrace.deploy.inventory import flow_inventory

    session = current()
    flows = flow_inventory(session.project(), session.place)
    display(
        flows,
        lambda: table(flows, _LIST_FIELDS, "The project has no flows."),
        ("name", "state", "title", "id"),
    )
