"""``headrace campaign priority``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, who
from headrace.cli.commands.campaign._changes import change_members, yes_option
from headrace.cli.parsing.members import member_options
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@member_options
@click.option(
    "--to",
    "priority",
    type=float,
    required=True,
    metavar="NUMBER",
    help="The priority; members of a higher one are started first.",
)
@yes_option
@project_options
def priority_command(name: str, chosen: dict[str, Any], priority: float, yes: bool) -> int:
    """Set the priority of members.

    More than ten members are shown and asked for. The exit code is 1 where none of those that were
    chosen was changed.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
        return requests.set_priority(tables, campaign, ids, priority, who=who())

    return change_members(name, chosen, "priority", request, yes=yes)
