"""``headrace run show``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.runs import run_text


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@project_options
def show_command(run_id: str) -> None:
    """Show the status, progress and results of RUN."""
    from headrace.runs import RunPoller
    from headrace.runs.blockers import pending_reason
    from headrace.runs.query import find_run
    from headrace.runs.run_document import run_document

    session = current()
    project = session.project()
    services = session.services(project)
    poller = RunPoller(find_run(services, run_id))
    view = poller.poll(services)
    why = pending_reason(project, session.target, services, view, poller.entries)
    display(
        {**run_document(view, project, session.target), "waits_for": why or None},
        lambda: run_text(view, project, session.target, why),
        RUN_COLUMNS,
    )
