"""``headrace campaign start``."""

from __future__ import annotations

import click

from headrace.cli.commands.campaign._campaigns import added_text, campaign_argument, who
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@campaign_argument
@project_options
def start_command(name: str) -> None:
    """Start a campaign: its members are taken in, and their runs may be started.

    A campaign that is under way takes in what is new in its table.
    """
    from headrace.campaigns import load_campaign
    from headrace.campaigns.campaign_access import change_campaign_ledger
    from headrace.campaigns.campaign_start import start_campaign

    session = current()
    project = session.project()
    campaign = load_campaign(project, name)
    with change_campaign_ledger(project, session.target) as ledger:
        started = start_campaign(project, campaign, ledger, who())
    document = {
        "name": name,
        "state": started.state,
        "members": started.total,
        "added": started.added.added,
    }
    display(
        document,
        f"{added_text(started.added)}; {started.total:,} members in all\n"
        f"See how it goes: headrace campaign status {name}",
        ("name", "state", "members", "added"),
    )
