"""``headrace campaign release``."""

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
@yes_option
@project_options
def release_command(name: str, chosen: dict[str, Any], yes: bool) -> int:
    """Have members that are held go on.

    Conditions mean members that are held, unless --state says otherwise. More than ten members are
    shown and asked for. The exit code is 1 where none of those that were chosen was changed.
    """
    from headrace.campaigns.ledger import requests

    def request(tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
        return requests.release(tables, campaign, ids, who=who())

    return change_members(name, chosen, "release", request, yes=yes, default_state="held")
