"""Progress of one run on the terminal, until it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.cli.parsing.session import Session
    from headrace.hosted import Services
    from headrace.project import Project


def follow_run(
    session: Session,
    project: Project,
    services: Services,
    run_id: str,
    *,
    quiet: bool,
    timeout: float | None = None,
    timeout_code: int = 1,
) -> int:
    """Show the progress of one run until it has ended, and its end.

    Args:
        session: the command's session.
        project: whose run it is.
        services: the services of its target.
        run_id: the run.
        quiet: whether no progress is shown.
        timeout: seconds after which not to wait any more.
        timeout_code: the exit code then.

    Returns:
        The exit code: 0 where it succeeded, 1 where it did not.
    """
    from headrace.cli.termio.progress import make_board
    from headrace.cli.termio.runs import ending_text
    from headrace.runs.run_document import run_document
    from headrace.runs.tracker import POLL_INTERVALS, RunTracker

    def connect() -> Services:
        return session.services(project, start=True, say=board.say)

    try:
        with make_board(quiet=quiet) as board:
            interval = POLL_INTERVALS[session.target]
            tracker = RunTracker(board, connect, interval, services=services)
            tracker.add(run_id)
            view = tracker.until_ended(timeout).get(run_id)
    except KeyboardInterrupt:
        note(f"the run goes on: headrace run show {run_id}")
        raise
    if view is None:
        note(f"run {run_id} has not ended within {timeout:g} s; it goes on")
        return timeout_code
    display(
        run_document(view, project, session.target),
        lambda: ending_text(view, project, session.target),
        ("run_id", "status"),
    )
    return 0 if view.status == "SUCCEEDED" else 1


def follow_until_end(
    run_id: str, *, quiet: bool, timeout: float | None = None, timeout_code: int = 1
) -> int:
    """Follow the run that the command line names to its end; see :func:`follow_run`."""
    from headrace.cli.parsing.session import current
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    services = session.services(project)
    return follow_run(
        session,
        project,
        services,
        find_run(services, run_id),
        quiet=quiet,
        timeout=timeout,
        timeout_code=timeout_code,
    )
