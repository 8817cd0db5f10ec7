"""``headrace campaign undo``."""

from __future__ import annotations

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, who
from headrace.cli.commands.campaign._changes import open_to_change, show_change
from headrace.cli.parsing.options import project_options


@click.command
@campaign_argument
@project_options
def undo_command(name: str) -> None:
    """Undo the last change that somebody made of a campaign, its members or its lanes.

    Members that have gone on since stay as they are, and are told. Said again, it undoes the
    change before.
    """
    from headrace.campaigns.ledger import requests

    with open_to_change(name) as (ledger, row), ledger.transaction() as tables:
        change = requests.undo(tables, row.id, who=who())
    verb = f"{change.verb} {change.subject}".strip()
    if change.changed or change.left:
        show_change(change, f"as before the {verb}")
    else:
        show_change(change, "", f"The {verb} of campaign {name} is undone.")
