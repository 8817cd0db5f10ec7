"""A demonstration on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.cli.parsing.session import current
from headrace.cli.termio.notes import note
from headrace.cli.termio.progress import Board, make_board

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus
    from headrace.demos.campaign_demonstration import CampaignDemonstration
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView

Watch = Callable[["Project", str, Board, Callable[[], "Services"]], "list[RunView]"]


def deploy_and_watch(watch: Watch) -> list[RunView]:
    """Deploy the project of a demonstration, and show its runs until they have ended.

    Args:
        watch: runs the demonstration.

    Returns:
        The runs as they ended.
    """
    from headrace.demos.demonstration import deploy_project

    session = current()
    project = session.project()
    deploy_project(project, session.target, session.services(project, start=True), note)
    with make_board() as board:

        def connect() -> Services:
            return session.services(project, start=True, say=board.say)

        return watch(project, session.target, board, connect)


def deploy_and_drive(
    demonstration: CampaignDemonstration, *, shows_board: bool = False
) -> CampaignStatus:
    """Deploy the project of a demonstration, and drive its campaign until nothing is left to do.

    Args:
        demonstration: the demonstration, prepared.
        shows_board: whether lanes and members are shown meanwhile.

    Returns:
        The campaign's status at the end.
    """
    from headrace.cli.termio.campaign_progress import make_campaign_board
    from headrace.demos.demonstration import deploy_project

    session = current()
    project = session.project()
    deploy_project(project, session.target, session.services(project, start=True), note)
    if not shows_board:
        return demonstration.drive(
            project, session.target, lambda: session.services(project, start=True)
        )
    with make_campaign_board() as board:

        def connect() -> Services:
            return session.services(project, start=True, say=board.say)

        demonstration.say = board.say
        return demonstration.drive(project, session.target, connect, board.show)
