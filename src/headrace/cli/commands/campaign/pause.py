"""``headrace campaign pause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, who
from headrace.cli.commands.campaign._changes import change_campaign, reason_option
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@reason_option
@project_options
def pause_command(name: str, reason: str) -> None:
    """Start nothing more of a campaign until `headrace campaign resume`.

    What is under way goes on to the end of its leg or run.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.pause(tables, campaign, who=who(), reason=reason)

    change_campaign(name, request, f"Campaign {name} is paused.")
