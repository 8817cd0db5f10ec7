"""``headrace inversion back-to``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("iteration", type=click.IntRange(0))
@directory_argument
@why_option
@output_options
def back_to_command(iteration: int, directory: Path, why: str) -> None:
    """Go back to the start of ITERATION; it and later ones are archived."""
    from headrace.seismic.inversion.commands import back_to as ask

    ask(home_of(directory), iteration, why)
    display_message(f"The inversion goes on from model {iteration:03d}.", iteration=iteration)
