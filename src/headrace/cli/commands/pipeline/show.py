"""``headrace pipeline show``."""

from __future__ import annotations

import click

from headrace.cli.commands.pipeline._fields import PIPELINE_DETAIL_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import record


@click.command
@click.argument("name", metavar="PIPELINE", shell_complete=completion.flows)
@project_options
def show_command(name: str) -> None:
    """Show the parts of PIPELINE, the extras it needs, and what is missing."""
    from headrace.project.pipeline_inventory import pipeline_document

    session = current()
    document = pipeline_document(session.project(), session.target, name)
    display(document, lambda: record(document, PIPELINE_DETAIL_FIELDS))
