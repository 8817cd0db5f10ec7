"""``headrace inversion plot``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_files
from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.parsing.options import output_options


@click.command
@directory_argument
@output_options
def plot_command(directory: Path) -> None:
    """Plot misfits and costs of the inversion in DIR."""
    from headrace.seismic.inversion.report import draw_plots

    home = home_of(directory)
    display_files(draw_plots(home, staging_of(home)))
