"""``headrace run resume``."""

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
def resume_command(run_id: str) -> None:
    """Resume RUN, which is inactive because it needs a consent or an intervention.

    Give a consent with `headrace login`; while it is missing the exit code is 4.
    """
    from headrace.runs.query import find_run, resume_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    document = resume_run(services, session.target, found)
    display(document, f"{found}: resumed", RUN_COLUMNS)
