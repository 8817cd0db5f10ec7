"""``headrace campaign wait``."""

from __future__ import annotations

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument
from headrace.cli.commands.campaign._ending import show_ending
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.campaign_progress import make_campaign_board
from headrace.cli.termio.notes import note


@click.command
@campaign_argument
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Time limit.")
@click.option(
    "--timeout-exit-code",
    type=click.IntRange(0, 99),
    default=1,
    show_default=True,
    help="Exit code when the time limit was exceeded.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@project_options
def wait_command(name: str, timeout: float | None, timeout_exit_code: int, quiet: bool) -> int:
    """Wait for the end of a campaign that somebody drives, and show its progress.

    The exit code is 0 when all members are done, 1 when some are not: they failed, or wait for a
    person.
    """
    from headrace.campaigns.campaign_following import (
        campaign_status,
        exit_code,
        follow_campaign,
        has_ended,
    )
    from headrace.campaigns.driver.project_driver import is_driven

    session = current()
    project = session.project()
    with make_campaign_board(quiet=quiet) as board:
        before = campaign_status(project, session.target, name)
        if not has_ended(before) and not is_driven(project, session.target):
            board.say("no driver runs: `headrace campaign start` or `headrace campaign drive`")
        status = follow_campaign(project, session.target, name, board.show, timeout)
    if not has_ended(status):
        note(f"campaign {name} has not ended within {timeout:g} s; it goes on")
        return timeout_exit_code
    show_ending(status)
    return exit_code(status)
