"""``headrace inversion report``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_files
from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.parsing.options import output_options


@click.command
@directory_argument
@output_options
def report_command(directory: Path) -> None:
    """Write an HTML report of the inversion in DIR, and of each iteration."""
    from headrace.seismic.inversion.report import write_reports

    home = home_of(directory)
    display_files(write_reports(home, staging_of(home)))
