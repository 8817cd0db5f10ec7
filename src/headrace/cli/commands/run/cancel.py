"""``headrace run cancel``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.run._changes import change_selected, chosen_selection, yes_option
from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@selection_options
@yes_option
@project_options
def cancel_command(chosen: dict[str, Any], yes: bool) -> int:
    """Cancel runs and their current actions.

    More than ten are shown and asked for.
    """
    from headrace.runs.bulk_change import RunChange
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    services = session.services(project)
    if selection.single_id is None:
        return change_selected(project, services, selection, chosen, RunChange("cancel"), yes=yes)
    found = find_run(services, selection.single_id)
    document = services.flows.cancel_run(found).data
    display(document, f"{found}: cancelling", RUN_COLUMNS)
    return 0
