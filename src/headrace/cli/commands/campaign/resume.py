"""``headrace campaign resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import (
    campaign_argument,
    note_that_nothing_runs,
    who,
)
from headrace.cli.commands.campaign._changes import change_campaign
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@project_options
def resume_command(name: str) -> None:
    """Have a campaign that is paused go on."""
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.resume(tables, campaign, who=who())

    change_campaign(name, request, f"Campaign {name} goes on.")
    note_that_nothing_runs(current().project(), name)
