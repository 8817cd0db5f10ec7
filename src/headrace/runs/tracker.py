"""Polling several runs until they have ended, through restarts of the facility."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.runs import RunPoller, RunView

POLL_INTERVALS = {"local": 0.5, "globus": 5.0}
"""Seconds between two polls of a run, by where it runs."""


class ProgressReporter(Protocol):
    """Shows the progress of runs."""

    def show(self, views: Iterable[RunView]) -> None:
        """Show the present state of runs."""

    def say(self, message: str) -> None:
        """Show a message that is not about one run's progress."""


class RunTracker:
    """Polls runs until they have ended.

    Args:
        reporter: shows the runs.
        connect: returns the services; called again after they were away.
        interval: seconds between two polls.
        services: the services, where they are connected already.
        lenient: whether a run may be deleted meanwhile.
        on_poll: called with each run at each poll.
        find: finds further runs at each poll; they are polled, but do not count as busy.
        on_found: called with each run that ``find`` found, before it is polled.
    """

    def __init__(
        self,
        reporter: ProgressReporter,
        connect: Callable[[], Services],
        interval: float,
        *,
        services: Services | None = None,
        lenient: bool = False,
        on_poll: Callable[[RunView], None] = lambda view: None,
        find: Callable[[Services], list[str]] | None = None,
        on_found: Callable[[str], None] = lambda run_id: None,
    ) -> None:
        self._reporter = reporter
        self._connect = connect
        self.interval = interval
        self._services = services
        self._lenient = lenient
        self._on_poll = on_poll
        self._find = find
        self._on_found = on_found
        self._others: set[str] = set()
        self._last_error = ""
        self._open: dict[str, RunPoller] = {}
        self.ended: dict[str, RunView] = {}

    @property
    def busy(self) -> bool:
        """True while a run that is waited for has not ended."""
        return not self._open.keys() <= self._others

    @property
    def open(self) -> set[str]:
        """The runs that have not ended."""
        return set(self._open)

    def add(self, run_id: str) -> None:
        """Follow one more run, and wait for it."""
        from headrace.runs import RunPoller

        self._others.discard(run_id)
        self._open.setdefault(run_id, RunPoller(run_id))

    def add_other(self, run_id: str) -> None:
        """Follow one more run, which nobody waits for."""
        from headrace.runs import RunPoller

        if run_id not in self._open:
            self._others.add(run_id)
            self._open[run_id] = RunPoller(run_id)

    def poll(self) -> None:
        """Poll every run once and show it; a service that is away is polled again later.

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
            self._add_found(services)
            for poller in list(self._open.values()):
                views += self._poll_run(poller, services)
        except HostedError as error:
            # A facility that was killed goes on with its runs once it is started again.
            if error.exit_code != 1:
                raise
            self._report_once(str(error))
            return
        self._last_error = ""
        self._services = services
        for view in views:
            self._on_poll(view)
            if view.final:
                if view.id not in self._others:
                    self.ended[view.id] = view
                del self._open[view.id]
        self._reporter.show(views)

    def _add_found(self, services: Services) -> None:
        from headrace.hosted import explain, sdk

        if self._find is None:
            return
        try:
            found = self._find(services)
        except (sdk().GlobusAPIError, sdk().NetworkError) as error:
            raise explain(error) from error
        for run_id in found:
            if run_id not in self._open and run_id not in self.ended:
                self._on_found(run_id)
                self.add_other(run_id)

    def _poll_run(self, poller: RunPoller, services: Services) -> list[RunView]:
        from headrace.hosted import explain, sdk

        try:
            return [poller.poll(services)]
        except sdk().NetworkError as error:
            raise explain(error) from error
        except sdk().GlobusAPIError as error:
            if error.http_status == 404 and self._lenient:
                del self._open[poller.run_id]
                self._reporter.say(f"run {poller.run_id} was deleted")
                return []
            if error.http_status == 429 or error.http_status >= 500:
                raise explain(error) from error
            raise

    def _report_once(self, message: str) -> None:
        if message != self._last_error:
            self._last_error = message
            self._reporter.say(message)

    def until_ended(self, timeout: float | None = None) -> dict[str, RunView]:
        """Poll until all runs have ended, and return those that have.

        Args:
            timeout: seconds after which to stop; for ever by default.
        """
        pause = threading.Event()
        deadline = None if timeout is None else time.monotonic() + timeout
        self.poll()
        while self._open:
            left = self.interval if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            pause.wait(min(self.interval, left))
            self.poll()
        return self.ended
