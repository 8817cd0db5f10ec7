"""A run, read once for all parts of its page and for all who look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.config import ProjectError
from headrace.config.ids import is_uuid
from headrace.hosted import sdk
from headrace.runs.poller import RunPoller, RunView
from headrace.runs.query import find_run, run_definition
from headrace.runs.state_details import StateDetails, state_details
from headrace.web.errors import PageMissing

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.web.view import View

_SECONDS: Final = 0.5
_DETAILS_SECONDS: Final = 2.0
# A run's definition never changes.
_FOR_LONG: Final = 3_600.0


@dataclass(frozen=True)
class RunReading:
    """A run as it was read last.

    Attributes:
        poller: reads it on.
        run: the run.
        entries: its log, oldest first.
    """

    poller: RunPoller
    run: RunView
    entries: Sequence[dict[str, Any]]

    @property
    def seen(self) -> str:
        """Name of what somebody sees who looks at the run now: anything new has another one."""
        run = self.run.run
        details = run.get("details") or {}
        last = (run.get("status"), run.get("held_at"), details.get("code"), details.get("time"))
        return f"{self.run.id} {len(self.entries)} {' '.join(map(str, last))}"


def read_run(view: View) -> RunReading:
    """Return the run that a page is of.

    Args:
        view: the request.

    Raises:
        PageMissing: it is not there, or no longer.
        HeadraceError: the services do not answer.
    """
    run_id = _run_id(view)

    def read(before: RunReading | None) -> RunReading:
        poller = before.poller if before is not None else RunPoller(run_id)
        run = view.ask(lambda services: _poll(services, poller))
        return RunReading(poller, run, tuple(poller.entries))

    return view.site.shared.get(("run", run_id), _SECONDS, read)


def read_definition(view: View, reading: RunReading) -> Mapping[str, Any]:
    """Return the definition that a run executes.

    Args:
        view: the request.
        reading: the run.
    """
    run_id = reading.run.id
    return view.site.shared.get(
        ("definition", run_id),
        _FOR_LONG,
        lambda before: view.ask(lambda services: run_definition(services, run_id)),
    )


def read_states(view: View, reading: RunReading) -> Sequence[StateDetails]:
    """Return the details of the states that a run has been in.

    Args:
        view: the request.
        reading: the run.
    """
    return view.site.shared.get(
        ("states", reading.run.id),
        _DETAILS_SECONDS,
        lambda before: state_details(reading.run, reading.entries, view.project),
    )


def _run_id(view: View) -> str:
    name = view.path["run"]

    if is_uuid(name):
        return name
    try:
        return view.ask(lambda services: find_run(services, name))
    except ProjectError as error:
        raise PageMissing(str(error)) from error


def _poll(services: Services, poller: RunPoller) -> RunView:
    try:
        return poller.poll(services)
    except sdk().GlobusAPIError as error:
        if error.http_status not in (404, 410):
            raise
        raise PageMissing(
            f"run {poller.run_id} is not there: it was deleted, or never was; Runs has the others"
        ) from error
