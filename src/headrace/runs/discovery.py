"""Discovery of runs that are started elsewhere: by hand, by a retry, by another machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.project.project import Project
from headrace.runs.poller import FINAL, parse_time

if TYPE_CHECKING:
    from headrace.hosted import Services

_INTERVALS: Final = {"local": 2.0, "globus": 30.0}
# The clocks of the service and of this machine may differ, and lists may lag.
_MARGIN: Final = timedelta(minutes=10)


class RunDiscovery:
    """Discovery of the runs of a project's flows that were started since the last poll.

    Runs that are under way when it is asked first are found, too; those that had ended are not.

    Args:
        project: whose flows they are, as ``headrace.lock`` says at each poll.
        target: ``local`` or ``globus``.
        elapsed: a clock that only goes forward, in seconds.
    """

    def __init__(
        self, project: Project, target: str, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._project = project
        self._target = target
        self._elapsed = elapsed
        self._due = 0.0
        self._since = datetime.now(UTC) - _MARGIN
        self._known: dict[str, datetime] = {}
        self._polled = False

    def poll(self, services: Services) -> list[str]:
        """Return the ids of new runs, the oldest first; ask the service now and then only.

        Raises:
            GlobusAPIError: the service refuses.
            NetworkError: it does not answer.
        """
        now = self._elapsed()
        if self._polled and now < self._due:
            return []
        flows = {flow.id for flow in self._project.lock().at(self._target).flows.values()}
        started = self._runs(services, {"filter_start_time": f"{self._since.isoformat()},"})
        going = [] if self._polled else self._runs(services, {"filter_status": "ACTIVE,INACTIVE"})
        found = {}
        for run in [*going, *started]:
            run_id = str(run["run_id"])
            if run_id in self._known or str(run.get("flow_id")) not in flows:
                continue
            self._known[run_id] = parse_time(run.get("start_time")) or self._since
            if self._polled or str(run["status"]) not in FINAL:
                found[run_id] = self._known[run_id]
        self._polled, self._due = True, now + _INTERVALS[self._target]
        self._forget()
        return sorted(found, key=found.__getitem__)

    def _runs(self, services: Services, query: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {**query, "orderby": "start_time DESC", "per_page": 100}
        return list(services.read_items("/runs", "runs", wanted))

    def _forget(self) -> None:
        """Move the time from which runs are asked for on; what started before is forgotten."""
        self._since = max(self._since, max(self._known.values(), default=self._since) - _MARGIN)
        self._known = {
            run_id: start for run_id, start in self._known.items() if start >= self._since
        }
