"""``headrace inversion drop-event``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import drop, undo_option, why_option
from headrace.cli.commands.inversion._directory import directory_argument
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("event")
@directory_argument
@undo_option
@why_option
@output_options
def drop_event_command(event: str, directory: Path, undo: bool, why: str) -> None:
    """Exclude EVENT from the next iteration on."""
    drop("event", event, directory, why, undo)
