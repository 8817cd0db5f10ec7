"""``headrace run watch``."""

from __future__ import annotations

import click

from headrace.cli.follow_run import follow_until_end
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@project_options
def watch_command(run_id: str) -> int:
    """Show the progress of RUN until it has ended.

    The exit code is 1 when it does not succeed.
    """
    return follow_until_end(run_id, quiet=False, timeout=None, timeout_code=1)
