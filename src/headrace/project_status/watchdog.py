"""Watchdog of a project's processes: what is dead is told once, and once more when it is back.

It reads heartbeats alone, so that it works on another machine that shares the state directory.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headrace._internal.files import write_private
from headrace._internal.heartbeat_files import HeartbeatRecord, read_heartbeats
from headrace.background_services.record import recorded_services
from headrace.config.errors import ProjectError
from headrace.notifications import Notification
from headrace.notifications.send import destinations
from headrace.project.project import Project
from headrace.runs.describe import format_duration

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessReport:
    """State of a process that is expected.

    Attributes:
        name: its name, such as ``facility``.
        state: ``well``, ``late``, ``dead``, ``stopped`` or ``missing``.
        message: what is known of it, in one line.
        age_seconds: seconds since its last sign of life; None without any.
        host: the machine it runs on; empty without a sign of life.
    """

    name: str
    state: str
    message: str
    age_seconds: int | None = None
    host: str = ""

    @property
    def is_dead(self) -> bool:
        """True where nothing goes on any more."""
        return self.state not in ("well", "late")

    def document(self) -> dict[str, Any]:
        """Return the report as JSON shows it."""
        return asdict(self)


class Watchdog:
    """Judges the heartbeats of a project, and notifies people of what is dead and of its return.

    Args:
        project: the project.
        target: where the runs of its processes are.
        expected: names of processes; by default those of the installed services, and all that
            have given a sign of life and have not been stopped since.
        max_age: seconds of silence after which a process is dead; as each says by default.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        expected: Sequence[str] = (),
        max_age: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        from headrace.facility import state_directory

        self._project = project
        self._target = target
        self._expected = expected
        self._max_age = max_age
        self._now = now
        self._state = state_directory(project.root)
        # Each machine that watches tells by itself: one of them may be away.
        host = socket.gethostname()
        self._record = self._state / "watchdog" / f"{host}.{target}.json"

    def check(self) -> list[ProcessReport]:
        """Judge every process that is expected once.

        Returns:
            A report for each.

        Raises:
            ProjectError: none is expected, or the state directory cannot be read.
        """
        if not self._state.is_dir():
            # Nobody is well whose signs of life cannot be seen.
            raise ProjectError(
                f"{self._state}: the state directory is not there, or cannot be seen"
            )
        known = {each.name: each for each in read_heartbeats(self._state, self._target)}
        names = self._expected or self._find_expected(known.values())
        if not names:
            raise ProjectError(
                f"{self._project.root}: no process is expected: no service is installed, and none "
                "gives signs of life; name those that must run with --expect"
            )
        reports = [self._report(name, known.get(name)) for name in dict.fromkeys(names)]
        self._notify(reports)
        return reports

    def _find_expected(self, heartbeats: Iterable[HeartbeatRecord]) -> list[str]:
        installed = [each.name for each in recorded_services(self._project, self._target)]
        return [*installed, *(each.name for each in heartbeats if not each.stopped)]

    def _report(self, name: str, heartbeat: HeartbeatRecord | None) -> ProcessReport:
        if heartbeat is None:
            return ProcessReport(name, "missing", "it has never given a sign of life")
        now = self._now()
        state: str = heartbeat.state(now)
        age = heartbeat.age(now)
        if state in ("well", "late") and self._max_age is not None and age > self._max_age:
            state = "dead"
        where = f"on {heartbeat.host} (process {heartbeat.pid})"
        heard = f"last sign of life {format_duration(age)} ago {where}"
        if state == "stopped":
            heard = f"it was stopped {format_duration(age)} ago {where}"
        problem = f"; {heartbeat.problem}" if heartbeat.problem else ""
        return ProcessReport(name, state, f"{heard}{problem}", round(age), heartbeat.host)

    def _notify(self, reports: Sequence[ProcessReport]) -> None:
        """Tell each channel what it has not been told yet; what fails is sent at the next check."""
        channels = destinations(self._project.config.notify)
        before = self._read(channels)
        names = {report.name for report in reports}
        after = {}
        for channel, destination in channels.items():
            dead = before[channel] & names
            for report in reports:
                if report.is_dead == (report.name in before[channel]):
                    continue
                if error := destination.send(self._notification(report)):
                    logger.error("%s", error)
                    continue
                dead = dead | {report.name} if report.is_dead else dead - {report.name}
            after[channel] = dead
        if after != before:
            self._write({channel: sorted(dead) for channel, dead in after.items()})

    def _notification(self, report: ProcessReport) -> Notification:
        words = "is dead" if report.is_dead else "is back"
        subject = f"headrace: the {report.name} of {self._project.name} {words}"
        return Notification(
            subject,
            f"{subject}: {report.message}\nproject {self._project.root}",
            "urgent" if report.is_dead else "info",
            key=f"process/{report.name}/{words}",
            time=self._now(),
        )

    def _read(self, channels: Iterable[str]) -> dict[str, set[str]]:
        """Return the processes that each channel was told are dead."""
        try:
            known = json.loads(self._record.read_bytes())
            return {channel: set(map(str, known.get(channel, ()))) for channel in channels}
        except (OSError, ValueError, TypeError, AttributeError):
            return {channel: set() for channel in channels}

    def _write(self, dead: Mapping[str, Sequence[str]]) -> None:
        try:
            write_private(self._record, json.dumps(dead) + "\n")
        except OSError:
            return  # told again rather than not at all
