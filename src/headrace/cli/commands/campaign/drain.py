"""``headrace campaign drain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, lane_argument, who
from headrace.cli.commands.campaign._changes import change_lane, reason_option
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@lane_argument
@reason_option
@project_options
def drain_command(name: str, lane: str, reason: str) -> None:
    """Start nothing more in a lane.

    What is under way there ends its leg; members go on in other lanes.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.drain(tables, campaign, lane, who=who(), reason=reason)

    change_lane(name, lane, request, f"Lane {lane} is drained.")
