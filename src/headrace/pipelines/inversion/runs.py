"""The runs that advance an inversion, and the watch that starts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.config.project_config import at_option
from headrace.triggers.arrival_lookup import ArrivalLookup

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView
    from headrace.seismic.inversion.status import RunState
    from headrace.triggers import Record

FLOW = "inversion"
_LOOKED_THROUGH = 20


class InversionRuns:
    """The runs of an inversion's iterations.

    Args:
        home: the inversion's directory.
        target: ``local`` or ``globus``.
        load: returns the project that runs it.
        connect: returns the services of the target.
    """

    def __init__(
        self,
        home: Path,
        target: str,
        load: Callable[[], Project],
        connect: Callable[[Project], Services],
    ) -> None:
        self._home = home
        self._target = target
        self._load = load
        self._connect = connect

    def state(self, iteration: int) -> RunState:
        """Find out whether somebody advances an iteration that has not ended.

        Args:
            iteration: its number.

        Returns:
            What its newest run does; why it has none; or that this is not known, and why.
        """
        from globus_sdk import GlobusError

        from headrace.config import ProjectError
        from headrace.errors import HeadraceError
        from headrace.runs import RunPoller
        from headrace.seismic.inversion.status import RunState

        try:
            project = self._load()
        except ProjectError as error:
            return RunState("unknown", f"no project is around it that would run it: {error}")
        try:
            if self._target == "local" and not _facility_is_up(project):
                return RunState(
                    "waiting",
                    f"the facility of {project.root} is down, so nobody advances iteration "
                    f"{iteration}; `headrace watch` there notices it and goes on",
                )
            services = self._connect(project)
            arrivals = ArrivalLookup.load(project, self._target)
            arrival = arrivals.find(self._home / "iterations" / f"{iteration:03d}")
            view = self._newest(project, services, iteration)
            if view is None and arrival is not None and arrival.run_id is not None:
                # Many runs of others may have started since.
                view = RunPoller(arrival.run_id).poll(services)
        except (HeadraceError, GlobusError, OSError) as error:
            return RunState("unknown", f"its runs cannot be asked for: {_line(error)}")
        if view is None:
            return _without_run(arrivals, arrival, iteration)
        return _of(view, arrivals)

    def _newest(self, project: Project, services: Services, iteration: int) -> RunView | None:
        from headrace.runs import RunPoller
        from headrace.runs.query import list_runs

        for run in list_runs(project, self._target, services, flow=FLOW, limit=_LOOKED_THROUGH):
            follower = RunPoller(str(run["run_id"]))
            view = follower.poll(services)
            first = (follower.entries[0].get("details") or {}) if follower.entries else {}
            if self._is_of(project, first.get("input") or {}, iteration):
                return view
        return None

    def _is_of(self, project: Project, given: dict[str, Any], iteration: int) -> bool:
        """Return whether a run's input is that of this inversion and iteration."""
        path = (given.get("inversion") or {}).get("path")
        root = project.collections["workstation"].root.resolve()
        if not isinstance(path, str) or (root / path.strip("/")).resolve() != self._home:
            return False
        return str(given.get("iteration", "")).lstrip("0") == str(iteration or "")


def _of(view: RunView, arrivals: ArrivalLookup) -> RunState:
    from headrace.runs import current_activity, failure_summary
    from headrace.seismic.inversion.status import RunState

    short, at = view.id[:8], at_option(arrivals.target)
    if view.cancelled:
        reason = f"run {short} was cancelled; `headrace run retry {short}{at}` takes it up again"
        return RunState("cancelled", reason, view.id)
    if view.status == "FAILED":
        # A retry from the failed state would not send what was mended here.
        reason = (
            f"run {short}: {failure_summary(view)}; mend it, then `headrace inversion resume "
            f"--again`, or, if nothing had to be changed here, `headrace run retry {short}{at}`"
        )
        return RunState("failed", reason, view.id)
    if view.status == "INACTIVE":
        activity = current_activity(view, arrivals.target).text
        reason = f"run {short} {activity}; then `headrace run resume {short}{at}`"
        return RunState("parked", reason, view.id)
    watch = (
        ""
        if arrivals.watched
        else f"; no `headrace watch{at}` is on, so the next iteration will wait for one"
    )
    if view.status == "SUCCEEDED":
        reason = (
            f"run {short} has succeeded, but its results are not here; `headrace inversion "
            "resume --again` publishes the iteration once more"
        )
        return RunState("waiting", reason, view.id)
    state = view.current.name if view.current else "begins"
    return RunState(
        "running", f"{state}: {current_activity(view, arrivals.target).text}{watch}", view.id
    )


def _without_run(arrivals: ArrivalLookup, arrival: Record | None, iteration: int) -> RunState:
    from headrace.seismic.inversion.status import RunState

    at = at_option(arrivals.target)

    if arrival is not None and arrival.state == "skipped":
        return RunState(
            "waiting",
            f"iteration {iteration} was there before anybody watched, and was skipped; "
            "`headrace inversion resume --again` publishes it once more",
        )
    if arrival is not None and arrival.state == "refused":
        return RunState(
            "failed",
            f"the run of iteration {iteration} could not be started: {arrival.reason}; mend "
            f"it, then `headrace trigger retry {arrival.trigger}{at}`",
        )
    return RunState(
        "waiting",
        f"iteration {iteration} is published and its run has not started yet"
        if arrivals.watched
        else f"iteration {iteration} is published, but no `headrace watch{at}` is on to run it",
    )


def _facility_is_up(project: Project) -> bool:
    from headrace.facility import find_address

    return find_address(project.root) is not None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
