"""A driver in the background, started where none runs, from a command that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.campaigns.driver.project_driver import is_driven
from headrace.campaigns.errors import CampaignError

if TYPE_CHECKING:
    from headrace.project import Project

_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class BackgroundDriver:
    """The driver of a project's campaigns.

    Attributes:
        pid: its process; None where it ran before.
        log: file of what it says.
    """

    pid: int | None
    log: Path

    @property
    def text(self) -> str:
        """In one line, for people."""
        if self.pid is None:
            return "a driver runs already"
        return f"started a driver, process {self.pid}; it says what it does in {self.log}"


def driver_log(project: Project, target: str) -> Path:
    """Return the file of what a driver in the background says."""
    from headrace.facility import state_directory

    return state_directory(project.root) / f"campaigns.{target}.log"


def start_driver(project: Project, target: str, profile: str | None = None) -> BackgroundDriver:
    """Start a driver in the background, unless one runs.

    It ends by itself when no campaign is under way any more.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        profile: the ``[profiles.NAME]`` in use.

    Raises:
        CampaignError: it did not start; the message has the last line that it said.
    """
    log = driver_log(project, target)
    if is_driven(project, target):
        return BackgroundDriver(None, log)
    before = log.stat().st_size if log.exists() else 0
    command = [sys.executable, "-m", "headrace.cli", "campaign", "drive", "--until-done"]
    command += [
        "-C",
        str(project.root),
        "--at",
        target,
        *(["--profile", profile] if profile else []),
    ]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=project.root,
            start_new_session=True,
        )
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if is_driven(project, target):
            return BackgroundDriver(process.pid, log)
        if process.poll() is not None:
            # It may have had nothing left to do, or another one was quicker.
            if process.returncode == 0 or is_driven(project, target):
                return BackgroundDriver(process.pid, log)
            said = log.read_bytes()[before:].decode("utf-8", "replace").strip().splitlines()
            last = said[-1] if said else f"it ended with {process.returncode}"
            raise CampaignError(f"the driver did not start: {last} (log: {log})")
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise CampaignError(f"the driver did not begin within {_SECONDS:.0f} s (log: {log})")
