"""Following runs on a board until they have ended, through restarts of the facility."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace.cli.options import Session
from headrace.cli.termio.progress import Board

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import (
        Project,
    )
    from headrace.runs import (
        RunFollower,
        RunView,
    )

INTERVALS = {"local": 0.5, "globus": 5.0}


class Following:
    """The runs that a command follows.

    Args:
        session: the command's session.
        project: whose runs they are.
        board: where they are shown.
        services: the services, where they have been asked for already.
        lenient: whether a run may be deleted meanwhile.
        on_look: told how each run stands, at each look.
        find: finds further runs at each look; they are told to ``on_found``, and followed, but
            do not count as busy.
        on_found: told of the runs that ``find`` found, before they are looked at.
    """

    def __init__(
        self,
        session: Session,
        project: Project,
        board: Board,
        services: Services | None = None,
        *,
        lenient: bool = False,
        on_look: Callable[[RunView], None] = lambda view: None,
        find: Callable[[Services], list[str]] | None = None,
        on_found: Callable[[str], None] = lambda run_id: None,
    ) -> None:
        self._session = session
        self._project = project
        self._board = board
        self._services = services
        self._lenient = lenient
        self._on_look = on_look
        self._find = find
        self._on_found = on_found
        self._others: set[str] = set()
        self._complaint = ""
        self._open: dict[str, RunFollower] = {}
        self.ended: dict[str, RunView] = {}

    @property
    def interval(self) -> float:
        """Seconds between two looks."""
        return INTERVALS[self._session.place]

    @property
    def busy(self) -> bool:
        """Whether a run has not ended that is waited for."""
        return not self._open.keys() <= self._others

    @property
    def open(self) -> set[str]:
        """The runs that have not ended."""
        return set(self._open)

    def add(self, run_id: str) -> None:
        """Follow one more run, and wait for it."""
        from headrace.runs import (
            RunFollower,
        )

        self._others.discard(run_id)
        self._open.setdefault(run_id, RunFollower(run_id))

    def add_other(self, run_id: str) -> None:
        """Follow one more run, which nobody waits for."""
        from headrace.runs import (
            RunFollower,
        )

        if run_id not in self._open:
            self._others.add(run_id)
            self._open[run_id] = RunFollower(run_id)

    def look(self) -> None:
        """Look at every run once and show it; a service that is away is asked again later.

        Raises:
            HeadraceError: the services cannot be started, or need a login.
            GlobusAPIError: the service refuses.
        """
        from headrace.hosted import HostedError

        if not self._open and self._find is None:
            return
        services = self._services or self._connect()
        self._services = None
        views: list[RunView] = []
        try:
            self._take_in_others(services)
            for follower in list(self._open.values()):
                views += self._look_at(follower, services)
        except HostedError as error:
            # A facility that was killed goes on with its runs once it is started again.
            if error.exit_code != 1:
                raise
            self._complain(str(error))
            return
        self._complaint = ""
        self._services = services
        for view in views:
            self._on_look(view)
            if view.final:
                if view.id not in self._others:
                    self.ended[view.id] = view
                del self._open[view.id]
        self._board.show(views)

    def _connect(self) -> Services:
        return self._session.services(self._project, start=True, say=self._board.say)

    def _take_in_others(self, services: Services) -> None:
        from globus_sdk import GlobusAPIError, NetworkError

        from headrace.hosted import explain

        if self._find is None:
            return
        try:
            found = self._find(services)
        except (GlobusAPIError, NetworkError) as error:
            raise explain(error) from error
        for run_id in found:
            if run_id not in self._open and run_id not in self.ended:
                self._on_found(run_id)
                self.add_other(run_id)

    def _look_at(self, follower: RunFollower, services: Services) -> list[RunView]:
        from globus_sdk import GlobusAPIError, NetworkError

        from headrace.hosted import explain

        try:
            return [follower.look(services)]
        except NetworkError as error:
            raise explain(error) from error
        except GlobusAPIError as error:
            if error.http_status == 404 and self._lenient:
                del self._open[follower.run_id]
                self._board.say(f"run {follower.run_id} was deleted")
                return []
            if error.http_status == 429 or error.http_status >= 500:
                raise explain(error) from error
            raise

    def _complain(self, message: str) -> None:
        if message != self._complaint:
            self._complaint = message
            self._board.say(message)

    def until_ended(self, timeout: float | None = None) -> dict[str, RunView]:
        """Look until all runs have ended, and return those that have.

        Args:
            timeout: seconds after which not to look any more; for ever by default.
        """
        pause = threading.Event()
        deadline = None if timeout is None else time.monotonic() + timeout
        self.look()
        while self._open:
            left = self.interval if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            pause.wait(min(self.interval, left))
            self.look()
        return self.ended


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
    """Follow one run to its end and shows how it ended.

    Args:
        session: the command's session.
        project: whose run it is.
        services: the services of its place.
        run_id: the run.
        quiet: whether no progress is shown.
        timeout: seconds after which not to wait any more.
        timeout_code: the exit code then.

    Returns:
        The exit code: 0 where it succeeded, 1 where it did not.
    """
    from headrace.cli.termio.display import display
    from headrace.cli.termio.notes import note
    from headrace.cli.termio.progress import make_board
    from headrace.cli.termio.runs import ending_text

    try:
        with make_board(quiet=quiet) as board:
            following = Following(session, project, board, services)
            following.add(run_id)
            view = following.until_ended(timeout).get(run_id)
    except KeyboardInterrupt:
        note(f"the run goes on: headrace run show {run_id}")
        raise
    if view is None:
        note(f"run {run_id} has not ended within {timeout:g} s; it goes on")
        return timeout_code
    display(
        ending(view, project, session.place),
        lambda: ending_text(view, project, session.place),
        ("run_id", "status"),
    )
    return 0 if view.status == "SUCCEEDED" else 1


def ending(view: RunView, project: Project, place: str) -> dict[str, Any]:
    """Return a run that has ended as JSON shows it: its document, results, and failure."""
    from headrace.runs import (
        failure_line,
        results_of,
        summary_of,
    )

    results = results_of(view, project, place)
    shown = results and {
        "collection": results.collection,
        "path": results.path,
        "directory": str(results.directory) if results.directory else None,
    }
    return {
        **view.run,
        "summary": summary_of(view),
        "results": shown,
        "failure": failure_line(view),
    }
