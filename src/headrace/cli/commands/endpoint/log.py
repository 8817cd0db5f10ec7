"""``headrace endpoint log``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="Number of lines from the end.",
)
@click.option("--workers", is_flag=True, help="The logs of the workers instead.")
@project_options
def log_command(name: str, lines: int, workers: bool) -> None:
    """Print the end of ENDPOINT's log."""
    from headrace.endpoints.logs import log_lines

    session = current()
    shown = log_lines(session.project(), name, session.target, lines, workers=workers)
    display(shown, "\n".join(shown) or "The log is empty.")
