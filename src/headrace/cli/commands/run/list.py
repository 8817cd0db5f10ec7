"""``headrace run list``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import RUN_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="Maximum number of runs (20)."
)
@click.option(
    "--flow", shell_complete=completion.flows, help="Only runs of this flow of the project."
)
@click.option(
    "--status",
    type=click.Choice(["ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED"], case_sensitive=False),
    help="Only runs with this status.",
)
@project_options
def list_command(limit: int, flow: str | None, status: str | None) -> None:
    """List runs, the newest first."""
    from headrace.runs.query import list_runs

    session = current()
    project = session.project()
    services = session.services(project)
    runs = list_runs(project, session.target, services, limit=limit, flow=flow, status=status)
    display_table(runs, RUN_FIELDS, "No runs.")
