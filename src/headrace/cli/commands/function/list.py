"""``headrace function list``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_FIELDS = (
    Field("function", lambda function: function["name"]),
    Field("state", lambda function: function["state"]),
    Field("description", lambda function: function["description"]),
    Field("id", lambda function: function["id"]),
    Field("problem", lambda function: function["problem"], optional=True),
)


@click.command
@project_options
def list_command() -> None:
    """List the project's compute functions, and whether they are deployed."""
    from headrace.deploy.inventory import function_inventory

    session = current()
    functions = function_inventory(session.project(), session.place)
    display(
        functions,
        lambda: table(functions, _FIELDS, "The project has no functions."),
        ("name", "state", "id"),
    )
