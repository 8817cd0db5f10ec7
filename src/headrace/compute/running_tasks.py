"""Claims of workers on the tasks of a host: where each task runs, and since when."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .task_runner import WITHDRAWN


@dataclass(frozen=True)
class Claim:
    """The worker that runs a task.

    Attributes:
        task_id: the task.
        pid: the worker's process.
        node: name of the machine.
        job: the Slurm job that it is in, empty where none.
        since: when it began, in seconds since 1970.
    """

    task_id: str
    pid: int
    node: str
    job: str
    since: float


class Claims:
    """The claims on the tasks of one host.

    Args:
        directory: has a file for each task that runs.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[str, Claim] = {}

    def running(self) -> dict[str, Claim]:
        """Return the tasks that run."""
        try:
            names = {entry.name for entry in os.scandir(self._directory)}
        except OSError:
            return dict(self._read)
        self._read = {name: claim for name, claim in self._read.items() if name in names}
        for name in names - set(self._read):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                text = (self._directory / name).read_text()
                if text != WITHDRAWN:
                    self._read[name] = Claim(task_id=name, **json.loads(text))
        return dict(self._read)

    def withdraw(self, task_id: str) -> bool:
        """Keep a task from beginning; return whether that was in time."""
        # Complete from the first moment on: a worker that finds it reads it.
        complete = self._directory.with_name(f".{self._directory.name}.{task_id}")
        try:
            complete.write_text(WITHDRAWN)
            os.link(complete, self._directory / task_id)
        except OSError:
            return False
        finally:
            complete.unlink(missing_ok=True)
        return True

    def forget(self, task_id: str) -> bool:
        """Remove the claim of a worker that was lost; return whether there was one."""
        known = self._read.pop(task_id, None) is not None
        try:
            (self._directory / task_id).unlink()
        except OSError:
            return known
        return True


def remove_claims(state_dir: Path, live_hosts: Collection[str]) -> None:
    """Remove the claims of all hosts but the live ones."""
    with contextlib.suppress(FileNotFoundError):
        for directory in (state_dir / "claims").iterdir():
            if directory.name not in live_hosts:
                shutil.rmtree(directory, ignore_errors=True)
