"""``headrace endpoint stop``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._several import (
    change_endpoints,
    created_here,
    names_argument,
    yes_option,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@names_argument
@yes_option
@project_options
def stop_command(names: tuple[str, ...], yes: bool) -> int:
    """Stop each ENDPOINT with its workers and batch jobs; queued tasks wait for a restart.

    Without names: all of the project that were created on this machine. More than one are shown and
    asked for.
    """
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()

    def stop(name: str) -> tuple[str, str]:
        stopped = lifecycle.stop(project, name, session.target)
        return "stopped" if stopped else "was not running", ""

    return change_endpoints(names, lambda: created_here(project), stop, question="Stop", yes=yes)
