"""``headrace config show``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table
from headrace.cli.termio.tables import Field


@click.command
@project_options
def show_command() -> None:
    """Show every setting and the source of its value."""
    from headrace.cli.termio.notes import note
    from headrace.endpoints.configuration_check import endpoint_problems
    from headrace.project.effective_settings import settings, shown

    session = current()
    project = session.project()
    rows = settings(project, session.at)
    for problem in endpoint_problems(project):
        note(f"warning: {problem}")
    fields = (
        Field("setting", key="key"),
        Field("value", lambda row: shown(row["value"]), key="value"),
        Field("from", key="source"),
    )
    display_table(rows, fields, "")
