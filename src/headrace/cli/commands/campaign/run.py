"""``headrace campaign run``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import (
    added_text,
    campaign_argument,
    members_text,
    who,
)
from headrace.cli.commands.campaign._ending import show_ending
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.campaign_progress import CampaignBoard, make_campaign_board
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus
    from headrace.hosted import Services
    from headrace.project import Project


@click.command
@campaign_argument
@click.option("--quiet", is_flag=True, help="Show no progress.")
@project_options
def run_command(name: str, quiet: bool) -> int:
    """Start a campaign, drive it, and show its progress until it has ended.

    Where a driver runs already, its work is followed. The exit code is 0 when all members are
    done, 1 when some are not: they failed, or wait for a person. Interrupted, it leaves the runs
    under way to go on; said again, it continues.
    """
    from headrace.campaigns import load_campaign
    from headrace.campaigns.campaign_access import change_campaign_ledger
    from headrace.campaigns.campaign_following import exit_code, follow_campaign
    from headrace.campaigns.campaign_start import start_campaign
    from headrace.campaigns.driver.project_driver import is_driven

    session = current()
    project = session.project()
    campaign = load_campaign(project, name)
    with change_campaign_ledger(project, session.target) as ledger:
        started = start_campaign(project, campaign, ledger, who(), target=session.target)
    if not quiet:
        note(f"{name}: {added_text(started.added)}; {members_text(started.total)} in all")
    session.services(project, start=True)
    try:
        with make_campaign_board(quiet=quiet) as board:
            if is_driven(project, session.target):
                status = follow_campaign(project, session.target, name, board.show)
            else:
                status = _drive(project, session.target, name, board)
    except KeyboardInterrupt:
        note(f"runs under way go on; `headrace campaign run {name}` continues")
        raise
    show_ending(status)
    return exit_code(status)


def _drive(project: Project, target: str, name: str, board: CampaignBoard) -> CampaignStatus:
    """Drive the campaigns in this thread, and show one of them from another."""
    from headrace.campaigns.campaign_following import campaign_status, follow_campaign
    from headrace.campaigns.driver.project_driver import ProjectDriver
    from headrace.campaigns.results_updater import ResultsUpdater

    session = current()

    def connect() -> Services:
        return session.services(project, start=True, say=board.say)

    stop = threading.Event()
    with (
        ResultsUpdater(project, target, board.say) as results,
        ProjectDriver(project, target, connect, board.say, None, results.note) as driver,
    ):

        def show() -> None:
            try:
                follow_campaign(project, target, name, board.show, stop=stop)
            finally:
                # It has ended, or waits for a person.
                driver.stop()

        shown = threading.Thread(target=show, name="progress", daemon=True)
        shown.start()
        try:
            driver.run([name])
        finally:
            stop.set()
            shown.join()
    return campaign_status(project, target, name)
