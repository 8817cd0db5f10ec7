"""``headrace pipeline list``."""

from __future__ import annotations

import click

from headrace.cli.commands.pipeline._fields import PIPELINE_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@project_options
def list_command() -> None:
    """List the project's pipelines, and what each needs and lacks.

    A pipeline is a flow with the functions, job scripts and triggers whose names begin with its
    own or that these name. Extras of headrace are missing where they are not installed here.
    """
    from headrace.project.pipeline_inventory import pipeline_inventory

    session = current()
    pipelines = pipeline_inventory(session.project(), session.target)
    display_table(pipelines, PIPELINE_FIELDS, "The project has no pipelines.")
