"""Reading of a project's status: each part is asked by itself, and none hides another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace._internal.heartbeat_files import heartbeat_directory, read_heartbeats
from headrace.config.project_config import at_option
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.project.targets import connect
from headrace.project_status.campaign_status import campaign_findings, read_campaigns
from headrace.project_status.disks import disk_findings, read_file_systems
from headrace.project_status.failures import (
    Failures,
    failure_findings,
    read_failures,
    read_waiting_runs,
    waiting_findings,
)
from headrace.project_status.processes import process_findings
from headrace.project_status.report import ProjectStatus
from headrace.project_status.run_figures import read_run_figures
from headrace.project_status.trigger_status import read_triggers, trigger_findings
from headrace.project_status.verdict import Finding

if TYPE_CHECKING:
    from headrace._internal.heartbeat_files import HeartbeatRecord
    from headrace.hosted import Services
    from headrace.project_status.failed_runs import FailedRuns
    from headrace.project_status.failures import WaitingRun
    from headrace.project_status.run_figures import RunFigures

T = TypeVar("T")

CORE_HOURS_UNKNOWN: Final = "nobody counts them at this target; ask the scheduler's accounting"
"""Why no core hours are told."""


def read_status(
    project: Project, target: str, failed_runs: FailedRuns | None = None
) -> ProjectStatus:
    """Return the status of a project at a target; nothing is changed or started.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        failed_runs: what was read the time before, by one who reads again and again.
    """
    return _StatusReading(project, target, failed_runs).read()


class _StatusReading:
    """One reading of the status.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        failed_runs: what was read the time before.
    """

    def __init__(self, project: Project, target: str, failed_runs: FailedRuns | None) -> None:
        self._failed_runs = failed_runs
        self._project = project
        self._target = target
        self._unknown: dict[str, str] = {}

    def read(self) -> ProjectStatus:
        """Ask for every part."""
        project, target = self._project, self._target
        moment = time.time()
        state = self._try("state", self._state_directory)
        known = self._try("heartbeats", partial(self._heartbeats, state)) if state else None
        heartbeats = known or []
        services = self._try("service", self._connect) if state else None
        at = (project, target)
        runs = self._asked("runs", services, partial(read_run_figures, *at))
        waiting = self._asked("waiting", services, partial(self._waiting, runs))
        failures = self._asked("failures", services, partial(self._failures, runs))
        endpoints = self._try("endpoints", lambda: self._endpoints(services))
        triggers = self._try("triggers", partial(read_triggers, *at))
        campaigns = self._try("campaigns", partial(read_campaigns, *at))
        installed = self._try("services", self._installed)
        disks = read_file_systems(project, target, state) if state else []
        findings = [
            *waiting_findings(waiting or ()),
            *self._service_findings(services, heartbeats, runs),
            *process_findings(installed or (), heartbeats, moment, state),
            *endpoint_findings(endpoints or (), asked=services is not None),
            *trigger_findings(triggers or ()),
            *campaign_findings(campaigns or ()),
            *disk_findings(disks),
            *(failure_findings(failures) if failures else ()),
        ]
        findings = [replace(each, command=self._here(each.command)) for each in findings]
        counted = runs is not None and runs.core_hours is not None
        named = {each.part for each in findings}
        for part, reason in self._unknown.items():
            if part not in named and part != "core_hours":
                findings.append(Finding("look", part, f"{part}: could not be asked: {reason}"))
        return ProjectStatus(
            project.name,
            target,
            moment,
            findings,
            runs,
            waiting,
            failures,
            endpoints,
            triggers,
            installed,
            heartbeats,
            disks,
            {**self._unknown, **({} if counted else {"core_hours": CORE_HOURS_UNKNOWN})},
            campaigns,
        )

    def _here(self, command: str) -> str:
        """Return a command as it works at the target; others than headrace's know none."""
        option = at_option(self._target)
        is_own = command.startswith("headrace ") and not command.endswith(option or " ")
        return f"{command}{option}" if is_own else command

    def _state_directory(self) -> Path:
        from headrace.facility import state_directory

        return state_directory(self._project.root)

    def _heartbeats(self, state: Path) -> list[HeartbeatRecord]:
        # A directory that may not be read would look like one without heartbeats.
        for directory in (state, heartbeat_directory(state)):
            with suppress(FileNotFoundError):
                os.scandir(directory).close()
        return read_heartbeats(state, self._target)

    def _connect(self) -> Services:
        return connect(self._project, self._target)

    def _waiting(self, runs: RunFigures | None, services: Services) -> list[WaitingRun]:
        """Return the runs that wait for a person; where none does nobody is asked again."""
        if runs is not None and runs.web_inputs == runs.counts["INACTIVE"] == 0:
            return []
        found = read_waiting_runs(self._project, self._target, services)
        return [replace(each, command=self._here(each.command)) for each in found]

    def _failures(self, runs: RunFigures | None, services: Services) -> Failures:
        if runs is not None and runs.failed_last_day == 0:
            return Failures((), 0, complete=True)
        found = read_failures(self._project, self._target, services, self._failed_runs)
        groups = [replace(each, command=self._here(each.command)) for each in found.groups]
        return replace(found, groups=groups)

    def _endpoints(self, services: Services | None) -> list[dict[str, Any]]:
        from headrace.endpoints.status import endpoint_documents

        return endpoint_documents(self._project, self._target, services)

    def _installed(self) -> list[Any]:
        from headrace.background_services.record import installed_services

        return installed_services(self._project, self._target, os.environ)

    def _service_findings(
        self,
        services: Services | None,
        heartbeats: Sequence[HeartbeatRecord],
        runs: RunFigures | None,
    ) -> Iterator[Finding]:
        """Yield what is the matter with the service that the runs are at."""
        if services is None:
            # A facility that was not ended as it should be is told of by its heartbeat.
            reason = self._unknown.get("service", self._unknown.get("state", ""))
            yield Finding("look", "service", f"runs cannot be asked for: {reason}")
        elif runs is not None:
            known = {each.problem for each in heartbeats}
            for problem in runs.problems:
                if not any(problem in text for text in known):
                    yield Finding("act", "service", problem, "headrace facility status")
            if runs.held:
                text = "1 run is held" if runs.held == 1 else f"{runs.held:,} runs are held"
                text += " and goes no further" if runs.held == 1 else " and go no further"
                yield Finding("look", "held", text, "headrace run list --held")
            if runs.parked:
                text = f"{runs.parked:,} runs cannot be advanced"
                yield Finding("act", "service", text, "headrace facility status")

    def _asked(
        self, part: str, services: Services | None, read: Callable[[Services], T]
    ) -> T | None:
        if services is None:
            return None
        return self._try(part, lambda: read(services))

    def _try(self, part: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (HeadraceError, OSError) as error:
            self._unknown[part] = " ".join(str(error).split())
        except Exception as error:
            if not _is_of_service(error):
                raise
            self._unknown[part] = " ".join(str(error).split())
        return None


def _is_of_service(error: Exception) -> bool:
    """Return whether an error is one of the client of the hosted services."""
    from headrace.hosted import sdk

    return isinstance(error, sdk().GlobusError)


def endpoint_findings(endpoints: Iterable[Mapping[str, Any]], *, asked: bool) -> Iterator[Finding]:
    """Yield what is the matter with endpoints.

    Args:
        endpoints: what is known of each.
        asked: whether the service was there to be asked.
    """
    for each in endpoints:
        show = f"headrace endpoint status {each['name']}"
        problem = ""
        if each["kind"] == "installed" and each["state"] in ("stopped", "disconnected"):
            problem = f"the endpoint {each['name']} is down: it is {each['state']}"
        elif each["service"] in ("offline", "not registered") and each["kind"] != "hosted":
            problem = f"the endpoint {each['name']} is {each['service']}, as the service says"
        if problem and not each["held"]:
            yield Finding("act", "endpoints", problem, show)
        elif asked and each["id"] and each["service"] == "unknown":
            text = f"the endpoint {each['name']}: the service does not say how it is"
            yield Finding("look", "endpoints", text, show)
        elif each["warning"]:
            text = f"the endpoint {each['name']}: {each['warning']}"
            yield Finding("look", "endpoints", text, show)
