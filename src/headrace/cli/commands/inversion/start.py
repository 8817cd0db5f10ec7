"""``headrace inversion start``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._common import display_message, why_option
from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options


@click.command
@directory_argument
@why_option
@output_options
def start_command(directory: Path, why: str) -> None:
    """Start the inversion in DIR: publish its first iteration.

    The checks of `headrace inversion check` are made first.
    """
    from headrace.cli.termio.terminal import one_line, write
    from headrace.seismic.inversion.commands import start as ask
    from headrace.seismic.inversion.errors import InversionError, NotReady

    try:
        ask(home_of(directory), why)
    except NotReady as error:
        if len(error.problems) == 1:
            raise
        for problem in error.problems:
            write(one_line(problem), err=True)
        count = len(error.problems)
        raise InversionError(f"{count} problems, shown above; nothing was published") from None
    display_message("Iteration 0 is published; `headrace watch` runs it, and those that follow.")
