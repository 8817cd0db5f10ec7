"""``headrace function list``."""

from __future__ import annotations

import click

from headrace.cli.commands.function._fields import FUNCTION_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@project_options
def list_command() -> None:
    """List the project's compute functions, and whether they are deployed."""
    from headrace.deploy.inventory import function_inventory

    session = current()
    functions = function_inventory(session.project(), session.target)
    display_table(functions, FUNCTION_FIELDS, "The project has no functions.")
