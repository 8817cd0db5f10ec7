"""``headrace inversion redo``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("iteration", type=click.IntRange(0))
@directory_argument
@click.option(
    "--from",
    "stage",
    type=click.Choice(["forward", "windows", "adjoint", "update"]),
    required=True,
    help="First stage to repeat; its results are discarded.",
)
@why_option
@output_options
def redo_command(iteration: int, directory: Path, stage: str, why: str) -> None:
    """Repeat ITERATION from a stage; later iterations are archived."""
    from headrace.seismic.inversion.commands import redo as ask

    ask(home_of(directory), iteration, stage, why)
    display_message(
        f"Iteration {iteration} is done again from {stage}.", iteration=iteration, stage=stage
    )
