"""``headrace trigger test``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("path", type=click.Path(path_type=Path))
@project_options
def test_command(name: str, path: Path) -> int:
    """Show the run that TRIGGER would start on PATH.

    Renders the input for what lies at PATH, checks whether it is complete and had its run, and
    everything that the run needs, as `headrace doctor` does. Of a timer, PATH is `next` or the time
    at which it is due, such as 2026-12-24T06:00; of one that follows runs, the id of a run that has
    ended, the beginning of it, or `last`. Nothing is started. The exit code is 1 when the run would
    fail.
    """
    from headrace.cli.start_arrival import show_arrival

    return show_arrival(name, path)
