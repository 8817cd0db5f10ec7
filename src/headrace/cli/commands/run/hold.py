"""``headrace run hold``."""

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
def hold_command(chosen: dict[str, Any], yes: bool) -> int:
    """Hold runs: each ends its present state, and enters no further one until it is released.

    The time of a present Wait or Action goes on to count. The hosted service cannot hold a run.
    More than ten are shown and asked for.
    """
    return change_chosen("hold", chosen, yes=yes)
