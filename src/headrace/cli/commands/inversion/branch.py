"""``headrace inversion branch``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@click.argument("iteration", type=click.IntRange(0))
@click.argument("new", metavar="NEWDIR", type=click.Path(path_type=Path, file_okay=False))
@directory_argument
@why_option
@output_options
def branch_command(iteration: int, new: Path, directory: Path, why: str) -> None:
    """Create a second inversion in NEWDIR from the model of ITERATION.

    If NEWDIR is in the same project, a trigger for it is written.
    """
    from headrace.pipelines.inversion.directories import write_second_trigger
    from headrace.seismic.inversion.branching import branch as ask

    home = home_of(directory)
    ask(home, iteration, new, why)
    trigger = write_second_trigger(home, new.resolve())
    text = f"{new} begins with model {iteration:03d}; `headrace inversion start {new}` "
    text += "publishes its first iteration."
    if trigger:
        text += f" {trigger} watches it: start `headrace watch` again."
    display_message(text, directory=str(new.resolve()), trigger=str(trigger) if trigger else None)
