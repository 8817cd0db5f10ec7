"""``headrace inversion set-band``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of, staging_of
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("band")
@directory_argument
@why_option
@output_options
def set_band_command(band: str, directory: Path, why: str) -> None:
    """Use BAND from the next iteration on; the bands after it follow in order."""
    from headrace.seismic.inversion.commands import set_band as ask

    home = home_of(directory)
    asked = ask(home, band, why, staging_of(home))
    display_message(asked.text, iteration=asked.iteration, band=band)
