"""``headrace campaign undrain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, lane_argument, who
from headrace.cli.commands.campaign._changes import change_lane
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@lane_argument
@project_options
def undrain_command(name: str, lane: str) -> None:
    """Start members in a lane again."""
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.undrain(tables, campaign, lane, who=who())

    change_lane(name, lane, request, f"Lane {lane} takes members.")
