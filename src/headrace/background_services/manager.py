"""The interface of service managers, which start services and start them again."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from headrace.background_services.definition import BackgroundService
from headrace.config.errors import ProjectError

_SECONDS: Final = 60.0


@dataclass(frozen=True)
class ServiceStatus:
    """State of a service.

    Attributes:
        name: the service's name.
        id: its name on this machine.
        state: ``not installed``, ``active``, or the manager's word for another state.
        since: time of the last change, as the manager writes it; "" where it says none.
        pid: its process; 0 without one.
        restarts: how often the manager has restarted it; None where that is not counted.
    """

    name: str
    id: str
    state: str
    since: str = ""
    pid: int = 0
    restarts: int | None = None

    @property
    def installed(self) -> bool:
        """True where the manager has the service."""
        return self.state != "not installed"

    @property
    def active(self) -> bool:
        """True while it works."""
        return self.state == "active"

    def document(self) -> dict[str, Any]:
        """Return the status as JSON shows it."""
        return {
            "name": self.name,
            "id": self.id,
            "state": self.state,
            "since": self.since,
            "pid": self.pid,
            "restarts": self.restarts,
        }


class ServiceManager(Protocol):
    """Starts services when the machine starts, and again when they end."""

    name: str

    def install(self, services: Sequence[BackgroundService]) -> list[str]:
        """Install services, in the place of earlier ones of their names, and start them.

        Returns:
            What is to be done besides, a line each.

        Raises:
            ProjectError: the manager refuses.
        """

    def remove(self, services: Sequence[BackgroundService]) -> list[str]:
        """Stop services and remove all that was installed of them.

        Returns:
            The names of those that were there.

        Raises:
            ProjectError: the manager refuses.
        """

    def status(self, service: BackgroundService) -> ServiceStatus:
        """Return the state of a service.

        Raises:
            ProjectError: the manager does not say it.
        """

    def log_command(self, service: BackgroundService, lines: int, follow: bool) -> Sequence[str]:
        """Return the command that shows the last lines of a service's log."""


def run_program(
    arguments: Sequence[str], seconds: float = _SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a program of a manager.

    Args:
        arguments: program and arguments.
        seconds: how long it may take.

    Raises:
        ProjectError: it is not there, or takes longer.
    """
    try:
        return subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise ProjectError(f"there is no {arguments[0]} on this machine") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProjectError(f"{arguments[0]}: {error}") from error


def failure_text(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program said when it failed, in one line."""
    return " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
