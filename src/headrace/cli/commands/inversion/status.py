"""``headrace inversion status``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.commands.inversion._text import status_text
from headrace.cli.parsing.options import output_options, place_option
from headrace.cli.termio.display import display


@click.command
@directory_argument
@place_option
@output_options
def status_command(directory: Path) -> None:
    """Show how the inversion in DIR stands: misfits, times, core hours, forecast.

    Whether somebody advances it is asked where it runs.
    """
    from headrace.cli.commands.inversion._runs import InversionRuns
    from headrace.cli.parsing.options import current
    from headrace.seismic.inversion.status import status_of

    home = home_of(directory)
    status = status_of(home, staging_of(home), InversionRuns(current(), home).state)
    display(status, lambda: status_text(status), ("state", "iteration", "band", "model_error"))
