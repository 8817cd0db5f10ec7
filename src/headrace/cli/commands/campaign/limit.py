"""``headrace campaign limit``."""

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
@click.argument("count", metavar="[N]", type=click.IntRange(0), required=False)
@project_options
def limit_command(name: str, lane: str, count: int | None) -> None:
    """Set how many members a lane has under way at most.

    Without N it is what the campaign's file says again. What is under way above it goes on.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.limit(tables, campaign, lane, count, who=who())

    words = "as many as the campaign's file says" if count is None else f"{count:,} at most"
    change_lane(name, lane, request, f"Lane {lane} has {words} under way.")
