"""``headrace inversion status``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.commands.inversion._text import status_text
from headrace.cli.parsing.options import output_options, target_option
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.project import Project


@click.command
@directory_argument
@target_option
@output_options
def status_command(directory: Path) -> None:
    """Show the progress, misfits, times, core hours and forecast of the inversion in DIR.

    Its runs are queried where it runs, to show whether it advances.
    """
    from headrace.cli.parsing.session import current
    from headrace.pipelines.inversion.runs import InversionRuns
    from headrace.project import load_project
    from headrace.seismic.inversion.status import inversion_status

    home, session = home_of(directory), current()

    def load() -> Project:
        return load_project(home, session.profile, session.target)

    runs = InversionRuns(home, session.target, load, session.services)
    status = inversion_status(home, staging_of(home), runs.state)
    display(status, lambda: status_text(status), ("state", "iteration", "band", "model_error"))
