"""``headrace campaign retry``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened, who
from headrace.cli.commands.campaign._changes import change_members, yes_option
from headrace.cli.parsing.members import member_options
from headrace.cli.parsing.options import project_options

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@click.command
@campaign_argument
@member_options
@click.option(
    "--from",
    "first_step",
    metavar="STEP",
    help="Do this step, and those after it, again from its first leg; members that are done, too.",
)
@yes_option
@project_options
def retry_command(name: str, chosen: dict[str, Any], first_step: str | None, yes: bool) -> int:
    """Have members tried again that failed, or were dropped.

    Each begins at the leg at which it failed, with its last accepted outputs, and with all its
    attempts. Conditions mean members that failed, unless --state says otherwise. More than ten
    members are shown and asked for. The exit code is 1 where none of those that were chosen was
    changed.
    """
    from headrace.campaigns.ledger import requests

    if first_step is not None:
        with opened(name) as campaign:
            campaign.campaign.step_named(first_step)

    def request(tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
        return requests.retry(tables, campaign, ids, who=who(), step=first_step)

    return change_members(name, chosen, "retry", request, yes=yes, default_state="failed")
