"""``headrace trigger arrivals``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._arrivals import arrival_documents
from headrace.cli.commands.trigger._fields import ARRIVAL_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display_table

_STATES = ("seen", "waiting", "starting", "started", "failed", "refused", "skipped", "removed")


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completion.triggers)
@click.option(
    "--state",
    type=click.Choice(_STATES),
    metavar="STATE",
    help=f"Only arrivals in this state: {', '.join(_STATES)}.",
)
@project_options
def arrivals_command(triggers: tuple[str, ...], state: str | None) -> None:
    """List arrivals.

    Shows the state and the run of each, or why it has none.
    """
    found = [one for one in arrival_documents(triggers) if state in (None, one["state"])]
    display_table(found, ARRIVAL_FIELDS, "Nothing has arrived.")
