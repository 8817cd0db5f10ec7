"""``headrace run cancel``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@project_options
def cancel_command(run_id: str) -> None:
    """Cancel RUN and its current action."""
    from headrace.runs.query import find_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    document = services.flows.cancel_run(found).data
    display(document, f"{found}: cancelling", RUN_COLUMNS)
