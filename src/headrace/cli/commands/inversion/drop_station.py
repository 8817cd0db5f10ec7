"""``headrace inversion drop-station``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import drop, undo_option, why_option
from headrace.cli.commands.inversion._directory import directory_argument
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("station")
@directory_argument
@undo_option
@why_option
@output_options
def drop_station_command(station: str, directory: Path, undo: bool, why: str) -> None:
    """Exclude STATION (NET.STA) from the next iteration on."""
    drop("station", station, directory, why, undo)
