"""Services as entries of the user's crontab: started with the machine, looked for every minute."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from headrace.background_services.cron_runner import log_file, read_runner, stop_runner
from headrace.background_services.definition import BackgroundService
from headrace.background_services.manager import ServiceStatus
from headrace.config.errors import ProjectError
from headrace.project.cron_table import CronTable

_TABLE: Final = CronTable(
    "crontab", "keep the commands in a terminal multiplexer", "`headrace service install --help`"
)


class CronManager:
    """The crontab of the user."""

    name = "cron"

    def install(self, services: Sequence[BackgroundService]) -> list[str]:
        """Write an entry for each service; cron starts it within a minute."""
        _TABLE.put({service.id: _entry_lines(service) for service in services})
        for service in services:
            stop_runner(service)  # one with the settings of before
        return ["cron starts them within a minute, and again when they end"]

    def remove(self, services: Sequence[BackgroundService]) -> list[str]:
        """Remove the entries, then stop the services."""
        removed = _TABLE.remove([service.id for service in services])
        for service in reversed(services):
            stop_runner(service)
        return [service.name for service in services if service.id in removed]

    def status(self, service: BackgroundService) -> ServiceStatus:
        """Return whether the entry is there, and whether the service runs."""
        running = read_runner(service)
        state = "active" if running else "inactive"
        if not _TABLE.has(service.id):
            state = "not installed"
        since = running.since if running else ""
        return ServiceStatus(service.name, service.id, state, since, running.pid if running else 0)

    def log_command(self, service: BackgroundService, lines: int, follow: bool) -> Sequence[str]:
        """Return the command that shows the end of the service's log."""
        follows = ("--follow=name", "--retry") if follow else ()
        return ("tail", "--lines", str(lines), *follows, str(log_file(service)))


def _entry_lines(service: BackgroundService) -> str:
    program = (
        *(str(Path(sys.executable).with_name("headrace")), "service", "run", service.name),
        *service.location,
    )
    environment = [f"{name}={value}" for name, value in sorted(service.environment.items())]
    words = ["env", *environment, *program] if environment else [*program]
    if any("\n" in word for word in words):
        raise ProjectError(f"cron cannot hold a line break: {words!r}")
    # cron takes a percent sign for the end of the command.
    command = shlex.join(words).replace("%", "\\%")
    return f"@reboot {command}\n* * * * * {command}\n"
