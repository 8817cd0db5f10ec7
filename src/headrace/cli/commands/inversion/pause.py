"""``headrace inversion pause``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@directory_argument
@click.option(
    "--after",
    type=click.Choice(["stage", "iteration"]),
    default="iteration",
    show_default=True,
    help="What to complete first.",
)
@why_option
@output_options
def pause_command(directory: Path, after: str, why: str) -> None:
    """Pause the inversion in DIR after the running stage or iteration."""
    from headrace.seismic.inversion.commands import pause as ask

    ask(home_of(directory), after, why)
    display_message(
        f"It stops after this {after}; `headrace inversion resume` lets it go on.", after=after
    )
