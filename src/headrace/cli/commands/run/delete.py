"""``headrace run delete``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.run._changes import change_selected, chosen_selection, yes_option
from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm


@click.command
@selection_options
@yes_option
@project_options
def delete_command(chosen: dict[str, Any], yes: bool) -> int:
    """Delete runs that have ended, and their logs."""
    from headrace.runs.bulk_change import RunChange
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    services = session.services(project)
    if selection.single_id is None:
        wanted = RunChange("delete")
        return change_selected(
            project, services, selection, chosen, wanted, yes=yes, always_ask=True
        )
    found = find_run(services, selection.single_id)
    if not yes:
        confirm(f"Delete the run {found} and its log?")
    document = services.flows.delete_run(found).data
    display(document, f"{found}: deleted", RUN_COLUMNS)
    return 0
