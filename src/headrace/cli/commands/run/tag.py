"""``headrace run tag``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.run._changes import change_selected, chosen_selection, yes_option
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_options
from headrace.cli.parsing.session import current


@click.command
@selection_options
@click.option("--add", multiple=True, metavar="TAG", help="Tag that the runs get; repeatable.")
@click.option("--remove", multiple=True, metavar="TAG", help="Tag that they lose; repeatable.")
@yes_option
@project_options
def tag_command(
    chosen: dict[str, Any], add: tuple[str, ...], remove: tuple[str, ...], yes: bool
) -> int:
    """Add tags to runs, and remove some.

    More than ten runs are shown and asked for.
    """
    from headrace.runs.bulk_change import RunChange

    if not add and not remove:
        raise click.UsageError("no change is given: --add TAG or --remove TAG")
    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    wanted = RunChange("tag", add_tags=add, remove_tags=remove)
    return change_selected(project, session.services(project), selection, chosen, wanted, yes=yes)
