"""``headrace inversion resume``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@directory_argument
@click.option("--again", is_flag=True, help="Publish the last iteration again unconditionally.")
@why_option
@output_options
def resume_command(directory: Path, again: bool, why: str) -> None:
    """Resume an inversion that was paused, has stopped, or has finished.

    Finished stages are not computed again. A finished inversion continues if its settings now
    allow it: another band, more iterations or core hours.
    """
    from headrace.seismic.inversion.commands import resume as ask

    number = ask(home_of(directory), why, again=again)
    text = "The pause is taken back." if number is None else f"Iteration {number} is published."
    display_message(text, iteration=number)
