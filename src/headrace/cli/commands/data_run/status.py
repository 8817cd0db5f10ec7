"""``headrace data-run status``."""

from __future__ import annotations

import click

from headrace.cli.commands.data_run._fields import DATA_RUN_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.tables import columns_of


@click.command
@click.option("-f", "--follow", is_flag=True, help="Keep updating the table until interrupted.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=50,
    help="Maximum number of runs of the flow that are read (50).",
)
@project_options
def status_command(follow: bool, limit: int) -> None:
    """Show the data, fit rate and lag behind the beam of every data run.

    The lag is the time from the end of the run at the detector to the results, or until now.
    """
    from headrace.cli.commands.data_run._text import data_runs_text, show_live
    from headrace.pipeline_status import DataRuns

    session = current()
    project = session.project()
    runs = DataRuns(project, session.target, limit)
    if follow:
        if not is_text():
            raise click.UsageError("--follow is for people: without it, ask for JSON again")
        show_live(lambda: runs.poll(session.services(project)), session.target)
    found = runs.poll(session.services(project))
    display(
        [run.document() for run in found],
        lambda: data_runs_text(found),
        columns_of(DATA_RUN_FIELDS),
    )
