"""Checks of the endpoints created on this machine: probe, assess, restart, record, notify."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from headrace._internal.files import only_one, write_private
from headrace.config.notify_table import notify_events
from headrace.endpoints import installation, lifecycle
from headrace.endpoints.canary import CanaryResult, send_canary
from headrace.endpoints.monitor.heartbeat import (
    make_monitor_heartbeat,
    monitor_directory,
    write_heartbeat,
)
from headrace.endpoints.monitor.policy import (
    MAX_RESTARTS,
    EndpointStatus,
    RestartRecord,
    assess,
    choose_action,
)
from headrace.endpoints.monitor.scratch_removal import ScratchRemoval
from headrace.endpoints.status import service_status
from headrace.errors import HeadraceError
from headrace.notifications import Notification, Severity, send_notification
from headrace.notifications.deliver import deliver_notification
from headrace.project.project import Project
from headrace.project.targets import connect

if TYPE_CHECKING:
    from headrace.hosted import Services

logger = logging.getLogger(__name__)

# The row of the facility among those of endpoints, whose names hold no space.
_FACILITY = "local facility"
_SEVERITIES: dict[str, Severity] = {
    "restarted": "warning",
    "failed": "error",
    "give up": "urgent",
    "unwell": "urgent",
}


@dataclass(frozen=True)
class EndpointReport:
    """Result of the check of one endpoint.

    Attributes:
        name: the endpoint.
        health: how it was found.
        action: what was done: ``none``, ``wait``, ``restarted``, ``failed`` or ``give up``.
        message: what is the matter, or how the restart went, in one line.
        state: of its process.
        service: what the service said.
        tries: restarts since it was healthy last.
    """

    name: str
    health: str
    action: str
    message: str
    state: str
    service: str
    tries: int

    def document(self) -> dict[str, Any]:
        """Return the report as JSON shows it."""
        return asdict(self)

    @property
    def ok(self) -> bool:
        """True if nobody needs to do anything."""
        return self.health in ("healthy", "held") or self.action in ("restarted", "wait")


class EndpointMonitor:
    """Monitor of the endpoints that were created on this machine.

    Args:
        project: the project.
        target: where they belong to.
        names: which ones; all by default.
        canary_seconds: deadline of a canary sent at every check; none by default.
        max_restarts: restarts in vain before one is given up.
        interval: seconds between two checks of this process; None where it makes one only.
        now: the time, in seconds since 1970.
        jitter: random numbers in [0, 1).
    """

    def __init__(
        self,
        project: Project,
        target: str,
        names: Sequence[str] = (),
        *,
        canary_seconds: float | None = None,
        max_restarts: int = MAX_RESTARTS,
        interval: float | None = None,
        now: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._project = project
        self._target = target
        self._names = names
        self._canary_seconds = canary_seconds
        self._max_restarts = max_restarts
        self._now = now
        self._jitter = jitter
        self._directory = monitor_directory(project)
        self._heartbeat = make_monitor_heartbeat(project, target, interval, now)
        self._stays = interval is not None
        self.scratch_removal = ScratchRemoval(project, target, now)

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Give whether this is the only monitor of the project; hold others off meanwhile."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with only_one(self._directory / "lock") as alone:
            yield alone

    def check(self) -> list[EndpointReport]:
        """Check every endpoint once, and restart those that are down.

        Returns:
            A report for each.

        Raises:
            ProjectError: a name is unknown.
        """
        names = self._names or installation.installed_here(self._project, self._target)
        records = self._read()
        services = self._services()
        reports = []
        for name in names:
            report, records[name] = self._check(name, records.get(name, RestartRecord()), services)
            reports.append(report)
            # After each: a monitor that is killed forgets no restart.
            self._write(records)
        if self._target == "local":
            reports += self._facility(records)
        write_heartbeat(self._project, [report.document() for report in reports], self._now())
        self._remove_scratch()
        faulty = [f"{report.name}: {report.message}" for report in reports if not report.ok]
        faulty += filter(None, [self.scratch_removal.problem()])
        done = [f"checked {len(names)} endpoints", self.scratch_removal.summary()]
        self._heartbeat.beat("; ".join(filter(None, done)), "; ".join(faulty))
        return reports

    def _remove_scratch(self) -> None:
        self.scratch_removal.start()
        if not self._stays:
            self.scratch_removal.wait()

    def close(self) -> None:
        """Say that no check follows."""
        self._heartbeat.stop()

    def _facility(self, records: dict[str, RestartRecord]) -> list[EndpointReport]:
        """Look at the facility itself, without which no endpoint gets a task."""
        from headrace.facility import facility_status

        try:
            status = facility_status(self._project.root)
            problems = status["problems"] if status else []
        except HeadraceError as error:
            problems = [str(error)]
        before = records.get(_FACILITY, RestartRecord())
        message = "; ".join(problems)
        if problems and not before.gave_up:
            self._notify(_FACILITY, "unwell", message)
        elif before.gave_up and not problems:
            self._notify(_FACILITY, "recovered", "it is well")
        records[_FACILITY] = RestartRecord(gave_up=message)
        self._write(records)
        if not problems:
            return []
        return [EndpointReport(_FACILITY, "unwell", "none", message, "running", "", 0)]

    def _services(self) -> Services | None:
        try:
            return connect(self._project, self._target)
        except HeadraceError as error:
            logger.warning("%s", error)
            return None

    def _check(
        self, name: str, record: RestartRecord, services: Services | None
    ) -> tuple[EndpointReport, RestartRecord]:
        status = self._probe(name, services)
        health, message = assess(status)
        was_bad = record.tries > 0 or bool(record.gave_up)
        action, after = choose_action(
            record, health, self._now(), self._jitter(), self._max_restarts
        )
        done: str = action
        if action == "restart":
            done, message, after = self._restart(name, message, after)
        elif action == "give up":
            message = f"{message}; {after.gave_up}: a person must look at it"
        elif after.gave_up:
            message = f"{message}; given up: {after.gave_up}"
        if done in ("restarted", "give up", "failed"):
            self._notify(name, done, message)
        elif health == "healthy" and was_bad:
            self._notify(name, "recovered", "it runs tasks again" if status.canary else "it runs")
        report = EndpointReport(
            name, health, done, message, status.state, status.service, after.tries
        )
        return report, after

    def _probe(self, name: str, services: Services | None) -> EndpointStatus:
        from headrace.compute.managed_endpoints import end_orphans

        endpoint = installation.installed_endpoint(self._project, name, self._target)
        state = endpoint.state()
        if state == "running":
            try:
                for ended in end_orphans(endpoint):
                    logger.info("endpoint %s: ended %s, which nothing used any more", name, ended)
            except HeadraceError as error:
                logger.warning("endpoint %s: %s", name, error)
        service = service_status(services, endpoint.id)
        canary: CanaryResult | None = None
        healthy = state == "running" and service == "online" and services is not None
        if healthy and self._canary_seconds is not None and services is not None:
            canary = send_canary(
                self._project, self._target, services, endpoint.id, self._canary_seconds
            )
        return EndpointStatus(state, endpoint.process() is not None, service, endpoint.held, canary)

    def _restart(
        self, name: str, message: str, record: RestartRecord
    ) -> tuple[str, str, RestartRecord]:
        from headrace.compute.managed_endpoints import LoginRequired

        try:
            services = connect(self._project, self._target)
            lifecycle.stop(self._project, name, self._target, hold=False)
            lifecycle.start(self._project, name, self._target, services)
        except LoginRequired as error:
            # More tries would not log anybody in.
            return (
                "give up",
                str(error),
                RestartRecord(record.bad, record.tries, 0.0, "a login is needed"),
            )
        except HeadraceError as error:
            return "failed", f"{message}; the restart failed: {error}", record
        return "restarted", f"{message}; restarted", record

    def _notify(self, name: str, what: str, message: str) -> None:
        words = {
            "restarted": "was restarted",
            "failed": "could not be restarted",
            "give up": "is given up",
            "recovered": "is well again",
            "unwell": "needs a person",
        }[what]
        kind = "the" if name == _FACILITY else "endpoint"
        subject = f"headrace: {kind} {name} of {self._project.name} {words}"
        notification = Notification(
            subject,
            f"{subject}: {message}",
            _SEVERITIES.get(what, "info"),
            key=f"endpoint/{name}/{what}",
            time=time.time(),
        )
        settings, project = self._project.config.notify, self._project
        if "endpoint" not in notify_events(settings):
            return
        if name == _FACILITY:
            # At once: it may be the facility that sends what waits.
            send_notification(settings, notification)
        else:
            deliver_notification(
                settings,
                project.name,
                project.root,
                replace(notification, subject=f"{kind} {name} {words}"),
            )

    def _read(self) -> dict[str, RestartRecord]:
        try:
            document = json.loads(self._state_file.read_text())
            return {name: RestartRecord(**record) for name, record in document.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s: cannot be read (%s); started anew", self._state_file, error)
            return {}

    def _write(self, records: dict[str, RestartRecord]) -> None:
        document: dict[str, Any] = {name: asdict(record) for name, record in records.items()}
        write_private(self._state_file, json.dumps(document, indent=1))

    @property
    def _state_file(self) -> Any:
        return self._directory / f"records.{self._target}.json"
