"""``headrace trigger arrivals``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._arrivals import arrival_documents
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_ARRIVAL_FIELDS = (
    Field("trigger", lambda arrival: arrival["trigger"]),
    Field("arrival", lambda arrival: arrival["name"]),
    Field("state", lambda arrival: arrival["state"]),
    Field("attempts", lambda arrival: str(arrival["attempts"])),
    Field("run, or why there is none", lambda arrival: arrival["run_id"] or arrival["reason"]),
)


_STATES = ("seen", "starting", "started", "failed", "refused", "skipped", "removed")


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
    display(
        found,
        lambda: table(found, _ARRIVAL_FIELDS, "Nothing has arrived."),
        ("trigger", "name", "state", "attempts", "run_id", "reason"),
    )
