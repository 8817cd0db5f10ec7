"""``headrace flow list``."""

from __future__ import annotations

import click

from headrace.cli.commands.flow._fields import FLOW_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@project_options
def list_command() -> None:
    """List the project's flows, and whether they are deployed."""
    from headrace.deploy.inventory import flow_inventory

    session = current()
    flows = flow_inventory(session.project(), session.target)
    display_table(flows, FLOW_FIELDS, "The project has no flows.")
