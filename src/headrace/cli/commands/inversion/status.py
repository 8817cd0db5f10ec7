"""``headrace inversion status``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.commands.inversion._text import status_text
from headrace.cli.parsing.options import output_options, target_option
from headrace.cli.termio.display import display


@click.command
@directory_argument
@target_option
@output_options
def status_command(directory: Path) -> None:
    """Show the progress, misfits, times, core hours and forecast of the inversion in DIR.

    Its runs are queried where it runs, to show whether it advances.
    """
    from headrace.cli.commands.inversion._runs import InversionRuns
    from headrace.cli.parsing.session import current
    from headrace.seismic.inversion.status import inversion_status

    home = home_of(directory)
    status = inversion_status(home, staging_of(home), InversionRuns(current(), home).state)
    display(status, lambda: status_text(status), ("state", "iteration", "band", "model_error"))
