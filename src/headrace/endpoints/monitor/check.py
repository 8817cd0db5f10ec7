"""One check after the other: look, judge, restart, remember, tell."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headrace._internal.files import only_one, write_private
from headrace.endpoints import manage
from headrace.endpoints.canary import Canary, send_canary
from headrace.endpoints.monitor.heartbeat import monitor_directory, write_heartbeat
from headrace.endpoints.monitor.policy import TRIES, Record, Sighting, decide, judge
from headrace.errors import HeadraceError
from headrace.notifications.channels import tell
from headrace.project.project import Project
from headrace.project.targets import connect

if TYPE_CHECKING:
    from headrace.hosted import Services

logger = logging.getLogger(__name__)

# The row of the facility among those of endpoints, whose names hold no space.
_FACILITY = "local facility"


@dataclass(frozen=True)
class Report:
    """What a check found and did of one endpoint.

    Attributes:
        name: the endpoint.
        health: how it was found.
        action: what was done: ``none``, ``wait``, ``restarted``, ``failed`` or ``give up``.
        story: what is the matter, or how the restart went, in one line.
        state: of its process.
        service: what the service said.
        tries: restarts since it was healthy last.
    """

    name: str
    health: str
    action: str
    story: str
    state: str
    service: str
    tries: int

    @property
    def well(self) -> bool:
        """Whether nobody needs to do anything."""
        return self.health in ("healthy", "held") or self.action in ("restarted", "wait")


class Monitor:
    """Watches over the endpoints that were created on this machine.

    Args:
        project: the project.
        place: where they belong to.
        names: which ones; all by default.
        canary_seconds: deadline of a canary sent at every check; none by default.
        tries: restarts in vain before one is given up.
        now: the time, in seconds since 1970.
        chance: random numbers in [0, 1).
    """

    def __init__(
        self,
        project: Project,
        place: str,
        names: Sequence[str] = (),
        *,
        canary_seconds: float | None = None,
        tries: int = TRIES,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._project = project
        self._place = place
        self._names = names
        self._canary_seconds = canary_seconds
        self._tries = tries
        self._now = now
        self._chance = chance
        self._directory = monitor_directory(project)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Give whether this is the only monitor of the project; hold others off meanwhile."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with only_one(self._directory / "lock") as alone:
            yield alone

    def check(self) -> list[Report]:
        """Look at every endpoint once, and does what is to be done.

        Returns:
            A report for each.

        Raises:
            ProjectError: a name is unknown.
        """
        names = self._names or manage.installed_here(self._project, self._place)
        records = self._read()
        services = self._services()
        reports = []
        for name in names:
            report, records[name] = self._check(name, records.get(name, Record()), services)
            reports.append(report)
            # After each: a monitor that is killed forgets no restart.
            self._write(records)
        if self._place == "local":
            reports += self._facility(records)
        write_heartbeat(self._project, [asdict(report) for report in reports], self._now())
        return reports

    def _facility(self, records: dict[str, Record]) -> list[Report]:
        """Look at the facility itself, without which no endpoint gets a task."""
        from headrace.facility import facility_status

        try:
            status = facility_status(self._project.root)
            problems = status["problems"] if status else []
        except HeadraceError as error:
            problems = [str(error)]
        before = records.get(_FACILITY, Record())
        story = "; ".join(problems)
        if problems and not before.gave_up:
            self._tell(_FACILITY, "unwell", story)
        elif before.gave_up and not problems:
            self._tell(_FACILITY, "recovered", "it is well")
        records[_FACILITY] = Record(gave_up=story)
        self._write(records)
        if not problems:
            return []
        return [Report(_FACILITY, "unwell", "none", story, "running", "", 0)]

    def _services(self) -> Services | None:
        try:
            return connect(self._project, self._place)
        except HeadraceError as error:
            logger.warning("%s", error)
            return None

    def _check(self, name: str, record: Record, services: Services | None) -> tuple[Report, Record]:
        sighting = self._look(name, services)
        health, story = judge(sighting)
        was_bad = record.tries > 0 or bool(record.gave_up)
        action, after = decide(record, health, self._now(), self._chance(), self._tries)
        done: str = action
        if action == "restart":
            done, story, after = self._restart(name, story, after)
        elif action == "give up":
            story = f"{story}; {after.gave_up}: a person must look at it"
        elif after.gave_up:
            story = f"{story}; given up: {after.gave_up}"
        if done in ("restarted", "give up", "failed"):
            self._tell(name, done, story)
        elif health == "healthy" and was_bad:
            self._tell(name, "recovered", "it runs tasks again" if sighting.canary else "it runs")
        report = Report(name, health, done, story, sighting.state, sighting.service, after.tries)
        return report, after

    def _look(self, name: str, services: Services | None) -> Sighting:
        from headrace.compute.managed_endpoints import end_orphans

        endpoint = manage.installed_endpoint(self._project, name, self._place)
        state = endpoint.state()
        if state == "running":
            try:
                for ended in end_orphans(endpoint):
                    logger.info("endpoint %s: ended %s, which nothing used any more", name, ended)
            except HeadraceError as error:
                logger.warning("endpoint %s: %s", name, error)
        service = manage.service_status(services, endpoint.id)
        canary: Canary | None = None
        healthy = state == "running" and service == "online" and services is not None
        if healthy and self._canary_seconds is not None and services is not None:
            canary = send_canary(
                self._project, self._place, services, endpoint.id, self._canary_seconds
            )
        return Sighting(state, endpoint.process() is not None, service, endpoint.held, canary)

    def _restart(self, name: str, story: str, record: Record) -> tuple[str, str, Record]:
        from headrace.compute.managed_endpoints import LoginNeeded

        try:
            services = connect(self._project, self._place)
            manage.stop(self._project, name, self._place, hold=False)
            manage.start(self._project, name, self._place, services)
        except LoginNeeded as error:
            # More tries would not log anybody in.
            return "give up", str(error), Record(record.bad, record.tries, 0.0, "a login is needed")
        except HeadraceError as error:
            return "failed", f"{story}; the restart failed: {error}", record
        return "restarted", f"{story}; restarted", record

    def _tell(self, name: str, what: str, story: str) -> None:
        words = {
            "restarted": "was restarted",
            "failed": "could not be restarted",
            "give up": "is given up",
            "recovered": "is well again",
            "unwell": "needs a person",
        }[what]
        kind = "the" if name == _FACILITY else "endpoint"
        subject = f"headrace: {kind} {name} of {self._project.name} {words}"
        tell(self._project.config.notify, subject, f"{subject}: {story}")

    def _read(self) -> dict[str, Record]:
        try:
            document = json.loads(self._state_file.read_text())
            return {name: Record(**record) for name, record in document.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s: cannot be read (%s); begun anew", self._state_file, error)
            return {}

    def _write(self, records: dict[str, Record]) -> None:
        document: dict[str, Any] = {name: asdict(record) for name, record in records.items()}
        write_private(self._state_file, json.dumps(document, indent=1))

    @property
    def _state_file(self) -> Any:
        return self._directory / f"records.{self._place}.json"
