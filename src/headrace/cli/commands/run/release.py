"""``headrace run release``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.run._changes import change_chosen, yes_option
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_options


@click.command
@selection_options
@yes_option
@project_options
def release_command(chosen: dict[str, Any], yes: bool) -> int:
    """Release runs that are held: they go on with the state after the one that they were in.

    `--held` means all of them. More than ten are shown and asked for.
    """
    return change_chosen("release", chosen, yes=yes)
