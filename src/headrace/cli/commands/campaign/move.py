"""``headrace campaign move``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened, who
from headrace.cli.commands.campaign._changes import change_members, yes_option
from headrace.cli.parsing import completion
from headrace.cli.parsing.members import member_options
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@member_options
@click.option(
    "--to",
    "wanted",
    required=True,
    metavar="LANE",
    shell_complete=completion.lanes,
    help="The lane; `any` for any that may take them.",
)
@yes_option
@project_options
def move_command(name: str, chosen: dict[str, Any], wanted: str, yes: bool) -> int:
    """Have members do their next attempts in a lane.

    What is under way ends its leg where it is. More than ten members are shown and asked for. The
    exit code is 1 where none of those that were chosen was changed.
    """
    from headrace.campaigns.ledger import requests

    lane = "" if wanted == "any" else wanted
    if lane:
        with opened(name) as campaign:
            campaign.campaign.lane(lane)

    def request(tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
        return requests.move(tables, campaign, ids, lane, who=who())

    return change_members(name, chosen, "move", request, yes=yes)
