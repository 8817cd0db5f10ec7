"""``headrace campaign drive``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.campaign_progress import LineBoard
from headrace.cli.termio.signals import Stopped, describe_interrupt, reload_on_hangup

if TYPE_CHECKING:
    from headrace.hosted import Services


@click.command
@click.option(
    "--until-done", is_flag=True, help="End when no campaign is under way any more, else never."
)
@click.option(
    "--start-over",
    is_flag=True,
    help="First take a ledger of campaigns that is another or an older one, with its campaigns "
    "paused; where it is gone or damaged, begin a new one, and all members with it.",
)
@project_options
def drive_command(until_done: bool, start_over: bool) -> None:
    """Drive all campaigns of the project, in the foreground.

    Starts the runs of their members, follows them, tries again, and keeps directories of results
    up to date. One process does so at a time; started again it goes on where it stopped. SIGHUP
    has it read headrace.toml and campaign files again.
    """
    from headrace.campaigns.campaign_access import read_campaign_ledger, take_ledger
    from headrace.campaigns.driver.project_driver import ProjectDriver
    from headrace.campaigns.ledger.campaign_table import CampaignTable
    from headrace.campaigns.results_updater import ResultsUpdater

    session = current()
    project = session.project()
    board = LineBoard()

    def connect() -> Services:
        return session.services(session.project(), start=True, say=board.say)

    if start_over:
        take_ledger(project, session.target)
    names: list[str] = []
    if until_done:
        with read_campaign_ledger(project, session.target) as database:
            rows = CampaignTable(database, "").all()
        names = [row.name for row in rows if row.state == "started"]
        if not names:
            board.say("campaigns: none is under way")
            return
    connect()
    with (
        ResultsUpdater(project, session.target, board.say) as results,
        ProjectDriver(
            project, session.target, connect, board.say, session.project, results.note
        ) as driver,
    ):
        reload_on_hangup(driver.request_reload)
        board.say("campaigns: driven from now on")
        try:
            driver.run(names)
        except Stopped as stopped:
            cause, _ = describe_interrupt(stopped)
            board.say(
                f"campaigns: {cause}; runs under way go on, and are followed at the next start"
            )
            return
    board.say("campaigns: none is under way any more")
