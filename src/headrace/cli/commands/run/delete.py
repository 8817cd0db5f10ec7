"""``headrace run delete``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@project_options
def delete_command(run_id: str, yes: bool) -> None:
    """Delete RUN and its log, after it has ended."""
    from headrace.runs.query import find_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    if not yes:
        confirm(f"Delete the run {found} and its log?")
    document = services.flows.delete_run(found).data
    display(document, f"{found}: deleted", RUN_COLUMNS)
