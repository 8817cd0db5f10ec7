"""``headrace campaign drop``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, who
from headrace.cli.commands.campaign._changes import change_members, reason_option, yes_option
from headrace.cli.parsing.members import member_options
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@member_options
@reason_option
@yes_option
@project_options
def drop_command(name: str, chosen: dict[str, Any], reason: str, yes: bool) -> int:
    """Take members out of a campaign.

    Their records stay. Runs under way are cancelled; `headrace campaign retry` takes members in
    again. More than ten members are shown and asked for. The exit code is 1 where none of those
    that were chosen was changed.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
        return requests.drop(tables, campaign, ids, who=who(), reason=reason)

    return change_members(name, chosen, "drop", request, yes=yes)
