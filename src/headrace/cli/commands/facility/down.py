"""``headrace facility down``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@project_options
def down_command() -> None:
    """Stop the project's facility; active runs continue when it is started again."""
    from headrace.facility import stop_facility

    stopped = stop_facility(current().root())
    display({"stopped": stopped}, "Stopped." if stopped else "No facility was running.")
