"""A demonstration on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.cli.parsing.session import current
from headrace.cli.termio.notes import note
from headrace.cli.termio.progress import Board, make_board

if TYPE_CHECKING:
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
