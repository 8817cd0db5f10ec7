"""A run as Python programs use it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView


class RunFailed(HeadraceError):
    """A run that did not succeed; the message says why."""


class Run:
    """A run of a flow.

    Args:
        project: whose run it is.
        target: ``local`` or ``globus``.
        run_id: its id.

    Attributes:
        id: its id.
    """

    def __init__(self, project: Project, target: str, run_id: str) -> None:
        self.id = run_id
        self._project = project
        self._target = target

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    @property
    def status(self) -> str:
        """``ACTIVE``, ``INACTIVE``, ``SUCCEEDED``, ``FAILED`` or ``ENDED``, asked for now."""
        return self._view().status

    @property
    def output(self) -> dict[str, Any]:
        """The payload at the end of a run that succeeded; empty before."""
        return self._view().output

    @property
    def results(self) -> Path | None:
        """The directory with its results on this machine; None where there is none here."""
        from headrace.runs import results_of

        found = results_of(self._view(), self._project, self._target)
        return None if found is None else found.directory

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Run:
        """Wait for the end.

        Args:
            timeout: seconds after which to wait no more; for ever by default.
            check: whether a run that did not succeed raises.

        Returns:
            The run.

        Raises:
            TimeoutError: it has not ended in this time; it goes on.
            RunFailed: it did not succeed.
        """
        from headrace.runs import failure_message
        from headrace.runs.tracker import POLL_INTERVALS, RunTracker

        tracker = RunTracker(_Quiet(), self._services, POLL_INTERVALS[self._target])
        tracker.add(self.id)
        view = tracker.until_ended(timeout).get(self.id)
        if view is None:
            raise TimeoutError(f"run {self.id} has not ended within {timeout:g} s; it goes on")
        if check and view.status != "SUCCEEDED":
            raise RunFailed(f"run {self.id}: {failure_message(view) or view.status}")
        return self

    def cancel(self) -> None:
        """Cancel it; one that has ended stays as it is."""
        self._services().flows.cancel_run(self.id)

    def _view(self) -> RunView:
        from headrace.runs import RunPoller

        return RunPoller(self.id).poll(self._services())

    def _services(self) -> Services:
        from headrace.project import connect

        return connect(self._project, self._target, start=True)


class _Quiet:
    """Shows no progress."""

    def show(self, views: Iterable[RunView]) -> None:
        """Show nothing."""

    def say(self, message: str) -> None:
        """Show nothing: a service that is away is waited for."""
