"""``headrace endpoint list``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import project_and_services
from headrace.cli.commands.endpoint._fields import ENDPOINT_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@project_options
def list_command() -> None:
    """List the project's endpoints."""
    from headrace.endpoints.status import endpoint_documents

    project, services = project_and_services()
    rows = endpoint_documents(project, current().target, services)
    display_table(rows, ENDPOINT_FIELDS, "The project has no endpoints.")
