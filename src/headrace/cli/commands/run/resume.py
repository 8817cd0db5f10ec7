"""``headrace run resume``."""

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
def resume_command(chosen: dict[str, Any], yes: bool) -> int:
    """Resume runs that are inactive because they need a consent or an intervention.

    Give a consent with `headrace login`; while it is missing the exit code is 4. More than ten runs
    are shown and asked for.
    """
    from headrace.runs.bulk_change import RunChange
    from headrace.runs.query import find_run, resume_run

    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    services = session.services(project)
    if selection.single_id is None:
        return change_selected(project, services, selection, chosen, RunChange("resume"), yes=yes)
    found = find_run(services, selection.single_id)
    document = resume_run(services, session.target, found)
    display(document, f"{found}: resumed", RUN_COLUMNS)
    return 0
