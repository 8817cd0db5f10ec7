"""``headrace campaign start``."""

from __future__ import annotations

import click

from headrace.cli.commands.campaign._campaigns import (
    added_text,
    campaign_argument,
    members_text,
    who,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note


@click.command
@campaign_argument
@click.option("--no-driver", is_flag=True, help="Start no driver: one will be, such as a service.")
@project_options
def start_command(name: str, no_driver: bool) -> None:
    """Start a campaign: its members are taken in, and a driver that starts their runs.

    A campaign that is under way takes in what is new in its table. The driver goes on in the
    background until no campaign is under way; one that runs already takes it over.
    """
    from headrace.campaigns import load_campaign
    from headrace.campaigns.campaign_access import change_campaign_ledger
    from headrace.campaigns.campaign_start import start_campaign
    from headrace.campaigns.driver_process import start_driver

    session = current()
    project = session.project()
    campaign = load_campaign(project, name)
    with change_campaign_ledger(project, session.target) as ledger:
        started = start_campaign(project, campaign, ledger, who(), target=session.target)
    if not no_driver and started.state == "started":
        session.services(project, start=True)
        note(start_driver(project, session.target, session.profile).text)
    elif started.state == "paused":
        note(f"it is paused: `headrace campaign resume {name}`")
    document = {
        "name": name,
        "state": started.state,
        "members": started.total,
        "added": started.added.added,
    }
    hint = f"See how it goes: headrace campaign status {name}"
    if started.ended:
        hint = "Nothing is left to start."
        if started.failed:
            hint = (
                f"Nothing is left to start: {started.failed:,} failed; "
                f"`headrace campaign why {name}`, then `campaign retry {name} --state failed`"
            )
    display(
        document,
        f"{added_text(started.added)}; {members_text(started.total)} in all\n{hint}",
        ("name", "state", "members", "added"),
    )
