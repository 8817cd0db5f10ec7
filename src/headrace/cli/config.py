"""``headrace config``."""

from __future__ import annotations

import json

from headrace.cli.help import group
from headrace.cli.options import current, output_options, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table


@group()
def config() -> None:
    """Show the configuration."""


@config.command
@project_options
def show() -> None:
    """Show every setting, and where its value comes from."""
    from headrace.cli.termio.notes import note
    from headrace.endpoints.configuration_check import endpoint_problems
    from headrace.project.effective_settings import settings, shown

    session = current()
    project = session.project()
    rows = settings(project, session.at)
    for problem in endpoint_problems(project):
        note(f"warning: {problem}")
    fields = (
        Field("setting", lambda row: row["key"]),
        Field("value", lambda row: shown(row["value"])),
        Field("from", lambda row: row["source"]),
    )
    display(rows, lambda: table(rows, fields, ""), ("key", "value", "source"))


@config.command
@output_options
def schema() -> None:
    """Print the JSON schema of headrace.toml, for editors that check it as you write."""
    from headrace.project.effective_settings import config_schema

    document = config_schema()
    display(document, lambda: json.dumps(document, indent=2))
